"""A restricted Boltzmann machine by persistent contrastive divergence, and a stack of them."""

import numpy
import theano
import theano.tensor as T
from theano.tensor.shared_randomstreams import RandomStreams

from tests.compat.programs.logistic_regression import LogisticRegression
from tests.compat.programs.multilayer_perceptron import HiddenLayer


class RBM:
    def __init__(self, input, n_visible, n_hidden, W=None, hbias=None, theano_rng=None):
        numpy_rng = numpy.random.RandomState(1234)
        self.theano_rng = theano_rng or RandomStreams(numpy_rng.randint(2**30))
        if W is None:
            bound = 4 * numpy.sqrt(6.0 / (n_hidden + n_visible))
            values = numpy_rng.uniform(-bound, bound, size=(n_visible, n_hidden))
            W = theano.shared(numpy.asarray(values, theano.config.floatX), name="W", borrow=True)
        if hbias is None:
            hbias = theano.shared(numpy.zeros(n_hidden, dtype=theano.config.floatX), name="hbias")
        self.input, self.W, self.hbias = input, W, hbias
        self.vbias = theano.shared(numpy.zeros(n_visible, theano.config.floatX), name="vbias")
        self.params = [self.W, self.hbias, self.vbias]

    def free_energy(self, v_sample):
        wx_b = T.dot(v_sample, self.W) + self.hbias
        return -T.sum(T.log(1 + T.exp(wx_b)), axis=1) - T.dot(v_sample, self.vbias)

    def propup(self, vis):
        pre_sigmoid = T.dot(vis, self.W) + self.hbias
        return [pre_sigmoid, T.nnet.sigmoid(pre_sigmoid)]

    def propdown(self, hid):
        pre_sigmoid = T.dot(hid, self.W.T) + self.vbias
        return [pre_sigmoid, T.nnet.sigmoid(pre_sigmoid)]

    def sample(self, mean):
        return self.theano_rng.binomial(size=mean.shape, n=1, p=mean, dtype=theano.config.floatX)

    def gibbs_hvh(self, h0_sample):
        pre_sigmoid_v1, v1_mean = self.propdown(h0_sample)
        v1_sample = self.sample(v1_mean)
        pre_sigmoid_h1, h1_mean = self.propup(v1_sample)
        return [pre_sigmoid_v1, v1_mean, v1_sample, pre_sigmoid_h1, h1_mean, self.sample(h1_mean)]

    def get_cost_updates(self, lr, persistent, k):
        chain_start = persistent
        (
            [_, _, nv_samples, _, _, nh_samples],
            updates,
        ) = theano.scan(
            self.gibbs_hvh,
            outputs_info=[None, None, None, None, None, chain_start],
            n_steps=k,
            name="gibbs_hvh",
        )
        chain_end = nv_samples[-1]
        cost = T.mean(self.free_energy(self.input)) - T.mean(self.free_energy(chain_end))
        gparams = T.grad(cost, self.params, consider_constant=[chain_end])
        for gparam, param in zip(gparams, self.params):
            updates[param] = param - gparam * T.cast(lr, dtype=theano.config.floatX)
        updates[persistent] = nh_samples[-1]
        return self.pseudo_likelihood(updates), updates

    def pseudo_likelihood(self, updates):
        """The log-likelihood of one bit given the others, a different bit at each call."""
        bit = theano.shared(value=0, name="bit_i_idx")
        xi = T.round(self.input)
        xi_flip = T.set_subtensor(xi[:, bit], 1 - xi[:, bit])
        difference = self.free_energy(xi_flip) - self.free_energy(xi)
        width = self.vbias.get_value().shape[0]
        updates[bit] = (bit + 1) % width
        return T.mean(width * T.log(T.nnet.sigmoid(difference)))


def train_machine(images, epochs=8, batch_size=20, n_hidden=40, rate=0.05, k=3):
    """The mean pseudo-likelihood of the first and of the last pass."""
    index, x = T.lscalar(), T.matrix("x")
    data = theano.shared(numpy.asarray(images, dtype=theano.config.floatX), borrow=True)
    chain = theano.shared(
        numpy.zeros((batch_size, n_hidden), dtype=theano.config.floatX), borrow=True
    )
    rbm = RBM(x, n_visible=images.shape[1], n_hidden=n_hidden)
    cost, updates = rbm.get_cost_updates(lr=rate, persistent=chain, k=k)
    window = data[index * batch_size : (index + 1) * batch_size]
    step = theano.function([index], cost, updates=updates, givens={x: window}, name="train_rbm")
    count = len(images) // batch_size
    costs = [numpy.mean([step(n) for n in range(count)]) for _ in range(epochs)]
    return float(costs[0]), float(costs[-1])


def train_belief_network(train_set, test_set, pretraining_epochs=3, epochs=15, batch_size=20):
    """The share of test images read wrongly by a network whose layers began as machines."""
    rng = numpy.random.RandomState(123)
    x, y, index = T.matrix("x"), T.ivector("y"), T.lscalar("index")
    data = theano.shared(numpy.asarray(train_set[0], dtype=theano.config.floatX), borrow=True)
    labels = theano.shared(numpy.asarray(train_set[1], dtype="int32"), borrow=True)
    theano_rng = RandomStreams(rng.randint(2**30))
    output, width, params, machines = x, 64, [], []
    for size in (50, 40):
        layer = HiddenLayer(rng, output, width, size, activation=T.nnet.sigmoid)
        machines.append(RBM(output, width, size, layer.W, layer.b, theano_rng))
        params += layer.params
        output, width = layer.output, size
    log_layer = LogisticRegression(output, width, 10)
    params += log_layer.params
    window = slice(index * batch_size, (index + 1) * batch_size)
    count = len(train_set[0]) // batch_size
    for machine in machines:
        chain = theano.shared(
            numpy.zeros((batch_size, machine.hbias.get_value().size), theano.config.floatX)
        )
        cost, updates = machine.get_cost_updates(lr=0.02, persistent=chain, k=1)
        step = theano.function([index], cost, updates=updates, givens={x: data[window]})
        for _ in range(pretraining_epochs):
            for k in range(count):
                step(k)
    cost = log_layer.negative_log_likelihood(y)
    finetune = theano.function(
        [index],
        cost,
        updates=[(p, p - 0.3 * g) for p, g in zip(params, T.grad(cost, params))],
        givens={x: data[window], y: labels[window]},
    )
    for _ in range(epochs):
        for k in range(count):
            finetune(k)
    return float(theano.function([x, y], log_layer.errors(y))(*test_set))
