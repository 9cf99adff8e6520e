"""What each framework calls the same thing: one namespace per framework.

`m` holds elementwise functions under NumPy's names. `function(f, arrays)` compiles a function of
arrays, `step(cost, inputs, parameters, rates)` a step of gradient descent; both return what is
called without arguments. symgraph and PyTensor share Theano's vocabulary, so they share most of it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

EPSILON = 1e-5  # of layer normalisation, as in all of them
Run = Callable[[], Any]
Launch = Callable[..., Run]  # of arrays, symbols, a value, and options of `function`


# --- Theano's vocabulary --------------------------------------------------------------------------


def load_symgraph() -> SimpleNamespace:
    sg = importlib.import_module("symgraph")
    T = importlib.import_module("symgraph.tensor")
    nnet = T.nnet

    def cross_entropy(scores: Any, labels: Any) -> Any:
        return nnet.categorical_crossentropy(nnet.softmax(scores), labels).mean()

    def conv2d(x: Any, w: Any, same: bool = False) -> Any:
        return nnet.conv2d(x, w, border_mode="half" if same else "valid", filter_flip=False)

    return SimpleNamespace(
        **theano_words(sg, T),
        stream=sg.RandomStream,
        softmax=nnet.softmax,
        cross_entropy=cross_entropy,
        relu=nnet.relu,
        layer_norm=nnet.layer_norm,
        attention=nnet.attention,
        conv2d=conv2d,
        max_pool=lambda x: T.signal.pool.pool_2d(x, (2, 2), ignore_border=True),
        hessian=sg.hessian,
        jacobian=sg.jacobian,
    )


def load_pytensor() -> SimpleNamespace:
    sg = importlib.import_module("pytensor")
    T = importlib.import_module("pytensor.tensor")
    special = importlib.import_module("pytensor.tensor.special")
    gradient = importlib.import_module("pytensor.gradient")

    def cross_entropy(scores: Any, labels: Any) -> Any:
        logs = special.log_softmax(scores, axis=-1)
        return -logs[T.arange(labels.shape[0]), labels].mean()

    softmax = partial(special.softmax, axis=-1)
    return SimpleNamespace(
        **theano_words(sg, T),
        stream=importlib.import_module("pytensor.tensor.random.utils").RandomStream,
        softmax=softmax,
        cross_entropy=cross_entropy,
        relu=lambda x: T.maximum(x, np.float32(0)),
        layer_norm=partial(layer_norm, T),
        attention=partial(attention, softmax, lambda x: x.swapaxes(-1, -2)),
        hessian=gradient.hessian,
        jacobian=gradient.jacobian,
    )


def theano_words(sg: Any, T: Any, launch: Launch | None = None) -> dict[str, Any]:
    """What symgraph and PyTensor spell alike; `launch` compiles and says how it is called."""
    launch = partial(launch_on_cpu, sg) if launch is None else launch

    def symbol(array: np.ndarray) -> Any:
        return T.TensorType(str(array.dtype), shape=(None,) * array.ndim)()

    def function(f: Callable[..., Any], arrays: Sequence[np.ndarray]) -> Run:
        symbols = [symbol(array) for array in arrays]
        return launch(arrays, symbols, f(*symbols))

    def step(cost: Callable[..., Any], inputs: Any, parameters: Any, rates: Any) -> Run:
        symbols = [symbol(array) for array in inputs]
        shared = [sg.shared(array) for array in parameters]
        value = cost(*symbols, *shared)
        slopes = T.grad(value, shared)
        new = [p - np.float32(r) * d for p, r, d in zip(shared, rates, slopes, strict=True)]
        return launch(inputs, symbols, value, updates=list(zip(shared, new, strict=True)))

    return {
        "sg": sg,
        "T": T,
        "m": T,
        "logsumexp": lambda x: T.logsumexp(x, axis=-1),
        "moments": lambda x: [x.mean(axis=-1), x.var(axis=-1)],
        "permute": lambda x, axes: x.dimshuffle(*axes),
        "function": function,
        "step": step,
    }


def launch_on_cpu(sg: Any, arrays: Any, symbols: Any, value: Any, **options: Any) -> Run:
    """A function of symbols, called with the arrays as they are."""
    compiled = sg.function(symbols, value, **options)
    return lambda: compiled(*arrays)


def layer_norm(m: Any, x: Any, gain: Any = 1.0, bias: Any = 0.0) -> Any:
    """By its definition, for those without a function of that name."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred / m.sqrt(variance + np.float32(EPSILON)) * gain + bias


def attention(softmax: Any, turned: Any, q: Any, k: Any, v: Any, scale: float) -> Any:
    """By its definition, likewise; `turned` exchanges the last two axes."""
    return softmax(q @ turned(k) * np.float32(scale)) @ v


# --- JAX ------------------------------------------------------------------------------------------


def load_jax() -> SimpleNamespace:
    jax = importlib.import_module("jax")
    jnp = jax.numpy

    def cross_entropy(scores: Any, labels: Any) -> Any:
        logs = jax.nn.log_softmax(scores)
        return -logs[jnp.arange(len(labels)), labels].mean()

    def max_pool(x: Any) -> Any:
        window = (1, 1, 2, 2)
        return jax.lax.reduce_window(x, -np.inf, jax.lax.max, window, window, "VALID")

    def function(f: Callable[..., Any], arrays: Sequence[Any]) -> Run:
        compiled = jax.jit(f)
        return lambda: compiled(*arrays)

    return SimpleNamespace(
        jax=jax,
        jnp=jnp,
        compile=jax.jit,
        hessian=jax.hessian,
        jacobian=jax.jacrev,
        m=jnp,
        softmax=jax.nn.softmax,
        cross_entropy=cross_entropy,
        relu=jax.nn.relu,
        layer_norm=partial(layer_norm, jnp),
        attention=partial(attention, jax.nn.softmax, lambda x: x.swapaxes(-1, -2)),
        logsumexp=partial(jax.nn.logsumexp, axis=-1),
        moments=lambda x: [x.mean(axis=-1), x.var(axis=-1)],
        permute=jnp.transpose,
        conv2d=lambda x, w, same=False: jax.lax.conv(x, w, (1, 1), "SAME" if same else "VALID"),
        max_pool=max_pool,
        function=function,
        step=partial(jax_step, jax),
    )


def jax_step(jax: Any, cost: Callable[..., Any], inputs: Any, parameters: Any, rates: Any) -> Run:
    """The whole step is compiled, and reuses the parameters' memory."""

    def descended(parameters: Any, inputs: Any) -> Any:
        value, slopes = jax.value_and_grad(lambda ps: cost(*inputs, *ps))(parameters)
        return value, [p - r * d for p, r, d in zip(parameters, rates, slopes, strict=True)]

    compiled = jax.jit(descended, donate_argnums=0)
    # Donated arrays are given up, and the row's own data must survive.
    state = [jax.numpy.array(p, copy=True) for p in parameters]

    def run() -> Any:
        value, state[:] = compiled(state, inputs)
        return value

    return run


# --- PyTorch --------------------------------------------------------------------------------------


def load_torch() -> SimpleNamespace:
    torch = importlib.import_module("torch")
    return torch_words(torch, lambda function: function)


def load_compiling_torch() -> SimpleNamespace:
    torch = importlib.import_module("torch")
    return torch_words(torch, torch.compile)


def torch_words(torch: Any, compile: Callable[..., Any]) -> SimpleNamespace:
    F = torch.nn.functional

    def layer_norm(x: Any, gain: Any = None, bias: Any = None) -> Any:
        return F.layer_norm(x, x.shape[-1:], gain, bias, EPSILON)

    def function(f: Callable[..., Any], arrays: Sequence[Any]) -> Run:
        compiled = compile(f)
        return lambda: compiled(*arrays)

    return SimpleNamespace(
        torch=torch,
        F=F,
        compile=compile,
        hessian=torch.func.hessian,
        jacobian=torch.func.jacrev,
        m=torch,
        softmax=partial(F.softmax, dim=-1),
        cross_entropy=F.cross_entropy,
        relu=F.relu,
        layer_norm=layer_norm,
        attention=lambda q, k, v, scale: F.scaled_dot_product_attention(q, k, v, scale=scale),
        logsumexp=partial(torch.logsumexp, dim=-1),
        moments=lambda x: torch.var_mean(x, dim=-1, correction=0)[::-1],
        permute=torch.permute,
        conv2d=lambda x, w, same=False: F.conv2d(x, w, padding="same" if same else 0),
        max_pool=lambda x: F.max_pool2d(x, 2),
        function=function,
        step=partial(torch_step, torch, compile),
    )


def torch_step(
    torch: Any, compile: Any, cost: Callable[..., Any], inputs: Any, parameters: Any, rates: Any
) -> Run:
    """The cost is compiled, and with it its gradient; the optimizer is torch's own."""
    leaves = [p.clone().requires_grad_() for p in parameters]
    groups = [{"params": [p], "lr": r} for p, r in zip(leaves, rates, strict=True)]
    optimizer = torch.optim.SGD(groups if len(set(rates)) > 1 else leaves, lr=rates[0])
    forward = compile(cost)

    def run() -> Any:
        optimizer.zero_grad()
        value = forward(*inputs, *leaves)
        value.backward()
        optimizer.step()
        return value.detach()

    return run
