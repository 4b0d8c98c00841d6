"""PeepholeLSTM, IRNN, SCRN, ClockworkRNN: the papers' formulas in NumPy, and gradients."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

BATCH, STEPS, FEATURES, UNITS = 3, 9, 2, 4
RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((BATCH, STEPS, FEATURES))
MASK = RANDOM.random((BATCH, STEPS)) < 0.6


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def peephole_lstm(layer, x, states, t):
    h, c = states
    w, u, b, p = (v.numpy() for v in layer.weights)
    i, f, g, o = np.split(x @ w + h @ u + b, 4, axis=1)
    after = sigmoid(f + p[1] * c) * c + sigmoid(i + p[0] * c) * np.tanh(g)
    h = sigmoid(o + p[2] * after) * np.tanh(after)
    return h, [h, after]


def irnn(layer, x, states, t):
    w, u, b = (v.numpy() for v in layer.weights)
    h = np.maximum(x @ w + states[0] @ u + b, 0)
    return h, [h]


def scrn(layer, x, states, t):
    h, s = states
    a, b, p, r = (v.numpy() for v in layer.weights)
    s = (1 - layer.alpha) * (x @ b) + layer.alpha * s
    h = sigmoid(s @ p + x @ a + h @ r)
    return np.concatenate([h, s], axis=1), [h, s]


def clockwork(layer, x, states, t):
    """Everything, by one matrix with zeros where a module sees none, then what the clock allows."""
    size = layer.units // len(layer.periods)
    w, *kernels, b = (v.numpy() for v in layer.weights)
    u = np.zeros((layer.units, layer.units))
    for i, kernel in enumerate(kernels):
        u[i * size :, i * size : (i + 1) * size] = kernel
    active = np.repeat([t % period == 0 for period in layer.periods], size)
    h = np.where(active, np.tanh(x @ w + states[0] @ u + b), states[0])
    return h, [h]


CASES = [
    (peephole_lstm, layers.PeepholeLSTM, {}),
    (irnn, layers.IRNN, {"gain": 0.7}),
    (scrn, layers.SCRN, {"context_units": 3}),
    (scrn, layers.SCRN, {"context_units": 2, "alpha": 0.5}),
    (clockwork, layers.ClockworkRNN, {"periods": (1, 2)}),
    (clockwork, layers.ClockworkRNN, {"periods": (1, 2, 3, 6)}),
    (clockwork, layers.ClockworkRNN, {"periods": (2,)}),
]


def made(kind, options, **flags):
    layer = kind(UNITS, dtype="float64", **options, **flags)
    layer.build(X.shape)
    random = np.random.default_rng(1)
    layer.set_weights([random.standard_normal(w.shape) * 0.6 for w in layer.weights])
    return layer


def by_formula(formula, layer, mask, states):
    outputs, previous = [], 0.0
    for t, step in enumerate(range(STEPS)[:: -1 if layer.go_backwards else 1]):
        y, after = formula(layer, X[:, step], states, t)
        valid = np.ones((BATCH, 1), bool) if mask is None else mask[:, [step]]
        y = np.where(valid, y, 0.0 if layer.zero_output_for_mask else previous)
        states = [np.where(valid, a, b) for a, b in zip(after, states)]
        outputs.append(y)
        previous = y
    return np.stack(outputs, axis=1), states


@pytest.mark.parametrize("formula, kind, options", CASES)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("flags", [{}, {"go_backwards": True}, {"zero_output_for_mask": True}])
def test_formula(formula, kind, options, masked, started, flags):
    layer = made(kind, options, return_sequences=True, return_state=True, **flags)
    mask = MASK if masked else None
    random = np.random.default_rng(2)
    states = [random.standard_normal((BATCH, n)) * started for n in layer.state_size]
    expected, after = by_formula(formula, layer, mask, states)
    outputs, *found = layer(X, initial_state=states if started else None, mask=mask)
    for a, b in zip([outputs, *found], [expected, *after], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    last = kind.from_config(layer.get_config() | {"return_sequences": False})
    last.build(X.shape)
    last.set_weights(layer.get_weights())
    output = last(X, initial_state=states if started else None, mask=mask)[0]
    np.testing.assert_allclose(output, expected[:, -1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("formula, kind, options", CASES)
def test_gradients(formula, kind, options):
    layer = made(kind, options, return_sequences=True)
    assert fn.gradcheck(lambda x: layer(x, mask=MASK), (X,))
    fn.ops.sum(layer(X) ** 2).backward()
    step = 1e-6
    for weight in layer.weights:
        value = weight.numpy().copy()
        place = np.unravel_index(value.size // 2, value.shape)
        sums = []
        for sign in (1, -1):
            moved = value.copy()
            moved[place] += sign * step
            weight.assign(moved)
            sums.append(float(fn.ops.sum(layer(X) ** 2)))
        weight.assign(value)
        slope = (sums[0] - sums[1]) / (2 * step)
        np.testing.assert_allclose(weight.grad.numpy()[place], slope, rtol=1e-5, atol=1e-7)


def test_a_slow_module_keeps_its_state_between_its_steps():
    layer = made(layers.ClockworkRNN, {"periods": (1, 4)}, return_sequences=True)
    slow = layer(X).numpy()[:, :, 2:]
    for t in range(STEPS):
        np.testing.assert_array_equal(slow[:, t], slow[:, t - t % 4])
    assert not np.array_equal(slow[:, 0], slow[:, 4])


def test_first_weights():
    layer = layers.IRNN(50, gain=0.01)
    layer.build((None, 5, 40))
    kernel, recurrent, bias = layer.get_weights()
    np.testing.assert_array_equal(recurrent, np.float32(0.01) * np.eye(50, dtype="float32"))
    assert 0.0008 < kernel.std() < 0.0012 and not bias.any()
    peephole = layers.PeepholeLSTM(4)
    peephole.build((None, 5, 3))
    assert [w.name for w in peephole.weights] == ["kernel", "recurrent_kernel", "bias", "peephole"]
    assert peephole.get_weights()[2].tolist() == [0] * 4 + [1] * 4 + [0] * 8


def test_messages():
    with pytest.raises(ValueError, match="ClockworkRNN: periods must be positive integers that gr"):
        layers.ClockworkRNN(4, periods=(2, 1))
    with pytest.raises(ValueError, match="ClockworkRNN: periods must be"):
        layers.ClockworkRNN(4, periods=())
    with pytest.raises(ValueError, match=r"ClockworkRNN: periods must be .*, got 'ab'"):
        layers.ClockworkRNN(6, periods="ab")
    with pytest.raises(ValueError, match=r"units must be a positive multiple of 4, .* got 6"):
        layers.ClockworkRNN(6)
    with pytest.raises(ValueError, match="SCRN: context_units must be a positive integer, got 0"):
        layers.SCRN(4, 0)
    with pytest.raises(ValueError, match="SCRN: alpha must be a number from 0 to 1, got 2"):
        layers.SCRN(4, 2, alpha=2)
    with pytest.raises(TypeError, match="IRNN: gain must be a finite number, got 'big'"):
        layers.IRNN(4, gain="big")
    with pytest.raises(ValueError, match="units must be a positive integer, got 0"):
        layers.PeepholeLSTM(0)
