"""The other losses against NumPy formulas: values, gradients, options, and what they refuse."""

import math

import numpy as np
import pytest

import fastnn as fn
from fastnn import losses

RNG = np.random.default_rng(8)
ROWS = RNG.normal(size=(5, 4)), RNG.normal(size=(5, 4))
SHARES = RNG.dirichlet(np.ones(4), 5), RNG.dirichlet(np.ones(4), 5)
COUNTS = RNG.poisson(2.0, (5, 4)).astype(float), RNG.uniform(0.1, 4, (5, 4))
HITS = (RNG.random((5, 4)) < 0.4).astype(float), RNG.uniform(0.05, 0.95, (5, 4))
ONE_HOT = np.eye(4)[[0, 3, 1, 1, 2]], SHARES[1]
SIGNS = 2 * HITS[0] - 1, ROWS[1]


def huber(y, p, delta=1.0):
    e = np.abs(p - y)
    return np.where(e <= delta, e**2 / 2, delta * e - delta**2 / 2).mean(-1)


def cosine(y, p):
    return -(y * p).sum(-1) / np.linalg.norm(y, axis=-1) / np.linalg.norm(p, axis=-1)


def binary_focal(y, p, alpha=None, gamma=2.0):
    at = np.where(y == 1, p, 1 - p)
    weight = 1 if alpha is None else np.where(y == 1, alpha, 1 - alpha)
    return (-weight * (1 - at) ** gamma * np.log(at)).mean(-1)


def categorical_focal(y, p, alpha=0.25, gamma=2.0):
    return -(alpha * (1 - p) ** gamma * y * np.log(p)).sum(-1)


def tversky(y, p, alpha, beta):
    shared, missed, added = (y * p).sum(), (y * (1 - p)).sum(), ((1 - y) * p).sum()
    return 1 - shared / (shared + alpha * missed + beta * added)


def circle(y, p, gamma=80.0, margin=0.4):
    values = np.zeros(len(y))
    for i in range(len(y)):
        near = far = 0.0
        for j in range(len(y)):
            d = max(1 - p[i] @ p[j], 0)
            if y[i] != y[j]:
                far += math.exp(gamma * max(1 + margin - d, 0) * (1 - margin - d))
            elif i != j:
                near += math.exp(gamma * (margin + d) * (d - margin))
        values[i] = math.log1p(near * far)
    return values


CASES = [
    (
        losses.mean_absolute_percentage_error,
        ROWS,
        {},
        lambda y, p: 100 * np.abs((y - p) / y).mean(-1),
    ),
    (
        losses.mean_squared_logarithmic_error,
        COUNTS,
        {},
        lambda y, p: ((np.log1p(y) - np.log1p(p)) ** 2).mean(-1),
    ),
    (losses.huber, ROWS, {}, huber),
    (losses.huber, ROWS, {"delta": 0.3}, lambda y, p: huber(y, p, 0.3)),
    (losses.log_cosh, ROWS, {}, lambda y, p: np.log(np.cosh(y - p)).mean(-1)),
    (losses.cosine_similarity, ROWS, {}, cosine),
    (losses.cosine_similarity, ROWS, {"axis": 0}, lambda y, p: cosine(y.T, p.T)),
    (losses.kl_divergence, SHARES, {}, lambda y, p: (y * np.log(y / p)).sum(-1)),
    (losses.poisson, COUNTS, {}, lambda y, p: (p - y * np.log(p)).mean(-1)),
    (losses.hinge, SIGNS, {}, lambda y, p: np.maximum(1 - y * p, 0).mean(-1)),
    (losses.squared_hinge, SIGNS, {}, lambda y, p: (np.maximum(1 - y * p, 0) ** 2).mean(-1)),
    (
        losses.categorical_hinge,
        ONE_HOT,
        {},
        lambda y, p: np.maximum(1 + ((1 - y) * p).max(-1) - (y * p).sum(-1), 0),
    ),
    (losses.binary_focal_crossentropy, HITS, {}, binary_focal),
    (
        losses.binary_focal_crossentropy,
        HITS,
        {"apply_class_balancing": True, "alpha": 0.7, "gamma": 1.5},
        lambda y, p: binary_focal(y, p, 0.7, 1.5),
    ),
    (losses.categorical_focal_crossentropy, ONE_HOT, {}, categorical_focal),
    (
        losses.categorical_focal_crossentropy,
        ONE_HOT,
        {"alpha": [0.1, 0.2, 0.3, 0.4], "gamma": 1.5},
        lambda y, p: categorical_focal(y, p, np.array([0.1, 0.2, 0.3, 0.4]), 1.5),
    ),
    (losses.dice, HITS, {}, lambda y, p: 1 - 2 * (y * p).sum() / (y.sum() + p.sum())),
    (
        losses.dice,
        HITS,
        {"axis": 0},
        lambda y, p: 1 - 2 * (y * p).sum(0) / (y.sum(0) + p.sum(0)),
    ),
    (
        losses.tversky,
        HITS,
        {"alpha": 0.3, "beta": 0.9},
        lambda y, p: tversky(y, p, 0.3, 0.9),
    ),
]


@pytest.mark.parametrize(
    "function, data, options, formula",
    [pytest.param(*case, id=f"{case[0].__name__}-{case[2]}") for case in CASES],
)
def test_formula_and_gradient(function, data, options, formula):
    y, p = data
    # Where a formula lacks the epsilon of the loss, that is 1e-7 of a number above 0.01.
    np.testing.assert_allclose(function(y, p, **options).numpy(), formula(y, p), rtol=1e-5)
    assert fn.gradcheck(lambda x: fn.ops.sum(function(y, x, **options)), [p])


def test_generalized_cross_entropy():
    labels, p = np.array([0, 3, 1, 1, 2]), SHARES[1]
    expected = (1 - p[np.arange(5), labels] ** 0.7) / 0.7
    for y in (labels, labels[:, None], labels.astype(np.float32)):
        values = losses.categorical_generalized_cross_entropy(y, p, q=0.7)
        np.testing.assert_allclose(values.numpy(), expected, rtol=1e-12)
    loss = losses.CategoricalGeneralizedCrossEntropy(q=0.7)
    assert fn.gradcheck(lambda x: loss(labels, x), [p])
    with pytest.raises(IndexError, match="index 4"):
        loss([4], p[:1])


def test_circle_and_its_mean_over_examples_that_count():
    y = np.array([0, 1, 0, 2, 1, 0])
    p = RNG.normal(size=(6, 3))
    p /= np.linalg.norm(p, axis=1, keepdims=True)
    for options in ({}, {"gamma": 5.0, "margin": 0.2}):
        expected = circle(y, p, **options)
        assert expected[3] == 0  # the only one of its class
        np.testing.assert_allclose(losses.circle(y, p, **options).numpy(), expected, rtol=1e-9)
        loss = losses.Circle(**options)
        assert loss(y, p).item() == pytest.approx(expected.sum() / (expected > 0).sum(), rel=1e-9)
    assert fn.gradcheck(lambda x: losses.Circle(gamma=5.0)(y, x), [p])
    others = losses.circle(y[:2], p[:2], ref_labels=y[2:], ref_embeddings=p[2:], gamma=1.0)
    assert others.shape == (2,)
    nothing = losses.Circle()(y[:1], p[:1])
    assert nothing.item() == 0


def test_hinge_takes_zeros_for_minus_one_only_if_all_is_binary():
    y, p = SIGNS
    for function in (losses.hinge, losses.squared_hinge):
        expected = function(y, p).numpy()
        np.testing.assert_array_equal(function((y + 1) / 2, p).numpy(), expected)
    mixed = np.array([[0.0, 1.0, -1.0]])
    assert losses.hinge(mixed, np.zeros((1, 3))).item() == 1  # 0 stays 0


def test_focal_losses_from_logits_and_smoothed():
    y, z = HITS[0], ROWS[0]
    p = 1 / (1 + np.exp(-z))
    for output, logits in ((z, True), (fn.ops.sigmoid(fn.tensor(z)), False)):
        values = losses.binary_focal_crossentropy(y, output, from_logits=logits)
        np.testing.assert_allclose(values.numpy(), binary_focal(y, p), rtol=1e-9)
    y = ONE_HOT[0]
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    values = losses.categorical_focal_crossentropy(y, z, from_logits=True, label_smoothing=0.2)
    np.testing.assert_allclose(values.numpy(), categorical_focal(0.8 * y + 0.05, p), rtol=1e-9)


def test_predictions_of_one_number_meet_flat_targets():
    y, p = np.ones(4), np.zeros((4, 1))
    for name in ("Hinge", "Huber", "LogCosh", "Poisson", "BinaryFocalCrossentropy"):
        loss = getattr(losses, name)(reduction="none")
        assert loss(y, p + 0.5).shape == (4,), name


@pytest.mark.parametrize("name", [n for n in losses.__all__ if n[0].isupper() and "Loss" not in n])
def test_configurations_and_names(name):
    kind = getattr(losses, name)
    loss = kind(reduction="sum", name="mine")
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is kind and again.get_config() == loss.get_config()
    assert isinstance(losses.get(name), kind)


def test_short_names():
    for name in ("mse", "mae", "mape", "msle", "bce", "kld"):
        assert losses.get(name) is losses.get(name.upper())
    with pytest.raises(ValueError, match="did you mean 'huber'"):
        losses.get("hubber")


def test_refusals():
    y, p = np.ones((2, 3)), np.ones((2, 4))
    for name in (n for n in losses._FUNCTIONS if n.__name__ not in ("ctc", "circle")):
        options = {"q": 0.5} if "generalized" in name.__name__ else {}
        with pytest.raises(ValueError, match=rf"{name.__name__}: y_true has shape \(2, 3\)"):
            name(y, p, **options)
    with pytest.raises(ValueError, match=r"circle: y_true has shape \(3,\), expected \(2,\)"):
        losses.circle([0, 1, 2], p)
    with pytest.raises(ValueError, match=r"circle: embeddings have shape \(2,\)"):
        losses.circle([0, 1], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"q must be in \(0, 1\), got 1"):
        losses.CategoricalGeneralizedCrossEntropy(q=1)
    for kind in (losses.BinaryFocalCrossentropy, losses.CategoricalFocalCrossentropy):
        with pytest.raises(ValueError, match=r"label_smoothing must be in \[0, 1\], got 2"):
            kind(label_smoothing=2)
