"""Placement: what is computed where, and which copies that needs. No device has to be there."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph import pipeline
from symgraph.backends.nvidia import Machine
from symgraph.devices import CPU
from symgraph.errors import DeviceError, NoDeviceError, UnknownDeviceError
from symgraph.graph import Variable
from symgraph.ops.transfer import Transfer
from symgraph.pipeline import is_native
from symgraph.placement import Placed, needs_placement, placed
from symgraph.runners import Task


@pytest.fixture(autouse=True)
def no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "this_machine", Machine)


def task_of(*outputs: Variable, updates: tuple = ()) -> Task:
    roots = [*outputs, *(v for _, v in updates)]
    given = [v for v in sg.graph.inputs(roots) if not isinstance(v, sg.Constant)]
    return Task(tuple(given), outputs, updates)


def place(*outputs: Variable, default: str = CPU, updates: tuple = ()) -> Placed:
    return placed(task_of(*outputs, updates=updates), default, is_native)


def where(found: Placed) -> dict[str, str]:
    """The devices of nodes that are no copies, by their ops."""
    return {str(n.op): p for n, p in found.places.items() if not isinstance(n.op, Transfer)}


def copies(found: Placed) -> list[tuple[str, str]]:
    """What is copied where."""
    nodes = [n for n in found.places if isinstance(n.op, Transfer)]
    return [(str(n.inputs[0]), n.op.target) for n in nodes]


def test_a_device_takes_all_and_arguments_and_results_are_copied() -> None:
    x = T.dmatrix("x")
    found = place(T.exp(x) + x, default="cuda:0")
    assert where(found) == {"Exp": "cuda:0", "Add": "cuda:0"}
    assert copies(found) == [("x", "cuda:0"), ("Add.0", CPU)]
    assert found.devices == ("cuda:0",)


def test_numbers_need_no_copy() -> None:
    x, rate = T.dmatrix("x"), T.dscalar("rate")
    assert ("rate", "cuda:0") not in copies(place(x * rate, default="cuda:0"))


def test_a_block_says_where_and_what_follows_goes_along() -> None:
    x = T.dmatrix("x")
    with sg.device("cuda:1"):
        y = T.exp(x)
    found = place(T.sin(y) + T.cos(x))
    assert where(found) == {
        "Exp": "cuda:1",
        "Sin": "cuda:1",
        "Cos": CPU,
        "Add": "cuda:1",
    }
    assert copies(found) == [("x", "cuda:1"), ("Cos.0", "cuda:1"), ("Add.0", CPU)]


def test_gradients_are_computed_where_the_value_is() -> None:
    x = T.dvector("x")
    with sg.device("cuda:1"):
        y = T.exp(x).sum()
    assert T.grad(y, x).made_at.device == "cuda:1"
    assert set(where(place(T.grad(y, x) * 1.5)).values()) == {"cuda:1"}


def test_transfers_go_there_and_their_gradients_back() -> None:
    x = T.dvector("x")
    with sg.device("cuda:1"):
        y = T.exp(x)
    cost = T.sin(y.transfer("cuda:2")).sum()
    found = place(cost, T.grad(cost, y))
    assert where(found)["Sin"] == where(found)["Cos"] == "cuda:2"
    assert where(found)["Exp"] == "cuda:1"
    assert ("Exp.0", "cuda:2") in copies(found)
    back = T.grad(T.sin(y.transfer("cuda:2")).sum(), y).owner
    assert back is not None
    assert back.op == Transfer("cuda:1")


def test_the_gradient_of_what_was_put_nowhere_goes_back_to_the_functions_device() -> None:
    x = T.dvector("x")
    cost = T.sin(T.exp(x).transfer("cpu")).sum()
    found = place(T.grad(cost, x), default="cuda:3")
    assert where(found)["Cos"] == CPU
    assert where(found)["Mul"] == "cuda:3"


def test_a_transfer_to_where_a_value_is_copies_nothing() -> None:
    x = T.dvector("x")
    found = place(T.exp(x.transfer("cpu")))
    assert (copies(found), found.devices) == ([], ())
    f = sg.function([x], T.exp(x.transfer("cpu")).transfer("cpu"))
    assert "Transfer" not in sg.debugprint(f, file="str")
    np.testing.assert_array_equal(f([0.0]), [1.0])


def test_shared_variables_draw_what_reads_them() -> None:
    x = T.dvector("x")
    W = sg.shared(np.ones(3), "W")
    W.container.target = "cuda:1"  # as where there is a card
    found = place(x * W, updates=((W, W + x),))
    assert set(where(found).values()) == {"cuda:1"}
    assert found.homes[W] == "cuda:1"
    assert ("W", "cuda:1") not in copies(found)


def test_a_shared_variable_made_for_no_device_lives_where_it_is_used() -> None:
    W, V = sg.shared(np.ones(3), "W"), sg.shared(np.ones(3), "V", target="cpu")
    found = place(T.exp(W), T.exp(V), default="cuda:0")
    assert (found.homes[W], found.homes[V]) == ("cuda:0", CPU)
    assert ("V", "cuda:0") in copies(found)


def test_what_no_gpu_computes_runs_on_the_cpu() -> None:
    x = T.dvector("x")
    shown = sg.Print("x")(T.exp(x))
    found = place(T.sin(shown), default="cuda:0")
    assert where(found) == {"Exp": "cuda:0", "Print{x}": CPU, "Sin": "cuda:0"}
    assert copies(found) == [
        ("x", "cuda:0"), ("Exp.0", CPU), ("Print{x}.0", "cuda:0"), ("Sin.0", CPU)
    ]  # fmt: skip


def test_ranges_and_zeros_are_made_where_they_are_read() -> None:
    x = T.dvector("x")
    with sg.device("cuda:1"):
        y = T.exp(x)
    found = place(y + T.arange(x.shape[0]))
    assert set(where(found).values()) == {"cuda:1"}


def test_an_output_that_was_transferred_stays_there() -> None:
    x = T.dvector("x")
    found = place(T.exp(x).transfer("cuda:0"), T.exp(x).transfer("cuda:1"), default="cuda:0")
    ends = [v.owner for v in found.task.outputs]
    assert [found.places[n] for n in ends if n] == ["cuda:0", "cuda:1"]
    assert ("x", CPU) not in copies(found)


def test_every_node_reads_what_is_where_it_runs() -> None:
    x, y = T.dmatrix("x"), T.dvector("y")
    with sg.device("cuda:1"):
        h = T.tanh(T.dot(x, x.T)) + y.sum()
    cost = (h.transfer("cpu") ** 2).sum() + T.sort(y).sum()
    found = place(cost, *T.grad(cost, [x, y]), default="cuda:0")
    made: dict[Variable, str] = dict(found.homes)
    for node, device in found.places.items():
        for var in node.inputs:
            at_hand = isinstance(var, sg.Constant) or made[var] == device
            number = made.get(var) == CPU and var.type.ndim == 0
            assert at_hand or number or isinstance(node.op, Transfer), (node, var)
        made |= dict.fromkeys(node.outputs, device)


def test_placement_is_left_out_where_nobody_asks() -> None:
    x = T.dvector("x")
    assert not needs_placement(task_of(T.exp(x)), CPU)
    assert needs_placement(task_of(T.exp(x)), "cuda:0")


def test_devices_that_are_not_there_are_an_error_when_a_function_is_made() -> None:
    x = T.dvector("x")
    with sg.device("cuda:1"):
        y = T.exp(x)
    for make in (
        lambda: sg.function([x], y),
        lambda: sg.function([x], x * 2, device="cuda"),
        lambda: sg.function([x], x * 2, mode=sg.Mode(backend="cuda")),
        lambda: sg.function([x], x * 2, mode=sg.Mode(device="cuda")),
        lambda: sg.function([x], sg.Out(x * 2, device="cuda:1")),
    ):
        with pytest.raises(NoDeviceError):
            make()
    with sg.config(device="cuda"), pytest.raises(DeviceError):
        sg.function([x], x * 2)
    with pytest.raises(UnknownDeviceError):
        sg.function([x], x * 2, device="tpu")


def test_the_interpreter_needs_no_device() -> None:
    x = T.dvector("x")
    with sg.device("cuda:1"):
        y = T.exp(x)
    assert sg.function([x], y, mode="interpret")([0.0]).tolist() == [1.0]


def test_places_survive_json_and_pickles() -> None:
    x = T.dvector("x")
    with sg.device("cuda:1"):
        y = T.exp(x)
    (again,) = sg.load_json(sg.export(y, format="json")).outputs
    assert again.made_at.device == "cuda:1"
    assert pickle.loads(pickle.dumps(y)).made_at.device == "cuda:1"
