"""AnnealedDropout: which rates hold in which epoch, also within recorded steps."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers
from fastnn.callbacks import AnnealedDropout, LambdaCallback

RNG = np.random.default_rng(0)
X = RNG.standard_normal((64, 6)).astype("float32")
Y = X.argmax(1)


def make_model(eager=False):
    fn.utils.set_random_seed(3)
    inner = fn.Sequential([layers.Dense(8), layers.SpatialDropout1D(0.3)])
    model = fn.Sequential(
        [
            fn.Input((6,)),
            layers.Dropout(0.4),
            layers.Reshape((2, 3)),
            inner,
            layers.Flatten(),
            layers.AlphaDropout(0.1),
            layers.GaussianDropout(0.2),
            layers.DropConnect(6, 0.5, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
    return model


def rates(model):
    return [layer.rate for layer in model._flatten_layers() if hasattr(layer, "rate")]


FIRST = [0.4, 0.3, 0.1, 0.2, 0.5]


def fit(model, callbacks, **kwargs):
    seen = []
    seeing = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(rates(model)))
    options = {"epochs": 6, "batch_size": 8, "verbose": 0} | kwargs
    model.fit(X, Y, callbacks=[*callbacks, seeing], **options)
    return seen


def test_rates_fall_to_zero_and_stay_there():
    model = make_model()
    assert not np.array_equal(model(X, training=True), model(X))
    assert sorted(rates(model)) == sorted(FIRST)
    first = rates(model)
    seen = fit(model, [AnnealedDropout(4)])
    for epoch, found in enumerate(seen):
        np.testing.assert_allclose(found, np.multiply(first, [1, 0.75, 0.5, 0.25, 0, 0][epoch]))
    # The layers do nothing now.
    np.testing.assert_array_equal(model(X, training=True), model(X))


def test_recorded_steps_have_the_bits_of_eager_ones():
    weights = []
    for eager in (False, True):
        model = make_model(eager)
        fit(model, [AnnealedDropout(4)])
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
    constant = make_model()
    fit(constant, [])
    assert not np.array_equal(constant.get_weights()[0], weights[0][0])


@pytest.mark.parametrize("callbacks", [[], [AnnealedDropout(10)]], ids=["constant", "annealed"])
def test_a_rate_changes_without_a_new_recording(callbacks):
    fn.utils.set_random_seed(0)
    calls = []

    class Counted(layers.Dropout):
        def call(self, inputs, training=False):
            calls.append(self.rate)
            return super().call(inputs, training)

    model = fn.Sequential([fn.Input((6,)), Counted(0.5), layers.Dense(6, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    fit(model, callbacks)
    assert len(calls) == 4  # of 48 steps, and all of the first epoch
    assert set(calls) == {0.5}
    assert model.layers[0].rate == (0.25 if callbacks else 0.5)


def test_some_layers_and_further_epochs():
    model = make_model()
    first, last = model.layers[0], model.layers[-1]
    annealed = AnnealedDropout(10, layers=[first])
    fit(model, [annealed], epochs=2)
    assert (first.rate, last.rate) == (0.4 * 0.9, 0.5)
    fit(model, [annealed], initial_epoch=5, epochs=6)
    assert first.rate == 0.4 * 0.5


@pytest.mark.parametrize("epochs", [0, -1, 2.5, None, True])
def test_message(epochs):
    with pytest.raises(ValueError, match="epochs must be a positive integer, got"):
        AnnealedDropout(epochs)


def test_layers_that_drop_nothing_are_refused():
    with pytest.raises(ValueError, match="layers must be dropout layers, got <Dense"):
        AnnealedDropout(3, layers=[layers.Dropout(0.5), layers.Dense(2)])
