"""`theano.tests`: what programs take from Theano's tests for their own."""

from symgraph.compat.theano.tests import unittest_tools

__all__ = ["unittest_tools"]
