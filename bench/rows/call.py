"""What a call costs when there is next to nothing to compute."""

from bench.peers import JAX, PYTENSOR, SYMGRAPH, TORCH, TORCH_COMPILE
from bench.row import Row

CALL = Row(
    "call",
    "call of `x**2 + y`, 3 elements",
    data=lambda rng: list(rng.normal(size=(2, 3)).astype("f4")),
    numpy=lambda x, y: [x**2 + y],
)


@CALL.built_for(SYMGRAPH, PYTENSOR)
def theano(lib, x, y):
    a, b = lib.T.fvectors("a", "b")
    f = lib.sg.function([a, b], a**2 + b)
    return lambda: f(x, y)


@CALL.built_for(JAX)
def jax(lib, x, y):
    f = lib.jax.jit(lambda a, b: a**2 + b)
    return lambda: f(x, y)


@CALL.built_for(TORCH, TORCH_COMPILE)
def torch(lib, x, y):
    f = lib.compile(lambda a, b: a**2 + b)
    return lambda: f(x, y)


ROWS = [CALL]
