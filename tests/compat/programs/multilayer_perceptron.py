"""A network with one hidden layer, L1 and L2 penalties."""

import numpy
import theano
import theano.tensor as T

from tests.compat.programs.logistic_regression import LogisticRegression


class HiddenLayer:
    def __init__(self, rng, input, n_in, n_out, W=None, b=None, activation=T.tanh):
        if W is None:
            bound = numpy.sqrt(6.0 / (n_in + n_out))
            values = numpy.asarray(
                rng.uniform(low=-bound, high=bound, size=(n_in, n_out)),
                dtype=theano.config.floatX,
            )
            if activation == T.nnet.sigmoid:
                values *= 4
            W = theano.shared(value=values, name="W", borrow=True)
        if b is None:
            b = theano.shared(numpy.zeros((n_out,), dtype=theano.config.floatX), name="b")
        self.W, self.b = W, b
        linear = T.dot(input, self.W) + self.b
        self.output = linear if activation is None else activation(linear)
        self.params = [self.W, self.b]


class MLP:
    def __init__(self, rng, input, n_in, n_hidden, n_out):
        self.hidden = HiddenLayer(rng, input, n_in, n_hidden)
        self.regression = LogisticRegression(self.hidden.output, n_hidden, n_out)
        self.L1 = abs(self.hidden.W).sum() + abs(self.regression.W).sum()
        self.L2_sqr = (self.hidden.W**2).sum() + (self.regression.W**2).sum()
        self.params = self.hidden.params + self.regression.params


def train(train_set, test_set, epochs=20, batch_size=20, rate=0.1, L1_reg=0.0, L2_reg=1e-4):
    """The share of test images read wrongly."""
    rng = numpy.random.RandomState(1234)
    index = T.lscalar()
    x, y = T.matrix("x"), T.ivector("y")
    data_x = theano.shared(numpy.asarray(train_set[0], dtype=theano.config.floatX))
    data_y = theano.shared(numpy.asarray(train_set[1], dtype="int32"))
    classifier = MLP(rng, x, n_in=64, n_hidden=60, n_out=10)
    cost = (
        classifier.regression.negative_log_likelihood(y)
        + L1_reg * classifier.L1
        + L2_reg * classifier.L2_sqr
    )
    gparams = [T.grad(cost, param) for param in classifier.params]
    updates = [(p, p - rate * g) for p, g in zip(classifier.params, gparams)]
    window = slice(index * batch_size, (index + 1) * batch_size)
    train_model = theano.function(
        inputs=[index], outputs=cost, updates=updates, givens={x: data_x[window], y: data_y[window]}
    )
    test_model = theano.function([x, y], classifier.regression.errors(y))
    for _ in range(epochs):
        for minibatch in range(len(train_set[0]) // batch_size):
            train_model(minibatch)
    return float(test_model(*test_set))
