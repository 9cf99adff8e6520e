"""The report: what it says is true, nothing in it is markup of a user's, it works in a browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph import cli
from symgraph.errors import ExportError
from symgraph.graph import Graph
from symgraph.lower.costs import LARGEST_GROUP, MOST_READ
from symgraph.rules import DEFAULT
from symgraph.show.history import history_of, rewrites_of
from symgraph.show.remarks import remarks_on
from symgraph.show.subject import subject_of
from tests.graphs import HOSTILE, Halves, hostile, trained

selenium = pytest.importorskip("selenium.webdriver")
RNG = np.random.default_rng(0)
INPUTS = {"x": RNG.normal(size=(5, 3)), "y": RNG.normal(size=(5, 2))}


def data_of(text: str) -> dict[str, Any]:
    return json.loads(text.split('id="data">')[1].split("</script>")[0])


# --- the history ---------------------------------------------------------------------------------


def graph_at(history: Any, frame: int) -> dict[str, list[str]]:
    state: dict[str, list[str]] = {}
    for change in history.frames[: frame + 1]:
        for box in change.drop:
            del state[box]
        state.update(change.set)
    return state


@pytest.fixture(scope="module")
def step() -> sg.Function:
    return trained()


def test_history_leads_from_the_users_graph_to_the_compiled_one(step: sg.Function) -> None:
    task = step.stages["user"]
    history = history_of(Graph(task.inputs, task.roots), DEFAULT, ["cost", "W ←"])
    first, last = graph_at(history, 0), graph_at(history, len(history.frames) - 1)

    def labels(state: dict[str, list[str]]) -> list[str]:
        ops = (history.nodes[box] for box in state if history.nodes[box].kind == "op")
        return sorted(node.label.split("(")[0].split("{")[0] for node in ops)

    def classes(stage: str) -> list[str]:
        nodes = Graph(task.inputs, step.stages[stage].roots).toposort()
        return sorted(type(node.op).__name__ for node in nodes)

    assert labels(first) == classes("user")
    assert labels(last) == classes("canonical")
    for frame in range(len(history.frames)):
        state = graph_at(history, frame)
        assert all(source in state for reads in state.values() for source in reads)
    assert all(frame.rule and frame.safety and frame.line for frame in history.frames[1:])


def test_rewrites_name_rule_place_and_change() -> None:
    x = T.dvector("x")
    found = rewrites_of(Graph((x,), (T.log(1.0 + T.exp(x)),)), DEFAULT)
    assert "softplus_forms_1" in {rewrite.rule for rewrite in found}
    assert all("test_report.py" in rewrite.line for rewrite in found)
    assert "Softplus" in " ".join(rewrite.added for rewrite in found)
    assert "softplus_forms_1 (rounding): " in "\n".join(map(str, found))


def test_a_rule_marks_what_it_made(step: sg.Function) -> None:
    task = step.stages["user"]
    history = history_of(Graph(task.inputs, task.roots), DEFAULT, ["cost", "W ←"])
    made = {history.nodes[box].label for frame in history.frames[1:] for box in frame.added}
    assert any(label.startswith(("Mul", "Sub", "Dot")) for label in made)
    assert not history.frames[0].added


# --- what it says --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(step: sg.Function) -> dict[str, Any]:
    before = step.get_shared()[0].get_value()
    text = sg.report(step, inputs=INPUTS)
    assert np.array_equal(step.get_shared()[0].get_value(), before)
    return data_of(text)


def test_times_and_bytes_add_up(found: dict[str, Any]) -> None:
    assert sum(step["share"] for step in found["steps"]) == pytest.approx(1, rel=0.02)
    assert sum(kernel["share"] for kernel in found["kernels"]) == pytest.approx(1, rel=0.02)
    assert sum(line["share"] for line in found["lines"]) == pytest.approx(1, rel=0.02)
    (product,) = [k for k in found["kernels"] if k["name"] == "matrix product"]
    assert product["launches"] == 2
    first = next(s for s in found["steps"] if s["name"] == "matrix product")
    assert first["bytes"] == 8 * (5 * 3 + 3 * 2 + 5 * 2)
    assert any("T.tanh(T.dot(x, W))" in line["place"] for line in found["lines"])


def test_boxes_know_shapes_kernels_and_memory(found: dict[str, Any]) -> None:
    graph = next(stage["graph"] for stage in found["stages"] if stage.get("canonical"))
    ids = {node["label"]: node["id"] for node in graph["nodes"]}
    info = found["info"][ids["Tanh"]]
    assert info["shape"] == "(5, 2)"
    assert info["bytes"] == 80
    assert info["seconds"] > 0
    kernel = found["kernels"][info["kernel"]]
    assert ids["Tanh"] in kernel["nodes"]
    assert "tanh_f64" in kernel["source"]
    assert any("slot" in known.get("slot", "") for known in found["info"].values())
    assert found["info"][ids["Dot"]]["memory"].startswith("array ")
    x = INPUTS["x"]
    values = {info.get("values", "") for info in found["info"].values()}
    assert f"{x.min():.6g} to {x.max():.6g}, mean {x.mean():.6g}" in values
    assert any(words and "mean" not in words for words in values)  # of the cost, one number


def test_values_that_are_not_finite_are_counted() -> None:
    x = T.dvector("x")
    found = data_of(sg.function([x], T.log(x) + 1).report(inputs=[np.array([-1.0, 0.0, 1.0])]))
    words = [info.get("values", "") for info in found["info"].values()]
    assert words.count("0, 1 NaN, 1 infinite") == 1
    assert words.count("1, 1 NaN, 1 infinite") == 1


def test_without_inputs_there_are_formulas(step: sg.Function) -> None:
    found = data_of(step.report())
    assert not found["lines"]
    assert all("seconds" not in kernel for kernel in found["kernels"])
    assert any("x_n0" in known.get("formula", "") for known in found["info"].values())


def test_names_are_text(tmp_path: Path) -> None:
    y = hostile()
    (x,) = subject_of(y).inputs
    f = sg.function([x], y, name=HOSTILE)
    text = f.report(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text() == text
    assert text.count("<script") == 2
    assert '<script>alert("' not in text


def test_the_steps_of_loops_are_shown() -> None:
    x = T.dmatrix("x")
    h, _ = sg.scan(lambda row, h: T.tanh(row + h), sequences=[x], outputs_info=[T.zeros((3,))])
    f = sg.function([x], h[-1])
    found = data_of(f.report(inputs=[np.ones((5, 3))]))
    (inside,) = [s for s in found["stages"] if s.get("name", "").startswith("inside Scan")]
    tanh = next(node for node in inside["graph"]["nodes"] if node["label"] == "Tanh")
    info = found["info"][tanh["id"]]
    assert info["shape"] == "(3)"
    assert info["seconds"] > 0
    kernel = found["kernels"][info["kernel"]]
    assert kernel["launches"] == 5
    assert kernel["bytes"] == 5 * 3 * 3 * 8  # five times two rows read, one written
    assert tanh["id"] in kernel["nodes"]
    (loop,) = [step for step in found["steps"] if "loop" in step]
    assert loop["runs"] == 5
    (scan,) = [info for info in found["info"].values() if "inside" in info]
    assert scan["inside"] == [inside["id"]]
    assert scan["share"] >= info["share"]
    task = f.stages["user"]
    history = history_of(Graph(task.inputs, task.roots), DEFAULT, ["h"])
    assert "better_loops" in {frame.rule for frame in history.frames}
    last = graph_at(history, len(history.frames) - 1)
    ops = sum(history.nodes[box].kind == "op" for box in last)
    assert ops == len(f.graph.toposort())


def test_a_page_of_a_graph_shows_what_loops_do() -> None:
    x = T.dmatrix("x")
    h, _ = sg.scan(lambda row, h: T.tanh(row + h), sequences=[x], outputs_info=[T.zeros((3,))])
    first, inside = data_of(sg.export(h, format="html"))["stages"]
    assert "Scan" in {node["label"] for node in first["graph"]["nodes"]}
    assert inside["name"].startswith("inside Scan at ")
    assert "Tanh" in {node["label"] for node in inside["graph"]["nodes"]}


def test_reports_of_other_modes_and_of_python_ops() -> None:
    x = T.dvector("x")
    y = T.exp(Halves(1)(x)[0]) + 1
    for mode in ("fast_run", "interpret"):
        f = sg.function([x], y, mode=mode)
        found = data_of(f.report(inputs=[np.ones(3)]))
        assert any("Halves" in line["ops"] for line in found["lines"])
    with pytest.raises(ExportError, match="compiled function"):
        sg.report(y)


def test_command_writes_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = "import symgraph as sg, symgraph.tensor as T\nx = T.dvector('x')\n"
    (tmp_path / "program.py").write_text(f"{program}f = sg.function([x], T.exp(x).sum())\n")
    np.savez(tmp_path / "in.npz", x=np.ones(7))
    command = ["report", "program.py:f", "--inputs", "in.npz", "-o", "report.html"]
    assert cli.main(command) == 0
    assert any(
        "T.exp(x)" in line["place"] for line in data_of(Path("report.html").read_text())["lines"]
    )
    assert cli.main(["report", "program.py:x", "-o", "report.html"]) == 2


# --- remarks -------------------------------------------------------------------------------------


def remarks(inputs: list[Any], outputs: Any, **options: Any) -> str:
    return "\n".join(map(str, remarks_on(sg.function(inputs, outputs, **options))))


def test_remarks_tell_what_to_change() -> None:
    x, y = T.dmatrix("x"), T.dmatrix("y")
    assert "runs in Python" in remarks([x], Halves(1)(x)[0] + 1)
    by_hand = (x.dimshuffle(0, 1, "x") * y.dimshuffle("x", 0, 1)).sum(axis=1)
    assert "Write T.dot" in remarks([x, y], by_hand)
    a, n = T.fvector("a"), T.ivector("n")
    assert "computes in float64" in remarks([a, n], a * 2 + T.cast(n / 2, "float32"))
    s = sg.shared(np.ones(3), name="s")
    new = s * 2
    assert "s is not updated in place" in remarks([], new, updates=[(s, new)])
    grows = sg.shared(np.ones(3), name="grows")
    longer = T.concatenate([grows, T.ones((1,))])
    assert "grows gets new memory" in remarks([], None, updates=[(grows, longer)])
    assert "in another order" in remarks(
        [x], [T.exp(x), T.exp(x).T + y.sum() * T.exp(x.T)], givens={y: x}
    )
    assert remarks([x], T.exp(x) + 1) == ""


def test_remarks_name_the_limits_of_kernels() -> None:
    x = y = T.dvector("x")
    for number in range(LARGEST_GROUP):
        y = T.tanh(y) + x * float(number)
    assert f"has {LARGEST_GROUP} operations, and no more fit" in remarks([x], y)
    many = [T.dvector(f"v{n}") for n in range(MOST_READ + 9)]
    assert f"reads {MOST_READ} arrays, and no more fit" in remarks(many, sum(map(T.exp, many)))
    assert "at other places" in remarks([x], [T.exp(x), T.exp(x)[1:] * T.exp(x)[:-1]])


# --- in a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("needs chromium and chromedriver")
    options = selenium.ChromeOptions()
    for word in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{word}")
    options.add_argument("--window-size=1300,850")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = program
    service = selenium.ChromeService(driver)
    found = selenium.Chrome(options=options, service=service)
    yield found
    found.quit()


Page = Callable[[Path], Any]


@pytest.fixture
def opened(browser: Any) -> Iterator[Page]:
    def open_page(path: Path) -> Any:
        browser.get(path.as_uri())
        return browser

    yield open_page
    assert browser.get_log("browser") == []


def one(page: Any, selector: str) -> Any:
    return page.find_element("css selector", selector)


def press(page: Any, keys: str) -> None:
    selenium.ActionChains(page).send_keys(keys).perform()
    page.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def boxes(page: Any) -> list[str]:
    texts = "document.querySelectorAll('.world .box text:first-of-type')"
    script = f"return [...{texts}].map(text => text.textContent)"
    press(page, "f")
    return page.execute_script(script)


def test_page_of_a_report(step: sg.Function, tmp_path: Path, opened: Page) -> None:
    step.report(tmp_path / "report.html", inputs=INPUTS)
    page = opened(tmp_path / "report.html")
    assert one(page, "h1").text == "step"
    assert "canonical" in one(page, "#stage").text
    assert "Tanh" in " ".join(boxes(page))
    one(page, "#search").send_keys("tanh", selenium.Keys.ENTER)
    details = one(page, "aside").text
    assert "(5, 2)" in details
    assert "T.tanh(T.dot(x, W))" in details
    press(page, selenium.Keys.ESCAPE)
    press(page, selenium.Keys.UP)
    assert one(page, "aside h2").text != one(page, "h1").text
    press(page, "[")
    assert one(page, "#stage").text.startswith(tuple("123456789"))
    press(page, "]]")
    assert "steps" in one(page, "#stage").text
    assert "matrix product" in boxes(page)
    press(page, "2")
    rows = page.find_elements("css selector", "tr[tabindex]")
    rows[0].send_keys(selenium.Keys.ENTER)
    assert "your lines" in one(page, "#kernel").text
    press(page, "3")
    assert page.find_elements("css selector", ".chart .bar")
    press(page, "4")
    assert "T.tanh" in one(page, "#panel-3").text
    press(page, "d")
    assert page.execute_script("return document.documentElement.dataset.theme") == "dark"
    press(page, "?")
    assert one(page, "dialog").text.startswith("Keys")


def test_page_shows_hostile_names_as_text(tmp_path: Path, opened: Page) -> None:
    sg.export(hostile(), tmp_path / "graph.html")
    page = opened(tmp_path / "graph.html")
    assert any(text.startswith("<script>") for text in boxes(page))
    one(page, "#search").send_keys("<script>", selenium.Keys.ENTER)
    assert "<script>" in one(page, "aside").text


def test_page_collapses_scopes(tmp_path: Path, opened: Page) -> None:
    x = T.dvector("x")
    with sg.name_scope("part"):
        y = T.exp(x) + T.sin(x) * x
    sg.export(y * 2, tmp_path / "graph.html")
    page = opened(tmp_path / "graph.html")
    assert "Sin" in boxes(page)
    press(page, "c")
    assert "Sin" not in boxes(page)
    assert "part" in boxes(page)
    press(page, "e")
    assert "Sin" in boxes(page)


def test_page_of_many_boxes_draws(tmp_path: Path, opened: Page) -> None:
    x = y = T.dvector("x")
    for n in range(3000):
        y = T.exp(y) + x * float(n)
    sg.export(y, tmp_path / "graph.html")
    page = opened(tmp_path / "graph.html")
    press(page, "f")  # and wait until it is drawn
    assert page.execute_script("return document.querySelectorAll('.world .box').length") > 1000
