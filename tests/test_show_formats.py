"""Every format: what it holds, that it loads again, and that it gives the same numbers."""

from __future__ import annotations

import io
import json
import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
import time
import venv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest
from hatchling.builders.wheel import WheelBuilder

import symgraph as sg
import symgraph.tensor as T
from symgraph import demo
from symgraph.data import digits
from symgraph.errors import ExportError
from symgraph.show import export
from symgraph.show import graphviz as graphviz_module
from symgraph.show.export import FORMATS
from symgraph.show.subject import subject_of
from symgraph.show.svg import box_size
from symgraph.show.view import view_of
from tests.graphs import HOSTILE, Halves, chain, hostile, trained

onnxruntime = pytest.importorskip("onnxruntime")
Image = pytest.importorskip("PIL.Image")
ROOT = Path(__file__).parents[1]
RNG = np.random.default_rng(0)


def shown(format: str) -> bool:
    return format not in ("networkx", "py")


# --- pictures and pages --------------------------------------------------------------------------


def test_png_is_a_picture_with_colours_and_text() -> None:
    picture = Image.open(io.BytesIO(export(trained(mode="interpret"), format="png")))
    assert picture.format == "PNG"
    assert picture.width > 300
    colours = {colour for _, colour in picture.getcolors(1 << 16)}
    assert {(0xE0, 0xF3, 0xE1), (0xFD, 0xF0, 0xD5)} <= colours  # an input's box, a shared one's


def test_png_of_a_long_graph_stays_a_picture() -> None:
    picture = Image.open(io.BytesIO(export(chain(3000), format="png", layout="own")))
    assert picture.width * picture.height < 26e6


def test_page_needs_no_network_and_escapes() -> None:
    text = export(hostile(), format="html")
    assert text.startswith("<!doctype html>")
    body = text[text.index("<body>") :]
    assert "alert" in body
    assert '<script>alert("' not in text
    assert text.count("<script") == 2
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    data = json.loads(body.split('id="data">')[1].split("</script>")[0])
    assert any("<script>" in node["label"] for node in data["stages"][0]["graph"]["nodes"])


def test_node_link_loads_in_networkx() -> None:
    text = export(trained(mode="interpret"), format="node-link")
    graph = networkx.node_link_graph(json.loads(text), edges="edges")
    assert networkx.utils.graphs_equal(graph, export(trained(mode="interpret"), format="networkx"))


def test_graphviz_places_boxes_where_it_is() -> None:
    view = view_of(subject_of(trained(mode="interpret")))
    if not shutil.which("dot"):
        with pytest.raises(ExportError, match="not installed"):
            graphviz_module.dot_layout(view, box_size)
        pytest.skip("Graphviz's dot is not installed")
    placed = graphviz_module.dot_layout(view, box_size)
    assert {box.node.id for box in placed.boxes} == {node.id for node in view.nodes}
    places = {box.node.id: box for box in placed.boxes}
    for wire in placed.wires:
        assert places[wire.edge.source].y < places[wire.edge.target].y
        end = wire.points[-1]
        assert abs(end[0] - places[wire.edge.target].x) <= places[wire.edge.target].width
    assert export(trained(mode="interpret"), format="svg", layout="dot").startswith("<svg")


def test_auto_layout_goes_on_without_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ExportError("dot is broken")

    module = sys.modules["symgraph.show.export"]
    monkeypatch.setattr(module, "has_dot", lambda: True)
    monkeypatch.setattr(module, "dot_layout", broken)
    assert export(trained(mode="interpret"), format="svg").startswith("<svg")
    with pytest.raises(ExportError, match="dot is broken"):
        export(trained(mode="interpret"), format="svg", layout="dot")


def test_notebooks_show_drawings_and_stay_small() -> None:
    x = T.dvector("x")
    bundle = (T.exp(x) + 1)._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle["image/svg+xml"] in bundle["text/html"]
    assert trained(mode="interpret")._repr_svg_().startswith("<svg")
    assert len(chain(4000)._repr_html_()) < 1e6
    assert HOSTILE not in hostile()._repr_html_()


def test_ten_thousand_nodes_take_seconds(tmp_path: Path) -> None:
    y = chain(10_000)
    for format in FORMATS:
        if not shown(format) or format == "onnx":
            continue
        start = time.process_time()
        export(y, tmp_path / "graph", format=format)
        assert time.process_time() - start < 15, format


# --- ONNX ----------------------------------------------------------------------------------------


def run_onnx(model: bytes, **inputs: Any) -> list[Any]:
    return onnxruntime.InferenceSession(model).run(None, inputs)


def agree(inputs: list[Any], outputs: list[Any], values: list[Any], digits: float = 1e-12) -> None:
    expected = sg.function(inputs, outputs, mode="interpret")(*values)
    names = {var.name: value for var, value in zip(inputs, values, strict=True)}
    found = run_onnx(export(outputs, format="onnx"), **names)
    for want, have in zip(expected, found, strict=True):
        assert have.dtype == want.dtype
        np.testing.assert_allclose(have, want, rtol=digits, atol=digits)


def test_onnx_elementwise() -> None:
    x, y = T.fmatrix("x"), T.fmatrix("y")
    i, b = T.lvector("i"), T.bvector("b")
    values = [
        RNG.uniform(0.1, 0.9, (3, 4)).astype("f4"),
        RNG.uniform(0.1, 0.9, (3, 4)).astype("f4"),
        np.array([-3, 0, 5]),
        np.array([1, 2, 3], "i1"),
    ]
    unary = [T.exp, T.exp2, T.expm1, T.log, T.log2, T.log10, T.log1p, T.sqrt, T.sin, T.cos, T.tan]
    unary += [T.arcsin, T.arccos, T.arctan, T.tanh, T.sinh, T.cosh, T.sigmoid, T.erf, T.erfc]
    unary += [T.neg, T.abs_, T.sqr, T.reciprocal, T.floor, T.ceil, T.trunc, T.nnet.softplus]
    outputs = [f(x) for f in unary]
    outputs += [x + y, x - y, x * y, x / y, x**y, x % y, x // y, T.maximum(x, y), T.minimum(x, y)]
    outputs += [T.lt(x, y), T.neq(x, y), T.switch(x > y, x, 0.0), T.eq(x, y) | (x < y), i % 4]
    outputs += [i * b, T.cast(x, "int32"), ~(x > y), T.isnan(x), T.isinf(x), T.ones_like(x)]
    agree([x, y, i, b], outputs, values, 1e-5)


def test_onnx_shapes_and_reductions() -> None:
    x, i = T.dmatrix("x"), T.lvector("i")
    outputs = [
        x.T, x.dimshuffle("x", 1, 0), x.reshape((2, -1)), x.flatten(), x.shape[0], x.sum(),
        x.sum(axis=0), x.mean(axis=1), x.max(axis=1), x.min(), x.prod(axis=0), T.argmax(x, axis=1),
        T.argmin(x), (x > 0).any(), (x > 0).all(axis=0), T.concatenate([x, x], axis=1),
        T.stack([x, x]), x[1], x[:, -1], x[::-1], x[1:, :2], x[-1, 1:3], x[None, 0], x[i],
        x[i, i], T.cumsum(x, axis=1), T.arange(x.shape[0]), T.eye(3, 4, 1),
        T.dot(x, x.T), T.alloc(2.5, 2, 3), T.inc_subtensor(x[i], 1.0),
        T.set_subtensor(x[1:, 0], 9.0), T.inc_subtensor(x[i, i], 2.0),
        T.nnet.softmax(x),
    ]  # fmt: skip
    agree([x, i], outputs, [RNG.normal(size=(4, 4)), np.array([2, 0, 2])])


def test_onnx_convolutions_and_pools() -> None:
    x = T.ftensor4("x")
    w = sg.shared(RNG.normal(size=(4, 2, 3, 2)).astype("f4"), name="w")
    v = sg.shared(RNG.normal(size=(4, 1, 3, 3)).astype("f4"), name="v")
    outputs = [
        T.nnet.conv2d(x, w),
        T.nnet.conv2d(x, w, border_mode="full", subsample=(2, 1), filter_flip=False),
        T.nnet.conv2d(x, v, border_mode="half", filter_dilation=(1, 2), num_groups=2),
        T.signal.pool.pool_2d(x, (2, 2), ignore_border=True),
        T.signal.pool.pool_2d(x, (2, 3), ignore_border=True, mode="average_exc_pad"),
        T.signal.pool.pool_2d(x, (2, 2), ignore_border=True, mode="sum"),
    ]
    agree([x], outputs, [RNG.normal(size=(2, 2, 7, 8)).astype("f4")], 1e-5)
    with pytest.raises(ExportError, match="sizes of its filters"):
        export(T.nnet.conv2d(x, T.ftensor4("u"), border_mode="half"), format="onnx")


def test_onnx_gradients_of_convolutions_and_pools() -> None:
    x = T.ftensor4("x")
    w = sg.shared(RNG.normal(size=(4, 2, 3, 2)).astype("f4"), name="w")
    v = sg.shared(RNG.normal(size=(4, 1, 3, 3)).astype("f4"), name="v")
    for made, filters, wrt in (
        (T.nnet.conv2d(x, w), w, [x, w]),
        (T.nnet.conv2d(x, w, border_mode="full", subsample=(2, 3), filter_flip=False), w, [x, w]),
        (T.nnet.conv2d(x, w, border_mode="half", filter_dilation=(1, 2)), w, [x, w]),
        (T.nnet.conv2d(x, v, border_mode=(1, 2), subsample=(3, 2), num_groups=2), v, [x]),
        (T.signal.pool.pool_2d(x, (2, 3), ignore_border=True), w, [x]),
        (T.signal.pool.pool_2d(x, (3, 3), stride=(2, 1), ignore_border=True), w, [x]),
    ):
        assert filters in (w, v)
        slopes = T.grad((made**2).sum(), wrt)
        agree([x], slopes, [RNG.normal(size=(2, 2, 7, 8)).astype("f4")], 1e-3)
    grouped = T.grad(T.nnet.conv2d(x, v, num_groups=2).sum(), v)
    with pytest.raises(ExportError, match="no form in ONNX in groups"):
        export(grouped, format="onnx")


def test_onnx_draws_are_the_same_numbers() -> None:
    stream, n = sg.RandomStream(3), T.lscalar("n")
    outputs = [
        stream.uniform((n, 3), dtype="float64"), stream.normal((n,), dtype="float32"),
        stream.uniform((2, n), dtype="float32"), stream.integers(0, 10, size=(n,)),
        stream.normal((2, 2), dtype="float64"),
    ]  # fmt: skip
    f = sg.function([n], outputs, mode="interpret")
    model = export(f, format="onnx")
    for _ in range(2):  # the same call twice: the model holds the states before it
        found = run_onnx(model, n=np.array(5))
        if not _:
            expected = f(5)
        for want, have in zip(expected, found, strict=False):
            np.testing.assert_allclose(have, want, rtol=1e-6)
    states = [var.get_value() for var in f.updates]
    for want, have in zip(states, found[len(outputs) :], strict=True):
        np.testing.assert_array_equal(have, want)


def test_onnx_loops_and_choices() -> None:
    x, n = T.dmatrix("x"), T.lscalar("n")
    kept, _ = sg.scan(lambda r, h: T.tanh(r + h), sequences=[x], outputs_info=[T.zeros((3,))])
    both, _ = sg.scan(
        lambda r, h, g, k: [h + g * k, r * h],
        sequences=[x], outputs_info=[{"initial": x[:2], "taps": [-2, -1]}, None],
        non_sequences=[x[0]], go_backwards=True,
    )  # fmt: skip
    halved, _ = sg.scan(lambda v: (v / 2, sg.until(v.sum() < 1.0)), outputs_info=[x[0]], n_steps=n)
    total, _ = sg.reduce(lambda r, a: a + r, x, [T.zeros((3,))])
    slope = T.grad((kept[-1] ** 2).sum() + both[1].sum(), x)
    chosen = sg.ifelse(x.sum() > 0, x[0], x[:, 0])
    other = sg.ifelse(x.sum() < 0, x * 2, x[:1])
    outputs = [kept, *both, halved, total, slope, chosen, other]
    agree([x, n], outputs, [RNG.uniform(0.5, 1, (4, 3)), np.array(9)])


def test_onnx_of_a_training_step_is_the_step() -> None:
    f = trained()
    model = export(f, format="onnx")
    x, y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
    cost, after = run_onnx(model, x=x, y=y)
    np.testing.assert_allclose(cost, f(x, y))
    (W,) = f.get_shared()
    np.testing.assert_allclose(after, W.get_value())


def test_onnx_names_the_op_it_cannot_say() -> None:
    x = T.dvector("x")
    with pytest.raises(ExportError, match=r"Halves.*graphs.py:\d+.*no form in ONNX"):
        export(Halves(1)(x)[0] + 1, format="onnx")
    with pytest.raises(ExportError, match="sign of a step"):
        export(x[:: T.lscalar("s")], format="onnx")


# --- modules that stand alone --------------------------------------------------------------------

ALONE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "symgraph":
            raise ImportError("symgraph is not there")

sys.meta_path.insert(0, Refuse())
sys.path.insert(0, {folder!r})
import numpy as np
import step
from check import check
check(step)
"""


def alone(folder: Path, check: str) -> None:
    """Run `check(step)` where symgraph cannot be imported and `step` was exported."""
    (folder / "check.py").write_text(f"import numpy as np\n\ndef check(step):\n{check}")
    code = ALONE.format(folder=str(folder))
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


def test_a_module_trains_without_symgraph(tmp_path: Path) -> None:
    f = trained()
    export(f, tmp_path / "step.py")
    text = (tmp_path / "step.py").read_text()
    assert "import symgraph" not in text
    assert "from symgraph" not in text
    x, y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
    costs = [f(x, y).item() for _ in range(3)]
    np.savez(tmp_path / "data.npz", x=x, y=y, costs=costs, W=f.get_shared()[0].get_value())
    alone(
        tmp_path,
        f"""
    d = np.load({str(tmp_path / "data.npz")!r})
    np.testing.assert_allclose([step.step(d["x"], d["y"]) for _ in range(3)], d["costs"])
    np.testing.assert_allclose(step.arrays["W"], d["W"])
    try:
        step.step(d["x"], d["y"][:2])
    except ValueError as error:
        assert "do not agree" in str(error), error
    else:
        raise AssertionError("a wrong shape went through")
    try:
        step.step(d["x"][0], d["y"])
    except TypeError as error:
        assert "2 axes" in str(error), error
""",
    )


def test_a_module_has_routines_integers_and_several_outputs(tmp_path: Path) -> None:
    x, i = T.fmatrix("x"), T.lvector("i")
    table = T.constant(np.arange(40.0).reshape(10, 4))
    outputs = [T.cumsum(x, axis=1), T.nnet.softmax(x), i // 3 + i % 4, table[i], x.sum() > 0]
    outputs += [T.argtopk(T.join(1, x, 2 * x, x), count) for count in (1, 3)]
    export(outputs, tmp_path / "step.py")
    values = [RNG.normal(size=(3, 4)).astype("f4"), np.array([1, -2, 7])]
    expected = sg.function([x, i], outputs, mode="interpret")(*values)
    np.savez(tmp_path / "data.npz", *values, *expected)
    alone(
        tmp_path,
        f"""
    x, i, *expected = np.load({str(tmp_path / "data.npz")!r}).values()
    for want, have in zip(expected, step.graph(x, i), strict=True):
        assert want.dtype == have.dtype
        np.testing.assert_allclose(have, want, rtol=1e-6)
""",
    )


def test_a_module_cannot_hold_python_ops(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"Halves.*graphs.py"):
        export(Halves(1)(T.dvector("x"))[0], tmp_path / "step.py")
    with pytest.raises(ExportError, match="py needs a path"):
        export(T.exp(T.dscalar("x")), format="py")


# --- the demo and the examples -------------------------------------------------------------------


@dataclass
class Called:
    """A function that a program compiled, the arguments of a call and the values shared then."""

    function: sg.Function
    args: tuple[Any, ...] = ()
    shared: list[Any] = field(default_factory=list)

    def restore(self) -> None:
        """Give shared variables the values they had before the call."""
        for var, value in zip(self.function.get_shared(), self.shared, strict=True):
            var.container.value = np.array(value)

    def numbers(self) -> list[Any]:
        """Outputs, then the next values, of that call."""
        self.restore()
        found = self.function(*self.args)
        outputs = list(found) if isinstance(found, list) else [] if found is None else [found]
        nexts = [var.get_value() for var in self.function.updates]
        self.restore()
        return [*outputs, *nexts]


@pytest.fixture(scope="module")
def programs() -> dict[str, list[Called]]:
    """The functions that the demo and each example compile, interpreted, with a call of each."""
    made: dict[sg.Function, Called] = {}
    compiled, call = sg.function, sg.Function.__call__

    def quick(*args: Any, **options: Any) -> sg.Function:
        f = compiled(*args, **{**options, "mode": "interpret"})
        made[f] = Called(f)
        return f

    def noted(f: sg.Function, *args: Any, **kwargs: Any) -> Any:
        values = tuple(f.arguments(args, kwargs))
        if f in made and not made[f].shared:
            made[f] = Called(f, values, [np.array(v.get_value()) for v in f.get_shared()])
        return call(f, *args, **kwargs)

    found: dict[str, list[Called]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sg, "function", quick)
        patch.setattr(sg.Function, "__call__", noted)
        step, errors = demo.compiled(demo.Settings())
        learn, _ = digits()
        images, labels = learn.images[:20].astype("f4"), learn.labels[:20]
        step(images, labels, np.float32(0.1))
        errors(images, labels)
        found["demo"] = list(made.values())
        for file in sorted((ROOT / "examples").glob("*.py")):
            if file.name == "__init__.py":
                continue
            names = runpy.run_path(str(file))
            small = {"steps": 1, "epochs": 1, "count": 50}
            accepted = names["main"].__code__.co_varnames[: names["main"].__code__.co_argcount]
            made.clear()
            # onnxruntime has convolutions of float32 only
            with sg.config(floatX="float32" if file.stem == "lenet" else "float64"):
                names["main"](**{key: value for key, value in small.items() if key in accepted})
            found[file.stem] = list(made.values())
    assert all(found.values())
    return found


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_demo_and_examples_export(
    format: str, programs: dict[str, list[Called]], tmp_path: Path
) -> None:
    for name, calls in programs.items():
        for number, called in enumerate(calls):
            path = None if format == "networkx" else tmp_path / f"{name}{number}"
            assert export(called.function, path, format=format)


def close(found: Sequence[Any], wanted: Sequence[Any], where: str) -> None:
    assert len(found) == len(wanted)
    for have, want in zip(found, wanted, strict=True):
        digits = 2e-3 if np.asarray(want).dtype == np.float32 else 1e-6
        np.testing.assert_allclose(have, want, rtol=digits, atol=digits, err_msg=where)


def test_examples_give_the_same_numbers_in_onnxruntime(programs: dict[str, list[Called]]) -> None:
    for name, calls in programs.items():
        for called in calls:
            wanted = called.numbers()
            model = export(called.function, format="onnx")
            session = onnxruntime.InferenceSession(model)
            names = [given.name for given in session.get_inputs()]
            specs = {str(s.variable.name): s.variable.type for s in called.function.inputs}
            values = dict(zip(specs, called.args, strict=True))
            given = {n: specs[n].filter(values[n], allow_downcast=True) for n in names}
            close(session.run(None, given), wanted, name)


def test_examples_give_the_same_numbers_from_json(
    programs: dict[str, list[Called]], tmp_path: Path
) -> None:
    for name, calls in programs.items():
        for called in calls:
            wanted = called.numbers()
            export(called.function, tmp_path / "f.json")
            loaded = sg.load_json(tmp_path / "f.json")
            again = sg.function(
                loaded.inputs, list(loaded.outputs), updates=loaded.updates, mode="interpret"
            )
            outputs = again(*called.args)
            close([*outputs, *(var.get_value() for var in again.updates)], wanted, name)


EXAMPLES_ALONE = """
    from importlib import import_module
    for name, function, count in {programs!r}:
        module = import_module(name)
        data = np.load({folder!r} + f"/{{name}}.data.npz")
        args = [data[f"a{{n}}"] for n in range(count)]
        for call in range(2):
            found = getattr(module, function)(*args)
            found = found if isinstance(found, list) else [found]
            for n, have in enumerate(found):
                want = data[f"r{{call}}_{{n}}"]
                digits = 2e-3 if want.dtype == np.float32 else 1e-6
                np.testing.assert_allclose(have, want, rtol=digits, atol=digits, err_msg=name)
"""


def test_examples_give_the_same_numbers_without_symgraph(
    programs: dict[str, list[Called]], tmp_path: Path
) -> None:
    """Two calls of each program's step: the second one reads what the first has stored."""
    listed = []
    for name, (called, *_) in programs.items():
        called.restore()
        export(called.function, tmp_path / f"{name}.py")
        values: dict[str, Any] = {f"a{n}": value for n, value in enumerate(called.args)}
        for call in range(2):
            results = called.function(*called.args)
            outputs = results if isinstance(results, list) else [results]
            values |= {f"r{call}_{n}": output for n, output in enumerate(outputs)}
        called.restore()
        np.savez(tmp_path / f"{name}.data.npz", **values)
        listed.append((name, called.function.name, len(called.args)))
    (tmp_path / "step.py").write_text("")
    alone(tmp_path, EXAMPLES_ALONE.format(programs=listed, folder=str(tmp_path)))


FROM_WHEEL = """
import numpy as np
import symgraph as sg
import symgraph.tensor as T
x = T.dvector("x")
f = sg.function([x], T.exp(x).sum())
"""


def answer_of(command: list[str], folder: Path) -> str:
    """What a command prints that sees no packages but those installed."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


# --- what is shipped -----------------------------------------------------------------------------


def test_a_wheel_holds_every_asset_and_makes_a_report(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(wheel).namelist())
    assets = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "symgraph").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {"symgraph/show/assets/page.html", "symgraph/show/assets/viewer.js"} <= assets
    assert assets <= names
    fresh = tmp_path / "env"
    venv.create(fresh, symlinks=True)
    site = sysconfig.get_path("purelib", vars={"base": str(fresh), "platbase": str(fresh)})
    Path(site, "dependencies.pth").write_text(f"{np.__path__[0]}/..\n")
    python = str(fresh / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index"]
    answer_of([*pip, str(wheel)], tmp_path)
    (tmp_path / "program.py").write_text(FROM_WHEEL)
    np.savez(tmp_path / "inputs.npz", x=[1.0, 2.0])
    where = "import symgraph; print(symgraph.__file__)"
    assert str(fresh) in answer_of([python, "-c", where], tmp_path)
    command = str(fresh / "bin" / "symgraph")
    inputs = ["--inputs", "inputs.npz"]
    answer_of([command, "report", "program.py:f", *inputs, "-o", "report.html"], tmp_path)
    answer_of([command, "export", "program.py:f", "-o", "graph.html"], tmp_path)
    assert (tmp_path / "graph.html").exists()
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
