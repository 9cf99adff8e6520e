"""The LLVM target: kernels and drivers as LLVM IR, compiled without numba."""
