"""Parameters that Theano has pickled are read.

Theano is not there to write them; its classes are, with the names and states its sources give.
"""

from __future__ import annotations

import importlib
import io
import pickle
import sys
import zipfile
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symgraph import compat
from symgraph.shared import TensorSharedVariable
from symgraph.types import TensorType

CLASSES = {
    "theano.tensor.type": ["TensorType"],
    "theano.tensor.sharedvar": ["TensorSharedVariable", "ScalarSharedVariable"],
    "theano.tensor.var": ["TensorVariable", "TensorConstant"],
    "theano.gof.link": ["Container"],
    "theano.gof.utils": ["scratchpad"],
    "theano.sandbox.cuda.type": ["CudaNdarrayType"],
    "theano.sandbox.cuda.var": ["CudaNdarraySharedVariable"],
    "theano.gpuarray.type": ["GpuArrayType", "GpuArraySharedVariable"],
}
FUNCTIONS = {
    "theano.sandbox.cuda.type": ["CudaNdarray_unpickler"],
    "theano.gpuarray.type": ["GpuArray_unpickler"],
}
W = np.arange(6.0, dtype="float32").reshape(2, 3)


class Theirs:
    """Theano's classes, as far as a pickle shows them."""

    def __init__(self) -> None:
        self.modules: dict[str, ModuleType] = {}
        for table in (CLASSES, FUNCTIONS):
            for module, names in table.items():
                home = self.modules.setdefault(module, ModuleType(module))
                for name in names:
                    setattr(home, name, self._made(name, module, table is CLASSES))
        for module in list(self.modules):
            while "." in module:
                module = module.rpartition(".")[0]
                self.modules.setdefault(module, ModuleType(module))

    def _made(self, name: str, module: str, is_class: bool) -> Any:
        if is_class:
            return type(name, (), {"__module__": module})

        def function(*args: Any) -> None:
            """Named in pickles, and not called."""

        function.__name__ = function.__qualname__ = name
        function.__module__ = module
        return function

    def __getitem__(self, path: str) -> Any:
        module, _, name = path.rpartition(".")
        return getattr(self.modules[f"theano.{module}"], name)

    def make(self, path: str, **state: Any) -> Any:
        """An instance with a state."""
        made = self[path]()
        vars(made).update(state)
        return made

    def shared(self, kind: str, type_kind: str, value: Any, **more: Any) -> Any:
        """A shared variable, as Theano keeps it."""
        pattern = (False,) * np.ndim(W)
        type_ = self.make(type_kind, broadcastable=pattern, name=None, ndim=2, **more)
        box = self.make(
            "gof.link.Container", storage=[value], readonly=False, strict=False,
            allow_downcast=None, type=type_, name="W",
        )  # fmt: skip
        tag = self.make("gof.utils.scratchpad", trace=[[("train.py", 3, "f", "W = shared(w)")]])
        return self.make(
            kind, type=type_, owner=None, index=None, name="W", tag=tag, auto_name="auto_7",
            container=box,
        )  # fmt: skip

    def write(self, thing: Any, protocol: int, **options: Any) -> bytes:
        """A pickle, written while these are the classes of `theano`."""
        stream = io.BytesIO()
        kept = {name: sys.modules.get(name) for name in self.modules}
        sys.modules.update(self.modules)
        try:
            writer = pickle.Pickler(stream, protocol)
            for name, value in options.items():
                setattr(writer, name, value)
            writer.dump(thing)
        finally:
            for name, module in kept.items():
                sys.modules.pop(name)
                if module is not None:
                    sys.modules[name] = module
        return stream.getvalue()


class OnGpu:
    """An array whose pickle calls a function of Theano's."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call


@pytest.fixture
def theano() -> Iterator[Any]:
    """What `import theano` gives a program."""
    compat.install()
    yield importlib.import_module("theano")
    compat.uninstall()


@pytest.mark.parametrize("protocol", [0, 2])
def test_shared_variables(protocol: int, theano: Any) -> None:
    theirs = Theirs()
    dtype = {"dtype": "float32", "sparse_grad": False, "numpy_dtype": np.dtype("float32")}
    plain = theirs.shared("tensor.sharedvar.TensorSharedVariable", "tensor.type.TensorType", W,
                          **dtype)  # fmt: skip
    first = theirs.shared("sandbox.cuda.var.CudaNdarraySharedVariable",
                          "sandbox.cuda.type.CudaNdarrayType",
                          OnGpu(theirs["sandbox.cuda.type.CudaNdarray_unpickler"], (W,)),
                          dtype_specs_cache={})  # fmt: skip
    second = theirs.shared("gpuarray.type.GpuArraySharedVariable", "gpuarray.type.GpuArrayType",
                           OnGpu(theirs["gpuarray.type.GpuArray_unpickler"], (W, None)),
                           dtype="float32", context_name=None, typecode=11)  # fmt: skip
    for variable in pickle.loads(theirs.write([plain, first, second], protocol)):
        assert type(variable) is TensorSharedVariable
        assert type(variable.type) is TensorType
        assert variable.type == TensorType("float32", (None, None))
        assert variable.name == "W"
        np.testing.assert_array_equal(variable.get_value(), W)
        variable.set_value(W + 1)
        step = theano.function([], variable.sum(), updates=[(variable, variable * 2)])
        assert step() == (W + 1).sum()
        np.testing.assert_array_equal(variable.get_value(), 2 * (W + 1))
        again = pickle.loads(pickle.dumps(variable))
        np.testing.assert_array_equal(again.get_value(), variable.get_value())


@pytest.mark.parametrize("protocol", [0, 2])
def test_inputs_and_constants(protocol: int, theano: Any) -> None:
    theirs = Theirs()
    kind = theirs.make("tensor.type.TensorType", dtype="float64", broadcastable=(True, False),
                       name=None)  # fmt: skip
    leaf = {"type": kind, "owner": None, "index": None, "auto_name": "auto_1"}
    x = theirs.make("tensor.var.TensorVariable", name="x", tag=theirs.make("gof.utils.scratchpad"),
                    **leaf)  # fmt: skip
    c = theirs.make("tensor.var.TensorConstant", name=None, data=np.ones((1, 3)), cached=False,
                    tag=theirs.make("gof.utils.scratchpad"), **leaf)  # fmt: skip
    x, c = pickle.loads(theirs.write([x, c], protocol))
    assert x.broadcastable == (True, False)
    assert theano.function([x], (x + c).sum())(np.ones((1, 3))) == 6.0


def test_zip_files(theano: Any) -> None:
    theirs = Theirs()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, head in (("W", b""), ("V", pickle.dumps("cuda0"))):
            member = io.BytesIO()
            member.write(head)
            np.lib.format.write_array(member, W)
            archive.writestr(name, member.getvalue())
        ids = {"plain": "ndarray.W", "gpu": "gpuarray.V"}
        text = theirs.write(["plain", "gpu", "plain"], 2,
                            persistent_id=lambda item: ids.get(item) if isinstance(item, str)
                            else None)  # fmt: skip
        archive.writestr("pkl", text)
    stream.seek(0)
    plain, gpu, same = importlib.import_module("theano.misc.pkl_utils").load(stream)
    np.testing.assert_array_equal(plain, W)
    np.testing.assert_array_equal(gpu, W)
    assert same is plain


def test_classes_of_gpus_cannot_be_made(theano: Any) -> None:
    for path in ("sandbox.cuda.type.CudaNdarrayType", "gpuarray.type.GpuArraySharedVariable"):
        module, _, name = f"theano.{path}".rpartition(".")
        made = getattr(importlib.import_module(module), name)
        assert not isinstance(theano.tensor.dmatrix().type, made)
        with pytest.raises(NotImplementedError, match="not here"):
            made("float32", (False,))
