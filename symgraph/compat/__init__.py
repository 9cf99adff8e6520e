"""Other libraries' names for what symgraph does.

`install()` makes `import theano` mean `symgraph.compat.theano` in the running program;
`restore_removed()` gives old programs the names that Python and NumPy have dropped since.
"""

from symgraph.compat.aliases import install, uninstall
from symgraph.compat.vintage import restore_removed

__all__ = ["install", "restore_removed", "uninstall"]
