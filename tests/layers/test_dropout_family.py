"""AlphaDropout, DropConnect, Standout, and rates that change: formulas, shares, bits, messages."""

import copy
import re

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

RNG = np.random.default_rng(0)
X = RNG.standard_normal((6, 5))


def built(kind, *args, features=5, **kwargs):
    """A layer in float64 whose weights, biases too, are random."""
    layer = kind(*args, dtype="float64", **kwargs)
    layer.build((None, features))
    layer.set_weights([RNG.standard_normal(w.shape) for w in layer.weights])
    return layer


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# ---- rates


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan"), "0.5", None, [0.5]])
@pytest.mark.parametrize(
    "kind",
    [
        layers.Dropout, layers.AlphaDropout, layers.GaussianDropout, layers.SpatialDropout1D,
        layers.SpatialDropout2D, layers.SpatialDropout3D, lambda rate: layers.DropConnect(2, rate),
    ],
)  # fmt: skip
def test_a_rate_outside_0_to_1_is_refused(kind, rate):
    error = ValueError if isinstance(rate, float) else TypeError
    given = re.escape(repr(rate))
    with pytest.raises(error, match=f"rate must be a number from 0 to .*got {given}"):
        kind(rate)


def test_a_rate_is_checked_when_it_is_set_and_is_part_of_the_configuration():
    layer = layers.Dropout(0.5, seed=1)
    with pytest.raises(ValueError, match="Dropout: rate must be a number from 0 to 1, got 2"):
        layer.rate = 2
    with pytest.raises(ValueError, match="from 0 to below 1, got 1"):
        layers.AlphaDropout(1)
    layer.rate = 0.125
    assert layer.rate == layer.get_config()["rate"] == 0.125
    assert [v.shape for v in layer.variables] == [(2,)]  # the random state, as in Keras


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_recorded_steps_follow_the_rate_without_a_new_recording(dtype):
    layer, calls = layers.Dropout(0.25, seed=1, dtype=dtype), []

    @fn.capture
    def step(x):
        calls.append(layer.rate)
        return layer(x, training=True)

    x = np.ones((200, 100), dtype)
    for _ in range(4):
        step(x)
    assert len(calls) == 3 and " replays " in step.explain()
    for rate in (0.75, 0.5):
        layer.rate = rate
        y = step(x).numpy()
        np.testing.assert_allclose(np.unique(y), [0, 1 / (1 - rate)], rtol=1e-6)
        assert abs((y == 0).mean() - rate) < 0.02  # 5 standard deviations
    assert len(calls) == 3
    layer.rate = 0.0
    np.testing.assert_array_equal(step(x), x)


def test_a_step_recorded_without_dropout_is_recorded_anew_with_it():
    layer = layers.Dropout(0.5, seed=1)
    step = fn.capture(lambda x: layer(x, training=True))
    x = np.ones((200, 100), "float32")
    layer.rate = 0.0
    for _ in range(4):
        np.testing.assert_array_equal(step(x), x)
    assert " replays " in step.explain()
    layer.rate = 0.5
    assert abs((step(x).numpy() == 0).mean() - 0.5) < 0.02


def test_a_copy_has_a_rate_of_its_own():
    layer = layers.Dropout(0.5, seed=1)
    twin = copy.deepcopy(layer)
    twin.rate = 1.0
    x = np.ones((4, 50), "float32")
    np.testing.assert_array_equal(twin(x, training=True), 0 * x)
    assert set(np.unique(layer(x, training=True))) == {0, 2}


def test_the_input_may_have_another_dtype():
    x = np.ones((4, 50))
    for kind in (layers.Dropout, layers.AlphaDropout, layers.GaussianDropout):
        assert kind(0.25, autocast=False)(x, training=True).dtype == "float64"


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
def test_gaussian_dropout_has_the_moments_of_dropout(rate):
    y = layers.GaussianDropout(rate, seed=1)(np.ones((500, 400)), training=True).numpy()
    stddev = np.sqrt(rate / (1 - rate))
    assert abs(y.mean() - 1) < 5 * stddev / np.sqrt(y.size)
    assert abs(y.std() / stddev - 1) < 5 / np.sqrt(2 * y.size)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.SpatialDropout1D(0.25, seed=1),
        lambda: layers.AlphaDropout(0.25, seed=1),
        lambda: layers.GaussianDropout(0.25, seed=1),
        lambda: layers.DropConnect(4, 0.25, seed=1, kernel_initializer="ones"),
    ],
)
def test_all_kinds_replay_with_the_bits_of_eager_steps_at_the_same_rates(make):
    recorded, eager, calls = make(), make(), []

    @fn.capture
    def step(x):
        calls.append(recorded.rate)
        return recorded(x, training=True).detach()

    x = np.ones((3, 4, 5), "float32")
    recorded.build(x.shape)
    eager.build(x.shape)
    for rate in (0.25, 0.25, 0.25, 0.25, 0.75, 0.5):
        recorded.rate = eager.rate = rate
        np.testing.assert_array_equal(step(x), eager(x, training=True))
    assert calls == [0.25] * 3


def test_a_layer_without_dropout_can_begin_to_drop():
    layer = layers.Dropout(0, seed=3)
    assert layer.variables == []
    layer.rate = 0.5
    want = layers.Dropout(0.5, seed=3)(np.ones((4, 9)), training=True)
    np.testing.assert_array_equal(layer(np.ones((4, 9)), training=True), want)


# ---- AlphaDropout


def test_alpha_dropout_values_and_moments():
    rate, low = 0.3, -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717
    layer = layers.AlphaDropout(rate, seed=2, dtype="float64")
    x = RNG.standard_normal((500, 400))
    np.testing.assert_array_equal(layer(x), x)
    y = layer(x, training=True).numpy()
    a = ((1 - rate) * (1 + rate * low**2)) ** -0.5
    b = -a * low * rate
    dropped = np.isclose(y, a * low + b, rtol=1e-12)
    np.testing.assert_allclose(y[~dropped], (a * x + b)[~dropped], rtol=1e-10, atol=1e-12)
    assert abs(dropped.mean() - rate) < 0.005
    assert abs(y.mean()) < 0.02 and abs(y.var() - 1) < 0.02
    rows = layers.AlphaDropout(0.5, noise_shape=(None, 1), seed=1)(np.ones((40, 6)), training=True)
    assert all(len(set(row)) == 1 for row in rows.tolist())
    assert len(np.unique(rows)) == 2


@pytest.mark.parity
def test_alpha_dropout_as_keras():
    import keras

    x = np.full((50, 40), 0.75, "float32")
    ours, theirs = layers.AlphaDropout(0.3, seed=1), keras.layers.AlphaDropout(0.3, seed=1)
    wanted = np.unique(np.asarray(theirs(x, training=True)))
    np.testing.assert_allclose(np.unique(ours(x, training=True)), wanted, rtol=1e-5)
    same = {"rate", "seed", "noise_shape"}
    config = theirs.get_config()
    assert {k: ours.get_config()[k] for k in same} == {k: config[k] for k in same}


# ---- DropConnect


def test_dropconnect_drops_weights_and_biases():
    layer = built(layers.DropConnect, 400, 0.25, seed=1, features=300)
    kernel, bias = layer.get_weights()
    x = np.eye(301, 300)  # a row for each input alone, and one without any: the bias
    with fn.no_grad():
        y = layer(x, training=True).numpy()
    masked = y - y[-1]
    dropped = np.isclose(masked[:-1], 0, atol=1e-12)
    np.testing.assert_allclose(masked[:-1][~dropped], (kernel / 0.75)[~dropped], rtol=1e-9)
    assert abs(dropped.mean() - 0.25) < 0.01
    assert abs((y[-1] == 0).mean() - 0.25) < 0.1
    kept = y[-1] != 0
    np.testing.assert_allclose(y[-1][kept], (bias / 0.75)[kept], rtol=1e-12)
    # Each unit has its own weights dropped, unlike with dropout of the input.
    assert len({tuple(column) for column in dropped.T}) == 400


def test_dropconnect_infers_with_mean_weights():
    layer = built(layers.DropConnect, 3, 0.4, seed=1, activation="relu")
    dense = layers.Dense.from_config(
        {k: v for k, v in layer.get_config().items() if k not in ("rate", "seed")}
    )
    dense.build((None, 5))
    dense.set_weights(layer.get_weights())
    np.testing.assert_array_equal(layer(X), dense(X))
    layer.rate = 0
    np.testing.assert_array_equal(layer(X, training=True), dense(X))
    layer.rate = 1
    np.testing.assert_array_equal(layer(X, training=True), np.zeros((6, 3)))


def test_dropconnect_gradient_reaches_the_weights_that_were_kept():
    layer = built(layers.DropConnect, 4, 0.5, seed=3)
    x, dy = RNG.uniform(1, 2, (6, 5)), RNG.uniform(1, 2, (6, 4))
    layer(x, training=True).backward(dy)
    gradient = layer.kernel.grad.numpy()
    kept = gradient != 0
    assert 0 < kept.mean() < 1
    np.testing.assert_allclose(gradient, 2 * (x.T @ dy) * kept, rtol=1e-12)


# ---- Standout


@pytest.mark.parametrize("alpha, beta", [(1.0, 0.0), (0.5, 0.2), (0.0, 0.0), (-1.0, 0.1)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_standout_keeps_units_as_the_overlaid_network_says(alpha, beta, use_bias):
    layer = built(layers.Standout, 3, alpha, beta, seed=1, activation="tanh", use_bias=use_bias)
    kernel, *bias = layer.get_weights()
    bias = bias[0] if bias else 0
    keep = X @ (alpha * kernel + beta) + (alpha * bias + beta if use_bias else 0)
    keep, y = sigmoid(keep), np.tanh(X @ kernel + bias)
    np.testing.assert_allclose(layer(X), keep * y, rtol=1e-12)
    assert fn.gradcheck(layer, (X,))
    drawn = np.stack([layer(X, training=True).numpy() for _ in range(2000)])
    kept = drawn != 0
    np.testing.assert_allclose(drawn[kept], np.broadcast_to(y, drawn.shape)[kept], rtol=1e-12)
    assert np.abs(kept.mean(0) - keep).max() < 0.06  # 5 standard deviations


def test_standout_learns_from_what_was_kept():
    layer = built(layers.Standout, 4, seed=3)
    rng = np.random.default_rng(0)
    layer.set_weights([rng.standard_normal(w.shape) for w in layer.weights])
    x, dy = rng.uniform(1, 2, (1, 5)), rng.uniform(1, 2, (1, 4))
    y = layer(x, training=True)
    y.backward(dy)
    kept = y.numpy() != 0
    assert 0 < kept.mean() < 1
    np.testing.assert_allclose(layer.kernel.grad, x.T @ (dy * kept), rtol=1e-12)
    with pytest.raises(TypeError, match="alpha must be a finite number, got None"):
        layers.Standout(2, None)
