"""`python -m symgraph.compat.theano script.py args...`: run a program that imports Theano."""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from symgraph.compat import install, restore_removed
from symgraph.compat.aliases import offer_tests


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a script, or with `-m` a module, with `import theano` meaning symgraph.

    Names that Python and NumPy have dropped since Theano's time are there again. With `--tests` and
    a folder of Theano's sources, its tests can be imported, and run: `-m pytest test_basic.py`.
    """
    options = parser().parse_args(arguments)
    install()
    restore_removed()
    if options.tests is not None:
        offer_tests(options.tests)
    sys.argv = [options.program, *options.arguments]
    if options.module:
        sys.path.insert(0, "")
        runpy.run_module(options.program, run_name="__main__", alter_sys=True)
        return 0
    script = Path(options.program)
    problem = too_old(script)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    sys.path.insert(0, str(script.resolve().parent))
    runpy.run_path(str(script), run_name="__main__")
    return 0


def parser() -> argparse.ArgumentParser:
    """The grammar of the command line."""
    top = argparse.ArgumentParser(
        prog="python -m symgraph.compat.theano",
        description="Run a program written for Theano with symgraph.",
    )
    top.add_argument(
        "--tests", type=Path, metavar="SOURCES", help="run tests that lie in Theano's sources"
    )  # fmt: skip
    top.add_argument("-m", dest="module", action="store_true", help="PROGRAM is a module's name")
    top.add_argument("program", metavar="PROGRAM", help="a script")
    top.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENT")
    return top


def too_old(script: Path) -> str:
    """What keeps Python 3 from reading a script, empty if nothing does."""
    try:
        source = script.read_bytes()
    except OSError as error:
        return f"{script}: {error.strerror}"
    try:
        compile(source, str(script), "exec")
    except SyntaxError as error:
        return (
            f"{script}:{error.lineno}: {error.msg}. This program looks older than Python 3; convert"
            f" it first, for instance with `pip install fissix && fissix -w {script}`"
        )
    return ""


if __name__ == "__main__":
    sys.exit(main())
