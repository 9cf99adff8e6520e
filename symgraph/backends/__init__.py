"""Targets: what turns kernels into machine code, and the run-time that code needs."""
