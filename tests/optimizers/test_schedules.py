"""Schedules against their formulas, against Keras, and in an optimizer."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastnn as fn
from fastnn.optimizers import schedules

STEPS = (0, 1, 2, 3, 5, 9, 10, 11, 17, 30, 31, 69, 70, 71, 10**9)


def cosine(x):
    return 0.5 * (1 + math.cos(math.pi * x))


def restarts(step, first=10, t_mul=2.0, m_mul=0.5, alpha=0.1):
    height, length = 1.0, first
    while step >= length:
        step, length, height = step - length, length * t_mul, height * m_mul
    return (1 - alpha) * height * cosine(step / length) + alpha


CASES = {
    "exponential": (lambda s: s.ExponentialDecay(0.1, 10, 0.5), lambda t: 0.1 * 0.5 ** (t / 10)),
    "exponential_stairs": (
        lambda s: s.ExponentialDecay(0.1, 10, 0.5, staircase=True),
        lambda t: 0.1 * 0.5 ** (t // 10),
    ),
    "inverse": (lambda s: s.InverseTimeDecay(0.1, 10, 0.5), lambda t: 0.1 / (1 + 0.05 * t)),
    "inverse_stairs": (
        lambda s: s.InverseTimeDecay(0.1, 10, 0.5, staircase=True),
        lambda t: 0.1 / (1 + 0.5 * (t // 10)),
    ),
    "piecewise": (
        lambda s: s.PiecewiseConstantDecay([2, 10], [1.0, 0.5, 0.1]),
        lambda t: 1.0 if t <= 2 else 0.5 if t <= 10 else 0.1,
    ),
    "polynomial": (
        lambda s: s.PolynomialDecay(0.1, 10, 0.01, power=2.0),
        lambda t: 0.09 * (1 - min(t, 10) / 10) ** 2 + 0.01,
    ),
    "polynomial_cycle": (
        lambda s: s.PolynomialDecay(0.1, 10, 0.01, cycle=True),
        lambda t: 0.09 * (1 - t / (10 * max(1, math.ceil(t / 10)))) + 0.01,
    ),
    "cosine": (
        lambda s: s.CosineDecay(0.1, 10, alpha=0.2),
        lambda t: 0.1 * (0.8 * cosine(min(t, 10) / 10) + 0.2),
    ),
    "cosine_warm": (
        lambda s: s.CosineDecay(0.1, 10, warmup_target=0.5, warmup_steps=5),
        lambda t: 0.1 + 0.4 * t / 5 if t < 5 else 0.5 * cosine(min(t - 5, 10) / 10),
    ),
    "cosine_target": (
        lambda s: s.CosineDecay(0.1, 10, warmup_target=0.5),
        lambda t: 0.5 * cosine(min(t, 10) / 10),
    ),
    "inverse_root": (
        lambda s: s.InverseSquareRootDecay(0.1, 10),
        lambda t: 0.1 / math.sqrt(1 + t / 10),
    ),
    "restarts": (
        lambda s: s.CosineDecayRestarts(0.1, 10, m_mul=0.5, alpha=0.1),
        lambda t: 0.1 * restarts(t),
    ),
    "restarts_alike": (
        lambda s: s.CosineDecayRestarts(0.1, 10, t_mul=1.0),
        lambda t: 0.1 * cosine(t % 10 / 10),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_rates(case):
    make, formula = CASES[case]
    schedule = make(schedules)
    for step in STEPS:
        if (case, step) == ("restarts", 10**9):
            continue  # the cosine falls from 1 to -1 there within the rounding of log2
        for form in (step, fn.tensor(np.array(step))):
            rate = schedule(form)
            assert (rate.shape, rate.dtype) == ((), "float64")
            assert rate.item() == pytest.approx(formula(step), rel=1e-9, abs=1e-15)


@pytest.mark.parity
@pytest.mark.parametrize("case", sorted(set(CASES) - {"inverse_root"}))  # which Keras lacks
def test_rates_are_keras(case):
    keras = pytest.importorskip("keras")
    ours, theirs = (CASES[case][0](s) for s in (schedules, keras.optimizers.schedules))
    for step in STEPS[:-1]:
        assert ours(step).item() == pytest.approx(float(theirs(step)), rel=2e-5, abs=1e-8)
    assert ours.get_config() == theirs.get_config()


RATE, LENGTH, SHARE = st.floats(1e-4, 1), st.integers(1, 100), st.floats(0.1, 1)
DRAWN = {
    "ExponentialDecay": (RATE, LENGTH, SHARE, st.booleans()),
    "InverseTimeDecay": (RATE, LENGTH, SHARE, st.booleans()),
    "PolynomialDecay": (RATE, LENGTH, RATE, st.floats(0.5, 3), st.booleans()),
    "CosineDecay": (RATE, LENGTH, SHARE, st.just("cosine"), st.none() | RATE, st.integers(0, 50)),
    "CosineDecayRestarts": (RATE, LENGTH, st.floats(1.1, 3), SHARE, SHARE),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", DRAWN)
@given(data=st.data())
@settings(max_examples=8, deadline=None, derandomize=True)
def test_rates_with_drawn_settings_at_drawn_steps_are_keras(name, data):
    keras = pytest.importorskip("keras")
    arguments = data.draw(st.tuples(*DRAWN[name]))
    ours, theirs = (getattr(s, name)(*arguments) for s in (schedules, keras.optimizers.schedules))
    for step in data.draw(st.lists(st.integers(0, 300), min_size=4, max_size=4)):
        # Where a period ends in float32, Keras's rate is on either side of the jump.
        around = [ours(step + near).item() for near in (-1e-4, 0, 1e-4)]
        near = pytest.approx(float(theirs(step)), rel=1e-4, abs=1e-7)
        assert any(rate == near for rate in around)


@pytest.mark.parametrize("case", CASES)
def test_configurations(case):
    schedule = CASES[case][0](schedules)
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()


def test_an_optimizer_follows_its_schedule():
    w = fn.Variable(np.zeros(1))
    optimizer = fn.optimizers.SGD(schedules.PiecewiseConstantDecay([1], [1.0, 0.5]), name="sgd")
    for expected in (-1.0, -2.0, -2.5):
        optimizer.apply([fn.tensor(np.ones(1))], [w])
        assert w.item() == expected
    assert optimizer.learning_rate.item() == 0.5
    assert [v.name for v in optimizer.variables] == ["sgd/iteration"]
    again = fn.optimizers.deserialize(fn.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert "PiecewiseConstantDecay" in repr(optimizer)
    with pytest.raises(TypeError, match=r"cannot be set to 0\.1"):
        optimizer.learning_rate = 0.1


def test_schedules_get_the_number_of_calls():
    """Those that accumulate too, as in Keras."""
    w = fn.Variable(np.zeros(1))
    rates = schedules.PiecewiseConstantDecay([1], [1.0, 0.5])
    optimizer = fn.optimizers.SGD(rates, gradient_accumulation_steps=3)
    for _ in range(3):
        optimizer.apply([fn.tensor(np.ones(1))], [w])
    assert w.item() == -0.5


def test_a_function_as_rate():
    w, rates = fn.Variable(np.zeros(1)), iter([1.0, 0.25])
    optimizer = fn.optimizers.SGD(lambda: next(rates))
    for expected in (-1.0, -1.25):
        optimizer.apply([fn.tensor(np.ones(1))], [w])
        assert w.item() == expected


def test_a_schedule_put_in_later():
    w = fn.Variable(np.zeros(1))
    optimizer = fn.optimizers.SGD(1.0)
    optimizer.apply([fn.tensor(np.ones(1))], [w])
    optimizer.learning_rate = schedules.ExponentialDecay(0.5, 1, 0.5)
    optimizer.apply([fn.tensor(np.ones(1))], [w])
    assert w.item() == -1.25


def test_errors():
    with pytest.raises(ValueError, match="ExponentialDecay: decay_steps must be positive, got 0"):
        schedules.ExponentialDecay(0.1, 0, 0.5)
    with pytest.raises(ValueError, match="CosineDecayRestarts: first_decay_steps must be positive"):
        schedules.CosineDecayRestarts(0.1, 0)
    with pytest.raises(ValueError, match="2 boundaries need 3 values, got 2"):
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])
    with pytest.raises(
        TypeError, match="ConstantDecay: boundaries must be a list of numbers, got N"
    ):
        schedules.PiecewiseConstantDecay(None, [0.1])
    with pytest.raises(TypeError, match=r"Decay: values must be finite numbers, got '0\.2'"):
        schedules.PiecewiseConstantDecay([1], [0.1, "0.2"])
    with pytest.raises(TypeError, match="CosineDecay: alpha must be at least 0, got None"):
        schedules.CosineDecay(0.1, 10, alpha=None)
    with pytest.raises(ValueError, match="CosineDecayRestarts: t_mul must be positive, got 0"):
        schedules.CosineDecayRestarts(0.1, 10, t_mul=0)
    with pytest.raises(NotImplementedError, match="must override __call__"):
        schedules.LearningRateSchedule()(0)


@pytest.mark.parametrize("value", [None, "10", [10], 10j])
def test_steps_that_are_no_number(value):
    for schedule, rest in [
        (schedules.ExponentialDecay, (0.5,)),
        (schedules.InverseTimeDecay, (0.5,)),
        (schedules.PolynomialDecay, ()),
        (schedules.CosineDecay, ()),
        (schedules.CosineDecayRestarts, ()),
        (schedules.InverseSquareRootDecay, ()),
    ]:
        with pytest.raises(TypeError, match=f"^{schedule.__name__}: .*steps must be positive, got"):
            schedule(0.1, value, *rest)
