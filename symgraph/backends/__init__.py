"""Targets: what turns kernels into machine code, and the run-time that code needs.

llvm/        the target by default: kernels and drivers as LLVM's text
numba/       the same programs as Python text to read and export; compiles routines on demand
routines/    native routines that ops call by name, with the libraries behind them
elementary/  exp, log, sin and their kin for every target
pool.py, threads.py  the pool of threads; disk.py the folder of compiled code; stop.py failed guards
"""
