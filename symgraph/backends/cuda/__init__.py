"""The CUDA target: numba.cuda kernels and library calls, driven by Python, on a card or simulated.

The seam to the machine is `device.py`: one object that stands for a device. `target.py` writes and
loads a plan; everything that needs numba's CUDA target or CuPy is imported when a program is run.
"""
