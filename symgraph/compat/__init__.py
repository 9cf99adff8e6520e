"""Other libraries' names for what symgraph does.

`install()` makes `import theano` mean `symgraph.compat.theano` in the running program.
"""

from symgraph.compat.aliases import install, uninstall

__all__ = ["install", "uninstall"]
