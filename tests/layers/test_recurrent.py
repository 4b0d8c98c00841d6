"""Recurrent layers: the native call and the loop over a cell agree; shapes, configuration, weights.

tests/layers/test_recurrent_peers.py compares them with Keras and PyTorch, test_recurrent_papers.py
those that Keras lacks with formulas.
"""

import numpy as np
import pytest
from recurrent_layers import KINDS, MASK, X, every, slow_tanh

import fastnn as fn
from fastnn import layers

pytestmark = pytest.mark.usefixtures("seeded")
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("kind", [*KINDS, layers.PeepholeLSTM])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("flags", [{}, {"go_backwards": True}, {"zero_output_for_mask": True}])
def test_the_native_call_and_the_loop_agree(kind, masked, flags):
    options = {"return_sequences": True, "return_state": True, "dtype": "float64", **flags}
    fast = kind(5, **options)
    slow = kind(5, activation=slow_tanh, **options)
    fast.build(X.shape)
    slow.build(X.shape)
    slow.set_weights(fast.get_weights())
    assert fast.cell.rule_for(False) and not slow.cell.rule_for(False)
    x = [fn.tensor(X.astype("float64"), requires_grad=True) for _ in range(2)]
    mask = MASK if masked else None
    results = [layer(x, mask=mask) for layer, x in zip((fast, slow), x)]
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    for result in results:
        sum(fn.ops.sum(y**2) for y in result).backward()
    pairs = [(x[0], x[1]), *zip(fast.weights, slow.weights)]
    for a, b in pairs:
        np.testing.assert_allclose(a.grad, b.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("back_first", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_both_directions_by_one_call_and_by_two_agree(kind, back_first, sequences):
    options = {"return_sequences": sequences, "return_state": True, "dtype": "float64"}

    def made(activation):
        first, second = (
            kind(5, activation=activation, go_backwards=back, **options)
            for back in (back_first, not back_first)
        )
        layer = layers.Bidirectional(first, None, backward_layer=second)
        layer.build(X.shape)
        return layer

    fast, slow = made("tanh"), made(slow_tanh)
    slow.set_weights(fast.get_weights())
    count = 4 if kind is layers.LSTM else 2
    states = [np.full((4, 5), 0.1 * (i + 1)) for i in range(count)]
    pairs = zip(fast(X, initial_state=states, mask=MASK), slow(X, initial_state=states, mask=MASK))
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    if sequences:
        mask = MASK[:, ::-1] if back_first else MASK
        for y in fast(X, initial_state=states, mask=MASK)[:2]:
            assert not y.numpy()[~mask].any() and y.numpy()[mask].all()


def test_a_call_is_one_primitive():
    """What a recorded prediction replays."""
    for layer in (layers.LSTM(5), layers.Bidirectional(layers.GRU(5, return_sequences=True))):
        step = fn.capture(lambda x, layer=layer: layer(x).detach())
        for _ in range(4):
            step(X)
        assert " replays 1 calls" in step.explain()


@every
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes_and_configuration(make, dtype):
    for flags in ({}, {"return_sequences": True}, {"return_state": True}):
        layer = make(dtype=dtype, **flags)
        outputs = fn.utils.tree.flatten(layer(X.astype(dtype), initial_state=None))
        symbols = fn.utils.tree.flatten(layer(fn.Input((None, 3), batch_size=4, dtype=dtype)))
        assert [tuple(6 if n is None else n for n in s.shape) for s in symbols] == [
            y.shape for y in outputs
        ]
        assert {y.dtype for y in outputs} == {s.dtype for s in symbols} == {dtype}
        twin = type(layer).from_config(layer.get_config())
        twin.build_from_config(layer.get_build_config())
        assert twin.get_config() == layer.get_config()
        twin.set_weights(layer.get_weights())
        for a, b in zip(fn.utils.tree.flatten(twin(X.astype(dtype))), outputs, strict=True):
            np.testing.assert_array_equal(a, b)


def test_weights_that_bidirectional_begins_with():
    values = [RNG.standard_normal(s).astype("float32") for s in [(3, 2), (2, 2), (2,)] * 2]
    layer = layers.Bidirectional(layers.SimpleRNN(2), weights=values)
    layer(X)
    for a, b in zip(layer.get_weights(), values, strict=True):
        np.testing.assert_array_equal(a, b)
    paths = [w.path.split("/")[1] for w in layer.weights]
    assert [path.split("_")[0] for path in paths] == ["forward"] * 3 + ["backward"] * 3


def test_layers_on_sequences():
    dense = layers.Dense(2)
    y = dense(X).numpy()
    np.testing.assert_array_equal(y[:, 2], dense(X[:, 2]))
    np.testing.assert_array_equal(layers.TimeDistributed(dense)(X), y)
    inner = fn.Sequential([layers.Dense(4, activation="relu"), layers.Dense(2)])
    model = fn.Sequential([fn.Input((None, 3)), layers.TimeDistributed(inner)])
    np.testing.assert_allclose(model(X).numpy()[:, 3], inner(X[:, 3]), rtol=1e-6)
    assert model.output_shape == (None, None, 2)
    inner = fn.Sequential([layers.BatchNormalization()])  # has statistics of each step
    y = layers.TimeDistributed(inner)(X, training=True).numpy()
    np.testing.assert_allclose(y.mean(axis=0), np.zeros((6, 3)), atol=1e-6)
