"""The rules: what a graph is simplified to, and by which equations it is made stable.

`DEFAULT` keeps NaN and infinities; rules that do not are known but switched off, and
`DEFAULT.including("nan_blind", "fast")` switches them on. `STABLE` is what `grad` applies to a
graph before it differentiates. Rules of your own are written in a `Theme` and joined to it:
`Mode(rules=DEFAULT | mine.rules)`.
"""

from symgraph.rewrite import FAST, NAN_BLIND, RuleSet
from symgraph.rules import (
    algebra,
    axes,
    choice,
    constants,
    fills,
    indexing,
    matrices,
    powers,
    records,
    reductions,
    scatters,
    softmax,
    wrappers,
)
from symgraph.rules import products as matrix_products
from symgraph.rules import stable as stable_equations
from symgraph.rules.equations import Guard, Theme

simplify = constants.theme.rules | algebra.theme.rules | powers.theme.rules | choice.theme.rules
shapes = (
    axes.theme.rules
    | fills.theme.rules
    | indexing.theme.rules
    | scatters.theme.rules
    | reductions.theme.rules
)
stable = softmax.theme.rules | stable_equations.theme.rules | matrices.stable.rules
products = matrix_products.theme.rules | matrices.theme.rules
ALL = simplify | shapes | stable | products | wrappers.theme.rules | records.theme.rules
# `scaled_scatter` makes NaN of some infinities, and only where everything else is NaN too.
DEFAULT = ALL.excluding(NAN_BLIND, FAST, "remove_checks").including("scaled_scatter")
STABLE = stable.excluding(NAN_BLIND, FAST)
NOTHING = RuleSet()

__all__ = [
    "ALL",
    "DEFAULT",
    "NOTHING",
    "STABLE",
    "Guard",
    "RuleSet",
    "Theme",
    "products",
    "shapes",
    "simplify",
    "stable",
]
