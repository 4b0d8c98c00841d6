"""Metrics against hand-counted figures, and against Keras."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import metrics

RNG = np.random.default_rng(5)


def test_mean_over_batches_and_weights():
    mean = metrics.Mean()
    assert float(mean.result()) == 0
    mean.update_state([1.0, 2.0, 3.0])
    mean.update_state([6.0])
    assert float(mean.result()) == 3.0
    assert mean.count.item() == 4
    mean.update_state([10.0, 100.0], sample_weight=[1.0, 0.0])
    assert float(mean.result()) == pytest.approx(22 / 5)
    mean.reset_state()
    assert float(mean.result()) == 0
    mean.update_state(7.0)
    assert float(mean.result()) == 7.0


def test_a_sample_with_several_values_counts_once():
    mean = metrics.Mean()
    mean.update_state([[1.0, 3.0], [5.0, 7.0]])
    assert mean.count.item() == 2
    assert mean.total.item() == 8.0


def test_totals_are_float64():
    mean = metrics.Mean()
    for _ in range(3):
        mean.update_state(np.float32(2**24 + 2))
        mean.update_state(1.0)
    assert mean.total.dtype == "float64"
    assert mean.total.item() == 3 * (2**24 + 2) + 3


def test_sum():
    assert float(metrics.Sum()([1, 3, 5, 7], sample_weight=[1, 1, 0, 0])) == 4.0


def test_sparse_accuracy_counts_hits():
    p = np.array([[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]])
    for y in ([1, 1, 1], np.array([[1], [1], [1]]), np.array([1.0, 1.0, 1.0], np.float32)):
        assert float(metrics.SparseCategoricalAccuracy()(y, p)) == pytest.approx(2 / 3)
    weighted = metrics.SparseCategoricalAccuracy()
    weighted.update_state([1, 1, 1], p, sample_weight=[1.0, 3.0, 0.0])
    assert float(weighted.result()) == pytest.approx(1 / 4)


def test_binary_accuracy_is_strict_at_the_threshold():
    values = metrics.binary_accuracy([[1], [1], [0]], [[0.5], [0.51], [0.5]])
    np.testing.assert_array_equal(values.numpy(), [[0], [1], [1]])
    assert float(metrics.BinaryAccuracy(threshold=0.7)([1, 0], [0.6, 0.6])) == 0.5
    two = metrics.BinaryAccuracy()([[1, 1], [0, 0]], [[0.9, 0.1], [0.1, 0.2]])
    assert float(two) == 0.75


def test_categorical_accuracy():
    y = np.eye(3)[[0, 1, 2, 2]]
    p = np.eye(3)[[0, 2, 2, 2]] * 0.6
    assert float(metrics.CategoricalAccuracy()(y, p)) == 0.75


def test_losses_as_metrics():
    y, p = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 3))
    assert float(metrics.MeanSquaredError()(y, p)) == pytest.approx(((y - p) ** 2).mean())
    assert float(metrics.MeanAbsoluteError()(y, p)) == pytest.approx(np.abs(y - p).mean())
    root = metrics.RootMeanSquaredError()
    root.update_state(y[:2], p[:2])
    root.update_state(y[2:], p[2:])
    assert float(root.result()) == pytest.approx(np.sqrt(((y - p) ** 2).mean()))


def test_a_metric_records_no_gradient():
    p = fn.tensor(np.ones((2, 1)), requires_grad=True)
    metric = metrics.MeanSquaredError()
    metric.update_state(np.zeros((2, 1)), p)
    assert not metric.total.requires_grad


def test_names_configs_and_unknown_names():
    assert metrics.get("mse").name == "mean_squared_error"
    assert isinstance(metrics.get("SparseCategoricalAccuracy"), metrics.SparseCategoricalAccuracy)
    for metric in (
        metrics.BinaryAccuracy(threshold=0.7, name="b"),
        metrics.CategoricalCrossentropy(label_smoothing=0.1),
        metrics.Mean(name="m"),
        metrics.MeanMetricWrapper(fn.losses.mean_absolute_error, name="w"),
    ):
        again = metrics.deserialize(metrics.serialize(metric))
        assert type(again) is type(metric)
        assert again.get_config() == metric.get_config()
    with pytest.raises(ValueError, match=r"unknown metric 'acuracy'; known are .*binary_accuracy"):
        metrics.get("acuracy")


def test_a_metric_of_ones_own():
    class Largest(metrics.Metric):
        def __init__(self):
            super().__init__(name="largest")
            self.most = self.add_weight(shape=(2,), initializer="ones", name="most")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.most.assign(fn.ops.maximum(self.most, fn.ops.cast(y_pred, "float64")))

        def result(self):
            return fn.ops.max(self.most)

    metric = Largest()
    assert metric.variables[0].numpy().tolist() == [1, 1]
    assert float(metric([0, 0], [5, 3])) == 5


@pytest.mark.parity
@pytest.mark.parametrize("name", ["BinaryAccuracy", "CategoricalAccuracy", "MeanSquaredError"])
@pytest.mark.parametrize("weights", [None, "sample", "value"])
def test_metrics_agree_with_keras_over_batches(name, weights):
    import keras

    ours, theirs = getattr(metrics, name)(), getattr(keras.metrics, name)()
    for rows in (5, 3):
        y = np.eye(4, dtype=np.float32)[RNG.integers(0, 4, (rows, 6))]
        p = RNG.random((rows, 6, 4)).astype(np.float32)
        w = {None: None, "sample": RNG.random(rows), "value": RNG.random((rows, 6))}[weights]
        w = None if w is None else w.astype(np.float32)
        ours.update_state(y, p, sample_weight=w)
        theirs.update_state(y, p, sample_weight=w)
        assert float(ours.result()) == pytest.approx(float(theirs.result()), rel=1e-5)
