"""Metrics and losses outside of models: they compute where their data lies."""

import inspect

import numpy as np
import pytest

import fastnn as fn
from fastnn import losses, metrics, ops

TRUE = np.array([[0.0], [1.0], [1.0], [0.0]], np.float32)
PREDICTED = np.array([[0.1], [0.8], [0.3], [0.9]], np.float32)


class Largest(metrics.Metric):
    """A user's own."""

    def __init__(self):
        super().__init__(name="largest")
        self.total = self.add_variable(name="total")

    def update_state(self, y_true, y_pred, sample_weight=None):
        weighted = ops.convert_to_tensor(y_pred) * ops.convert_to_tensor(sample_weight)
        self.total.assign(ops.maximum(self.total, ops.cast(ops.max(weighted), "float64")))

    def result(self):
        return self.total


# What two of the batches above give, with weights 1, 1, 1, 0 in the second one.
METRICS = {
    "accuracy": (metrics.BinaryAccuracy, 4 / 7),
    "mean squared error": (metrics.MeanSquaredError, (2 * 0.54 + 0.81) / 7),
    "mean": (metrics.Mean, (2 * 1.2 + 0.9) / 7),
    "sum": (metrics.Sum, 2 * 1.2 + 0.9),
    "recall": (metrics.Recall, 0.5),
    "own": (Largest, 0.9),
}
DATA = {
    "arrays": (lambda x: x, lambda x: x),
    "tensors": (lambda x: fn.tensor(x, device="cuda"), lambda x: fn.tensor(x, device="cuda")),
    "tensors of the host": (fn.tensor, fn.tensor),
    "an array beside a tensor": (lambda x: x, lambda x: fn.tensor(x, device="cuda")),
}


@pytest.mark.parametrize("home", ["cpu", "cuda"])
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", METRICS)
def test_a_metric_computes_where_its_data_lies(name, data, home):
    make, expected = METRICS[name]
    left, right = DATA[data]
    with fn.device(home):
        metric = make()
    pair = (left(TRUE), right(PREDICTED)) if name not in ("mean", "sum") else (right(PREDICTED),)
    for weight in ([1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0]):
        metric.update_state(*pair, sample_weight=np.array(weight, np.float32)[:, None])
    tensors = [x.device for x in pair if isinstance(x, fn.Tensor)]
    assert {v.device for v in metric.variables} == {tensors[0] if tensors else home}
    np.testing.assert_allclose(float(metric.result()), expected, rtol=1e-6)
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_totals_keep_what_they_hold_when_they_move():
    mean = metrics.Mean()
    for device in ("cpu", "cuda", "cpu"):
        mean.update_state(fn.tensor([1.0, 3.0, 8.0], device=device))
    mean.update_state([8.0])
    assert mean.total.device == "cpu"
    assert mean.value() == 44 / 10


def test_tensors_that_lie_apart_stay_an_error():
    here, there = fn.tensor(TRUE), fn.tensor(PREDICTED, device="cuda")
    with pytest.raises(ValueError, match="y_pred lies on cuda but y_true on cpu; move one of"):
        metrics.MeanSquaredError().update_state(here, there)


FUNCTIONS = {
    f"{module.__name__}.{name}": function
    for module in (losses, metrics)
    for name, function in vars(module).items()
    if inspect.isfunction(function)
    and next(iter(inspect.signature(function).parameters)) == "y_true"
}
SHAPES = {"ctc": (4, 5, 3)}
CLASSES = np.array([0, 1, 2, 1])
LABELS = {"circle": CLASSES % 2, "ctc": CLASSES[:, None] % 2 + 1}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_data_beside_a_tensor_joins_it(name, monkeypatch):
    monkeypatch.setattr(fn.config, "allow_host_fallback", True)  # of ctc_loss
    function, last = FUNCTIONS[name], name.rsplit(".", 1)[1]
    predicted = np.random.default_rng(0).random(SHAPES.get(last, (4, 3))).astype(np.float32)
    options = {"q": 0.5} if "generalized" in last else {}
    numbers = options or last in LABELS or last.startswith("sparse")
    true = LABELS.get(last, CLASSES) if numbers else np.eye(3, dtype=np.float32)[CLASSES]
    expected = function(fn.tensor(true), fn.tensor(predicted), **options).numpy()
    for pair in (
        (true, fn.tensor(predicted, device="cuda")),
        (fn.tensor(true, device="cuda"), predicted),
    ):
        got = function(*pair, **options)
        assert got.device == "cuda"
        np.testing.assert_allclose(got.numpy(), expected, rtol=1e-5, atol=1e-7)
