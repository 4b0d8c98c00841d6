"""What the course's slides say of learning rates and weight decay, and what is refused.

Hung-yi Lee, "Understanding deep learning in one day", 2016.
"""

import numpy as np
import pytest

import fastnn as fn
from fastnn import optimizers
from fastnn.optimizers import schedules


@pytest.mark.parametrize(
    ("gradients", "divisors"),
    [((0.1, 0.2), (0.1, np.sqrt(0.05))), ((20.0, 10.0), (20.0, np.sqrt(500.0)))],
)
def test_adagrad_slide(gradients, divisors):
    """Slide "Adagrad": rates of eta / 0.1 then eta / 0.22, and eta / 20 then eta / 22."""
    w, rate = fn.Variable(np.zeros(())), 0.5
    optimizer = optimizers.Adagrad(rate, initial_accumulator_value=0.0, epsilon=0.0)
    for gradient, divisor in zip(gradients, divisors, strict=True):
        before = w.item()
        optimizer.apply([fn.tensor(np.array(gradient))], [w])
        assert (before - w.item()) / gradient == pytest.approx(rate / divisor, rel=1e-12)
    assert divisors[1] == pytest.approx({0.1: 0.22, 20.0: 22.0}[gradients[0]], rel=0.02)


@pytest.mark.parametrize("rate", [0.1, 0.02])
def test_weight_decay_slide(rate):
    """Slide "Weight Decay": `w <- 0.99 w - rate * gradient` is a decay of 0.01 / rate here, and
    the regularizer L2 of half of that."""
    rng = np.random.default_rng(0)
    start, targets = rng.normal(size=5), rng.normal(size=(20, 5))
    expected = start
    for target in targets:
        expected = 0.99 * expected - rate * (expected - target)

    decay = 0.01 / rate
    w, regular = (fn.Variable(start) for _ in range(2))
    decayed, plain = optimizers.SGD(rate, weight_decay=decay), optimizers.SGD(rate)
    penalty = fn.regularizers.L2(decay / 2)
    for target in targets:
        decayed.apply([w - fn.tensor(target)], [w])
        gradient = fn.grad(lambda v, t=target: ((v - fn.tensor(t)) ** 2).sum() / 2 + penalty(v))
        plain.apply([gradient(regular)], [regular])
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(regular.numpy(), expected, rtol=1e-6)  # L2 computes in float32


def test_schedules_of_the_slides_in_fit():
    """Slide "Learning Rates": 1 / t decay, and a factor every few epochs; 4 steps an epoch."""

    class Rates(fn.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(self.model.optimizer.learning_rate.item())

    x = np.ones((8, 1), np.float32)
    for schedule, expected in (
        (schedules.InverseSquareRootDecay(0.1, 4), [0.1 / np.sqrt(t + 1) for t in range(6)]),
        (
            schedules.ExponentialDecay(0.1, 8, 0.5, staircase=True),
            [0.1 * 0.5 ** (t // 2) for t in range(6)],
        ),
    ):
        seen = []
        model = fn.Sequential([fn.Input((1,)), fn.layers.Dense(1)])
        model.compile(optimizers.SGD(schedule), "mse")
        model.fit(x, 2 * x, epochs=6, batch_size=2, verbose=0, callbacks=[Rates()])
        assert seen == pytest.approx(expected, rel=1e-12)
        assert " replays " in model._records.steps["training step on rows"][1].explain()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.Adam(-0.1), "Adam: learning_rate must be at least 0, got -0.1"),
        (lambda: optimizers.SGD(float("nan")), "SGD: learning_rate must be at least 0, got nan"),
        (
            lambda: setattr(optimizers.SGD(0.1), "learning_rate", -1.0),
            "SGD: learning_rate must be at least 0, got -1",
        ),
        (lambda: optimizers.SGD(weight_decay=-0.1), "SGD: weight_decay must be at least 0, got -0"),
        (lambda: optimizers.Adam(beta_1=1.0), "Adam: beta_1 must be at least 0 and below 1, got 1"),
        (lambda: setattr(optimizers.Adam(), "beta_2", 2), "Adam: beta_2 must be at least 0 and be"),
        (lambda: optimizers.Adadelta(rho=-1.0), "Adadelta: rho must be at least 0 and below 1"),
        (lambda: optimizers.Adagrad(epsilon=-1.0), "Adagrad: epsilon must be at least 0, got -1"),
        (lambda: optimizers.RMSprop(momentum=2.0), "RMSprop: momentum must be from 0 to 1, got 2"),
        (lambda: optimizers.Muon(momentum=-0.5), "Muon: momentum must be from 0 to 1, got -0.5"),
        (lambda: optimizers.Adafactor(beta_2_decay=0.1), "Adafactor: beta_2_decay must be at most"),
        (lambda: optimizers.Adafactor(clip_threshold=0), "clip_threshold must be positive, got 0"),
        (lambda: optimizers.ScheduleFreeAdamW(beta_1=0), "ScheduleFreeAdamW: beta_1 must be above"),
        (
            lambda: optimizers.SGD(clipnorm=-1.0),
            r"SGD: clipnorm must be positive \(0 or None for no clipping\), got -1",
        ),
        (
            lambda: schedules.InverseSquareRootDecay(-0.1),
            "InverseSquareRootDecay: initial_learning_rate must be at least 0, got -0.1",
        ),
        (
            lambda: schedules.InverseSquareRootDecay(0.1, 0),
            "InverseSquareRootDecay: decay_steps must be positive, got 0",
        ),
        (
            lambda: schedules.CosineDecay(0.1, 10, warmup_steps=-1),
            "CosineDecay: warmup_steps must be at least 0, got -1",
        ),
        (
            lambda: schedules.PiecewiseConstantDecay([2, 1], [0.3, 0.2, 0.1]),
            r"boundaries must rise, got \[2\.0, 1\.0\]",
        ),
        (
            lambda: schedules.PiecewiseConstantDecay([2], [0.3, -0.2]),
            r"values must be at least 0, got \[0.3, -0.2\]",
        ),
        (lambda: optimizers.get("adamm"), "unknown optimizer 'adamm'; .*; did you mean 'adam'?"),
        (lambda: optimizers.get("RMSPropp"), "did you mean 'RMSprop'?"),
        (lambda: fn.losses.get("mean_square_error"), "did you mean 'mean_squared_error'?"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
    assert optimizers.Lion(beta_1=1.0).beta_1 == 1.0


@pytest.mark.parametrize("value", [None, "1", [1.0]])
def test_settings_of_adafactor_that_are_no_numbers(value):
    with pytest.raises(TypeError, match=r"^Adafactor: clip_threshold must be positive, got"):
        optimizers.Adafactor(clip_threshold=value)
    with pytest.raises(TypeError, match=r"^Adafactor: beta_2_decay must be at most 0, got"):
        optimizers.Adafactor(beta_2_decay=value)
