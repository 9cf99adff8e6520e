"""Theano's classes of ops, for programs that make ops by hand: each calls what computes it here."""
