"""Layers of activation and of dropout in a model: it learns, recorded as eagerly, and is saved."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

RNG = np.random.default_rng(0)
X = RNG.standard_normal((64, 6)).astype("float32")
Y = X.argmax(1) // 2


def activations():
    yield layers.Maxout(8, 3)
    yield layers.ReLU(max_value=6, negative_slope=0.1)
    yield layers.Dense(8)
    yield layers.PReLU()
    yield layers.Dense(8)
    yield layers.LeakyReLU()
    yield layers.ELU()
    yield layers.Dense(3)
    yield layers.Softmax()


def dropout():
    yield layers.DropConnect(16, 0.2, activation="selu")
    yield layers.AlphaDropout(0.1)
    yield layers.Standout(16, activation="relu", beta=0.1)
    yield layers.GaussianDropout(0.1)
    yield layers.Dropout(0.1)
    yield layers.Dense(3, activation="softmax")


def trained(make, eager):
    fn.utils.set_random_seed(1)
    model = fn.Sequential([fn.Input((6,)), *make()])
    model.compile(fn.optimizers.Adam(0.01), "sparse_categorical_crossentropy", run_eagerly=eager)
    losses = model.fit(X, Y, batch_size=16, epochs=15, verbose=0).history["loss"]
    assert losses[-1] < 0.9 * losses[0]
    return model


@pytest.mark.parametrize("make", [activations, dropout])
def test_fit_replays_with_the_bits_of_eager_steps_and_files_keep_the_model(make, tmp_path):
    recorded, eager = trained(make, False), trained(make, True)
    for a, b in zip(recorded.get_weights(), eager.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert " replays " in "".join(step.explain() for _, step in recorded._records.steps.values())
    recorded.save(tmp_path / "model.fastnn")
    again = fn.models.load_model(tmp_path / "model.fastnn")
    np.testing.assert_array_equal(again.predict(X, verbose=0), recorded.predict(X, verbose=0))
    configurations = [[layer.get_config() for layer in m.layers] for m in (again, recorded)]
    assert configurations[0] == configurations[1]
