"""Recurrent layers: cells of one's own."""

import numpy as np
import pytest
from recurrent_layers import X

import fastnn as fn
from fastnn import layers

pytestmark = pytest.mark.usefixtures("seeded")


@fn.saving.register_keras_serializable("test")
class Sum(layers.Layer):
    """h' = h + Dense(x), with a layer inside that is built when it is called."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.state_size = units, units
        self.inner = layers.Dense(units, use_bias=False)

    def call(self, inputs, states):
        h = states[0] + self.inner(inputs)
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Bare:
    """A cell that is no layer."""

    state_size = (3, 3)
    output_size = 3

    def call(self, inputs, states):
        return states[0] + states[1], [states[0] + inputs, states[1] * 0.0 + 1.0]


def test_cells_of_ones_own(tmp_path):
    layer = layers.RNN(Sum(2), return_sequences=True)
    model = fn.Sequential([fn.Input((6, 3)), layer])
    kernel = model.get_weights()[0]
    np.testing.assert_allclose(model(X), np.cumsum(X @ kernel, axis=1), rtol=1e-5, atol=1e-6)
    model.save(tmp_path / "model.safetensors")
    again = fn.models.load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again(X), model(X))
    y = layers.RNN(Bare(), return_sequences=True)(X)
    np.testing.assert_allclose(y.numpy()[:, 2], X[:, :2].sum(axis=1) + 1, rtol=1e-6)
    both = layers.Bidirectional(layers.RNN(Sum(2)), "sum")
    both.build(X.shape)
    both.set_weights([kernel, kernel])
    np.testing.assert_allclose(both(X), 2 * (X @ kernel).sum(axis=1), rtol=1e-5, atol=1e-6)


def test_a_subclass_of_a_cell_is_called():
    class Doubled(layers.LSTMCell):
        def call(self, inputs, states, training=False):
            h, states = super().call(inputs, states, training)
            return h * 2.0, states

    plain, doubled = layers.RNN(layers.LSTMCell(3)), layers.RNN(Doubled(3))
    plain.build(X.shape)
    doubled.build(X.shape)
    doubled.set_weights(plain.get_weights())
    np.testing.assert_allclose(doubled(X), 2 * plain(X).numpy(), rtol=1e-5, atol=1e-6)
