"""What is called of CuPy exists in the version installed, with the arguments it is given.

CuPy imports without a card, but not all of its modules do without NVIDIA's libraries; their text
can be read all the same.
"""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from symgraph.backends.cuda.products import COMPLEX, TYPES
from symgraph.backends.cuda.solvers import LETTERS

cupy = pytest.importorskip("cupy")
FOLDER = Path(cupy.__file__).parent.parent
# Functions by the file that defines them, each with the arguments it is called with, in order.
CALLED = {
    "cupy/linalg/_decomposition.py": {
        "cholesky": ["a"],
        "qr": ["a", "mode"],
        "svd": ["a", "full_matrices", "compute_uv"],
        "_lu_factor": ["a_t", "dtype"],
    },
    "cupy/linalg/_eigenvalue.py": {
        "eigh": ["a", "UPLO"],
        "eigvalsh": ["a", "UPLO"],
        "eig": ["a"],
    },
    "cupyx/scipy/linalg/_decomp_lu.py": {
        "lu_factor": ["a", "overwrite_a", "check_finite"],
        "lu_solve": ["lu_and_piv", "b", "trans", "overwrite_b", "check_finite"],
    },
    "cupyx/scipy/linalg/_solve_triangular.py": {
        "solve_triangular": ["a", "b", "trans", "lower", "unit_diagonal"],
    },
    "cupyx/scipy/fft/_fft.py": {
        "fftn": ["x", "s", "axes", "norm"],
        "ifftn": ["x", "s", "axes", "norm"],
        "rfft": ["x", "n", "axis", "norm"],
        "irfft": ["x", "n", "axis", "norm"],
    },
    "cupyx/_ufunc_config.py": {"errstate": []},
    "cupy/_sorting/search.py": {"searchsorted": ["a", "v", "side"]},
}


@pytest.mark.parametrize("file", CALLED)
def test_functions_of_cupy(file: str) -> None:
    tree = ast.parse((FOLDER / file).read_text())
    found = {node.name: node.args for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name, wanted in CALLED[file].items():
        args = [a.arg for a in (*found[name].posonlyargs, *found[name].args)]
        assert args[: len(wanted)] == wanted, name


def names_in(module: str) -> bytes:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_bytes()


def test_cublas_has_what_batches_need() -> None:
    found = names_in("cupy_backends.cuda.libs.cublas")
    for letter in LETTERS.values():
        assert f"{letter}getrsBatched".encode() in found


def test_cublas_and_cuda_have_the_types_of_products() -> None:
    found = names_in("cupy_backends.cuda.libs.cublas")
    for name in (b"gemmStridedBatchedEx", b"setPointerMode", b"getPointerMode"):
        assert name in found
    for kind, computed in TYPES.values():
        assert computed.encode() in found
        assert kind in COMPLEX or hasattr(cupy.cuda.runtime, kind)


def test_the_arguments_of_a_product() -> None:
    """In the order that the function's own text gives, where NVIDIA's libraries are there."""
    try:
        text = cupy.cuda.cublas.gemmStridedBatchedEx.__doc__
    except ImportError:
        pytest.skip("NVIDIA's libraries are not installed")
    names = [part.split()[-1] for part in text[text.index("(") + 1 : text.index(")")].split(",")]
    assert names == [
        "handle", "transa", "transb", "m", "n", "k", "alpha", "A", "Atype", "lda", "strideA", "B",
        "Btype", "ldb", "strideB", "beta", "C", "Ctype", "ldc", "strideC", "batchCount",
        "computeType", "algo",
    ]  # fmt: skip
