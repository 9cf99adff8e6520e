"""What a call costs when there is next to nothing to compute."""

import numpy as np

from bench.peers import JAX, PYTENSOR, SYMGRAPH, TORCH, TORCH_COMPILE
from bench.reference import normals
from bench.row import Row, function_row

CALL = function_row(
    "call",
    "call of `x**2 + y`, 3 elements",
    normals((3,), (3,)),
    lambda lib, x, y: x**2 + y,
    lambda x, y: [x**2 + y],
)
COUNTER = Row(
    "counter",
    "update of a counter",
    lambda rng: [np.zeros((), "f4")],
    lambda start: [start + k for k in (1, 2, 3)],
    chained=True,
)


@COUNTER.built_for(SYMGRAPH, PYTENSOR)
def theano(lib, start):
    count = lib.sg.shared(start)
    new = count + np.float32(1)
    return lib.sg.function([], new, updates=[(count, new)])


@COUNTER.built_for(JAX, TORCH, TORCH_COMPILE)
def others(lib, start):
    step, state = lib.compile(lambda count: count + 1), [start]

    def run():
        state[0] = step(state[0])
        return state[0]

    return run


ROWS = [CALL, COUNTER]
