"""VSGD and AdaSecant: the papers' toy results, their formulas in NumPy, and `fit`."""

import numpy as np
import pytest
from optimizer_formulas import adasecant, vsgd

import fastnn as fn
from fastnn import optimizers

CURVATURES = [1e-3, 1.0, 1e3]


class NoisyParabolas:
    """`h / 2 (w - c)^2` for 50 weights from 5 on, with c drawn anew around a target each step."""

    def __init__(self, curvature, noise, dtype="float32"):
        self.curvature, self.noise, self.target = curvature, noise, 0.0
        self.rng = np.random.default_rng(0)
        self.w = fn.Variable(np.full(50, 5.0), dtype=dtype, name="w")

    def steps(self, optimizer, count):
        """Takes steps; returns how far the weights are from the target in the mean."""
        for _ in range(count):
            centre = self.target + self.noise * self.rng.normal(size=50)
            centre = fn.tensor(centre, dtype=self.w.dtype)

            def gradients(centre=centre):
                return [(self.w - centre) * self.curvature]

            found = gradients()
            if optimizer.probes:
                optimizer.probe(found, [self.w], gradients)
            optimizer.apply(found, [self.w])
        return np.abs(self.w.numpy() - self.target).mean()


@pytest.mark.parametrize("make", [optimizers.VSGD, optimizers.AdaSecant])
@pytest.mark.parametrize("curvature", CURVATURES)
def test_noisy_parabolas_of_any_curvature_need_no_tuned_rate(make, curvature):
    """Noise of 1 leaves SGD of a fixed rate that is right for one curvature far away for another;
    here the distance falls as that of the mean of all centres does, sqrt(2 / pi / steps), within
    a small factor, and in float32."""
    task, optimizer = NoisyParabolas(curvature, 1.0), make()
    early, late = task.steps(optimizer, 60), task.steps(optimizer, 540)
    assert early < 0.5
    assert late < 0.2
    fixed = NoisyParabolas(curvature, 1.0).steps(optimizers.SGD(1.0), 60)
    assert not fixed < 0.5  # too slow, or for ever as far as the noise, or at infinity


def test_rates_fall_and_rise_again_when_the_target_moves():
    task, optimizer = NoisyParabolas(10.0, 1.0), optimizers.VSGD()
    task.steps(optimizer, 500)
    settled = optimizer.slot("memory", task.w).numpy().mean()
    task.target = 5.0
    assert task.steps(optimizer, 100) < 0.3
    assert settled > 50  # many steps are averaged once there is only noise
    assert optimizer.slot("curvature", task.w).numpy() == pytest.approx(10.0, rel=1e-3)


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize(
    ("make", "formula"),
    [
        (lambda: optimizers.VSGD(0.5, slow_start=4.0), lambda *a: vsgd(*a, 0.5, 4.0)),
        (lambda: optimizers.AdaSecant(0.5, 0.01, 1.2), lambda *a: adasecant(*a, 0.5, 0.01, 1.2)),
    ],
)
def test_steps_follow_the_formula(make, formula, noise):
    task = NoisyParabolas(3.0, noise, "float64")
    task.steps(make(), 30)
    rng = np.random.default_rng(0)
    centres = [noise * rng.normal(size=50) for _ in range(30)]
    expected = formula(np.full(50, 5.0), [lambda w, c=c: (w - c) * 3.0 for c in centres])
    np.testing.assert_allclose(task.w.numpy(), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_adasecant_goes_on_where_a_gradient_repeats(backend, dtype):
    """No change tells of no curvature: every step is as long as the first."""
    with fn.use_backend(backend):
        w = fn.Variable(np.zeros(3, dtype))
        optimizer, slope = optimizers.AdaSecant(first_step=0.25), np.array([1.0, -1e-3, 0.0], dtype)
        for _ in range(6):
            optimizer.apply([fn.tensor(slope)], [w])
        np.testing.assert_allclose(w.numpy(), [-1.5, 1.5, 0.0], rtol=1e-6)


@pytest.mark.parametrize(
    "name", ["vsgd", "adasecant", "lamb", "muon", "adafactor", "schedulefreeadamw"]
)
def test_fit_learns_with_the_default_rate_in_recorded_steps(name):
    fn.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(256, 4)).astype(np.float32)
    y = x @ np.array([[1.0], [-2.0], [0.5], [0.0]], np.float32)
    model = fn.Sequential([fn.layers.Dense(16, activation="tanh"), fn.layers.Dense(1)])
    model.compile(name, "mse")
    losses = model.fit(x, y, epochs=20, batch_size=32, verbose=0).history["loss"]
    assert losses[-1] < {"vsgd": 0.3, "adasecant": 0.3}.get(name, 0.95) * losses[0]
    steps = model._records.steps["training step on rows"][1]
    assert " replays " in steps.explain()


def test_vsgd_needs_a_probe():
    w = fn.Variable(np.ones(2))
    with pytest.raises(RuntimeError, match="VSGD: apply needs the curvature, call probe before it"):
        optimizers.VSGD().apply([fn.tensor(np.ones(2))], [w])


def test_a_probe_leaves_the_weights_and_takes_missing_gradients():
    a, b = fn.Variable(np.array([1.0, 0.0])), fn.Variable(np.ones(2))
    optimizer = optimizers.VSGD()
    optimizer.probe([a * 2.0, None], [a, b], lambda: [a * 2.0, None])
    assert a.numpy().tolist() == [1.0, 0.0]
    assert optimizer.slot("probe", a).numpy() == pytest.approx(2.0)
    assert optimizer.slot("probe", b).numpy().tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.VSGD(slow_start=0.5), "VSGD: slow_start must be at least 1, got 0.5"),
        (lambda: optimizers.AdaSecant(first_step=0.0), "AdaSecant: first_step must be positive"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
