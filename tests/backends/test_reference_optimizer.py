"""The reference's optimizer rules against sums by hand, and against Keras."""

import math

import numpy as np
import pytest

from fastnn.backends import reference

RNG = np.random.default_rng(0)


def step(rule, parameters, slots, gradients, hyper, iterations=0, **options):
    return reference.optimizer_step(
        parameters, slots, gradients, np.array(hyper), np.array(iterations), rule=rule, **options
    )


def test_sgd():
    (w,), _ = step("sgd", [np.array([1.0, 2])], [], [np.array([10.0, -10])], [0.1])
    assert w.tolist() == [0, 3]


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_over_two_steps(nesterov):
    w, m = [np.array(1.0)], [np.array(0.0)]
    expected, velocity = 1.0, 0.0
    for g in (2.0, -1.0):
        w, m = step("momentum", w, m, [np.array(g)], [0.1, 0.9], nesterov=nesterov)
        velocity = 0.9 * velocity - 0.1 * g
        expected += 0.9 * velocity - 0.1 * g if nesterov else velocity
    assert abs(w[0] - expected) < 1e-15
    assert abs(m[0] - velocity) < 1e-15


@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam_over_three_steps(amsgrad):
    rate, b1, b2, eps = 0.01, 0.9, 0.999, 1e-7
    w, slots = [np.array(1.0)], [np.array(0.0)] * (3 if amsgrad else 2)
    expected, m, v, top = 1.0, 0.0, 0.0, 0.0
    for t, g in enumerate((3.0, -1.0, 0.01), 1):
        w, slots = step(
            "adam", w, slots, [np.array(g)], [rate, b1, b2, eps], t - 1, amsgrad=amsgrad
        )
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        top = max(top, v)
        alpha = rate * math.sqrt(1 - b2**t) / (1 - b1**t)
        expected -= alpha * m / (math.sqrt(top if amsgrad else v) + eps)
    assert abs(w[0] - expected) < 1e-14
    assert len(slots) == (3 if amsgrad else 2)


def test_slots_are_grouped_by_kind():
    parameters = [np.zeros(2, np.float32), np.zeros(3)]
    gradients = [np.ones(2, np.float32), np.full(3, 2.0)]
    slots = [np.zeros_like(p) for p in parameters] * 2
    new, slots = step("adam", parameters, slots, gradients, [0.1, 0.5, 0.5, 0])
    assert [w.dtype for w in new] == [np.float32, np.float64]
    assert [s.tolist() for s in slots] == [[0.5] * 2, [1] * 3, [0.5] * 2, [2] * 3]
    assert (parameters[0] == 0).all()


def test_scale_list():
    xs = reference.scale_list([np.ones(2, np.float32), np.full(3, 4.0)], np.array(0.5))
    assert [x.tolist() for x in xs] == [[0.5] * 2, [2] * 3]
    assert xs[0].dtype == np.float32


@pytest.mark.parity
@pytest.mark.parametrize(
    ("rule", "hyper", "slots", "options"),
    [
        ("momentum", [0.05, 0.8], 1, {"nesterov": True}),
        ("adam", [0.05, 0.9, 0.99, 1e-7], 2, {}),
        ("adam", [0.05, 0.9, 0.99, 1e-7], 3, {"amsgrad": True}),
    ],
)
def test_steps_are_keras(rule, hyper, slots, options):
    keras = pytest.importorskip("keras")
    if rule == "adam":
        peer = keras.optimizers.Adam(hyper[0], hyper[1], hyper[2], hyper[3], **options)
    else:
        peer = keras.optimizers.SGD(hyper[0], momentum=hyper[1], **options)
    w = [RNG.normal(size=(3, 2)).astype(np.float32)]
    state = [np.zeros_like(w[0])] * slots
    variable = keras.Variable(w[0])
    for t in range(5):
        g = RNG.normal(size=(3, 2)).astype(np.float32)
        peer.apply([keras.ops.convert_to_tensor(g)], [variable])
        w, state = step(rule, w, state, [g], hyper, t, **options)
    np.testing.assert_allclose(w[0], np.asarray(variable), rtol=1e-5, atol=1e-6)
