"""`theano.sandbox.softsign`."""

from symgraph.nnet import softsign

__all__ = ["softsign"]
