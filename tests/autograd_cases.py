"""What tests of the tape share."""

import numpy as np

import fastnn as fn
from fastnn import ops


def leaf(data, dtype="float64"):
    return fn.tensor(data, dtype=dtype, requires_grad=True)


def network():
    """Variables of a small network and its loss as a function of nothing."""
    rng = np.random.default_rng(0)
    x = fn.tensor(rng.normal(size=(8, 5)))
    labels = fn.tensor(rng.integers(0, 3, 8))
    w1, b1 = fn.Variable(rng.normal(size=(5, 6)), name="w1"), fn.Variable(np.zeros(6), name="b1")
    w2, b2 = fn.Variable(rng.normal(size=(6, 3)), name="w2"), fn.Variable(np.zeros(3), name="b2")

    def loss():
        logits = ops.dense(ops.dense(x, w1, b1, "relu"), w2, b2)
        return ops.mean(ops.sparse_categorical_crossentropy(labels, logits, from_logits=True))

    return [w1, b1, w2, b2], loss
