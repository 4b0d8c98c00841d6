"""What machines refuse, and in which words."""

import numpy as np
import pytest
from rbm_cases import KINDS, machine_of

from fastnn.pretraining import BernoulliRBM, GaussianRBM

X = np.full((5, 4), 0.5, "float32")
USES = ("transform", "reconstruct", "gibbs", "free_energy", "log_likelihood", "fit")


def use(machine, name, x):
    return machine.fit(x, verbose=0) if name == "fit" else getattr(machine, name)(x)


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("value", [-0.1, 1.5, 255, np.nan, np.inf])
def test_values_outside_0_to_1(name, value):
    machine, _ = machine_of(BernoulliRBM)
    x = X.copy()
    x[2, 1] = value
    with pytest.raises(ValueError, match=rf"{name}: x must lie in \[0, 1\]"):
        use(machine, name, x)


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_values_that_no_real_unit_has(name, value):
    machine, _ = machine_of(GaussianRBM)
    x = X.copy()
    x[2, 1] = value
    with pytest.raises(ValueError, match=f"{name}: x holds NaN or infinity"):
        use(machine, name, x)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", USES)
def test_shapes(kind, name):
    machine, before = machine_of(kind)
    for x in (X[:, :3], X[0], X[None]):
        with pytest.raises(ValueError, match=rf"{name}: x must be \[samples, 4\], its shape is"):
            use(machine, name, x)
    with pytest.raises(ValueError, match=rf"{name}: x is empty, its shape is \(0, 4\)"):
        use(machine, name, X[:0])
    for weight, old in zip(machine.get_weights(), before):
        assert (weight == old).all()


@pytest.mark.parametrize("name", [*USES[:-1], "sample"])
def test_no_weights_yet(name):
    with pytest.raises(ValueError, match=f"{name}: the machine has no weights yet"):
        use(BernoulliRBM(3), name, 3 if name == "sample" else X)


def test_a_refused_fit_builds_nothing():
    machine = BernoulliRBM(3)
    for x in (X * 3, X[0], X[:0]):
        with pytest.raises(ValueError, match="fit: x"):
            machine.fit(x, verbose=0)
    assert not machine.built


@pytest.mark.parametrize(
    "settings, error, message",
    [
        ({"learning_rate": -0.1}, ValueError, "learning_rate must be finite and at least 0"),
        ({"learning_rate": np.nan}, ValueError, "learning_rate must be finite"),
        ({"learning_rate": np.inf}, ValueError, "learning_rate must be finite"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate must be a number"),
        ({"momentum": -0.1}, ValueError, "momentum must be finite and from 0 to 1"),
        ({"momentum": 1.1}, ValueError, "momentum must be finite and from 0 to 1"),
        ({"weight_decay": -1e-4}, ValueError, "weight_decay must be finite and at least 0"),
        ({"k": 0}, ValueError, "k must be a positive integer"),
        ({"k": 1.5}, ValueError, "k must be a positive integer"),
        ({"epochs": -1}, ValueError, "epochs must not be negative"),
        ({"epochs": 1.0}, TypeError, "epochs must be an integer"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"verbose": 7}, ValueError, "verbose must be"),
    ],
)
def test_settings(settings, error, message):
    machine, before = machine_of(BernoulliRBM)
    with pytest.raises(error, match=message):
        machine.fit(X, **{"verbose": 0, **settings})
    assert (machine.get_weights()[0] == before[0]).all()


@pytest.mark.parametrize("units", [0, -3, 2.5, "4", True])
def test_units(units):
    for kind in KINDS:
        with pytest.raises(ValueError, match=f"{kind.__name__}: units must be a positive integer"):
            kind(units)


def test_counts():
    machine, _ = machine_of(BernoulliRBM)
    with pytest.raises(ValueError, match="gibbs: steps must be a positive integer"):
        machine.gibbs(X, 0)
    with pytest.raises(ValueError, match="sample: n must be a positive integer"):
        machine.sample(0)
    with pytest.raises(ValueError, match=r"data must be \[samples, visible\]"):
        BernoulliRBM(3).build((None, 4, 5))


def test_integers_and_booleans_are_data_too():
    machine, _ = machine_of(BernoulliRBM)
    bits = np.eye(4)
    for dtype in ("bool", "uint8", "int64", "float32"):
        found = machine.transform(bits.astype(dtype))
        assert (found.numpy() == machine.transform(bits).numpy()).all()
