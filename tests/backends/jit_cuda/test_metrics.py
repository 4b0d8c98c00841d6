"""Metrics outside of models: they compute where their data lies, and their totals follow it."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import metrics, ops

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
