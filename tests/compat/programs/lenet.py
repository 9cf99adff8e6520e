"""Two layers of convolution and pooling, then a hidden layer and a softmax."""

import numpy
import theano
import theano.tensor as T
from theano.tensor.nnet import conv2d
from theano.tensor.signal import pool

from tests.compat.programs.logistic_regression import LogisticRegression
from tests.compat.programs.multilayer_perceptron import HiddenLayer


class LeNetConvPoolLayer:
    def __init__(self, rng, input, filter_shape, image_shape, poolsize=(2, 2)):
        assert image_shape[1] == filter_shape[1]
        fan_in = numpy.prod(filter_shape[1:])
        fan_out = filter_shape[0] * numpy.prod(filter_shape[2:]) // numpy.prod(poolsize)
        bound = numpy.sqrt(6.0 / (fan_in + fan_out))
        self.W = theano.shared(
            numpy.asarray(rng.uniform(-bound, bound, size=filter_shape), theano.config.floatX),
            borrow=True,
        )
        b_values = numpy.zeros((filter_shape[0],), dtype=theano.config.floatX)
        self.b = theano.shared(value=b_values, borrow=True)
        conv_out = conv2d(
            input=input, filters=self.W, filter_shape=filter_shape, input_shape=image_shape
        )
        pooled_out = pool.pool_2d(input=conv_out, ws=poolsize, ignore_border=True)
        self.output = T.tanh(pooled_out + self.b.dimshuffle("x", 0, "x", "x"))
        self.params = [self.W, self.b]


def train(train_set, test_set, epochs=6, batch_size=50, rate=0.2):
    """The share of test images read wrongly; images of 8x8 pixels are doubled to 16x16."""
    rng = numpy.random.RandomState(23455)
    x, y = T.matrix("x"), T.ivector("y")
    images = T.extra_ops.repeat(T.extra_ops.repeat(x.reshape((batch_size, 1, 8, 8)), 2, 2), 2, 3)
    layer0 = LeNetConvPoolLayer(rng, images, (6, 1, 3, 3), (batch_size, 1, 16, 16))
    layer1 = LeNetConvPoolLayer(rng, layer0.output, (12, 6, 4, 4), (batch_size, 6, 7, 7))
    layer2 = HiddenLayer(rng, layer1.output.flatten(2), 12 * 2 * 2, 50)
    layer3 = LogisticRegression(layer2.output, 50, 10)
    cost = layer3.negative_log_likelihood(y)
    params = layer3.params + layer2.params + layer1.params + layer0.params
    grads = T.grad(cost, params)
    updates = [(param, param - rate * grad) for param, grad in zip(params, grads)]
    train_model = theano.function([x, y], cost, updates=updates, allow_input_downcast=True)
    test_model = theano.function([x, y], layer3.errors(y), allow_input_downcast=True)

    def batches(data):
        count = len(data[0]) // batch_size
        return [tuple(part[k * batch_size : (k + 1) * batch_size] for part in data)
                for k in range(count)]  # fmt: skip

    for _ in range(epochs):
        for minibatch in batches(train_set):
            train_model(*minibatch)
    return float(numpy.mean([test_model(*minibatch) for minibatch in batches(test_set)]))
