"""A model with all kinds of state, and whether it is what it was."""

from contextlib import contextmanager

import numpy as np

import fastnn as fn
from fastnn import layers

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 6)).astype("float32")
Y = RNG.integers(0, 3, 40)


def model_with_state(**options):
    """Trained a little: batch normalization, dropout, momentum, metrics half way."""
    fn.utils.set_random_seed(1)
    model = fn.Sequential([fn.Input((6,)), layers.Dense(8), layers.BatchNormalization()])
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(3, activation="softmax", kernel_regularizer="l2"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    model.fit(X, Y, epochs=2, verbose=0)
    model.train_on_batch(X[:8], Y[:8])
    return model


def state(model):
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return [variable.numpy().tobytes() for variable in variables]


@contextmanager
def unchanged(model):
    before = state(model)
    yield
    assert state(model) == before
