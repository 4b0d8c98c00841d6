"""Which metrics are better when they are larger: what callbacks ask with mode="auto"."""

import inspect

import pytest

import fastnn as fn

NEEDED = {
    "MeanMetricWrapper": {"fn": fn.losses.mean_squared_error},
    "IoU": {"num_classes": 2, "target_class_ids": [0]},
    "OneHotIoU": {"num_classes": 2, "target_class_ids": [0]},
    "MeanIoU": {"num_classes": 2},
    "OneHotMeanIoU": {"num_classes": 2},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}
NAMES = [
    name
    for name, value in vars(fn.metrics).items()
    if inspect.isclass(value) and issubclass(value, fn.metrics.Metric)
]


def direction(module, name):
    options = dict(NEEDED.get(name, {}))
    if "fn" in options:
        options["fn"] = module.losses.mean_squared_error
    return getattr(getattr(module.metrics, name)(**options), "_direction", None)


def test_known_ones():
    for name in ("AUC", "Precision", "F1Score", "R2Score", "CosineSimilarity", "Accuracy"):
        assert direction(fn, name) == "up", name
    for name in ("Hinge", "MeanSquaredError", "RootMeanSquaredError", "BinaryCrossentropy"):
        assert direction(fn, name) == "down", name


@pytest.mark.parity
@pytest.mark.parametrize("name", sorted({*NAMES} - {"Metric"}))
def test_agrees_with_keras(name):
    keras = pytest.importorskip("keras")
    assert direction(fn, name) == direction(keras, name)
