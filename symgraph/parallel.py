"""Training on several GPUs of one machine: each has a part of the batch, gradients are summed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgraph.config import config
from symgraph.device_array import DeviceArray
from symgraph.devices import CPU, canonical
from symgraph.errors import GraphTypeError, InputShapeError
from symgraph.function import Function, function
from symgraph.gradient import grad
from symgraph.graph import Variable, ancestors, clone_graph
from symgraph.later import Later
from symgraph.ops.arith import mul
from symgraph.ops.cast import cast
from symgraph.places import device as on_device
from symgraph.request import Out
from symgraph.shared import SharedVariable, TensorSharedVariable, shared
from symgraph.types import Tensor, TensorType

runtime = Later("symgraph.backends.cuda.reduction")
Rule = Callable[[Sequence[Any], Sequence[Tensor]], Any]
APART = 0x9E3779B97F4A7C15  # added to the keys of random states, so that devices draw apart


class DataParallel:
    """A training step over several GPUs of one machine.

    Each device has the parameters, and state of its own for the update rule. A batch is cut along
    the first axis into a part for each device; gradients are averaged over the rows by NCCL, and
    every device makes the same update. Nothing is waited for but the cost.

    Parameters
    ----------
    inputs
        The inputs of the step. Those without axes, such as a rate, go to every device as they are.
    cost
        A scalar, the mean of something over the rows of a batch.
    parameters
        Shared variables that are trained. They stay current: `get_value` reads the first device.
    updates
        The rule: called with parameters and gradients, gives their updates. It is called once for
        each device; shared variables that it makes live there.
    devices
        The names of GPUs: ["cuda:0", "cuda:1"].
    options
        Passed to `function`.

    Raises
    ------
    GraphTypeError
        No device is given, one twice, or the CPU; or a parameter is not shared.
    DeviceError
        A device cannot be used.

    Examples
    --------
    The rule of gradient descent, with the rate an input::

        step = sg.DataParallel(
            [x, y, rate], cost, [W, b],
            lambda parameters, gradients: [
                (p, p - rate * g) for p, g in zip(parameters, gradients)
            ],
            devices=["cuda:0", "cuda:1"],
        )
        step(images, labels, 0.1)
    """

    def __init__(
        self,
        inputs: Sequence[Any],
        cost: Any,
        parameters: Sequence[Any],
        updates: Rule,
        devices: Sequence[str],
        **options: Any,
    ) -> None:
        self.devices = [canonical(name) for name in devices]
        if not devices or CPU in self.devices or len(set(self.devices)) < len(devices):
            raise GraphTypeError(f"devices are GPUs, each named once, not {list(devices)}")
        for p in parameters:
            if not isinstance(p, SharedVariable):
                raise GraphTypeError(f"{p} is no shared variable, so it cannot be trained")
        self.inputs, self.parameters = list(inputs), list(parameters)
        self._whole = [isinstance(v.type, TensorType) and v.type.ndim == 0 for v in inputs]
        if all(self._whole):
            raise GraphTypeError("no input has an axis to cut into parts for the devices")
        self._weight: Any = TensorType(_weight_dtype(cost), ())("weight")
        self.replicas: list[list[Any]] = []
        self._gradients: list[Function] = []
        self._updates: list[Function] = []
        for place, name in enumerate(self.devices):
            self._build(place, name, cost, updates, options)
        self._sum = runtime.reduction(self.devices)

    def _build(self, place: int, name: str, cost: Any, rule: Rule, options: Any) -> None:
        """The two functions of a device: gradients of its part, and the update."""
        twins = self._twins(cost, place, name)
        (own,) = clone_graph([cost], dict(twins))
        mine = [twins.get(p, p) for p in self.parameters]
        gradients = [mul(g, cast(self._weight, g.type.dtype)) for g in grad(own, mine)]
        results = [mul(own, self._weight), *gradients]
        given: Any = [g.type() for g in gradients]
        with on_device(name):
            updates = rule(mine, given)
        options = {"on_unused_input": "ignore", **options, "device": name}
        outputs = [Out(v, device=name) for v in results]
        self._gradients.append(function([*self.inputs, self._weight], outputs, **options))
        numbers = [v for v, whole in zip(self.inputs, self._whole, strict=True) if whole]
        self._updates.append(function([*given, *numbers], updates=updates, **options))
        self.replicas.append(mine)

    def _twins(self, cost: Variable, place: int, name: str) -> dict[Variable, Variable]:
        """What stands for shared variables on a device: themselves on the first."""
        found = [v for v in ancestors([cost]) if isinstance(v, SharedVariable)]
        used = list(dict.fromkeys([*found, *self.parameters]))
        if place == 0:
            for var in used:
                var.container.target = name
                var.set_value(var.get_value(borrow=True), borrow=True)
            return {}
        twins: dict[Variable, Variable] = {var: _twin(var, place, name) for var in used}
        for var in used:
            if var.default_update is not None:
                (twins[var].default_update,) = clone_graph([var.default_update], dict(twins))  # type: ignore[attr-defined]
        return twins

    def broadcast(self) -> None:
        """Give the parameters' values to every device; needed after `set_value`."""
        for replica in self.replicas[1:]:
            for mine, first in zip(replica, self.parameters, strict=True):
                mine.set_value(first.get_value(borrow=True, return_internal_type=True))

    def __call__(self, *values: Any) -> Any:
        """Make a step with a batch; its cost, the mean over all rows, as a NumPy array."""
        parts, counts = self._cut(values)
        weights = [count / sum(counts) for count in counts]
        made = [
            f(*part, np.asarray(weight, self._weight.type.dtype))
            for f, part, weight in zip(self._gradients, parts, weights, strict=True)
        ]
        self._sum(list(zip(*made, strict=True)))
        numbers = [v for v, whole in zip(values, self._whole, strict=True) if whole]
        for f, (_, *gradients) in zip(self._updates, made, strict=True):
            f(*gradients, *numbers)
        cost: DeviceArray = made[0][0]
        return cost.numpy()

    def _cut(self, values: Sequence[Any]) -> tuple[list[list[Any]], list[int]]:
        """For each device its arguments, and how many rows it has."""
        arrays = [v if w else np.asarray(v) for v, w in zip(values, self._whole, strict=True)]
        rows = {len(a) for a, whole in zip(arrays, self._whole, strict=True) if not whole}
        count = len(self.devices)
        if len(rows) != 1 or min(rows) < count:
            raise InputShapeError(
                f"a batch for {count} devices has the same number of rows in all inputs, at least"
                f" {count}; these have {' and '.join(map(str, sorted(rows)))}"
            )
        pieces = [
            [a] * count if whole else np.array_split(a, count)
            for a, whole in zip(arrays, self._whole, strict=True)
        ]
        (total,) = rows
        counts = [len(piece) for piece in np.array_split(np.empty(total), count)]
        return [list(part) for part in zip(*pieces, strict=True)], counts


def _twin(var: SharedVariable, place: int, name: str) -> TensorSharedVariable:
    """A shared variable of the same value on another device; a random state draws apart."""
    value = var.get_value()
    kind = var.type
    assert isinstance(kind, TensorType)
    if var.default_update is not None and kind.dtype == "uint64" and kind.shape == (2,):
        value[:1] += np.array([place * APART % 2**64], np.uint64)  # arrays wrap around
    return shared(value, var.name, shape=kind.shape, target=name, borrow=True)


def _weight_dtype(cost: Any) -> str:
    if not isinstance(cost.type, TensorType) or cost.type.ndim:
        raise GraphTypeError(f"the cost is a scalar, not {cost.type}")
    return cost.type.dtype if cost.type.dtype in ("float32", "float64") else str(config.floatX)
