"""The classic models of Theano's time, in Theano's vocabulary, from their published descriptions.

They import `theano` only; the tests run them with symgraph behind that name.
"""
