"""Metrics against Keras over drawn batches, options and weights."""

import inspect

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from fastnn import metrics

drawn = hypothesis.settings(
    max_examples=15, deadline=None, derandomize=True, phases=[hypothesis.Phase.generate]
)
pytestmark = [
    pytest.mark.parity,
    # Keras on NumPy divides by zero, and looks afterwards; on JAX it asks for int64.
    pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:Explicitly requested dtype int64"),
]

UNIT = st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0])
THRESHOLDS = st.sampled_from([None, 0.3, [0.7, 0.2], [0.0, 0.5, 1.0]])
COLUMN = {"thresholds": THRESHOLDS, "class_id": st.sampled_from([None, 1])}
TOP = {"top_k": st.sampled_from([None, 2]), **COLUMN}
AT = {"num_thresholds": st.sampled_from([1, 7, 200]), "class_id": st.sampled_from([None, 1])}
AUC = {
    "num_thresholds": st.sampled_from([3, 200]),
    "curve": st.sampled_from(["ROC", "PR", "PRGAIN"]),
    "summation_method": st.sampled_from(["interpolation", "majoring", "minoring"]),
    "thresholds": st.sampled_from([None, [0.6, 0.1, 0.3]]),
    "multi_label": st.booleans(),
    "label_weights": st.sampled_from([None, [0.5, 2.0, 1.0, 0.25]]),
    "from_logits": st.booleans(),
}
F1 = {
    "average": st.sampled_from([None, "micro", "macro", "weighted"]),
    "threshold": st.sampled_from([None, 0.4]),
}
IOU = {
    "num_classes": st.just(4),
    "ignore_class": st.sampled_from([None, 2]),
    "dtype": st.just("float32"),
}
TARGETS = {"target_class_ids": st.sampled_from([[0], [1, 3]])}

# Name: what targets and predictions are, and options to draw.
KINDS = {
    "TruePositives": ("hits", {"thresholds": THRESHOLDS}),
    "FalsePositives": ("hits", {"thresholds": THRESHOLDS}),
    "TrueNegatives": ("hits", {"thresholds": THRESHOLDS}),
    "FalseNegatives": ("hits", {"thresholds": THRESHOLDS}),
    "Precision": ("hits", TOP),
    "Recall": ("hits", TOP),
    "SensitivityAtSpecificity": ("hits", {**AT, "specificity": UNIT}),
    "SpecificityAtSensitivity": ("hits", {**AT, "sensitivity": UNIT}),
    "PrecisionAtRecall": ("hits", {**AT, "recall": UNIT}),
    "RecallAtPrecision": ("hits", {**AT, "precision": UNIT}),
    "AUC": ("hits", AUC),
    "F1Score": ("hits", F1),
    "FBetaScore": ("hits", {**F1, "beta": st.sampled_from([0.5, 2.0])}),
    "IoU": ("classes", {**IOU, **TARGETS}),
    "MeanIoU": ("classes", IOU),
    "BinaryIoU": ("hits", {"threshold": st.just(0.4), "dtype": st.just("float32")}),
    "OneHotIoU": ("one-hot", {**IOU, **TARGETS}),
    "OneHotMeanIoU": ("one-hot", IOU),
    "R2Score": (
        "real",
        {
            "class_aggregation": st.sampled_from(
                [None, "uniform_average", "variance_weighted_average"]
            ),
            "num_regressors": st.sampled_from([0, 2]),
        },
    ),
    "PearsonCorrelation": ("real", {}),
    "ConcordanceCorrelation": ("real", {}),
    "CosineSimilarity": ("real", {}),
    "LogCoshError": ("real", {}),
    "RootMeanSquaredError": ("real", {}),
    "MeanAbsolutePercentageError": ("real", {}),
    "MeanSquaredLogarithmicError": ("real", {}),
    "Hinge": ("hits", {}),
    "SquaredHinge": ("hits", {}),
    "CategoricalHinge": ("one-hot", {}),
    "KLDivergence": ("one-hot", {}),
    "Poisson": ("one-hot", {}),
    "TopKCategoricalAccuracy": ("one-hot", {"k": st.sampled_from([1, 2, 5])}),
    "SparseTopKCategoricalAccuracy": ("labels", {"k": st.sampled_from([1, 2, 5])}),
    "SparseCategoricalCrossentropy": ("labels", {"ignore_class": st.sampled_from([None])}),
}


def batch(kind, rows, rng):
    labels, p = rng.integers(0, 4, rows), rng.random((rows, 4)).astype(np.float32)
    if kind == "labels":
        return labels, p
    if kind == "classes":
        return rng.integers(0, 5, (rows, 4)), rng.integers(0, 4, (rows, 4))
    if kind == "real":
        return rng.normal(size=(rows, 4)).astype(np.float32), p
    y = np.eye(4)[labels] if kind == "one-hot" else rng.random((rows, 4)) < 0.4
    return y.astype(np.float32), p


# Keras on PyTorch refuses a k above the number of classes.
TOP_K = {"TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(k, marks=pytest.mark.jax) if k in TOP_K else k for k in KINDS],
)
@drawn
@hypothesis.given(data=st.data())
def test_over_batches(name, data):
    import keras

    kind, choices = KINDS[name]
    options = {key: data.draw(choice, key) for key, choice in choices.items()}
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), "seed"))
    weighted = data.draw(st.booleans(), "weighted")
    ours, theirs = getattr(metrics, name)(**options), getattr(keras.metrics, name)(**options)
    for rows in (6, 3):
        y, p = batch(kind, rows, rng)
        weight = None
        if weighted:
            # Eighths, which Keras's totals of float32 hold: a recall of 1 is one there too.
            shape = (rows, 4) if name in ("IoU", "MeanIoU", "BinaryIoU") else rows
            weight = (rng.integers(1, 9, shape) / 8).astype(np.float32)
        ours.update_state(y, p, sample_weight=weight)
        theirs.update_state(y, p, sample_weight=weight)
        have, want = ours.result().numpy(), np.asarray(theirs.result())
        assert have.shape == want.shape
        # Keras's totals are float32, and an R2 is what two of them leave of each other.
        np.testing.assert_allclose(have, want, rtol=1e-4 if name == "R2Score" else 1e-5, atol=1e-5)
    assert [v.shape for v in ours.variables] == [tuple(v.shape) for v in theirs.variables]
    ours.reset_state()
    assert not any(v.numpy().any() for v in ours.variables)


def test_no_metric_of_keras_is_missing():
    import keras
    from keras.src.metrics import ALL_OBJECTS_DICT

    assert {name for name in dir(keras.metrics) if not name.startswith("_")} <= set(metrics.__all__)
    needing = ("io_u", "IoU", "at_", "At", "wrapper", "Wrapper", "metric", "Metric")
    for name in ALL_OBJECTS_DICT:
        if not any(part in name for part in needing):
            assert type(metrics.get(name)).__name__ == ALL_OBJECTS_DICT[name].__name__


@pytest.mark.parametrize("name", [n for n in metrics.__all__ if n[0].isupper()])
def test_arguments_and_defaults(name):
    import keras

    theirs = inspect.signature(getattr(keras.metrics, name)).parameters
    ours = inspect.signature(getattr(metrics, name)).parameters
    if name == "MeanMetricWrapper":
        return
    assert {k: p.default for k, p in ours.items()} == {k: p.default for k, p in theirs.items()}
