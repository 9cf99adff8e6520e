"""Numba: the readable text of every program, and the routines that are compiled on demand."""
