"""The values that inputs of a function have when none is passed: found, set and shared by key."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from symgraph.request import In
from symgraph.shared import Container, SharedVariable


class Containers:
    """For each input of a function the container of its value, None in it if it has none.

    An input is named by itself, its keyword or its place. Another function that is given such a
    container, by `In(variable, value=f.container[x])`, has the same value from then on.
    """

    def __init__(self, specs: Sequence[In], title: str) -> None:
        self.specs, self.title = specs, title
        self.held = [_container(spec.value) for spec in specs]

    def place(self, key: Any) -> int:
        """Which input is meant; a KeyError says which there are."""
        for place, spec in enumerate(self.specs):
            if key is spec.variable or (isinstance(key, str) and key == spec.key):
                return place
        if isinstance(key, int) and -len(self.specs) <= key < len(self.specs):
            return key
        known = ", ".join(f"{spec.key or spec.variable}" for spec in self.specs) or "none"
        raise KeyError(f"{self.title} has no input {key!r}; its inputs are {known}")

    def __getitem__(self, key: Any) -> Container:
        return self.held[self.place(key)]

    def __contains__(self, key: Any) -> bool:
        return any(key is s.variable or (isinstance(key, str) and key == s.key) for s in self.specs)

    def __len__(self) -> int:
        return len(self.held)


class Values:
    """The values in containers, under the same keys; `f.value[x]` is the object itself."""

    def __init__(self, containers: Containers) -> None:
        self.containers = containers

    def __getitem__(self, key: Any) -> Any:
        return self.containers[key].value

    def __contains__(self, key: Any) -> bool:
        return key in self.containers


def _container(value: Any) -> Container:
    if isinstance(value, SharedVariable):
        return value.container
    return value if isinstance(value, Container) else Container(None)


def with_own_states(specs: Sequence[In]) -> tuple[list[In], dict[SharedVariable, SharedVariable]]:
    """The inputs with containers of their own, and what stands for the states they update.

    Values that are updated are copied; others are the same objects, since nothing changes them.
    """
    swapped: dict[SharedVariable, SharedVariable] = {}
    found = []
    for spec in specs:
        value = spec.value
        if isinstance(value, SharedVariable) and spec.update is not None:
            twin = swapped[value] = copy_of(value)
            spec = replace(spec, value=twin)
        elif isinstance(value, Container):
            spec = replace(spec, value=Container(value.value, value.target))
        found.append(spec)
    return found, swapped


def copy_of(shared: SharedVariable) -> SharedVariable:
    """A shared variable like another, with a copy of its value."""
    twin = shared.clone()
    assert isinstance(twin, SharedVariable)
    twin.container = Container(copy(shared.container.value), shared.container.target)
    return twin
