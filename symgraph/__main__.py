"""`python -m symgraph` is the `symgraph` command."""

import sys

from symgraph.cli import main

if __name__ == "__main__":
    sys.exit(main())
