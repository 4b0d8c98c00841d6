"""Recurrent layers in fit and predict: recorded steps, and dropout."""

import numpy as np
import pytest
from recurrent_layers import KINDS, X, every, replays

import fastnn as fn
from fastnn import layers

pytestmark = pytest.mark.usefixtures("seeded")
RNG = np.random.default_rng(0)


@every
def test_fit_replays_its_steps_with_the_bits_of_eager_ones(make, tmp_path):
    x = RNG.standard_normal((64, 6, 3)).astype("float32")
    y = (x.sum(axis=(1, 2)) > 0).astype("int64")

    def trained(eager):
        fn.utils.set_random_seed(3)
        model = fn.Sequential([fn.Input((6, 3)), make(), layers.Dense(2, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
        return model, model.fit(x, y, batch_size=16, epochs=6, verbose=0).history["loss"]

    (model, losses), (eager, expected) = trained(False), trained(True)
    assert losses == expected and losses[-1] < losses[0]
    for a, b in zip(model.get_weights(), eager.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    predictions = model.predict(x, batch_size=16, verbose=0)
    assert replays(model) == 2
    np.testing.assert_array_equal(model.predict(x, batch_size=16, verbose=0), predictions)
    np.testing.assert_array_equal(eager.predict(x, batch_size=16, verbose=0), predictions)
    model.save(tmp_path / "model.safetensors")
    again = fn.models.load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(x, batch_size=16, verbose=0), predictions)
    lines = []
    again.summary(print_fn=lines.append)
    assert type(model.layers[0]).__name__ in "\n".join(map(str, lines))


@pytest.mark.parametrize("rates", [{"dropout": 0.3}, {"dropout": 0.3, "recurrent_dropout": 0.2}])
@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_drawn_anew_in_replays(kind, rates):
    x = np.ones((40, 5, 3), "float32")

    def trained(eager):
        fn.utils.set_random_seed(3)
        model = fn.Sequential([fn.Input((5, 3)), kind(4, **rates), layers.Dense(1)])
        model.compile(fn.optimizers.SGD(0.0), "mse", run_eagerly=eager)
        history = model.fit(x, np.ones(40), batch_size=40, epochs=6, verbose=0).history
        return model, history["loss"]

    (model, losses), (_, expected) = trained(False), trained(True)
    assert losses == expected and len(set(losses)) == 6
    assert replays(model) == 1


def test_dropout_draws_anew_for_every_batch_and_not_in_inference():
    for kind in KINDS:
        for rates in ({"dropout": 0.5}, {"recurrent_dropout": 0.5}):
            layer = kind(8, seed=1, **rates)
            first, second = layer(X, training=True), layer(X, training=True)
            assert not np.array_equal(first, second)
            np.testing.assert_array_equal(layer(X), layer(X, training=False))


def test_dropout_takes_the_same_features_at_all_steps():
    layer = layers.SimpleRNN(
        50, activation="linear", dropout=0.5, seed=1, return_sequences=True,
        kernel_initializer="identity", recurrent_initializer="zeros",
    )  # fmt: skip
    y = layer(np.ones((2, 6, 50), "float32"), training=True).numpy()
    assert {0.0, 2.0} == set(y.ravel().tolist())
    np.testing.assert_array_equal(y, np.repeat(y[:, :1], 6, axis=1))
    assert not np.array_equal(y[0], y[1])
