"""Second derivatives of a function, first ones of many outputs."""

import numpy as np

from bench.peers import JAX, PYTENSOR, SYMGRAPH, TORCH, TORCH_COMPILE
from bench.reference import normals
from bench.row import Row

SIZES = 64, 128, 10


def rosenbrock(x):
    """Rosenbrock's valley, the sum over neighbours."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def rosenbrock_hessian(x):
    here, after = x[:-1], x[1:]
    edge = -400 * here
    middle = np.zeros_like(x)
    middle[:-1] += 1200 * here**2 - 400 * after + 2
    middle[1:] += 200
    return [np.diag(middle) + np.diag(edge, 1) + np.diag(edge, -1)]


HESSIAN = Row(
    "hessian",
    "hessian of Rosenbrock's function, 50 variables",
    normals((50,)),
    rosenbrock_hessian,
)


@HESSIAN.built_for(SYMGRAPH, PYTENSOR)
def hessian_theano(lib, values):
    x = lib.T.fvector("x")
    f = lib.sg.function([x], lib.hessian(rosenbrock(x), x))
    return lambda: f(values)


@HESSIAN.built_for(JAX, TORCH, TORCH_COMPILE)
def hessian_others(lib, values):
    f = lib.compile(lib.hessian(rosenbrock))
    return lambda: f(values)


def network(lib, x, W1, b1, W2, b2):
    return lib.m.tanh(x @ W1 + b1) @ W2 + b2


def network_jacobian(x, W1, b1, W2, b2):
    return [(W1 * (1 - np.tanh(x @ W1 + b1) ** 2) @ W2).T]


JACOBIAN = Row(
    "jacobian",
    "Jacobian of the outputs of a 64-128-10 network by its inputs",
    normals((64,), (64, 128), (128,), (128, 10), (10,), scale=0.3),
    network_jacobian,
)


@JACOBIAN.built_for(SYMGRAPH, PYTENSOR)
def jacobian_theano(lib, values, *parameters):
    x = lib.T.fvector("x")
    shared = [lib.sg.shared(array) for array in parameters]
    f = lib.sg.function([x], lib.jacobian(network(lib, x, *shared), x))
    return lambda: f(values)


@JACOBIAN.built_for(JAX, TORCH, TORCH_COMPILE)
def jacobian_others(lib, values, *parameters):
    f = lib.compile(lib.jacobian(lambda x, *rest: network(lib, x, *rest)))
    return lambda: f(values, *parameters)


ROWS = [HESSIAN, JACOBIAN]
