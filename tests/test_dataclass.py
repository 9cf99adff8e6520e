"""The package's dataclasses are what the standard decorator makes, and compile next to nothing."""

from __future__ import annotations

import builtins
import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from symgraph.dataclass import dataclass


def kinds(decorate: Callable[..., Any]) -> dict[str, Any]:
    """Classes of all forms, made by a decorator."""

    @decorate(frozen=True)
    class Base:
        """A field, a constant that is none, and one that is not compared."""

        a: int
        table: ClassVar[dict[str, int]] = {}
        note: str = dataclasses.field(default="", compare=False, repr=False)

    @decorate(frozen=True, repr=False)
    class Same(Base):
        """Adds nothing but a text."""

        def __repr__(self) -> str:
            return "same"

    @decorate(frozen=True)
    class More(Base):
        """A field more, and work after it; the default of another is its own."""

        note: str = "more"
        b: float = 1.0

        def __post_init__(self) -> None:
            if self.b < 0:
                raise ValueError("b")

    @decorate(frozen=True, eq=False)
    class Alone:
        """Compared by identity."""

        a: int

    @decorate
    class Open:
        """May be changed, so it has no hash."""

        a: int
        b: Any = None

    @decorate(frozen=True)
    class Empty:
        """Nothing in it."""

    @decorate(frozen=True)
    class Own:
        """Its own idea of equality and hash."""

        a: int

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own) and self.a % 2 == other.a % 2

        def __hash__(self) -> int:
            return self.a % 2

    @decorate(frozen=True)
    class Counted:
        """Its own equality only."""

        a: int

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Counted)

    @decorate(frozen=True)
    class Rare(Base):
        """What `__init__` does not take by position."""

        items: list[int] = dataclasses.field(default_factory=list)
        key: int = dataclasses.field(kw_only=True)

    return {name: kind for name, kind in locals().items() if name != "decorate"}


MINE, THEIRS = kinds(dataclass), kinds(dataclasses.dataclass)
CALLS: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "Base": [((1,), {}), ((), {"a": 1}), ((1, "x"), {}), ((2,), {}), ((float("nan"),), {})],
    "Same": [((1,), {}), ((2,), {"note": "y"})],
    "More": [((1,), {}), ((1, "x", 2.0), {}), ((1,), {"b": 3.0}), ((1,), {"b": 3.0, "note": "z"})],
    "Alone": [((1,), {}), ((1,), {})],
    "Open": [((1,), {}), ((1, [2]), {}), ((1,), {"b": [2]})],
    "Empty": [((), {}), ((), {})],
    "Own": [((1,), {}), ((2,), {}), ((3,), {})],
    "Counted": [((1,), {}), ((2,), {})],
    "Rare": [((1,), {"key": 2}), ((1, "x", [3]), {"key": 2})],
}
WRONG: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Base", (), {}),
    ("Base", (1, "x", 2), {}),
    ("Base", (1,), {"other": 2}),
    ("Base", (1,), {"a": 2}),
    ("More", (1, "x", -1.0), {}),
    ("Empty", (1,), {}),
    ("Rare", (1,), {}),
]


def test_all_forms_are_tried() -> None:
    assert CALLS.keys() == MINE.keys() == THEIRS.keys()


@pytest.mark.parametrize("name", CALLS)
def test_instances_are_those_of_the_standard_decorator(name: str) -> None:
    mine, theirs = ([kind[name](*a, **k) for a, k in CALLS[name]] for kind in (MINE, THEIRS))
    for one, other in zip(mine, theirs, strict=True):
        assert dataclasses.is_dataclass(one)
        assert one.__dict__.keys() == other.__dict__.keys()
        same_words = repr(one).replace("<locals>", "") == repr(other).replace("<locals>", "")
        assert same_words or name == "Alone"
        assert [f.name for f in dataclasses.fields(one)] == [
            f.name for f in dataclasses.fields(other)
        ]
        changed = dataclasses.replace(one)
        assert type(changed) is type(one)
        assert copy.copy(one).__dict__ == one.__dict__
    for a, x in zip(mine, theirs, strict=True):
        for b, y in zip(mine, theirs, strict=True):
            assert (a == b) is (x == y)
            if a == b and name not in ("Open", "Counted", "Rare"):
                assert hash(a) == hash(b)


@pytest.mark.parametrize("name", CALLS)
def test_classes_are_those_of_the_standard_decorator(name: str) -> None:
    mine, theirs = MINE[name], THEIRS[name]
    assert inspect.signature(mine) == inspect.signature(theirs)
    assert mine.__match_args__ == theirs.__match_args__
    assert (mine.__hash__ is None) is (theirs.__hash__ is None)
    facts = [
        [(f.name, f.type, f.default, f.compare, f.repr, f.init) for f in dataclasses.fields(kind)]
        for kind in (mine, theirs)
    ]
    assert facts[0] == facts[1]
    assert [n for n in ("a", "note", "b") if n in vars(mine)] == [
        n for n in ("a", "note", "b") if n in vars(theirs)
    ]


@pytest.mark.parametrize(("name", "args", "options"), WRONG)
def test_what_is_wrong_for_one_is_wrong_for_the_other(
    name: str, args: tuple[Any, ...], options: dict[str, Any]
) -> None:
    errors = []
    for made in (MINE, THEIRS):
        with pytest.raises((TypeError, ValueError)) as caught:
            made[name](*args, **options)
        errors.append((caught.type, str(caught.value).rpartition(".")[2]))
    assert errors[0] == errors[1]


@pytest.mark.parametrize("name", [n for n in CALLS if n != "Open"])
def test_frozen_ones_stay_as_they_are(name: str) -> None:
    args, options = CALLS[name][0]
    for made in (MINE, THEIRS):
        one = made[name](*args, **options)
        for change in (lambda o=one: setattr(o, "a", 5), lambda o=one: setattr(o, "new", 5)):
            with pytest.raises(dataclasses.FrozenInstanceError):
                change()
        with pytest.raises(dataclasses.FrozenInstanceError):
            del one.a


def test_classes_of_users_may_inherit_by_either_decorator() -> None:
    base = MINE["Base"]

    @dataclasses.dataclass(frozen=True)
    class Standard(base):  # type: ignore[misc, valid-type]
        c: int = 3

    class Plain(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__(7)
            self.extra = 1

    assert Standard(1) == Standard(1, "other", 3) != base(1)
    assert (Plain().a, Plain().extra) == (7, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Plain().a = 3
    with pytest.raises(TypeError, match=r"non-default|without a default"):

        @dataclass(frozen=True)
        class Wrong(base):  # type: ignore[misc, valid-type]
            late: int


def test_fieldless_classes_are_told_apart() -> None:
    @dataclass(frozen=True)
    class Other(MINE["Empty"]):  # type: ignore[misc]
        """Nothing in it, either."""

    assert Other() == Other()
    assert Other() != MINE["Empty"]()
    assert len({Other(), MINE["Empty"](), Other()}) == 2


@dataclass(frozen=True)
class Kept:
    """Found by name, so that it can be pickled."""

    a: int
    inner: Any = None


def test_they_are_pickled_and_show_a_circle() -> None:
    kept = Kept(1, [Kept(2)])
    assert pickle.loads(pickle.dumps(kept)) == kept
    kept.inner.append(kept)
    assert repr(kept) == "Kept(a=1, inner=[Kept(a=2, inner=None), ...])"


def test_a_class_more_compiles_nothing_new(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise AssertionError("a method is compiled")

    MINE["Base"](1)
    monkeypatch.setattr(builtins, "exec", fail)

    @dataclass(frozen=True)
    class Again:
        """The fields of `Base`."""

        a: int
        note: str = ""

    assert Again(1).note == ""


def test_comparisons_are_compiled_at_their_first_use() -> None:
    @dataclass(frozen=True)
    class Late:
        """Fields that no other class has."""

        first_of_late: int
        second_of_late: int = 0

    class Under(Late):
        """Not decorated."""

    shared = vars(Late)["__eq__"], vars(Late)["__hash__"]
    assert Under(1) == Under(1, 0) != Late(1)
    assert hash(Under(1)) == hash(Late(1))
    assert shared != (vars(Late)["__eq__"], vars(Late)["__hash__"])
    assert "__eq__" not in vars(Under)
    assert Late.__eq__(Late(1), Late(1)) is True
    assert Late.__eq__(Late(1), 1) is NotImplemented


def test_few_methods_are_compiled_by_the_import_of_the_package() -> None:
    """The standard decorator made some 1,000 for the package; NumPy and Python make others."""
    code = (
        "import dataclasses, numpy\n"
        "made, real = [], dataclasses._create_fn\n"
        "dataclasses._create_fn = lambda *a, **k: made.append(k.get('globals')) or real(*a, **k)\n"
        "import symgraph\n"
        "from symgraph.dataclass import _code\n"
        "print(len(made), _code.cache_info().currsize)"
    )
    if not hasattr(dataclasses, "_create_fn"):
        pytest.skip("this Python's decorator compiles the methods of a class at once")
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    standard, own = map(int, done.stdout.split())
    assert standard < 120
    assert own < 140
