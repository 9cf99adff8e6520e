"""`theano.compat.python2x`."""

from collections import Counter, OrderedDict, defaultdict

__all__ = ["Counter", "OrderedDict", "defaultdict"]
