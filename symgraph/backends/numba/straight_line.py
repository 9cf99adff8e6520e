"""`@scalar`: straight-line functions of numbers, compiled from their syntax without numba's help.

numba takes 50 to 250 ms for the text of an elementary function: it infers types by iteration,
lowers every name through memory, and runs LLVM once for the function and again for its caller. Here
one walk over the syntax tree writes typed LLVM into the kernel that calls the function; measured,
5 to 10 ms, all of it LLVM's work on the kernel. The machine code is the same.
"""

# mypy: allow-untyped-decorators

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core.errors import LoweringError
from numba.extending import intrinsic

from symgraph.backends.numba.scalar import is_float, is_signed

ARITHMETIC = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
BITWISE = {
    ast.BitAnd: "and_", ast.BitOr: "or_", ast.BitXor: "xor", ast.LShift: "shl", ast.RShift: "ashr",
}  # fmt: skip
COMPARISONS = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


class Value(NamedTuple):
    """A number of the program: its numba type and what holds it in LLVM."""

    kind: Any
    code: Any


def scalar(function: Callable[..., Any], intrinsic: Callable[..., Any] = intrinsic) -> Any:
    """Mark a straight-line function of numbers of one dtype, which its result has too.

    It is a sequence of assignments and a `return`, of numbers, + - * /, & | ^ << >>, comparisons,
    casts such as `float32(x)`, the run time's scalar operations and other @scalar functions.
    Operands of an operator have one dtype, which the result of arithmetic keeps. Anything else is
    refused with numba's LoweringError when a kernel that calls the function is compiled.
    `intrinsic` is the decorator of the numba target that is compiled for.
    """
    tree = ast.parse(inspect.getsource(function)).body[0]
    assert isinstance(tree, ast.FunctionDef)

    def declare(typingctx: Any, *kinds: Any) -> Any:
        kind = types.unliteral(kinds[0])
        if any(types.unliteral(k) != kind for k in kinds):
            return None

        def build(context: Any, builder: ir.IRBuilder, sig: Any, args: list[Any]) -> Any:
            return builder.call(_define(context, builder.module, function, tree, kind), args)

        return kind(*[kind] * len(kinds)), build

    own = inspect.signature(function)
    context = inspect.Parameter("typingctx", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    declare.__signature__ = own.replace(parameters=[context, *own.parameters.values()])  # type: ignore[attr-defined]
    return intrinsic(declare)


def _define(
    context: Any, module: ir.Module, function: Any, tree: ast.FunctionDef, kind: Any
) -> Any:
    """The function for numbers of one kind, as LLVM within a module."""
    name = f"{function.__module__}.{function.__qualname__}.{kind}"
    if name in module.globals:
        return module.globals[name]
    number = context.get_value_type(kind)
    parameters = [a.arg for a in tree.args.args]
    code = ir.Function(module, ir.FunctionType(number, [number] * len(parameters)), name)
    code.linkage = "internal"
    code.attributes.add("alwaysinline")
    builder = ir.IRBuilder(code.append_basic_block())
    arguments = [Value(kind, a) for a in code.args]
    writer = Writer(context, builder, function, dict(zip(parameters, arguments, strict=True)))
    builder.ret(writer.body(tree.body, kind))
    return code


class Writer:
    """Writes the statements of one function as LLVM."""

    def __init__(
        self, context: Any, builder: ir.IRBuilder, function: Any, names: dict[str, Value]
    ) -> None:
        self.context, self.builder = context, builder
        self.function, self.names = function, names

    def body(self, statements: list[ast.stmt], kind: Any) -> Any:
        """Write all statements; return what holds the result."""
        *assignments, last = statements
        for stmt in assignments:
            if not isinstance(stmt, ast.Assign) or not isinstance(stmt.targets[0], ast.Name):
                raise self._error(stmt, "is no assignment to a name")
            self.names[stmt.targets[0].id] = self.value(stmt.value)
        if not isinstance(last, ast.Return) or last.value is None:
            raise self._error(last, "should be `return` with a value")
        result = self.value(last.value)
        if result.kind != kind:
            raise self._error(last, f"returns {result.kind} where {kind} is due")
        return result.code

    def value(self, node: ast.expr) -> Value:
        """Write an expression."""
        number = self._number(node)
        if number is not None:
            kind = types.int64 if type(number) is int else types.float64
            return self._constant(number, kind)
        if isinstance(node, ast.Name) and node.id in self.names:
            return self.names[node.id]
        if isinstance(node, ast.BinOp):
            return self._binary(node)
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self._compare(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            kind, code = self.value(node.operand)
            return Value(kind, self._negative(code) if is_float(kind) else self.builder.neg(code))
        if isinstance(node, ast.Call) and not node.keywords:
            return self._call(node)
        raise self._error(node, "is not what a @scalar function may use")

    def _negative(self, code: Any) -> Any:
        """-x of a float, as a difference: NVVM's LLVM is older than the instruction for it."""
        return self.builder.fsub(ir.Constant(code.type, -0.0), code)

    def _number(self, node: ast.expr) -> float | None:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            number = self._number(node.operand)
            return None if number is None else -number
        found = node.value if isinstance(node, ast.Constant) else None
        if isinstance(node, ast.Name) and node.id not in self.names:
            found = self.function.__globals__.get(node.id)
        return found if isinstance(found, int | float) else None

    def _constant(self, number: float, kind: Any) -> Value:
        cast = float if is_float(kind) else int
        return Value(kind, ir.Constant(self.context.get_value_type(kind), cast(number)))

    def _pair(self, node: ast.expr, left: ast.expr, right: ast.expr) -> tuple[Any, Any, Any]:
        a, b = self.value(left), self.value(right)
        if a.kind != b.kind:
            raise self._error(node, f"mixes {a.kind} and {b.kind}")
        return a.kind, a.code, b.code

    def _binary(self, node: ast.BinOp) -> Value:
        kind, *codes = self._pair(node, node.left, node.right)
        operator = ARITHMETIC.get(type(node.op))
        if operator is not None and is_float(kind):
            operator = f"f{operator}"
        elif not is_float(kind) and operator != "div":
            operator = operator or BITWISE.get(type(node.op))
            operator = "lshr" if operator == "ashr" and not is_signed(kind) else operator
        else:
            operator = None
        if operator is None:
            raise self._error(node, f"has no meaning for {kind}")
        return Value(kind, getattr(self.builder, operator)(*codes))

    def _compare(self, node: ast.Compare) -> Value:
        kind, *codes = self._pair(node, node.left, node.comparators[0])
        sign = COMPARISONS[type(node.ops[0])]
        if not is_float(kind):
            compare = self.builder.icmp_signed if is_signed(kind) else self.builder.icmp_unsigned
            return Value(types.boolean, compare(sign, *codes))
        compare = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
        return Value(types.boolean, compare(sign, *codes))

    def _call(self, node: ast.Call) -> Value:
        """A cast, or an intrinsic: it says itself what it returns and how it is written."""
        assert isinstance(node.func, ast.Name)
        target = self.function.__globals__.get(node.func.id)
        if isinstance(target, types.Number):
            return self._cast(node.args[0], target)
        args = [self.value(a) for a in node.args]
        plan = target._defn(self.context.typing_context, *(a.kind for a in args))
        if plan is None:
            raise self._error(node, f"has no meaning for {', '.join(str(a.kind) for a in args)}")
        signature, build = plan
        codes = [a.code for a in args]
        return Value(signature.return_type, build(self.context, self.builder, signature, codes))

    def _cast(self, node: ast.expr, kind: Any) -> Value:
        number = self._number(node)
        if number is not None:
            return self._constant(number, kind)
        value = self.value(node)
        return Value(kind, self.context.cast(self.builder, value.code, value.kind, kind))

    def _error(self, node: ast.AST, problem: str) -> LoweringError:
        return LoweringError(f"{self.function.__name__}: `{ast.unparse(node)}` {problem}")
