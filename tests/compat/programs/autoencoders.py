"""A denoising auto-encoder with tied weights, and several of them stacked and fine-tuned."""

import numpy
import theano
import theano.tensor as T
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.shared_randomstreams import RandomStreams

from tests.compat.programs.logistic_regression import LogisticRegression
from tests.compat.programs.multilayer_perceptron import HiddenLayer


class dA:
    def __init__(self, numpy_rng, theano_rng=None, input=None, n_visible=64, n_hidden=40,
                 W=None, bhid=None, bvis=None):  # fmt: skip
        self.theano_rng = theano_rng or RandomStreams(numpy_rng.randint(2**30))
        if W is None:
            bound = 4 * numpy.sqrt(6.0 / (n_hidden + n_visible))
            W = theano.shared(
                numpy.asarray(
                    numpy_rng.uniform(low=-bound, high=bound, size=(n_visible, n_hidden)),
                    dtype=theano.config.floatX,
                ),
                name="W",
                borrow=True,
            )
        zeros = lambda n: theano.shared(numpy.zeros(n, dtype=theano.config.floatX), borrow=True)
        self.b = zeros(n_hidden) if bhid is None else bhid
        self.b_prime = zeros(n_visible) if bvis is None else bvis
        self.W, self.W_prime = W, W.T
        self.x = T.dmatrix(name="input") if input is None else input
        self.params = [self.W, self.b, self.b_prime]

    def get_corrupted_input(self, input, corruption_level):
        mask = self.theano_rng.binomial(
            size=input.shape, n=1, p=1 - corruption_level, dtype=theano.config.floatX
        )
        return mask * input

    def get_hidden_values(self, input):
        return T.nnet.sigmoid(T.dot(input, self.W) + self.b)

    def get_reconstructed_input(self, hidden):
        return T.nnet.sigmoid(T.dot(hidden, self.W_prime) + self.b_prime)

    def get_cost_updates(self, corruption_level, learning_rate):
        tilde_x = self.get_corrupted_input(self.x, corruption_level)
        z = self.get_reconstructed_input(self.get_hidden_values(tilde_x))
        L = -T.sum(self.x * T.log(z) + (1 - self.x) * T.log(1 - z), axis=1)
        cost = T.mean(L)
        gparams = T.grad(cost, self.params)
        updates = [(p, p - learning_rate * g) for p, g in zip(self.params, gparams)]
        return cost, updates


def train_one(images, epochs=15, batch_size=20):
    """The cost of reconstruction after the first and after the last pass."""
    rng = numpy.random.RandomState(123)
    index, x = T.lscalar(), T.matrix("x")
    data = theano.shared(numpy.asarray(images, dtype=theano.config.floatX), borrow=True)
    da = dA(rng, RandomStreams(rng.randint(2**30)), input=x)
    cost, updates = da.get_cost_updates(corruption_level=0.3, learning_rate=0.1)
    window = data[index * batch_size : (index + 1) * batch_size]
    train_da = theano.function([index], cost, updates=updates, givens={x: window})
    count = len(images) // batch_size
    costs = [numpy.mean([train_da(k) for k in range(count)]) for _ in range(epochs)]
    return float(costs[0]), float(costs[-1])


class SdA:
    def __init__(self, numpy_rng, n_ins, hidden_layers_sizes, n_outs):
        self.layers, self.dA_layers, self.params = [], [], []
        theano_rng = MRG_RandomStreams(numpy_rng.randint(2**30))
        self.x, self.y = T.matrix("x"), T.ivector("y")
        output, width = self.x, n_ins
        for size in hidden_layers_sizes:
            layer = HiddenLayer(numpy_rng, output, width, size, activation=T.nnet.sigmoid)
            self.dA_layers.append(
                dA(numpy_rng, theano_rng, output, width, size, W=layer.W, bhid=layer.b)
            )
            self.layers.append(layer)
            self.params.extend(layer.params)
            output, width = layer.output, size
        self.logLayer = LogisticRegression(output, width, n_outs)
        self.params.extend(self.logLayer.params)
        self.finetune_cost = self.logLayer.negative_log_likelihood(self.y)
        self.errors = self.logLayer.errors(self.y)

    def pretraining_functions(self, data, batch_size):
        index = T.lscalar("index")
        corruption_level, learning_rate = T.scalar("corruption"), T.scalar("lr")
        begin = index * batch_size
        functions = []
        for da in self.dA_layers:
            cost, updates = da.get_cost_updates(corruption_level, learning_rate)
            functions.append(
                theano.function(
                    inputs=[
                        index,
                        theano.In(corruption_level, value=0.2),
                        theano.In(learning_rate, value=0.1),
                    ],
                    outputs=cost,
                    updates=updates,
                    givens={self.x: data[begin : begin + batch_size]},
                )
            )
        return functions


def train_stack(train_set, test_set, pretraining_epochs=4, epochs=15, batch_size=20, rate=0.3):
    """The share of test images read wrongly by two layers trained one by one, then together."""
    rng = numpy.random.RandomState(89677)
    data = theano.shared(numpy.asarray(train_set[0], dtype=theano.config.floatX), borrow=True)
    labels = theano.shared(numpy.asarray(train_set[1], dtype="int32"), borrow=True)
    sda = SdA(rng, 64, [50, 40], 10)
    count = len(train_set[0]) // batch_size
    for function in sda.pretraining_functions(data, batch_size):
        for _ in range(pretraining_epochs):
            for k in range(count):
                function(index=k, corruption=0.2, lr=0.1)
    index = T.lscalar("index")
    window = slice(index * batch_size, (index + 1) * batch_size)
    gparams = T.grad(sda.finetune_cost, sda.params)
    finetune = theano.function(
        [index],
        sda.finetune_cost,
        updates=[(p, p - g * rate) for p, g in zip(sda.params, gparams)],
        givens={sda.x: data[window], sda.y: labels[window]},
    )
    for _ in range(epochs):
        for k in range(count):
            finetune(k)
    return float(theano.function([sda.x, sda.y], sda.errors)(*test_set))
