"""Optimizers of one's own, and what Keras 3 does beside a step."""

import numpy as np
import pytest

import fastnn as fn
from fastnn.optimizers import schedules


class Own(fn.optimizers.Optimizer):
    """Momentum, as one writes it for Keras."""

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momenta = self.add_optimizer_variables(variables, "momentum")
        self.steps = self.add_variable((), name="steps")

    def update_step(self, gradient, variable, learning_rate):
        momentum = self.momenta[self._get_variable_index(variable)]
        self.assign(momentum, 0.9 * momentum + gradient)
        self.assign_sub(variable, learning_rate * momentum)
        self.assign_add(self.steps, 1.0)


def test_an_update_step_of_ones_own():
    a, b = fn.Variable(np.ones(2, np.float32)), fn.Variable(np.ones((), np.float32))
    optimizer = Own(0.1)
    for count in range(1, 4):
        pairs = [(fn.tensor(np.ones(2, np.float32)), a), (fn.tensor(np.float32(2)), b)]
        assert int(optimizer.apply_gradients(pairs)) == count
    moved = 0.1 * (1 + 1.9 + 2.71)
    np.testing.assert_allclose(a.numpy(), 1 - moved, rtol=1e-6)
    np.testing.assert_allclose(b.numpy(), 1 - 2 * moved, rtol=1e-6)
    assert float(optimizer.steps) == 6 and len(optimizer.variables) == 2 + 3


def test_an_optimizer_of_ones_own_trains_a_model():
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    model.compile(Own(0.01), "mse")
    x = np.eye(2, dtype=np.float32)
    losses = model.fit(x, x[:, :1], epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("overwrite", [None, 3])
@pytest.mark.parametrize("accumulate", [None, 2])
def test_averages_go_on_without_a_gradient(overwrite, accumulate):
    a, b = (fn.Variable(np.zeros(1, np.float32)) for _ in "ab")
    optimizer = fn.optimizers.SGD(
        1.0,
        use_ema=True,
        ema_momentum=0.5,
        ema_overwrite_frequency=overwrite,
        gradient_accumulation_steps=accumulate,
    )

    def gradient(value):
        return fn.tensor(np.array([value], np.float32))

    for _ in range(5):
        optimizer.apply([gradient(-1.0), gradient(-1.0)], [a, b])
    for _ in range(10):
        with pytest.warns(UserWarning, match="no gradients"):
            optimizer.apply([gradient(0.0), None], [a, b])
        if not accumulate:  # else what came before is still to be stepped by
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)
            averages = [optimizer.slot("average", v).numpy() for v in (a, b)]
            np.testing.assert_allclose(*averages, rtol=1e-6)
    if not accumulate:
        optimizer.finalize_variable_values([a, b])
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)


def test_averages_are_written_back_when_those_of_others_are():
    a, b = (fn.Variable(np.zeros(1, np.float32)) for _ in "ab")
    options = {"ema_overwrite_frequency": 3, "gradient_accumulation_steps": 2}
    optimizer = fn.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.9, **options)
    one = fn.tensor(np.ones(1, np.float32))
    for _ in range(4):
        optimizer.apply([one, one], [a, b])
    seen = []
    for _ in range(6):
        before = a.numpy().copy(), b.numpy().copy()
        with pytest.warns(UserWarning, match="no gradients"):
            optimizer.apply([one * 0.0, None], [a, b])
        seen.append([bool(v.numpy() != old) for v, old in zip((a, b), before)])
    assert [changed for changed, _ in seen] == [changed for _, changed in seen]
    assert any(changed for changed, _ in seen)


def test_averages_stand_still_where_a_scaled_step_does():
    a, b = (fn.Variable(np.zeros(1, np.float32)) for _ in "ab")
    inner = fn.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    optimizer = fn.optimizers.LossScaleOptimizer(inner)
    one = fn.tensor(np.ones(1, np.float32))
    for _ in range(3):
        optimizer.apply([one, one], [a, b])
    before = inner.slot("average", b).numpy().copy()
    with pytest.warns(UserWarning, match="no gradients"):
        optimizer.apply([one * np.inf, None], [a, b])
    np.testing.assert_array_equal(inner.slot("average", b).numpy(), before)


@pytest.mark.parametrize(
    ("names", "decayed"),
    [(["^kern"], (False, True)), (["bias|kern"], (False, False)), (["dense"], (True, True))],
)
def test_names_spared_from_decay_are_expressions(names, decayed):
    layer = fn.layers.Dense(1, name="dense")
    fn.Sequential([fn.Input((1,)), layer])
    layer.set_weights([np.ones((1, 1)), np.ones(1)])
    optimizer = fn.optimizers.SGD(1.0, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=layer.trainable_variables)
    optimizer.exclude_from_weight_decay(var_names=names)  # in the place of those before
    variables = layer.trainable_variables
    optimizer.apply([fn.ops.zeros(v.shape) for v in variables], variables)
    assert tuple(w.item() == 0.5 for w in layer.get_weights()) == decayed


@pytest.mark.parametrize("t_mul", [1.5, 2.0, 3.0, 7.0])
def test_restarts_begin_at_the_peak(t_mul):
    schedule = schedules.CosineDecayRestarts(1.0, 8, t_mul=t_mul)
    start, length = 0, 8.0
    while start < 10_000 and length == int(length):
        assert float(schedule(start)) == pytest.approx(1, abs=1e-5)
        assert start == 0 or float(schedule(start - 1)) < 0.2
        start, length = start + int(length), length * t_mul
