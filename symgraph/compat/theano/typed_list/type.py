"""`theano.typed_list.type`."""

from symgraph.typed_list import TypedListType

__all__ = ["TypedListType"]
