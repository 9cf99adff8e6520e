"""Every op of the package with the applications it declares, and values to try them on."""

from __future__ import annotations

import zlib

import numpy as np

from symgraph.catalogue import modules as modules
from symgraph.catalogue import op_classes as op_classes
from symgraph.families import Example, Sample, TensorOp
from symgraph.graph import Variable
from symgraph.types import CONTINUOUS, TensorType

SMALL = 4


def examples(kind: type[TensorOp]) -> list[Example]:
    """The applications an op declares."""
    return list(kind.examples())


def seed_of(*words: object) -> np.random.Generator:
    """A generator that depends on what is tested and on nothing else."""
    return np.random.default_rng(zlib.crc32(repr(words).encode()))


def draw(sample: Sample, rng: np.random.Generator) -> np.ndarray:
    """An array in a sample's domain."""
    shape, domain = sample.shape, sample.domain
    if domain.startswith("index:"):
        size = int(domain.split(":")[1])
        values = rng.integers(-size, size, shape)
    elif domain == "bool":
        values = rng.integers(0, 2, shape)
    elif domain == "int":
        values = rng.integers(-SMALL, SMALL + 1, shape)
    elif domain in MATRICES:
        values = MATRICES[domain](rng, shape)
        if sample.dtype.startswith("complex"):
            values = values + 0.3j * rng.uniform(-1, 1, shape)
    elif domain.startswith("value:"):
        values = np.full(shape, float(domain.split(":")[1]))
    else:
        values = REAL[domain](rng, shape)
    return np.asarray(values).astype(sample.dtype)


def _apart(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Reals no two of which are close, nor close to an integer or half: no kink is near."""
    count = int(np.prod(shape))
    grid = (rng.permutation(max(count, 1))[:count] - count / 2) * 0.37 + 0.173
    return (grid % 4.4 - 2.2 + grid * 1e-3 + rng.uniform(0, 0.02)).reshape(shape)


REAL = {
    "real": _apart,
    "positive": lambda rng, shape: rng.uniform(0.3, 3, shape),
    "unit": lambda rng, shape: rng.uniform(-0.9, 0.9, shape),
    "negative": lambda rng, shape: rng.uniform(-3, -0.3, shape),
    "above1": lambda rng, shape: rng.uniform(1.2, 3, shape),
    "nonzero": lambda rng, shape: rng.uniform(0.4, 2, shape) * rng.choice([-1, 1], shape),
    "small": lambda rng, shape: rng.uniform(-0.5, 0.5, shape),
    "probability": lambda rng, shape: rng.uniform(0.05, 0.95, shape),
}


def _definite(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Symmetric matrices with positive eigenvalues."""
    root = rng.normal(size=shape)
    return root @ root.swapaxes(-1, -2) + 2 * np.eye(shape[-1])


MATRICES = {
    "definite": _definite,
    # no two singular values or eigenvalues close, none near 0
    "well": lambda rng, shape: (
        rng.uniform(-0.4, 0.4, shape) + np.eye(*shape[-2:]) * (2 + 0.7 * np.arange(shape[-1]))
    ),
}


def symbolic(arrays: list[np.ndarray]) -> list[Variable]:
    """A variable for each array, sizes of 1 declared so that they broadcast."""
    return [
        TensorType(str(a.dtype), [1 if n == 1 else None for n in a.shape])(f"x{k}")
        for k, a in enumerate(arrays)
    ]


def applied(
    example: Example, rng: np.random.Generator
) -> tuple[list[np.ndarray], list[Variable], list[Variable]]:
    """Values, input variables and outputs of an example."""
    arrays = [draw(sample, rng) for sample in example.inputs]
    variables = symbolic(arrays)
    out = example.op(*variables)
    return arrays, variables, list(out) if isinstance(out, list) else [out]


def is_float(var: Variable) -> bool:
    """Whether a variable can be differentiated."""
    return getattr(var.type, "dtype", "") in CONTINUOUS
