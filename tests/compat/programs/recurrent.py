"""Recurrent networks: an LSTM that classifies sequences, an Elman network that tags their words,
and an RNN-RBM, a machine whose biases a recurrent network sets at each step."""

from collections import OrderedDict

import numpy
import theano
import theano.tensor as T
from theano import config
from theano.sandbox.rng_mrg import MRG_RandomStreams as RandomStreams
from theano.tensor.shared_randomstreams import RandomStreams as SharedStreams


def _p(pp, name):
    return "%s_%s" % (pp, name)


def numpy_floatX(data):
    return numpy.asarray(data, dtype=config.floatX)


def ortho_weight(rng, ndim):
    u, _, _ = numpy.linalg.svd(rng.randn(ndim, ndim))
    return u.astype(config.floatX)


def lstm_params(rng, words, width, classes, prefix="lstm"):
    params = OrderedDict()
    params["Wemb"] = (0.1 * rng.rand(words, width)).astype(config.floatX)
    for name in "WU":
        square = [ortho_weight(rng, width) for _ in range(4)]
        params[_p(prefix, name)] = numpy.concatenate(square, axis=1)
    params[_p(prefix, "b")] = numpy.zeros((4 * width,)).astype(config.floatX)
    params["U"] = 0.1 * rng.randn(width, classes).astype(config.floatX)
    params["b"] = numpy.zeros((classes,)).astype(config.floatX)
    return params


def lstm_layer(tparams, state_below, mask, width, prefix="lstm"):
    nsteps, n_samples = state_below.shape[0], state_below.shape[1]

    def _slice(_x, n, dim):
        if _x.ndim == 3:
            return _x[:, :, n * dim : (n + 1) * dim]
        return _x[:, n * dim : (n + 1) * dim]

    def _step(m_, x_, h_, c_):
        preact = T.dot(h_, tparams[_p(prefix, "U")])
        preact += x_
        i = T.nnet.sigmoid(_slice(preact, 0, width))
        f = T.nnet.sigmoid(_slice(preact, 1, width))
        o = T.nnet.sigmoid(_slice(preact, 2, width))
        c = T.tanh(_slice(preact, 3, width))
        c = f * c_ + i * c
        c = m_[:, None] * c + (1.0 - m_)[:, None] * c_
        h = o * T.tanh(c)
        h = m_[:, None] * h + (1.0 - m_)[:, None] * h_
        return h, c

    state_below = T.dot(state_below, tparams[_p(prefix, "W")]) + tparams[_p(prefix, "b")]
    rval, updates = theano.scan(
        _step,
        sequences=[mask, state_below],
        outputs_info=[
            T.alloc(numpy_floatX(0.0), n_samples, width),
            T.alloc(numpy_floatX(0.0), n_samples, width),
        ],
        name=_p(prefix, "_layers"),
        n_steps=nsteps,
    )
    return rval[0]


def adadelta(lr, tparams, grads, x, mask, y, cost):
    zipped_grads = [
        theano.shared(p.get_value() * numpy_floatX(0.0), name="%s_grad" % k)
        for k, p in tparams.items()
    ]
    running_up2 = [theano.shared(p.get_value() * numpy_floatX(0.0)) for p in tparams.values()]
    running_grads2 = [theano.shared(p.get_value() * numpy_floatX(0.0)) for p in tparams.values()]
    zgup = [(zg, g) for zg, g in zip(zipped_grads, grads)]
    rg2up = [(rg2, 0.95 * rg2 + 0.05 * (g**2)) for rg2, g in zip(running_grads2, grads)]
    f_grad_shared = theano.function(
        [x, mask, y], cost, updates=zgup + rg2up, name="adadelta_f_grad_shared"
    )
    updir = [
        -T.sqrt(ru2 + 1e-6) / T.sqrt(rg2 + 1e-6) * zg
        for zg, ru2, rg2 in zip(zipped_grads, running_up2, running_grads2)
    ]
    ru2up = [(ru2, 0.95 * ru2 + 0.05 * (ud**2)) for ru2, ud in zip(running_up2, updir)]
    param_up = [(p, p + ud) for p, ud in zip(tparams.values(), updir)]
    f_update = theano.function(
        [lr], [], updates=ru2up + param_up, on_unused_input="ignore", name="adadelta_f_update"
    )
    return f_grad_shared, f_update


def train_lstm(steps=700, seed=3, words=12, width=10, samples=32, length=9):
    """The cost before and after learning whether word 1 comes before word 2 in a sequence."""
    rng = numpy.random.RandomState(seed)
    params = lstm_params(rng, words, width, 2)
    tparams = OrderedDict((k, theano.shared(v, name=k)) for k, v in params.items())
    trng = RandomStreams(seed)
    use_noise = theano.shared(numpy_floatX(0.0))
    x = T.matrix("x", dtype="int64")
    mask = T.matrix("mask", dtype=config.floatX)
    y = T.vector("y", dtype="int64")
    n_timesteps, n_samples = x.shape[0], x.shape[1]
    emb = tparams["Wemb"][x.flatten()].reshape([n_timesteps, n_samples, width])
    proj = lstm_layer(tparams, emb, mask, width)
    proj = (proj * mask[:, :, None]).sum(axis=0)
    proj = proj / mask.sum(axis=0)[:, None]
    noise = trng.binomial(proj.shape, p=0.5, n=1, dtype=proj.dtype)
    proj = T.switch(use_noise, proj * noise, proj * 0.5)
    pred = T.nnet.softmax(T.dot(proj, tparams["U"]) + tparams["b"])
    off = 1e-6 if pred.dtype == "float16" else 1e-8
    cost = -T.log(pred[T.arange(n_samples), y] + off).mean()
    grads = T.grad(cost, wrt=list(tparams.values()))
    lr = T.scalar(name="lr")
    f_grad_shared, f_update = adadelta(lr, tparams, grads, x, mask, y, cost)
    f_cost = theano.function([x, mask, y], cost)

    def batch():
        data = rng.randint(3, words, size=(length, samples))
        lengths = rng.randint(4, length + 1, size=samples)
        labels = rng.randint(0, 2, size=samples)
        for n in range(samples):
            first, second = sorted(rng.choice(lengths[n], 2, replace=False))
            data[first, n], data[second, n] = (1, 2) if labels[n] else (2, 1)
        keep = (numpy.arange(length)[:, None] < lengths).astype(config.floatX)
        return data, keep, labels

    before = f_cost(*batch())
    use_noise.set_value(numpy_floatX(0.0))
    for _ in range(steps):
        f_grad_shared(*batch())
        f_update(0.01)
    return float(before), float(f_cost(*batch()))


def contextwin(sequence, width):
    """For each word of a sentence the words around it."""
    half = width // 2
    padded = half * [-1] + list(sequence) + half * [-1]
    return [padded[k : k + width] for k in range(len(sequence))]


class RNNSLU:
    """An Elman network over windows of word vectors; sentences are trained on one by one."""

    def __init__(self, rng, nh, nc, ne, de, cs):
        def uniform(*shape):
            return 0.2 * rng.uniform(-1.0, 1.0, shape).astype(theano.config.floatX)

        self.emb = theano.shared(name="embeddings", value=uniform(ne + 1, de))
        self.wx = theano.shared(name="wx", value=uniform(de * cs, nh))
        self.wh = theano.shared(name="wh", value=uniform(nh, nh))
        self.w = theano.shared(name="w", value=uniform(nh, nc))
        self.bh = theano.shared(name="bh", value=numpy.zeros(nh, dtype=theano.config.floatX))
        self.b = theano.shared(name="b", value=numpy.zeros(nc, dtype=theano.config.floatX))
        self.h0 = theano.shared(name="h0", value=numpy.zeros(nh, dtype=theano.config.floatX))
        self.params = [self.emb, self.wx, self.wh, self.w, self.bh, self.b, self.h0]
        idxs = T.imatrix()
        x = self.emb[idxs].reshape((idxs.shape[0], de * cs))
        y_sentence = T.ivector("y_sentence")

        def recurrence(x_t, h_tm1):
            h_t = T.nnet.sigmoid(T.dot(x_t, self.wx) + T.dot(h_tm1, self.wh) + self.bh)
            s_t = T.nnet.softmax(T.dot(h_t, self.w) + self.b)
            return [h_t, s_t]

        [h, s], _ = theano.scan(
            fn=recurrence, sequences=x, outputs_info=[self.h0, None], n_steps=x.shape[0]
        )
        p_y_given_x_sentence = s.reshape((s.shape[0], nc))
        y_pred = T.argmax(p_y_given_x_sentence, axis=1)
        lr = T.scalar("lr")
        sentence_nll = -T.mean(T.log(p_y_given_x_sentence)[T.arange(x.shape[0]), y_sentence])
        sentence_gradients = T.grad(sentence_nll, self.params)
        sentence_updates = OrderedDict(
            (p, p - lr * g) for p, g in zip(self.params, sentence_gradients)
        )
        self.classify = theano.function(inputs=[idxs], outputs=y_pred)
        self.sentence_train = theano.function(
            inputs=[idxs, y_sentence, lr], outputs=sentence_nll, updates=sentence_updates
        )
        self.normalize = theano.function(
            inputs=[],
            updates={self.emb: self.emb / T.sqrt((self.emb**2).sum(axis=1)).dimshuffle(0, "x")},
        )


def train_tagger(sentences=300, seed=7, words=8):
    """The share of words tagged rightly, the tag being in which half of the vocabulary the word
    before is: the windows show one word each, so the network has to remember."""
    rng = numpy.random.RandomState(seed)
    network = RNNSLU(rng, nh=20, nc=2, ne=words, de=6, cs=1)

    def sentence():
        text = rng.randint(0, words, size=rng.randint(5, 9))
        tags = numpy.concatenate([[0], text[:-1] >= words // 2])
        return numpy.asarray(contextwin(text, 1), "int32"), tags.astype("int32")

    for _ in range(sentences):
        windows, tags = sentence()
        network.sentence_train(windows, tags, 0.5)
        network.normalize()
    right = [numpy.mean(network.classify(windows) == tags)
             for windows, tags in (sentence() for _ in range(40))]  # fmt: skip
    return float(numpy.mean(right))


def build_rbm(v, W, bv, bh, k, rng):
    """The mean free-energy difference between data and a chain of k Gibbs steps begun at it."""

    def gibbs_step(v):
        mean_h = T.nnet.sigmoid(T.dot(v, W) + bh)
        h = rng.binomial(size=mean_h.shape, n=1, p=mean_h, dtype=theano.config.floatX)
        mean_v = T.nnet.sigmoid(T.dot(h, W.T) + bv)
        v = rng.binomial(size=mean_v.shape, n=1, p=mean_v, dtype=theano.config.floatX)
        return mean_v, v

    chain, updates = theano.scan(lambda v: gibbs_step(v)[1], outputs_info=[v], n_steps=k)
    v_sample = chain[-1]
    mean_v = gibbs_step(v_sample)[0]
    monitor = T.xlogx.xlogy0(v, mean_v) + T.xlogx.xlogy0(1 - v, 1 - mean_v)

    def free_energy(v):
        return -(v * bv).sum() - T.log(1 + T.exp(T.dot(v, W) + bh)).sum()

    cost = (free_energy(v) - free_energy(v_sample)) / v.shape[0]
    return v_sample, cost, monitor.sum() / v.shape[0], updates


def train_rnn_rbm(epochs=60, seed=0, n_visible=8, n_hidden=12, n_recurrent=10, rate=0.02):
    """The monitored log-likelihood of a repeating pattern, before and after learning it."""
    numpy_rng = numpy.random.RandomState(seed)
    rng = SharedStreams(seed=numpy_rng.randint(1 << 30))

    def normal(rows, cols, scale):
        values = numpy_rng.normal(0.0, scale, size=(rows, cols))
        return theano.shared(values.astype(theano.config.floatX))

    def zeros(n):
        return theano.shared(numpy.zeros(n, dtype=theano.config.floatX))

    W, bv, bh = normal(n_visible, n_hidden, 0.01), zeros(n_visible), zeros(n_hidden)
    Wuh, Wuv = normal(n_recurrent, n_hidden, 0.01), normal(n_recurrent, n_visible, 0.01)
    Wvu, Wuu = normal(n_visible, n_recurrent, 0.1), normal(n_recurrent, n_recurrent, 0.1)
    bu = zeros(n_recurrent)
    params = [W, bv, bh, Wuh, Wuv, Wvu, Wuu, bu]
    v = T.matrix()
    u0 = T.zeros((n_recurrent,))

    def recurrence(v_t, u_tm1):
        bv_t = bv + T.dot(u_tm1, Wuv)
        bh_t = bh + T.dot(u_tm1, Wuh)
        u_t = T.tanh(bu + T.dot(v_t, Wvu) + T.dot(u_tm1, Wuu))
        return [u_t, bv_t, bh_t]

    (_, bv_t, bh_t), updates_train = theano.scan(
        lambda v_t, u_tm1, *_: recurrence(v_t, u_tm1),
        sequences=v,
        outputs_info=[u0, None, None],
        non_sequences=params,
    )
    v_sample, cost, monitor, updates_rbm = build_rbm(v, W, bv_t[:], bh_t[:], k=3, rng=rng)
    updates_train.update(updates_rbm)
    gradient = T.grad(cost, params, consider_constant=[v_sample])
    updates_train.update((p, p - rate * g) for p, g in zip(params, gradient))
    train = theano.function([v], monitor, updates=updates_train)
    pattern = numpy.eye(n_visible)[numpy.arange(24) % n_visible]
    monitors = [float(train(pattern.astype(theano.config.floatX))) for _ in range(epochs)]
    return numpy.mean(monitors[:5]), numpy.mean(monitors[-5:])
