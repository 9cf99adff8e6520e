"""Random streams: the generator, states, what they are the same under, and what goes wrong.

The distributions are in test_distributions.py.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

import symgraph as sg
import symgraph.tensor as T
from symgraph import errors
from symgraph.backends import threads
from symgraph.families import Checked
from symgraph.graph import ancestors
from symgraph.ops.random import philox, random_bits
from symgraph.random import MRG_RandomStreams, RandomStreams

# Counter, key and result of Philox 4x32-10, as Random123 1.14 publishes them (kat_vectors).
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
]  # fmt: skip


def pairs(words: str) -> list[int]:
    """32-bit words as 64-bit numbers, low word first."""
    numbers = [int(word, 16) for word in words.split()]
    return [low | high << 32 for low, high in zip(numbers[::2], numbers[1::2], strict=True)]


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN)
def test_reference_gives_the_published_words(counter: str, key: str, result: str) -> None:
    state = [np.uint64(x) for x in (*pairs(counter), *pairs(key))]
    assert [int(x) for x in philox(*state)] == pairs(result)


def test_native_code_gives_the_published_words() -> None:
    """The position is what a function cannot choose: positions 0 and those of a run of calls."""
    key, draw = T.ulscalar("key"), T.ulscalar("draw")
    halves = [random_bits(key, draw, (3,), half) for half in (0, 1)]
    f = sg.function([key, draw], halves)
    assert [int(half[0]) for half in f(np.uint64(0), np.uint64(0))] == pairs(KNOWN[0][2])
    key_value, draw_value = np.uint64(pairs(KNOWN[2][1])[0]), np.uint64(2**64 - 1)
    expected = philox(np.arange(3, dtype=np.uint64), draw_value, key_value)
    np.testing.assert_array_equal(f(key_value, draw_value), expected)


def all_kinds(stream: sg.RandomStream, size: object) -> list[object]:
    """Draws of every kind there is an op for."""
    return [
        stream.gamma(0.7, size=size),
        stream.truncated_normal(size),
        stream.vonmises(0.0, 2.0, size),
        stream.poisson(size, 3.0),
        stream.binomial(size, 100, 0.4),
        stream.multinomial(size, 10, [0.2, 0.8]),
        stream.permutation(size, 3),
        stream.choice(size, 5, p=[0.1, 0.2, 0.3, 0.2, 0.2]),
        stream.uniform(size, dtype="float32"),
        stream.uniform(size, -1.0, 2.0, dtype="float64"),
        stream.normal(size, dtype="float32"),
        stream.normal(size, dtype="float64"),
        stream.bernoulli(0.3, size),
        stream.integers(-5, 1000, size),
    ]


def test_numbers_are_the_same_for_any_threads_and_in_the_interpreter() -> None:
    n, stream = T.lscalar("n"), sg.RandomStream(3)
    draws = all_kinds(stream, (n, 3))
    native, slow = sg.function([n], draws), sg.function([n], draws, mode="interpret")
    found = []
    for count in (1, 2):
        threads.set_threads(count)
        stream.seed(3)
        found.append(native(9_000))
    threads.set_threads(sg.config.workers)
    stream.seed(3)
    for one, two, reference in zip(*found, slow(9_000), strict=True):
        np.testing.assert_array_equal(one, two)
        assert one.dtype == reference.dtype
        np.testing.assert_allclose(one, reference, rtol=3e-6, atol=3e-6)


# --- states ------------------------------------------------------------------------------


def test_calls_draws_and_seeds_differ() -> None:
    stream, other = sg.RandomStream(1), sg.RandomStream(2)
    f = sg.function([], [stream.normal((8,)), stream.normal((8,)), other.normal((8,))])
    numbers = np.concatenate([*f(), *f()])
    assert len(set(numbers.tolist())) == len(numbers)


def test_a_draw_is_one_variable_within_a_call() -> None:
    x = sg.RandomStream(1).normal((5,))
    a, b = sg.function([], [x + 1, x * 2])()
    np.testing.assert_allclose((a - 1) * 2, b, rtol=1e-12)


def test_no_default_updates_repeats_and_updates_advance() -> None:
    stream = sg.RandomStream(1)
    x = stream.uniform((3,))
    still = sg.function([], x, no_default_updates=True)
    state = stream.state_updates[0][0]
    moved = sg.function([], x, no_default_updates=[state], updates=stream.updates())
    first = still()
    np.testing.assert_array_equal(first, still())
    np.testing.assert_array_equal(first, moved())
    assert not np.array_equal(first, moved())
    assert state.get_value()[1] == 2


def test_seed_starts_anew() -> None:
    stream = sg.RandomStream([1, 2, 3])
    f = sg.function([], [stream.uniform((3,)), stream.integers(10**6, size=3)])
    first, second = f(), f()
    assert not np.array_equal(first[0], second[0])
    for seed in (None, [1, 2, 3]):
        stream.seed(seed)
        for a, b in zip(f(), first, strict=True):
            np.testing.assert_array_equal(a, b)
    stream.seed(9)
    assert not np.array_equal(f()[0], first[0])


def test_streams_without_seed_differ() -> None:
    a, b = RandomStreams(), RandomStreams()
    assert not np.array_equal(a.uniform((4,)).eval(), b.uniform((4,)).eval())
    default = MRG_RandomStreams().uniform((4,), nstreams=1).eval()
    np.testing.assert_array_equal(default, MRG_RandomStreams(12345).uniform((4,)).eval())


def test_states_copy_between_models_and_swap() -> None:
    """As Theano's tutorial does it: the states of one stream set from another's."""
    one, two = sg.RandomStream(1), sg.RandomStream(2)
    f, g = (sg.function([], s.normal((3,))) for s in (one, two))
    f()
    for (a, _), (b, _) in zip(one.state_updates, two.state_updates, strict=True):
        b.set_value(a.get_value())
    np.testing.assert_array_equal(f(), g())
    mine, theirs = one.state_updates[0][0], two.state_updates[0][0]
    h = f.copy(swap={mine: theirs})
    np.testing.assert_array_equal(h(), f())
    assert theirs.get_value()[1] == mine.get_value()[1] == 3


def test_pickled_functions_go_on_alike() -> None:
    f = sg.function([], sg.RandomStream(5).normal((4,)))
    f()
    g = pickle.loads(pickle.dumps(f))
    np.testing.assert_array_equal(f(), g())
    np.testing.assert_array_equal(f(), g())


def test_gen_gives_a_fresh_state() -> None:
    stream = sg.RandomStream(5)
    a, b = (stream.gen(lambda s, n: random_bits(s.key, s.draw, (n,)), 2) for _ in range(2))
    assert len(stream.state_updates) == 2
    assert not np.array_equal(a.eval(), b.eval())


# --- fusion --------------------------------------------------------------------------------


def test_a_dropout_mask_is_never_stored() -> None:
    x, stream = T.fmatrix("x"), sg.RandomStream(1)
    mask = stream.bernoulli(0.75, size=x.shape, dtype="float32")
    cost = T.sqr(x * mask / 0.75).sum()
    f = sg.function([x], [x * mask, T.grad(cost, x)])
    large = [k for k in f.kernels if any(b.dtype == "float32" for b in k.buffers)]
    (kernel,) = large
    assert len(kernel.buffers) == 3  # x and the two results
    values = np.ones((200, 301), "f4")
    kept, gradient = f(values)
    assert 0.74 < kept.mean() < 0.76
    np.testing.assert_allclose(gradient, 2 * kept / 0.75**2, rtol=1e-5)


def test_a_mask_along_rows_repeats_and_slices_agree() -> None:
    x, stream = T.dmatrix("x"), sg.RandomStream(1)
    column = stream.uniform((x.shape[0], 1))
    whole = stream.uniform(x.shape)
    parts = [x * column, whole, whole[1:, ::-1], whole.T * x.T, whole.sum(axis=1)]
    a, b, c, d, e = sg.function([x], parts)(np.ones((4, 5)))
    assert (a == a[:, :1]).all()
    assert len(set(a[:, 0])) == 4
    np.testing.assert_array_equal(b[1:, ::-1], c)
    np.testing.assert_array_equal(b.T, d)
    np.testing.assert_allclose(b.sum(axis=1), e)


# --- gradients and dtypes --------------------------------------------------------------------


LOCATED = ("normal", "truncated_normal", "laplace", "logistic", "gumbel", "cauchy", "halfnormal")


def test_gradients_flow_to_location_and_scale() -> None:
    loc, scale, stream = T.dvector("loc"), T.dvector("scale"), sg.RandomStream(1)
    draws = [getattr(stream, name)(size=3, loc=loc, scale=scale) for name in LOCATED]
    draws += [stream.uniform((3,), loc, loc + scale), stream.t(4.0, loc, scale, 3)]
    draws += [loc + stream.exponential(scale), loc + stream.gamma(2.0, scale)]
    slopes = [slope for x in draws for slope in T.grad(x.sum(), [loc, scale])]
    at_loc, at_scale = np.array([1.0, 2.0, 3.0]), np.array([0.5, 1.0, 2.0])
    found = sg.function([loc, scale], [*draws, *slopes])(at_loc, at_scale)
    values, slopes = found[: len(draws)], found[len(draws) :]
    for x, by_loc, by_scale in zip(values, slopes[::2], slopes[1::2], strict=True):
        np.testing.assert_allclose(by_loc, 1)
        np.testing.assert_allclose(by_scale, (x - at_loc) / at_scale)


def test_shapes_of_gamma_numbers_have_no_gradient() -> None:
    a = T.dscalar("a")
    for draw in (STREAM.gamma(a), STREAM.beta(a, 1.0), STREAM.chisquare(a)):
        with pytest.raises(errors.NullTypeGradError, match="only by location and scale"):
            sg.grad(draw, a)
    cost = STREAM.gamma(sg.disconnected_grad(a)) * a
    assert sg.grad(cost, a).eval({a: 2.0}) > 0


def test_no_gradient_flows_through_discrete_draws() -> None:
    p = T.dvector("p")
    x = sg.RandomStream(1).bernoulli(p, dtype="float64")
    assert sg.grad((x * p).sum(), p).eval({p: [1.0, 0.0]}).tolist() == [1.0, 0.0]


def test_dtypes_follow_parameters() -> None:
    stream, single = sg.RandomStream(1), np.float32(2)
    assert stream.normal((2,), avg=single).dtype == "float32"
    assert stream.normal((2,), avg=1).dtype == "float64"
    assert stream.normal((2,), avg=single, dtype="float64").dtype == "float64"
    assert stream.uniform((2,), dtype="float16").dtype == "float16"
    assert stream.bernoulli(0.5, (2,), dtype="bool").dtype == "bool"
    assert stream.integers(3, size=2, dtype="int8").dtype == "int8"
    with config_of("float32"):
        assert stream.normal((2,)).dtype == "float32"


@contextmanager
def config_of(dtype: str) -> Iterator[None]:
    before = sg.config.floatX
    sg.config.floatX = dtype
    yield
    sg.config.floatX = before


def test_sizes() -> None:
    stream, v, m = sg.RandomStream(1), T.lvector("v"), T.dmatrix("m")
    assert stream.normal().eval().shape == ()
    assert stream.normal(avg=m, std=m[0]).eval({m: np.ones((2, 3))}).shape == (2, 3)
    assert stream.uniform(v, ndim=3).eval({v: [2, 0, 4]}).shape == (2, 0, 4)
    assert stream.uniform(m.shape).eval({m: np.ones((2, 3))}).shape == (2, 3)
    assert stream.uniform((m.shape[1], 2)).eval({m: np.ones((2, 3))}).shape == (3, 2)
    assert stream.uniform(4, ndim=1).eval().shape == (4,)
    assert stream.integers(m.shape[0], size=m.shape).eval({m: np.ones((1, 3))}).tolist() == [
        [0] * 3
    ]


# --- bad input -------------------------------------------------------------------------------

STREAM = sg.RandomStream(1)
BAD = {
    "probability": (lambda: STREAM.bernoulli(1.5), errors.ParameterError, "in .0, 1., not 1.5"),
    "probabilities": (lambda: STREAM.bernoulli([0.5, -0.1]), errors.ParameterError, "probability"),
    "std": (lambda: STREAM.normal((2,), std=-1.0), errors.ParameterError, "0 or more"),
    "range": (lambda: STREAM.integers(3, 3), errors.ParameterError, "low has to be below high"),
    "rate": (lambda: STREAM.poisson(lam=-1.0), errors.ParameterError, "lam has to be 0 or more"),
    "good": (lambda: STREAM.hypergeometric(-1, 2, 1), errors.ParameterError, "ngood has to be 0"),
    "count": (lambda: STREAM.binomial(n=-2), errors.ParameterError, "n has to be 0 or more"),
    "bounds": (lambda: STREAM.truncated_normal(lower=1, upper=0), errors.ParameterError, "below"),
    "shape": (lambda: STREAM.gamma([1.0, 0.0]), errors.ParameterError, "has to be above 0"),
    "too many": (lambda: STREAM.choice(4, 3, replace=False), errors.ParameterError, "4 different"),
    "no pvals": (lambda: STREAM.multinomial_wo_replacement(), errors.GraphTypeError, "pvals"),
    "choice of rows": (lambda: STREAM.choice(2, None), errors.GraphTypeError, "matrix p"),
    "permuted size": (lambda: STREAM.permutation(2, [1, 2]), errors.GraphTypeError, "no size"),
    "row of a scalar": (lambda: STREAM.shuffle_row_elements(1.0), errors.GraphTypeError, "axis"),
    "scalar weights": (lambda: STREAM.categorical(0.5), errors.GraphTypeError, "vector"),
    "seed": (lambda: sg.RandomStream(-1), errors.ParameterError, "from 0 on"),
    "seed words": (lambda: sg.RandomStream("no"), errors.ParameterError, "from 0 on"),
    "size": (lambda: STREAM.normal((2, -1)), errors.ShapeError, "not negative"),
    "float size": (lambda: STREAM.normal(2.5), errors.GraphTypeError, "integer scalar"),
    "size unknown": (lambda: STREAM.normal(T.lvector("v")), errors.GraphTypeError, "pass ndim"),
    "ndim": (lambda: STREAM.normal((2, 3), ndim=1), errors.GraphTypeError, "ndim=1"),
    "rank": (lambda: STREAM.normal((2,), avg=T.dmatrix()), errors.GraphTypeError, "whole result"),
    "broadcast": (lambda: STREAM.normal((1,), avg=T.dvector()), errors.ShapeError, "whole result"),
    "dtype": (lambda: STREAM.normal((2,), dtype="int32"), errors.GraphTypeError, "gives floats"),
    "complex": (lambda: STREAM.bernoulli(dtype="complex64"), errors.GraphTypeError, "whole"),
}  # fmt: skip


LATE = {
    "gamma": lambda a: STREAM.gamma(a, size=(3,)),
    "poisson": lambda a: STREAM.poisson((3,), a),
    "binomial": lambda a: STREAM.binomial((3,), 5, a),
    "binomial n": lambda a: STREAM.binomial((3,), T.cast(a, "int64"), 0.5),
    "multinomial": lambda a: STREAM.multinomial((3,), 5, T.stack([a[0], a[1]])),
    "truncated_normal": lambda a: STREAM.truncated_normal((3,), lower=0.0, upper=a),
    "vonmises": lambda a: STREAM.vonmises(0.0, a),
}


@pytest.mark.parametrize("mode", ["fast_run", "interpret"])
def test_parameters_are_checked_when_run(mode: str) -> None:
    a = T.dvector("a")
    for name, draw in LATE.items():
        f = sg.function([a], draw(a), mode=mode)
        f([0.5, 0.25, 0.125])
        with pytest.raises(errors.ParameterError, match="counted from 1") as caught:
            f([0.5, -1.5, 0.5])
        assert "test_random.py" in str(caught.value), name


FUSED = {
    "std": lambda a: STREAM.normal((3,), std=a),
    "scale": lambda a: STREAM.exponential(a),
    "scale of laplace": lambda a: STREAM.laplace(scale=a, size=(3,)),
    "p": lambda a: STREAM.bernoulli(a),
    "p of geometric": lambda a: STREAM.geometric(T.minimum(a, 1)),
    "weights": lambda a: STREAM.categorical(a, size=(2,)),
    "high": lambda a: STREAM.integers(T.cast(10 * a, "int64") - 9, 1),
    "right": lambda a: STREAM.triangular(-1.0, 0.0, a, size=(3,)),
}


@pytest.mark.parametrize("mode", ["fast_run", "interpret"])
def test_parameters_of_fused_draws_are_checked_when_run(mode: str) -> None:
    """A wrong one names the line, and no state moves on."""
    a = T.dvector("a")
    good, bad = np.array([0.5, 0.25, 0.125]), np.array([0.5, -1.5, 0.5])
    for name, draw in FUSED.items():
        wrong = np.array([0.5, 1.5, 0.5]) if name == "high" else bad
        f = sg.function([a], draw(a), mode=mode)
        f(good)
        states = [state.get_value() for state, _ in STREAM.state_updates]
        with pytest.raises(errors.ParameterError, match=r"has to be|is a probability") as caught:
            f(wrong)
        assert "test_random.py" in str(caught.value), name
        for (state, _), before in zip(STREAM.state_updates, states, strict=True):
            np.testing.assert_array_equal(state.get_value(), before)


def test_what_must_be_right_is_not_checked() -> None:
    """A probability out of a logistic function, a scale that is an exponential."""
    x, s = T.dmatrix("x"), T.dvector("s")
    p = T.nnet.sigmoid(T.dot(x, x) + s)
    scale = T.exp(s) * T.sqr(s) / (1 + T.nnet.softplus(s)) + 0.1
    fine = [
        STREAM.bernoulli(1 - p * 0.5),
        STREAM.bernoulli(T.clip(s, 0.1, 0.9).dimshuffle("x", 0)[:, ::2]),
        STREAM.normal(std=T.switch(s > 0, T.sqrt(abs(s)), scale)),
        STREAM.exponential(T.maximum(s, 0)),
        STREAM.geometric(T.minimum(T.maximum(T.cast(s > 0, "float64"), 0.5), 1)),
    ]
    checks = [n for n in sg.function([x, s], fine).graph.toposort() if isinstance(n.op, Checked)]
    assert not checks
    unknown = STREAM.bernoulli(2 * p)
    assert any(isinstance(v.owner.op, Checked) for v in ancestors([unknown]) if v.owner)


@pytest.mark.parametrize("mode", ["fast_run", "interpret"])
def test_negative_sizes_are_refused_when_run(mode: str) -> None:
    n = T.lscalar("n")
    made = {
        "normal": STREAM.normal((2, n)),
        "gamma": STREAM.gamma(2.0, size=(n,)),
        "alloc": T.alloc(1.0, n, 3),
        "eye": T.eye(n),
        "sliced": T.zeros((n - 3,)) + 1,
    }
    for name, draw in made.items():
        f = sg.function([n], draw, mode=mode)
        assert 0 in f(3 if name == "sliced" else 0).shape
        with pytest.raises(errors.ShapeError, match="negative") as caught:
            f(-2)
        assert "test_random.py" in str(caught.value), name


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case: str) -> None:
    draw, kind, message = BAD[case]
    with pytest.raises(kind, match=message):
        draw()


def test_parameters_of_another_size_are_refused_when_run() -> None:
    x = T.dvector("x")
    f = sg.function([x], sg.RandomStream(1).normal((3,), avg=x))
    with pytest.raises(errors.ShapeError, match="do not agree"):
        f(np.ones(4))
