"""Weights and masks of losses and metrics as Keras 3 applies them, by NumPy's sums."""

import numpy as np
import pytest

import fastnn as fn

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(8, 5, 3)).astype(np.float32)
X[:, 3:] = 0  # masked
MASK = np.repeat([[1.0, 1, 1, 0, 0]], 8, 0)
LABELS = RANDOM.integers(0, 4, (8, 5))
WEIGHTS = RANDOM.random((8, 5)).astype(np.float32) * 3


def masked_model(loss, **options):
    layers = [fn.Input((5, 3)), fn.layers.Masking(), fn.layers.Dense(4, activation="softmax")]
    model = fn.Sequential(layers)
    model.compile("sgd", loss, **options)
    return model


def probabilities(model):
    logits = X.astype(np.float64) @ model.get_weights()[0] + model.get_weights()[1]
    parts = np.exp(logits)
    return parts / parts.sum(-1, keepdims=True)


def test_weights_of_accuracies_under_a_mask():
    top = fn.metrics.SparseTopKCategoricalAccuracy(2)
    model = masked_model("sparse_categorical_crossentropy", weighted_metrics=["accuracy", top])
    found = model.evaluate(X, LABELS, sample_weight=WEIGHTS, verbose=0)
    order = np.argsort(-probabilities(model), -1)
    for value, count in zip(found[1:], (1, 2), strict=True):
        right = (order[..., :count] == LABELS[..., None]).any(-1)
        expected = (right * WEIGHTS * MASK).sum() / (WEIGHTS * MASK).sum()
        assert value == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_an_ignored_class_under_a_mask(weights):
    model = masked_model(fn.losses.SparseCategoricalCrossentropy(ignore_class=1))
    found = model.evaluate(X, LABELS, sample_weight=weights, verbose=0)
    values = -np.log(np.take_along_axis(probabilities(model), LABELS[..., None], -1)[..., 0])
    kept = MASK * (LABELS != 1)
    weighed = values * kept * (1 if weights is None else weights)
    assert found == pytest.approx(weighed.sum() / kept.sum(), rel=1e-5)


def rmse(a, b):
    return fn.ops.sqrt(fn.ops.mean(fn.ops.square(a - b)))


def test_losses_of_one_value_meet_any_weights():
    x, y = np.ones((4, 2), np.float32), np.array([0, 1, 0, 1])
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(fn.optimizers.SGD(0.0), rmse)
    history = model.fit(x, y, class_weight={0: 1.0, 1: 2.0}, verbose=0)
    assert history.history["loss"] == pytest.approx([np.sqrt(0.5) * 1.5])
    masked_model(lambda y, p: fn.ops.mean(p)).evaluate(X, LABELS, verbose=0)
    ones, halves = np.ones((6, 3), np.float32), np.full((6, 3), 0.5, np.float32)
    alone = fn.losses.Dice()(ones, halves).item()
    weights = np.arange(6, dtype=np.float32)
    weighed = fn.losses.Dice()(ones, halves, sample_weight=weights).item()
    assert weighed == pytest.approx(alone * 2.5)
    summed = fn.losses.Dice(reduction="sum")(ones, halves, sample_weight=weights).item()
    assert summed == pytest.approx(alone * 15)


@pytest.mark.parametrize("longer", ["y_true", "y_pred"])
def test_values_of_rows_meet_a_last_axis_of_one(longer):
    a, b = (RANDOM.random((8, 5)) + 0.1 for _ in "ab")
    shapes = [(8, 5, 1) if name == longer else (8, 5) for name in ("y_true", "y_pred")]
    given = [x.reshape(shape) for x, shape in zip((a, b), shapes)]
    unit = [x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b)]
    p, q = (np.clip(x, 1e-7, 1) for x in (a, b))
    for loss, expected in (
        (fn.losses.KLDivergence(), (p * np.log(p / q)).sum(-1)),
        (fn.losses.CosineSimilarity(), -(unit[0] * unit[1]).sum(-1)),
        (
            fn.losses.CategoricalHinge(),
            np.maximum(((1 - a) * b).max(-1) - (a * b).sum(-1) + 1, 0),
        ),
    ):
        assert loss(*given).item() == pytest.approx(expected.mean(), rel=1e-5)


def test_small_integers_as_targets_go_below_zero():
    class Signs(fn.losses.Loss):
        def call(self, y_true, y_pred):
            return fn.ops.mean(fn.ops.square((2 * y_true - 1) - y_pred), -1)

    y, zeros = np.array([[0, 1], [1, 0]], np.uint8), np.zeros((2, 2), np.float32)
    assert Signs()(y, zeros).item() == 1
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(2)])
    model.compile("sgd", Signs())
    assert model.evaluate(zeros, y, verbose=0) == 1
