"""Matrix products, and a Gaussian likelihood by Cholesky's factors."""

import numpy as np

from bench.peers import JAX, PYTENSOR, SYMGRAPH, TORCH, TORCH_COMPILE
from bench.reference import normals
from bench.row import Row, function_row

CASES, SIZE = 64, 32


def product(lib, a, b):
    return lib.m.matmul(a, b)


PRODUCTS = [
    function_row(name, title, normals(*shapes), product, lambda a, b: [a @ b])
    for name, title, *shapes in (
        *(
            (f"matmul-{n}", f"product of ({n}, {n}) matrices", (n, n), (n, n))
            for n in (512, 1024, 2048)
        ),
        (
            "batched-products",
            "256 products of (64, 64) matrices",
            (256, 64, 64),
            (256, 64, 64),
        ),
    )
]
DENSE = function_row(
    "dense",
    "layer of 32 x 128 to 512 with bias and relu",
    normals((32, 128), (128, 512), (512,)),
    lambda lib, x, W, b: lib.relu(x @ W + b),
    lambda x, W, b: [np.maximum(x @ W + b, 0)],
)


def roots_and_sides(rng):
    """Roots of covariances, and observations."""
    roots = rng.normal(scale=SIZE**-0.5, size=(CASES, SIZE, SIZE)).astype("f4")
    return roots, rng.normal(size=(CASES, SIZE, 1)).astype("f4")


def likelihood_gradient(roots, sides):
    """The gradient of b' A^-1 b + log det A by the root X of A = X X' + 1."""
    inverse = np.linalg.inv(roots @ roots.swapaxes(1, 2) + np.eye(SIZE))
    solved = inverse @ sides
    return [2 * (inverse - solved @ solved.swapaxes(1, 2)) @ roots]


SOLVE = Row(
    "cholesky-solve",
    f"Gaussian likelihood by Cholesky's factor, with gradient, {CASES} of ({SIZE}, {SIZE})",
    data=roots_and_sides,
    numpy=likelihood_gradient,
)


@SOLVE.built_for(SYMGRAPH, PYTENSOR)
def theano_solve(lib, roots, sides):
    T = lib.T
    x, b = T.ftensor3("x"), T.tensor(name="b", dtype="float32", shape=(None, None, 1))
    covariance = T.matmul(x, x.dimshuffle(0, 2, 1)) + np.eye(SIZE, dtype="f4")
    factor = T.linalg.cholesky(covariance)
    solved = T.linalg.cho_solve((factor, True), b, b_ndim=2)
    determinant = 2 * T.log(T.diagonal(factor, axis1=1, axis2=2)).sum()
    f = lib.sg.function([x, b], T.grad((b * solved).sum() + determinant, x))
    return lambda: f(roots, sides)


@SOLVE.built_for(JAX)
def jax_solve(lib, roots, sides):
    jnp = lib.jnp

    def cost(x, b):
        factor = jnp.linalg.cholesky(x @ x.swapaxes(1, 2) + jnp.eye(SIZE))
        solved = lib.jax.vmap(lambda L, y: lib.jax.scipy.linalg.cho_solve((L, True), y))(factor, b)
        return (b * solved).sum() + 2 * jnp.log(jnp.diagonal(factor, axis1=1, axis2=2)).sum()

    f = lib.jax.jit(lib.jax.grad(cost))
    return lambda: f(roots, sides)


@SOLVE.built_for(TORCH, TORCH_COMPILE)
def torch_solve(lib, roots, sides):
    torch = lib.torch

    def gradient(x, b):
        factor = torch.linalg.cholesky(x @ x.transpose(1, 2) + torch.eye(SIZE))
        solved = torch.cholesky_solve(b, factor)
        determinant = 2 * factor.diagonal(dim1=1, dim2=2).log().sum()
        return torch.autograd.grad((b * solved).sum() + determinant, x)[0]

    root = roots.clone().requires_grad_(True)
    f = lib.compile(gradient)
    return lambda: f(root, sides)


ROWS = [*PRODUCTS, DENSE, SOLVE]
