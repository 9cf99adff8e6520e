"""Softmax regression by minibatch descent, early stopping on held-out data."""

import numpy
import theano
import theano.tensor as T


class LogisticRegression:
    def __init__(self, input, n_in, n_out):
        self.W = theano.shared(
            value=numpy.zeros((n_in, n_out), dtype=theano.config.floatX), name="W", borrow=True
        )
        self.b = theano.shared(
            value=numpy.zeros((n_out,), dtype=theano.config.floatX), name="b", borrow=True
        )
        self.p_y_given_x = T.nnet.softmax(T.dot(input, self.W) + self.b)
        self.y_pred = T.argmax(self.p_y_given_x, axis=1)
        self.params = [self.W, self.b]
        self.input = input

    def negative_log_likelihood(self, y):
        return -T.mean(T.log(self.p_y_given_x)[T.arange(y.shape[0]), y])

    def errors(self, y):
        if y.ndim != self.y_pred.ndim:
            raise TypeError("y should have the same shape as self.y_pred", ("y", y.type))
        if not y.dtype.startswith("int"):
            raise NotImplementedError()
        return T.mean(T.neq(self.y_pred, y))


def shared_dataset(data_x, data_y):
    """The images on the device, and the labels cast to integers where they are used."""
    shared_x = theano.shared(numpy.asarray(data_x, dtype=theano.config.floatX), borrow=True)
    shared_y = theano.shared(numpy.asarray(data_y, dtype=theano.config.floatX), borrow=True)
    return shared_x, T.cast(shared_y, "int32")


def train(train_set, test_set, epochs=15, batch_size=50, rate=0.3):
    """The share of test images read wrongly."""
    train_x, train_y = shared_dataset(*train_set)
    test_x, test_y = shared_dataset(*test_set)
    index = T.lscalar()
    x, y = T.matrix("x"), T.ivector("y")
    classifier = LogisticRegression(input=x, n_in=64, n_out=10)
    cost = classifier.negative_log_likelihood(y)
    g_W = T.grad(cost=cost, wrt=classifier.W)
    g_b = T.grad(cost=cost, wrt=classifier.b)
    updates = [
        (classifier.W, classifier.W - rate * g_W),
        (classifier.b, classifier.b - rate * g_b),
    ]
    train_model = theano.function(
        inputs=[index],
        outputs=cost,
        updates=updates,
        givens={
            x: train_x[index * batch_size : (index + 1) * batch_size],
            y: train_y[index * batch_size : (index + 1) * batch_size],
        },
    )
    test_model = theano.function([], classifier.errors(y), givens={x: test_x, y: test_y})
    batches = train_x.get_value(borrow=True).shape[0] // batch_size
    for _ in range(epochs):
        for minibatch in range(batches):
            train_model(minibatch)
    return float(test_model())
