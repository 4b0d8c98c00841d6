"""Recurrent layers: masks."""

import pickle

import numpy as np
import pytest
from fresh_python import output_of
from recurrent_layers import MASK, X, every, replays, slow_tanh

import fastnn as fn
from fastnn import layers

pytestmark = pytest.mark.usefixtures("seeded")
RNG = np.random.default_rng(0)


def test_masks_travel():
    carried = fn.tensor(X)
    fn.layers.masks.set_mask(carried, fn.tensor(MASK))
    for layer in (layers.GRU(3), layers.Bidirectional(layers.LSTM(3)), layers.SCRN(3, 2)):
        np.testing.assert_array_equal(layer(carried), layer(X, mask=MASK))
    sequences = layers.LSTM(3, return_sequences=True, return_state=True)(carried)
    assert [y._mask is None for y in sequences] == [False, True, True]
    assert layers.LSTM(3)(carried)._mask is None
    both = layers.Bidirectional(layers.LSTM(3, return_sequences=True), merge_mode=None)(carried)
    assert all(y._mask is not None for y in both)
    dense = layers.Dense(2)(layers.GRU(3, return_sequences=True)(carried))
    np.testing.assert_array_equal(dense._mask, MASK)


class WithoutZeros(layers.Layer):
    """Masks the steps whose first feature is 0."""

    def compute_mask(self, inputs, previous_mask):
        return fn.ops.not_equal(inputs[:, :, 0], 0.0)

    def call(self, inputs):
        return inputs * 1.0


@pytest.mark.parametrize("kind", ["a layer", "Lambda"])
def test_the_first_mask_of_a_process(kind):
    """Nobody looks for masks until there may be one."""
    code = f"""
import numpy as np, fastnn as fn
class Own(fn.layers.Layer):
    def compute_mask(self, inputs, previous_mask):
        return fn.ops.not_equal(inputs[:, :, 0], 0.0)
    def call(self, inputs):
        return inputs * 1.0
own = Own() if {kind!r} == "a layer" else fn.layers.Lambda(
    lambda x: x * 1.0, mask=lambda x, _: fn.ops.not_equal(x[:, :, 0], 0.0))
x = np.ones((1, 3, 2), np.float32)
x[0, 1:, 0] = 0
print(own(x)._mask.tolist(), fn.layers.LSTM(2, return_sequences=True)(own(x))._mask.tolist())
"""
    mask = "[[True, False, False]]"
    assert output_of(code).strip() == f"{mask} {mask}"


def test_a_layer_that_was_pickled_is_asked_for_its_mask(monkeypatch):
    stored = pickle.dumps(WithoutZeros())
    monkeypatch.setattr(fn.layers.masks.state, "in_use", False)
    np.testing.assert_array_equal(pickle.loads(stored)(X)._mask, X[:, :, 0] != 0)


@every
def test_masks_in_fit(make):
    x = RNG.standard_normal((48, 6, 3)).astype("float32")
    x[:, :, 0] *= RNG.random((48, 6)) < 0.7
    y = x.sum(axis=(1, 2), keepdims=True)[:, 0]

    def trained(eager):
        fn.utils.set_random_seed(3)
        model = fn.Sequential(
            [fn.Input((6, 3)), WithoutZeros(), make(return_sequences=True), make(), layers.Dense(1)]
        )
        model.compile("adam", "mse", run_eagerly=eager)
        losses = model.fit(x, y, batch_size=16, epochs=4, verbose=0).history["loss"]
        return model, losses, model.predict(x, batch_size=16, verbose=0)

    (model, losses, found), (_, expected, eager) = trained(False), trained(True)
    assert losses == expected and replays(model) == 2
    np.testing.assert_array_equal(found, eager)
    moved = np.where(x[:, :, :1] == 0, x + 5.0 * (x != 0), x).astype("float32")
    assert not np.array_equal(moved, x)
    np.testing.assert_array_equal(model.predict(moved, batch_size=16, verbose=0), found)


def test_a_row_that_is_masked_throughout_has_zeros_as_output_and_keeps_its_state():
    mask = np.ones((4, 6), bool)
    mask[1] = False
    start = np.ones((4, 3), "float32")
    for activation in ("tanh", slow_tanh):
        y, h = layers.GRU(3, activation=activation, return_state=True)(
            X, initial_state=[start], mask=mask
        )
        assert not y.numpy()[1].any() and y.numpy()[0].any()
        np.testing.assert_array_equal(h.numpy()[1], start[1])
        np.testing.assert_array_equal(layers.GRU(3)(X, mask=mask.astype("int32")).numpy()[1], 0)
