"""`ifelse`: a choice whose branch not taken costs nothing."""

from __future__ import annotations

from typing import Any

from symgraph.errors import GraphTypeError
from symgraph.ops.ifelse import IfElse

__all__ = ["ifelse"]


def ifelse(condition: Any, then_branch: Any, else_branch: Any, name: str | None = None) -> Any:
    """`then_branch` if `condition` is not 0, else `else_branch`; only that one is computed.

    Parameters
    ----------
    condition
        A scalar of any dtype.
    then_branch, else_branch
        Tensors of one rank, or two lists of as many; they are promoted to one dtype. Sizes may
        differ. What only the branch not taken needs is not computed, nor are its errors raised;
        the same holds for its gradient, which is zeros.
    name
        The name of the result.

    Returns
    -------
    The value taken, or a list of them.

    Raises
    ------
    GraphTypeError
        When the branches have other ranks or lengths, or the condition is not a scalar.

    >>> import symgraph.tensor as T
    >>> x = T.constant([1.0, 2.0])
    >>> ifelse(x.sum() > 10, x.sum(), x.max()).eval()
    array(2.)
    """
    several = isinstance(then_branch, list | tuple)
    then = list(then_branch) if several else [then_branch]
    other = list(else_branch) if isinstance(else_branch, list | tuple) else [else_branch]
    if len(then) != len(other):
        raise GraphTypeError(
            f"ifelse chooses between as many values on both sides, not {len(then)} and {len(other)}"
        )
    outputs = IfElse(len(then)).make_node(condition, *then, *other).outputs
    if name is not None:
        for number, out in enumerate(outputs):
            out.name = f"{name}{number}" if several else name
    return list(outputs) if several else outputs[0]
