"""Constraints: formulas, configurations, and weights after training."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import constraints, layers

W = np.random.default_rng(0).standard_normal((5, 4)) * [0.1, 1.0, 3.0, 0.0]
EPSILON = 1e-7


def norms(w, axis=0):
    return np.sqrt((w**2).sum(axis=axis, keepdims=True))


CASES = {
    "max_norm": (
        constraints.MaxNorm(1.5),
        lambda w: w * np.minimum(norms(w), 1.5) / (norms(w) + EPSILON),
    ),
    "max_norm of rows": (
        constraints.MaxNorm(1.5, axis=1),
        lambda w: w * np.minimum(norms(w, 1), 1.5) / (norms(w, 1) + EPSILON),
    ),
    "non_neg": (constraints.NonNeg(), lambda w: np.maximum(w, 0)),
    "unit_norm": (constraints.UnitNorm(), lambda w: w / (norms(w) + EPSILON)),
    "min_max_norm": (
        constraints.MinMaxNorm(0.5, 2.0),
        lambda w: w * np.clip(norms(w), 0.5, 2.0) / (norms(w) + EPSILON),
    ),
    "min_max_norm by part": (
        constraints.MinMaxNorm(0.5, 2.0, rate=0.25, axis=(0, 1)),
        lambda w: (
            w
            * (0.25 * np.clip(norms(w, (0, 1)), 0.5, 2.0) + 0.75 * norms(w, (0, 1)))
            / (norms(w, (0, 1)) + EPSILON)
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    constraint, formula = CASES[name]
    assert constraint(W).dtype == "float64" and constraint(W.astype("float32")).dtype == "float32"
    np.testing.assert_allclose(constraint(W), formula(W), rtol=1e-12)
    again = constraints.get(constraints.serialize(constraint))
    assert again.get_config() == constraint.get_config() and type(again) is type(constraint)


def test_names():
    for name in ("max_norm", "non_neg", "unit_norm", "min_max_norm"):
        kind = getattr(constraints, name)
        assert type(constraints.get(name)) is kind and type(constraints.get(kind)) is kind
        assert type(constraints.get(kind.__name__)) is kind
    assert constraints.get(None) is None
    with pytest.raises(ValueError, match=r"unknown constraint 'max'; known are .*max_norm"):
        layers.Dense(2, kernel_constraint="max")


def model():
    dense = layers.Dense(3, kernel_constraint=constraints.MaxNorm(0.5), bias_constraint="non_neg")
    net = fn.Sequential([fn.Input((4,)), dense])
    net.compile("adam", "mse")
    return net


def test_training_keeps_to_them():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((64, 4)).astype("float32")
    y = (x @ rng.standard_normal((4, 3)) * 5 - 1).astype("float32")
    net = model()
    for _ in range(2):
        net.fit(x, y, epochs=2, verbose=0)
        kernel, bias = net.get_weights()
        assert (norms(kernel) <= 0.5 * (1 + 1e-6)).all()
        assert (bias >= 0).all()
    assert (bias == 0).any()  # which it would not be without


def test_saved_and_loaded(tmp_path):
    model().save(tmp_path / "model.fastnn")
    dense = fn.saving.load_model(tmp_path / "model.fastnn").layers[0]
    assert dense.kernel.constraint.get_config() == {"max_value": 0.5, "axis": 0}
    assert isinstance(dense.bias.constraint, constraints.NonNeg)


def test_a_dictionary_that_describes_nothing_is_refused():
    with pytest.raises(TypeError, match=r"constraint: expected a name, .* got {} of type dict"):
        constraints.get({})


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_against_keras(name):
    keras = pytest.importorskip("keras")
    ours = CASES[name][0]
    theirs = getattr(keras.constraints, type(ours).__name__)(**ours.get_config())
    w = W.astype("float32")
    np.testing.assert_allclose(ours(w), np.asarray(theirs(w)), rtol=1e-6)  # norms of 5 to 20
    assert constraints.get(keras.constraints.serialize(theirs)).get_config() == ours.get_config()
