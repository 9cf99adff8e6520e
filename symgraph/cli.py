"""The `symgraph` command: `demo`, `export`, `report`, `profile`, `ops`, `devices`, `cache`."""

from __future__ import annotations

import argparse
import importlib
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import symgraph as sg
from symgraph import catalogue, demo
from symgraph.backends import disk, nvidia
from symgraph.backends.llvm.machine import host
from symgraph.errors import ConfigError, SymgraphError
from symgraph.mode import MODES
from symgraph.profile import collected
from symgraph.show.export import FORMATS, LAYOUTS
from symgraph.show.narrow import EVERY

TARGET_HELP = """\
TARGET is "demo", or a variable, a list of variables or a compiled function of yours:
"package.module:name" or "path/to/file.py:name"; or a graph saved as FILE.json.
"""
EXPORT_HELP = f"{TARGET_HELP}The format follows from the name of FILE unless --format is given."


class UserError(Exception):
    """Something the user asked for cannot be had; shown as one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0, or 2 after a mistake that one line explains."""
    options = parser().parse_args(arguments)
    try:
        options.run(options, Console(highlight=False, soft_wrap=True))
    except (UserError, SymgraphError, OSError) as error:
        print(f"symgraph: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("symgraph: stopped", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """The grammar of the command line."""
    top = argparse.ArgumentParser(prog="symgraph", description=sg.__doc__)
    top.add_argument("--version", action="version", version=f"symgraph {sg.__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_demo(commands.add_parser("demo", help="train a network on handwritten digits"))
    add_export(commands.add_parser("export", help="write a graph to a file", epilog=EXPORT_HELP))
    add_report(commands.add_parser("report", help="write a page on a function", epilog=TARGET_HELP))
    add_profile(commands.add_parser("profile", help="run a program, tell where its time went"))
    add_ops(commands.add_parser("ops", help="list every op and function"))
    devices = commands.add_parser("devices", help="list the devices here, and what GPUs lack")
    devices.set_defaults(run=run_devices)
    add_cache(commands.add_parser("cache", help="show or clear the folder of compiled code"))
    return top


def add_demo(command: argparse.ArgumentParser) -> None:
    """The grammar of `symgraph demo`."""
    usual = demo.Settings()
    for name, meaning in {
        "epochs": "passes over the training images",
        "hidden": "width of the hidden layer",
        "batch": "images per step",
    }.items():
        command.add_argument(
            f"--{name}", type=positive, default=getattr(usual, name), metavar="N", help=meaning
        )
    command.add_argument("--seed", type=whole, default=usual.seed, metavar="N", help="random seed")
    command.add_argument("--mode", choices=sorted(MODES), help="how to compile")
    command.add_argument("--device", metavar="DEVICE", help="where to train: cpu, cuda, cuda:1")
    command.add_argument(
        "--out", type=Path, default=usual.out, metavar="FILE", help="where the graph goes"
    )
    command.set_defaults(run=run_demo)


def add_export(command: argparse.ArgumentParser) -> None:
    """The grammar of `symgraph export`."""
    command.add_argument("target", metavar="TARGET", help="what to write; see below")
    command.add_argument("-o", "--out", type=Path, required=True, metavar="FILE")
    command.add_argument("--format", choices=sorted(set(FORMATS) - {"networkx"}))
    command.add_argument(
        "--stage", metavar="STAGE", help="of a function: user, canonical (the default), kernels"
    )
    command.add_argument(
        "--depth", type=whole, default=-1, metavar="N", help="edges from the outputs or the focus"
    )
    command.add_argument(
        "--focus", metavar="NODE", help="a name, an op or an id; show what is near"
    )
    command.add_argument(
        "--collapse",
        nargs="?",
        const=EVERY,
        default=[],
        action="append",
        metavar="SCOPE",
        help="draw a name scope as one box; all outermost ones without SCOPE",
    )
    command.add_argument("--layout", choices=LAYOUTS, default="auto", help="who places boxes")
    command.set_defaults(run=run_export)


def add_report(command: argparse.ArgumentParser) -> None:
    """The grammar of `symgraph report`."""
    command.add_argument("target", metavar="TARGET", help="a compiled function; see below")
    command.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.html")
    command.add_argument(
        "--inputs", type=Path, metavar="FILE.npz", help="arguments to measure with"
    )
    command.add_argument("--assembly", action="store_true", help="list the kernels' machine code")
    command.set_defaults(run=run_report)


def add_profile(command: argparse.ArgumentParser) -> None:
    """The grammar of `symgraph profile`."""
    command.add_argument("--most", type=positive, default=5, metavar="N", help="functions to show")
    command.add_argument("script", type=Path, metavar="SCRIPT", help="a Python program")
    command.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="its arguments")
    command.set_defaults(run=run_profile)


def add_cache(command: argparse.ArgumentParser) -> None:
    """The grammar of `symgraph cache`."""
    command.add_argument("what", choices=["info", "clear"])
    command.set_defaults(run=run_cache)


def add_ops(command: argparse.ArgumentParser) -> None:
    """The grammar of `symgraph ops`."""
    command.add_argument("word", nargs="?", default="", help="only those whose name has this in it")
    command.add_argument("--markdown", metavar="FILE", help="write the page of the documentation")
    command.set_defaults(run=run_ops)


def positive(text: str) -> int:
    """A number of things, at least one."""
    return at_least(1, text)


def whole(text: str) -> int:
    """A number that is not negative."""
    return at_least(0, text)


def at_least(least: int, text: str) -> int:
    """An integer that is not below `least`; argparse makes a message of the error."""
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} up")
    return int(text)


def run_ops(options: argparse.Namespace, console: Console) -> None:
    """Print a table of ops, and one of functions; or write the page."""
    if options.markdown:
        Path(options.markdown).write_text(catalogue.markdown())
        return
    word = options.word.lower()
    ops = [fact for fact in catalogue.facts() if word in f"{fact.module}.{fact.name}".lower()]
    columns = "module op family dtypes gradient runs GPU tests"
    console.print(
        table(
            columns,
            [
                (f.room, f.name, f.family or "-", f.dtypes, f.gradient, f.native, f.gpu, f.tests)
                for f in ops
            ],
        )
    )
    found = [
        (short, function.name, function.summary)
        for short, members in catalogue.functions().items()
        for function in members
        if word in f"{short}.{function.name}".lower()
    ]
    console.print(table("namespace function what", found))
    console.print(f"{len(ops)} ops, {len(found)} functions")


def table(columns: str, rows: Sequence[Sequence[str]]) -> Table:
    """A table for the terminal; texts may hold square brackets."""
    result = Table(*columns.split(), header_style="bold", box=box.SIMPLE_HEAD)
    for row in rows:
        result.add_row(*map(escape, row))
    return result


def run_demo(options: argparse.Namespace, console: Console) -> None:
    """Train, and print what came of it."""
    chosen = {name: getattr(options, name) for name in demo.Settings.__dataclass_fields__}
    report = demo.run(demo.Settings(**chosen), console)
    console.print(f"compile time    {report.compile_seconds:.2f} s")
    console.print(
        f"time per step   {report.seconds_per_step * 1e6:.0f} us, median of {report.steps}"
    )
    console.print(f"test accuracy   {report.accuracy:.1%} of digits never seen in training")
    console.print(f"compiled graph  {report.out}", markup=False)


def run_export(options: argparse.Namespace, console: Console) -> None:
    """Write the graph of the user's object."""
    sg.export(
        find_target(options.target),
        options.out,
        options.format,
        options.stage,
        depth=options.depth,
        focus=options.focus,
        collapse=options.collapse,
        layout=options.layout,
    )
    console.print(f"wrote {options.out}", markup=False)


def find_target(target: str) -> Any:
    """The object that `demo`, `module:name`, `file.py:name` or a saved graph stands for."""
    if target == "demo":
        return demo.compiled(demo.Settings())[0]
    if target.endswith(".json"):
        return sg.load_json(Path(target))
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name:
        raise UserError(f"{target!r} is not of the form module:name, file.py:name or FILE.json")
    namespace = guarded(place, lambda: load_namespace(place))
    if name not in namespace:
        raise UserError(f"{place} defines no {name!r}")
    return namespace[name]


def load_namespace(place: str) -> dict[str, Any]:
    """The names that a file or a module defines."""
    if place.endswith(".py"):
        return runpy.run_path(place, run_name="symgraph_export")
    sys.path.insert(0, "")
    return vars(importlib.import_module(place))


def guarded(place: str, load: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `load` gives; whatever the user's own code raises becomes one line."""
    try:
        return load()
    except Exception as error:
        raise UserError(f"cannot load {place}: {type(error).__name__}: {error}") from error


def run_report(options: argparse.Namespace, console: Console) -> None:
    """Write the report on the user's function."""
    target = find_target(options.target)
    sg.report(target, options.out, inputs=options.inputs, assembly=options.assembly)
    console.print(f"wrote {options.out}", markup=False)


def run_profile(options: argparse.Namespace, console: Console) -> None:
    """Run the program as if by `python`, every function measured, and print the tables."""
    script, before = options.script, sys.argv
    if not script.is_file():
        raise UserError(f"there is no program {script}")
    sys.argv = [str(script), *options.arguments]
    sys.path.insert(0, str(script.parent))
    try:
        with sg.config(profile=True), collected() as measured:
            runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.argv = before
        sys.path.remove(str(script.parent))
    found = sorted((p for p in measured if p.seconds), key=lambda p: -p.seconds)
    if not found:
        raise UserError(f"{script} called no compiled function")
    for profile in found[: options.most]:
        console.print(profile)
    if len(found) > options.most:
        console.print(f"and {len(found) - options.most} more functions; see --most")


def run_devices(options: argparse.Namespace, console: Console) -> None:
    """Print a table of devices, of the packages that a GPU needs, and what is missing."""
    here = nvidia.this_machine()
    cores = sg.config.workers
    rows = [("cpu", host().cpu, f"{cores} threads")]
    for place, card in enumerate(here.cards):
        memory = f"{card.memory / 2**30:.1f} GiB, compute {nvidia.dotted(card.capability)}"
        rows.append((f"cuda:{place}", card.name, memory))
    if here.simulated:
        rows.append((f"cuda:0-{here.count - 1}", "numba's simulator", "for tests; very slow"))
    console.print(table("device name what", rows))
    if here.driver is not None:
        console.print(f"driver       runs CUDA {nvidia.dotted(here.driver)}")
    for name, version in here.packages:
        console.print(f"{name:12} {version}", markup=False)
    problem = here.problem()
    console.print("GPUs can be used" if problem is None else str(problem), markup=False)


def run_cache(options: argparse.Namespace, console: Console) -> None:
    """Show or clear what is kept on disk."""
    folder = sg.config.folder
    if folder is None:
        raise ConfigError("nothing is kept on disk, since config.cache is False")
    if options.what == "clear":
        console.print(f"removed {disk.clear(folder)} files from {folder}", markup=False)
        return
    files = disk.files(folder)
    size = sum(file.stat().st_size for file in files)
    console.print(f"{folder}: {len(files)} files, {size / 1e6:.1f} MB", markup=False)
