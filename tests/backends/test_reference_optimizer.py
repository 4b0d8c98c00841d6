"""The reference's optimizer rules against sums by hand, and against Keras."""

import math

import numpy as np
import pytest

from fastnn.backends import reference

RNG = np.random.default_rng(0)


def step(rule, parameters, slots, gradients, hyper, iterations=0, product=None, **options):
    """hyper: with the learning rate in front. Returns the new parameters and slots."""
    rate, *numbers = map(np.array, hyper)
    state = np.array(iterations), product, None, None, None, None
    new, slots, count, *_ = reference.optimizer_step(
        parameters, slots, gradients, rate, np.array(numbers), *state, rule=rule, **options
    )
    assert (count, count.dtype) == (iterations + 1, int)
    return new, slots


def test_sgd():
    (w,), _ = step("sgd", [np.array([1.0, 2])], [], [np.array([10.0, -10])], [0.1])
    assert w.tolist() == [0, 3]


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_over_two_steps(nesterov):
    w, m = [np.array(1.0)], [np.array(0.0)]
    expected, velocity = 1.0, 0.0
    for g in (2.0, -1.0):
        w, m = step("nesterov" if nesterov else "momentum", w, m, [np.array(g)], [0.1, 0.9])
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
        rule = "amsgrad" if amsgrad else "adam"
        w, slots = step(rule, w, slots, [np.array(g)], [rate, b1, b2, eps], t - 1)
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


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_surroundings_by_hand(rule):
    """Two calls a step: mean, clip, decay, rule, average; counted from the second step on."""
    w, total, mean = np.array([3.0, -4.0]), np.array([1.0, 2.0]), np.array([1.0, 1.0])
    g = np.array([5.0, 6.0])
    slots = [np.zeros(2)] * 2 if rule == "adam" else []
    hyper = np.array([0.9, 0.999, 0.0] if rule == "adam" else [])
    options = {"clip": "norm", "limit": 0.5, "scale": 0.5, "weight_decay": 0.1}
    options |= {"accumulate": 2, "momentum": 0.75, "overwrite": 2}
    new, _, count, _, totals, means = reference.optimizer_step(
        [w], slots, [g], np.array(0.1), hyper, np.array(3), None, [total], [mean], None, None,
        rule=rule, **options,
    )  # fmt: skip
    clipped = 0.5 * np.array([0.6, 0.8])  # of (6, 8) / 2 / 2, of norm 2.5
    decayed = w * (1 - 0.01)
    stepped = decayed - 0.1 * clipped
    if rule == "adam":  # the second step, from moments that are still zero
        alpha = 0.1 * math.sqrt(1 - 0.999**2) / (1 - 0.9**2)
        stepped = decayed - alpha * 0.1 * clipped / np.sqrt(0.001 * clipped**2)
    np.testing.assert_allclose(means[0], 0.75 * mean + 0.25 * stepped, rtol=1e-12)
    np.testing.assert_array_equal(new[0], means[0])  # overwritten: the second step of two
    assert (totals[0].tolist(), int(count)) == ([0, 0], 4)


def test_a_call_that_only_accumulates():
    w, total, g = np.array([3.0]), np.array([1.0]), np.array([5.0])
    new, _, count, _, totals, _ = reference.optimizer_step(
        [w], [], [g], np.array(0.1), np.array([]), np.array(0), None, [total], None, None, None,
        rule="sgd", accumulate=2,
    )  # fmt: skip
    assert (new[0].item(), totals[0].item(), int(count)) == (3.0, 6.0, 1)
