"""Make the pictures of the documentation: reports of a network, the LeNet and a scan.

    python docs/screenshots.py

Needs chromium and chromedriver, and selenium of the extra `test`. A page that logs an error to its
console is a failure.
"""

from __future__ import annotations

import runpy
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService

import symgraph as sg
import symgraph.tensor as T
from symgraph import demo
from symgraph.data import digits

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
SIZE = "1280,800"
# Names of pictures, and the keys that lead there from the page as it opens.
VIEWS = {"": "f", "_node": "{near}", "_time": "3", "_lines": "4d"}
NEAR = {
    "network": "/exp\n",
    "lenet": "/conv\n",
    "scan": "]f/tanh\n",
}  # a box and what is said of it


def reports() -> Iterator[tuple[str, sg.Function, Any]]:
    """Names, functions and arguments to measure them with."""
    learn, _ = digits()
    images, labels = learn.images[:50].astype("float32"), learn.labels[:50]
    step, _ = demo.compiled(demo.Settings())
    yield "network", step, {"x": images, "y": labels, "rate": np.float32(0.1)}
    yield "lenet", lenet(), [images, labels]
    yield "scan", recurrent(), [np.ones((100, 20))]


def lenet() -> sg.Function:
    """The training step of the example, caught while it is compiled."""
    caught: list[sg.Function] = []
    original = sg.function

    def catching(*args: Any, **options: Any) -> sg.Function:
        caught.append(original(*args, **options))
        return caught[-1]

    sg.function = catching
    try:
        with sg.config(floatX="float32"):
            runpy.run_path(str(ROOT / "examples" / "lenet.py"))["main"](epochs=1)
    finally:
        sg.function = original
    return caught[0]


def recurrent() -> sg.Function:
    """A recurrent layer over the rows of a matrix."""
    x = T.dmatrix("x")
    W, U = (sg.shared(np.eye(20) / 2, name=name) for name in "WU")
    h, _ = sg.scan(
        lambda row, h: T.tanh(T.dot(row, W) + T.dot(h, U)),
        sequences=[x],
        outputs_info=[T.zeros((20,))],
    )
    cost = (h[-1] ** 2).sum()
    return sg.function([x], cost, updates=[(U, U - 0.1 * T.grad(cost, U))], name="recurrent")


def browser() -> Chrome:
    """A browser without a window."""
    options = ChromeOptions()
    for word in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{word}")
    options.add_argument(f"--window-size={SIZE}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = str(shutil.which("chromium"))
    return Chrome(options=options, service=ChromeService(shutil.which("chromedriver")))


def main() -> int:
    """Write all pictures; the number of pages with errors."""
    IMAGES.mkdir(exist_ok=True)
    page, bad = browser(), 0
    with tempfile.TemporaryDirectory() as folder:
        for name, function, inputs in reports():
            file = Path(folder) / f"{name}.html"
            text = function.report(inputs=inputs)
            file.write_text(text.replace(f"{ROOT}/", ""), encoding="utf-8")
            page.get(file.as_uri())
            for suffix, keys in VIEWS.items():
                ActionChains(page).send_keys(keys.format(near=NEAR[name])).pause(0.4).perform()
                page.execute_script("document.activeElement.blur()")
                page.save_screenshot(str(IMAGES / f"report_{name}{suffix}.png"))
            errors = page.get_log("browser")
            bad += bool(errors)
            sys.stdout.write(f"{name}: {len(errors)} errors\n")
    page.quit()
    return bad


if __name__ == "__main__":
    raise SystemExit(main())
