"""The classic models run, unmodified, with symgraph behind the name `theano`, and learn."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symgraph import compat
from symgraph.data import digits

PROGRAMS = "tests.compat.programs."


@pytest.fixture(scope="module")
def program() -> Iterator[Any]:
    """Imports a program that says `import theano`."""
    compat.install()
    yield lambda name: importlib.import_module(PROGRAMS + name)
    compat.uninstall()
    for name in [n for n in sys.modules if n.startswith(PROGRAMS)]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def data() -> tuple[Any, Any]:
    """Images and labels to learn from, and to be tested on."""
    learn, test = digits()
    return (learn.images, learn.labels.astype("int32")), (test.images, test.labels.astype("int32"))


def test_logistic_regression(program: Any, data: Any) -> None:
    assert program("logistic_regression").train(*data) < 0.08


def test_multilayer_perceptron(program: Any, data: Any) -> None:
    assert program("multilayer_perceptron").train(*data) < 0.06


def test_lenet(program: Any, data: Any) -> None:
    assert program("lenet").train(*data) < 0.06


def test_denoising_auto_encoder(program: Any, data: Any) -> None:
    first, last = program("autoencoders").train_one(data[0][0])
    assert last < 0.85 * first


def test_stacked_auto_encoders(program: Any, data: Any) -> None:
    assert program("autoencoders").train_stack(*data) < 0.08


def test_boltzmann_machine(program: Any, data: Any) -> None:
    first, last = program("boltzmann").train_machine((data[0][0] > 0.5).astype(float))
    assert last > first


def test_deep_belief_network(program: Any, data: Any) -> None:
    assert program("boltzmann").train_belief_network(*data) < 0.08


def test_lstm_for_sentiment(program: Any) -> None:
    before, after = program("recurrent").train_lstm()
    assert before > 0.6
    assert after < 0.5 * before


def test_tagging_network(program: Any) -> None:
    assert program("recurrent").train_tagger() > 0.9


def test_rnn_rbm(program: Any) -> None:
    before, after = program("recurrent").train_rnn_rbm()
    assert after > before + 1


SCRIPT = """\
import sys
import theano
import theano.tensor as T
x = T.dvector('x')
print(theano.function([x], (x ** 2).sum())([1, 2, int(sys.argv[1])]))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "symgraph.compat.theano", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_script_runs_unmodified(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    answer = run(str(script), "3")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == "14.0\n"


OLD_NAMES = """\
import collections, inspect
import numpy as np
import theano
print(issubclass(dict, collections.Mapping), np.zeros(2, np.float).dtype, np.int(3))
print(inspect.getargspec(lambda a, *b, c=1, **d: a).keywords)
print(np.cast["int32"](2.5), np.testing.dec.slow(3))
"""


def test_names_of_its_time_are_there(tmp_path: Path) -> None:
    script = tmp_path / "old.py"
    script.write_text(OLD_NAMES)
    answer = run(str(script))
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == "True float64 3\nd\n2 3\n"


def test_a_python_2_script_is_told_what_converts_it(tmp_path: Path) -> None:
    script = tmp_path / "old.py"
    script.write_text("import theano\nprint theano.__version__\n")
    answer = run(str(script))
    assert answer.returncode == 2
    assert f"{script}:2" in answer.stderr
    assert "fissix" in answer.stderr


TESTS = {
    "__init__.py": "",
    "helper.py": "import theano.tensor as T\nfrom theano.tests import unittest_tools\n"
    "x = T.dvector('x')\n",
    "test_square.py": "import unittest\nimport numpy as np\n"
    "from theano.tensor.tests.helper import *\n"
    "class T_square(unittest.TestCase):\n"
    "    def test_grad(self):\n"
    "        self.failUnless(callable(T.grad))\n"
    "        unittest_tools.verify_grad(lambda v: v ** 2, [np.ones(3)])\n"
    "    def test_wrong(self):\n"
    "        self.assertItemsEqual((x ** 2).eval({x: [2.0]}), [5.0])\n",
}


def test_tests_of_theanos_sources_are_run(tmp_path: Path) -> None:
    folder = tmp_path / "theano" / "tensor" / "tests"
    folder.mkdir(parents=True)
    for above in (tmp_path / "theano", tmp_path / "theano" / "tensor"):
        (above / "__init__.py").write_text("raise ImportError('not the one to run')\n")
    for name, text in TESTS.items():
        (folder / name).write_text(text)
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder / "test_square.py")]
    answer = run("--tests", str(tmp_path), *command)
    assert "1 failed, 1 passed" in answer.stdout, answer.stdout + answer.stderr
    assert "First has 1, Second has 0:  np.float64(4.0)" in answer.stdout


def test_no_script() -> None:
    answer = run("nowhere.py")
    assert answer.returncode == 2
    assert "No such file" in answer.stderr


def test_install_and_uninstall() -> None:
    compat.install()
    module = importlib.import_module("theano.tensor")
    importlib.import_module("theano.compile.pfunc")
    assert callable(importlib.import_module("theano.compile").pfunc)
    same = importlib.import_module("symgraph.compat.theano.tensor")
    compat.uninstall()
    assert module is same
    assert "theano" not in sys.modules
    assert np.all(same.ones((2,)).eval() == 1)
