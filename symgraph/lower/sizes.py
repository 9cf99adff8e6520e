"""Sizes and scalars of a graph as formulas over the sizes of its inputs.

Every shape rule runs once more here, on kernel expressions instead of ints. Compound
formulas get names (`n3`), so an expression never grows deep; sizes that have to agree are
recorded as checks and treated as one from then on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from keyword import iskeyword

from symgraph.dataclass import dataclass
from symgraph.families import Elemwise, Reduce, SizeOf, TensorOp
from symgraph.graph import Apply, Constant, Graph, Variable, clone_graph, toposort
from symgraph.kernel import (
    ARITY,
    BOOL,
    EXTERNAL,
    INT,
    Call,
    Expr,
    Lit,
    Load,
    Name,
    cast,
    compare,
    lit,
    walk,
)
from symgraph.lower.linear import Simplifier
from symgraph.ops.ifelse import Branches
from symgraph.ops.scan import Scan, steps_message
from symgraph.types import DISCRETE, DTYPES, Arg, Dim, Dims, TensorType, recording, unify


class Namer:
    """Unique, readable identifiers; those of `parent` are taken too."""

    # What generated code calls its own things; tests hold this to the run time's names.
    RESERVED = frozenset(
        (
            "lo hi share status arena base call np inf nan c p q once i j k l m min max"
            " abs absolute address boolean carray copy data driver gemm gemm_f32 gemm_f64"
            " gemm_c64 gemm_c128 helper hold kernel launch max_nan min_nan offset overlap"
            " pointer power scalar Stop complex bridge"
            " extent place step thread threads team teams member members exchange team_sync run"
            " atomic_add is_aligned load_four read_four store_four fours"
        ).split()
    ) | frozenset((*ARITY, *DTYPES)) - frozenset(EXTERNAL)

    PREFIXES = ("p_", "m_", "at_", "width_", "do_")  # of the driver's own names

    def __init__(self, parent: Namer | None = None) -> None:
        self._parent = parent
        self._taken: set[str] = set(self.RESERVED)
        self._numbers: dict[str, int] = {}  # the last number given to each stem

    def __call__(self, wish: str) -> str:
        """`wish` made an identifier, with a number if it is taken."""
        stem = re.sub(r"\W+", "_", wish).strip("_") or "v"
        taken = stem[0].isdigit() or iskeyword(stem) or stem.startswith(self.PREFIXES)
        stem = f"v{stem}" if taken else stem
        name, number = stem, self._last(stem)
        counted = re.fullmatch(r"(n|k)1", stem)
        while self._has(name):
            number += 1
            name = f"{stem[0]}{number}" if counted else f"{stem}_{number}"
        self._numbers[stem] = number
        self._taken.add(name)
        return name

    def _last(self, stem: str) -> int:
        """The last number given to a stem; the parent has all below its own."""
        mine = self._numbers.get(stem, 1)
        return mine if self._parent is None else max(mine, self._parent._last(stem))

    def _has(self, name: str) -> bool:
        return name in self._taken or (self._parent is not None and self._parent._has(name))


@dataclass(frozen=True)
class Check:
    """Sizes that a node needs equal, or of which the first must not be 0 unless the second is."""

    sizes: tuple[Expr, ...]
    where: str
    node: Apply | None
    nonzero: bool = False
    least: int | None = None  # the smallest value the only size may have

    def conditions(self) -> Iterator[tuple[Expr, str, tuple[Expr, Expr]]]:
        """What has to hold, what to say if it does not (%0, %1 are the values), the values."""
        first, *others = self.sizes
        if self.least is not None:
            yield first >= self.least, self.where, (first, first)
            return
        if self.nonzero:
            fine = (first > 0) | compare("eq", others[0], 0)
            text = f"{self.where} needs elements, but the axes reduced have none"
            yield fine, text, (first, others[0])
            return
        for other in others:
            text = f"{self.where}: sizes %0 and %1 do not agree"
            yield Call("eq", (first, other), BOOL), text, (first, other)


@dataclass(frozen=True)
class Side:
    """One graph of a choice, reading the variables around it, and the checks that it needs."""

    graph: Graph
    checks: list[Check]


class Sizes:
    """The dims of every variable of a graph and the values of its integer scalars."""

    def __init__(self, graph: Graph, namer: Namer) -> None:
        self.namer = namer
        self.formulas: dict[str, Expr] = {}  # name -> definition
        self.scalars: dict[str, Variable] = {}  # name -> the 0-d variable it stands for
        self.input_sizes: dict[Variable, tuple[str, ...]] = {}
        self.bodies: dict[Apply, Graph] = {}  # of each scan, a copy of its own of the body
        self._counts: set[str] = set()
        self.checks: list[Check] = []
        self.branches: dict[Apply, list[Side]] = {}  # of each choice the two graphs, closed
        self._may_fail = 0  # how many branches the node looked at lies in
        self._depth = 0  # how many loops and branches
        self._inner: dict[Variable, int] = {}  # what is in loops and branches, and how deep
        self._names: dict[Expr, Expr] = {}
        self._simplified = Simplifier(lambda name: self.formulas.get(name.id), self._is_count)
        self._scalar_names: dict[Variable, Name] = {}
        self._dims: dict[Variable, Dims] = {}
        self._agreed: dict[
            Variable, tuple[Expr, ...]
        ] = {}  # dims looked up since sizes were unified
        self._values: dict[Variable, Expr] = {}
        self._parent: dict[Expr, Expr] = {}
        for var in graph.inputs:
            self._declare(var)
        self._unify_named(graph.inputs)
        for node in toposort(graph.outputs, stop=graph.inputs):
            self._infer(node)

    def knows(self, var: Variable) -> bool:
        """Whether a variable is one of the graph's."""
        return isinstance(var, Constant) or var in self._dims

    def dims(self, var: Variable) -> tuple[Expr, ...]:
        """The sizes of a variable, equal ones the same expression."""
        if isinstance(var, Constant):
            return tuple(lit(n) for n in var.data.shape)
        found = self._agreed.get(var)
        if found is None:
            found = self._agreed[var] = tuple(self.canonical(d) for d in self._dims[var])
        return found

    def space(self, var: Variable) -> tuple[Expr, ...]:
        """The sizes that are not known to be 1."""
        return tuple(d for d in self.dims(var) if not is_lit(d, 1))

    def value(self, var: Variable) -> Expr | None:
        """The formula of an integer scalar that needs no data, None for any other variable."""
        return self._values.get(var)

    def arg(self, var: Variable) -> Arg:
        """What index and shape rules see of a variable."""
        return Arg(self.dims(var), self._integer(var))

    def scalar(self, var: Variable) -> Expr:
        """The driver's scalar that holds a 0-d variable."""
        if isinstance(var, Constant):
            return Lit(var.data.item(), dtype_of(var))
        if var in self._values:
            return cast(self._values[var], dtype_of(var))
        if var not in self._scalar_names:
            name = self.namer(var.name or "s")
            self._scalar_names[var] = Name(name, dtype_of(var))
            self.scalars[name] = var
        return self._scalar_names[var]

    def bind(self, expr: Expr) -> Expr:
        """A short expression equal to `expr`: itself if it is one, else a named formula."""
        expr = self._simplified(expr)
        if isinstance(expr, Lit | Name):
            return self.canonical(expr)
        if expr not in self._names:
            name = self.namer("n1")
            self.formulas[name] = expr
            self._names[expr] = Name(name)
        return self.canonical(self._names[expr])

    def _is_count(self, expr: Expr) -> bool:
        """Whether an expression cannot be negative because it is made of sizes."""
        if isinstance(expr, Name):
            return expr.id in self._counts or (
                expr.id in self.formulas and self._is_count(self.formulas[expr.id])
            )
        if isinstance(expr, Call) and expr.op == "maximum":
            return any(map(self._is_count, expr.args))
        if isinstance(expr, Call) and expr.op in ("add", "mul", "minimum", "floordiv", "mod"):
            return all(map(self._is_count, expr.args))
        return isinstance(expr, Lit) and bool(expr.value >= 0)

    def product(self, dims: Iterable[Expr]) -> Expr:
        """The bound product of sizes."""
        total: Expr = lit(1)
        for dim in dims:
            total = self.bind(total * dim)
        return total

    def atoms(self, exprs: Iterable[Expr]) -> set[Variable]:
        """The scalar variables that formulas read, looking through names."""
        found, seen, stack = set(), set(), list(exprs)
        while stack:
            for part in walk(stack.pop()):
                if not isinstance(part, Name) or part.id in seen:
                    continue
                seen.add(part.id)
                if part.id in self.scalars:
                    found.add(self.scalars[part.id])
                elif part.id in self.formulas:
                    stack.append(self.formulas[part.id])
        return found

    def is_inner(self, exprs: Iterable[Expr]) -> bool:
        """Whether formulas follow from what is in a loop or a branch."""
        return self._depth_of(exprs) > 0

    def _depth_of(self, exprs: Iterable[Expr]) -> int:
        return max((self._inner.get(var, 0) for var in self.atoms(exprs)), default=0)

    def canonical(self, expr: Expr) -> Expr:
        """The representative of sizes known to be equal."""
        while expr in self._parent:
            expr = self._parent[expr]
        return expr

    def _declare(self, var: Variable) -> None:
        kind = var.type
        assert isinstance(kind, TensorType)
        if isinstance(var, Constant):
            self.input_sizes[var] = ()
            return
        names = tuple(self.namer(f"{var.name or 'x'}_n{axis}") for axis in range(kind.ndim))
        self.input_sizes[var] = names
        self._counts.update(names)
        self._dims[var] = tuple(Name(n) for n in names)
        for name, size in zip(names, kind.shape, strict=True):
            if isinstance(size, int):
                self._agree(
                    (lit(size), Name(name)),
                    f"{var}, made at {var.made_at}, is declared {kind}",
                    None,
                )

    def _unify_named(self, inputs: Sequence[Variable]) -> None:
        named: dict[str, list[Expr]] = {}
        for var in inputs:
            for expr, size in zip(self._dims.get(var, ()), _static(var), strict=False):
                if isinstance(size, str):
                    named.setdefault(size, []).append(expr)
        for size, exprs in named.items():
            if len(exprs) > 1:
                self._agree(tuple(exprs), f"axes named {size!r}", None)

    def _infer(self, node: Apply) -> None:
        if self._depth:
            self._inner.update(dict.fromkeys(node.outputs, self._depth))
        if not isinstance(node.op, TensorOp):
            return self._infer_opaque(node)
        args = [self.arg(var) for var in node.inputs]
        shape_rule = self._shape_rule(node, node.op)
        with recording(tolerant=self._may_fail > 0) as agreements:
            shapes = shape_rule(*args)
        for sizes, where in agreements:
            self._agree(tuple(as_size(s) for s in sizes), where, node)
        for var, shape in zip(node.outputs, shapes, strict=True):
            self._dims[var] = tuple(
                self._known(d, s) for d, s in zip(shape, _static(var), strict=True)
            )
        if isinstance(node.op, Reduce) and node.op.needs_elements:
            self._need_elements(node, node.op)
        if node.op.sized:
            self._need_counts(node)
        self._infer_value(node, args)
        return None

    def _shape_rule(self, node: Apply, op: TensorOp) -> Callable[..., tuple[Dims, ...]]:
        """An op's rule for the sizes of its outputs, once the graphs in it are looked at."""
        if isinstance(op, Scan):
            rows = self._infer_body(node, op)
            return lambda *args: op.outer_shapes(args, rows)
        if isinstance(op, Branches):
            sides = self._infer_branches(node, op)
            return lambda condition, *_: op.outer_shapes(condition.value, *sides)
        return op.out_shapes

    def _infer_branches(self, node: Apply, op: Branches) -> list[list[Dims]]:
        """The sizes in both graphs; what they need equal is compared in the one that is run."""
        found = []
        self.branches[node] = []
        for graph, given in zip((op.then, op.otherwise), op.inputs(node.inputs), strict=True):
            outer = dict(zip(graph.inputs, given, strict=True))
            outputs = tuple(clone_graph(graph.outputs, outer, _unchecked, copy_all=True))
            before, self.checks = self.checks, []
            self._may_fail, self._depth = self._may_fail + 1, self._depth + 1
            for inner in toposort(outputs, stop=given):
                self._infer(inner)
            self._may_fail, self._depth = self._may_fail - 1, self._depth - 1
            self.branches[node].append(Side(Graph(tuple(given), outputs), self.checks))
            self.checks = before
            found.append([self.dims(v) for v in outputs])
        return found

    def _infer_body(self, node: Apply, op: Scan) -> list[Dims]:
        """The sizes of everything in a scan's body; those of a row of each further output."""
        body = self.bodies[node] = own_body(node, op)
        given, reads = op.inputs(node.inputs), op.arguments(body.inputs)
        for whole, row in zip(given.sequences, reads.rows, strict=True):
            self._dims[row] = self.dims(whole)[1:]
        for initial, lagged in zip(given.initials, reads.lagged, strict=True):
            self._dims |= dict.fromkeys(lagged, self.dims(initial)[1:])
        self._depth += 1
        self._inner.update(dict.fromkeys(body.inputs, self._depth))
        for inner in toposort(body.outputs, stop=(*body.inputs, *given.others)):
            self._infer(inner)
        self._agree_on_states(node, op, body)
        self._depth -= 1
        made = op.results(body.outputs)
        count = self.bind(as_size(self.arg(given.count).value))
        if op.at_least or not self._is_count(count):
            check = Check((count,), steps_message(op), node, least=op.at_least)
            self.checks.append(check)
        return [self.dims(row) for row in made.rows]

    def _agree_on_states(self, node: Apply, op: Scan, body: Graph) -> None:
        """A state keeps its sizes from step to step."""
        nexts = op.results(body.outputs).nexts
        for initial, new in zip(op.inputs(node.inputs).initials, nexts, strict=True):
            where = f"{op}: a state and its next value, made at {new.made_at}"
            for pair in zip(self.dims(initial)[1:], self.dims(new), strict=True):
                self._agree(pair, where, node)

    def _need_elements(self, node: Apply, op: Reduce) -> None:
        dims = self.dims(node.inputs[0])
        reduced = self.product(dims[axis] for axis in op.axes)
        kept = self.product(self.dims(node.outputs[0]))
        if not isinstance(reduced, Lit) or reduced.value == 0:
            self.checks.append(Check((reduced, kept), str(op), node, nonzero=True))

    def _need_counts(self, node: Apply) -> None:
        """Sizes that a user gives may turn out negative."""
        for size in dict.fromkeys(d for var in node.outputs for d in self.dims(var)):
            if not self._is_count(size):
                text = f"{node.op}: a size of %0; sizes are not negative"
                self.checks.append(Check((size,), text, node, least=0))

    def _infer_opaque(self, node: Apply) -> None:
        raise TypeError(f"{node.op} runs between programs, not inside one")

    def _known(self, dim: Dim, static: int | str | None) -> Expr:
        return lit(static) if isinstance(static, int) else self.bind(as_size(dim))

    def _infer_value(self, node: Apply, args: Sequence[Arg]) -> None:
        if isinstance(node.op, SizeOf):
            self._values[node.outputs[0]] = self.bind(as_size(node.op.size(*args)))
        elif isinstance(node.op, Elemwise) and dtype_of(node.outputs[0]) == INT:
            values = [self._values.get(v) if not isinstance(v, Constant) else a.value
                      for v, a in zip(node.inputs, args, strict=True)]  # fmt: skip
            integers = all(
                dtype_of(v) == INT and not a.shape for v, a in zip(node.inputs, args, strict=True)
            )
            if integers and all(v is not None for v in values):
                expr = node.op.expression(*map(as_size, values))
                self._values[node.outputs[0]] = self.bind(fold(expr))

    def _integer(self, var: Variable) -> Dim:
        kind = var.type
        if not isinstance(kind, TensorType) or kind.ndim or kind.dtype not in DISCRETE:
            return None
        if isinstance(var, Constant):
            return lit(int(var.data))
        return self._values.get(var) or cast(self.scalar(var), INT)

    def _agree(self, sizes: tuple[Expr, ...], where: str, node: Apply | None) -> None:
        distinct = tuple(dict.fromkeys(self.canonical(self.bind(s)) for s in sizes))
        if not self._may_fail:
            unify([d for d in distinct if isinstance(d, Lit)] or [0], where)
        if len(distinct) < 2:
            return
        self.checks.append(Check(distinct, where, node))
        if self._may_fail:
            return
        first = next((d for d in distinct if isinstance(d, Lit)), distinct[0])
        if self._depth and not isinstance(first, Lit):
            # What is known outside a loop stands for what its steps find, not the other way round.
            first = min(distinct, key=lambda size: self._depth_of([size]))
        for other in distinct:
            if other != first and not isinstance(other, Lit):
                self._parent[other] = first
                self._agreed.clear()


def own_body(node: Apply, op: Scan) -> Graph:
    """A copy of a scan's body that reads the variables around it, its inputs new ones.

    Two scans may share a body, whose variables have other sizes in each.
    """
    reads = op.arguments(op.body.inputs)
    steps = op.body.inputs[: len(op.body.inputs) - len(reads.others)]
    fresh: dict[Variable, Variable] = {var: var.type.make_variable(var.name) for var in steps}
    outer = zip(reads.others, op.inputs(node.inputs).others, strict=True)
    outputs = clone_graph(op.body.outputs, fresh | dict(outer), copy_all=True)
    return Graph(tuple(fresh.values()), tuple(outputs))


def _unchecked(node: Apply, inputs: Sequence[Variable]) -> Sequence[Variable]:
    """The op of a node on other inputs, its sizes not looked at: the branch may never run."""
    fresh = Apply(node.op, inputs, [v.type.make_variable(v.name) for v in node.outputs])
    for new, old in zip(fresh.outputs, node.outputs, strict=True):
        new.tag, new.made_at = old.tag, old.made_at
    return fresh.outputs


def is_lit(expr: Expr, value: int) -> bool:
    """Whether an expression is a given literal."""
    return isinstance(expr, Lit) and expr.value == value


def as_size(dim: Dim) -> Expr:
    """A computed size as an expression."""
    return dim if isinstance(dim, Expr) else lit(int(dim))


def fold(expr: Expr) -> Expr:
    """Integer arithmetic rebuilt with constants folded."""
    if isinstance(expr, Call) and expr.op in ("add", "sub", "mul", "floordiv", "mod"):
        left, right = expr.args
        operators = {"add": left + right, "sub": left - right, "mul": left * right}
        return operators.get(expr.op, expr)
    return expr


def dtype_of(var: Variable) -> str:
    """The dtype of a tensor variable."""
    kind = var.type
    assert isinstance(kind, TensorType)
    return kind.dtype


def _static(var: Variable) -> tuple[int | str | None, ...]:
    kind = var.type
    assert isinstance(kind, TensorType)
    return kind.shape


def free_names(exprs: Iterable[Expr]) -> list[Name]:
    """The names expressions read, in order of appearance."""
    found: dict[Name, None] = {}
    for expr in exprs:
        for part in walk(expr):
            if isinstance(part, Name):
                found.setdefault(part)
    return list(found)


def buffers_in(exprs: Iterable[Expr]) -> list[str]:
    """The names of the buffers expressions load from, in order of appearance."""
    loads = (p.buffer.name for e in exprs for p in walk(e) if isinstance(p, Load))
    return list(dict.fromkeys(loads))
