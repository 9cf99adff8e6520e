"""Native routines that ops call by name, one file a theme: `(outputs..., inputs..., settings...)`.

Arrays are row-major. What they call is helpers, the run time's scalar operations and NumPy.
"""
