"""Metrics made of counts, scores and correlations against figures counted by hand in NumPy, in
recorded steps too."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import metrics

RNG = np.random.default_rng(6)
Y = (RNG.random((40, 3)) < 0.4).astype(np.float32)
P = RNG.random((40, 3)).astype(np.float32)
W = RNG.random(40).astype(np.float32)


def over_batches(metric, y=Y, p=P, weight=None):
    """The figure after batches of different sizes."""
    for part in (slice(0, 7), slice(7, 8), slice(8, None)):
        metric.update_state(y[part], p[part], None if weight is None else weight[part])
    return metric.result().numpy()


def counts(threshold, y=Y, p=P, weight=None):
    """True positives, false positives, false negatives, true negatives."""
    w = np.ones(y.shape) if weight is None else np.broadcast_to(weight[:, None], y.shape)
    said, true = p > threshold, y == 1
    return [w[a & b].sum() for a, b in ((said, true), (said, ~true), (~said, true), (~said, ~true))]


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
@pytest.mark.parametrize("thresholds", [[0.5], [0.7, 0.2], [0.0, 0.25, 0.5, 0.75, 1.0]])
def test_counts_precision_and_recall(thresholds, weight):
    expected = np.array([counts(t, weight=weight) for t in thresholds]).T
    kinds = (metrics.TruePositives, metrics.FalsePositives)
    kinds += (metrics.FalseNegatives, metrics.TrueNegatives)
    for kind, want in zip(kinds, expected):
        have = over_batches(kind(thresholds), weight=weight)
        np.testing.assert_allclose(np.atleast_1d(have), want, rtol=1e-6)
    tp, fp, missed, _ = expected
    with np.errstate(invalid="ignore"):
        precision, recall = np.nan_to_num(tp / (tp + fp)), tp / (tp + missed)
    have = over_batches(metrics.Precision(thresholds), weight=weight)
    np.testing.assert_allclose(np.atleast_1d(have), precision, rtol=1e-6)
    have = over_batches(metrics.Recall(thresholds), weight=weight)
    np.testing.assert_allclose(np.atleast_1d(have), recall, rtol=1e-6)


def test_top_k_and_class_id():
    y, p = np.array([[1, 0, 1], [0, 1, 0]]), np.array([[0.2, 0.2, 0.1], [0.1, 0.9, 0.3]])
    assert float(metrics.Precision(top_k=1)(y, p)) == 1.0  # of equal ones the first
    assert float(metrics.Recall(top_k=2)(y, p)) == pytest.approx(2 / 3)
    assert float(metrics.Recall(top_k=2)([[0, 1, 0]], [[-1.0, -2.0, -3.0]])) == 1.0
    assert float(metrics.Recall(class_id=2, thresholds=0.05)(y, p)) == 1.0
    with pytest.raises(ValueError, match=r"precision.*: top_k is 4, but y_pred has shape \(2, 3\)"):
        metrics.Precision(top_k=4)(y, p)
    with pytest.raises(ValueError, match=r"recall.*: class_id is 3, but y_pred has shape"):
        metrics.Recall(class_id=3)(y, p)


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_prediction_that_is_nan_says_no(backend):
    y, p = [1.0, 1.0, 0.0], [np.nan, 0.9, np.nan]
    with fn.use_backend(backend):
        assert float(metrics.TruePositives()(y, p)) == 1
        assert metrics.FalseNegatives([0.0, 0.5, 1.0])(y, p).tolist() == [1.0, 1.0, 2.0]


def test_area_under_roc_is_the_chance_of_the_right_order():
    y, p = Y.ravel(), np.round(P.ravel() * 49) / 49 + 0.001  # on the grid that counts
    above = p[y == 1][:, None] - p[y == 0]
    chance = (above > 1e-6).mean() + (np.abs(above) < 1e-6).mean() / 2
    have = over_batches(metrics.AUC(num_thresholds=1000), y, p)
    assert have == pytest.approx(chance, rel=1e-6)
    flipped = over_batches(metrics.AUC(num_thresholds=1000), 1 - y, p)
    assert flipped == pytest.approx(1 - chance, rel=1e-6)
    for same in (0.0, 1.0):  # the lowest threshold is below all, the highest above
        assert float(metrics.AUC(num_thresholds=3)([0, 1], [same, same])) == 0.5


def test_areas_of_labels_and_their_mean():
    each = [float(over_batches(metrics.AUC(), Y[:, i], P[:, i])) for i in range(3)]
    assert over_batches(metrics.AUC(multi_label=True)) == pytest.approx(np.mean(each), rel=1e-6)
    weights = [1.0, 2.0, 5.0]
    have = over_batches(metrics.AUC(multi_label=True, num_labels=3, label_weights=weights))
    assert have == pytest.approx(np.average(each, weights=weights), rel=1e-6)
    logits = np.log(P / (1 - P))
    have = over_batches(metrics.AUC(from_logits=True, multi_label=True), p=logits)
    assert have == pytest.approx(np.mean(each), abs=0.02)


def test_best_of_one_figure_where_another_holds():
    thresholds = np.linspace(0, 1, 50)
    tp, fp, missed, left = np.array([counts(t) for t in thresholds]).T
    recall, specificity, precision = (
        tp / (tp + missed),
        left / (left + fp),
        tp / np.maximum(tp + fp, 1),
    )
    for name, best, constrained in (
        ("SensitivityAtSpecificity", recall, specificity),
        ("SpecificityAtSensitivity", specificity, recall),
        ("PrecisionAtRecall", precision, recall),
        ("RecallAtPrecision", recall, precision),
    ):
        for least in (0.0, 0.4, 0.6, 1.0):
            metric = getattr(metrics, name)(least, num_thresholds=50)
            want = max(best[constrained >= least], default=0)
            assert over_batches(metric) == pytest.approx(want, rel=1e-6), (name, least)


@pytest.mark.parametrize("threshold", [None, 0.4])
def test_f_scores(threshold):
    p = P
    said = p > threshold if threshold else p == p.max(1, keepdims=True)
    tp, fp, missed = (said * Y).sum(0), (said * (1 - Y)).sum(0), (~said * Y).sum(0)
    each = 5 * tp / (5 * tp + 4 * missed + fp)  # beta = 2
    micro = 5 * tp.sum() / (5 * tp.sum() + 4 * missed.sum() + fp.sum())
    wanted = {None: each, "macro": each.mean(), "micro": micro}
    wanted["weighted"] = np.average(each, weights=Y.sum(0))
    for average, want in wanted.items():
        have = over_batches(metrics.FBetaScore(average, 2.0, threshold))
        np.testing.assert_allclose(have, want, rtol=1e-5)


def test_intersection_over_union():
    y, p = RNG.integers(0, 4, (40, 6)), RNG.integers(0, 3, (40, 6))
    kept = (y < 3) & (y != 1)
    each = [((y == c) & (p == c) & kept).sum() for c in range(3)]
    either = [(((y == c) | (p == c)) & kept).sum() for c in range(3)]
    have = over_batches(metrics.IoU(3, [0, 2], ignore_class=1), y, p)
    assert have == pytest.approx((each[0] / either[0] + each[2] / either[2]) / 2, rel=1e-5)
    one_hot = over_batches(metrics.OneHotMeanIoU(3, ignore_class=1), np.eye(4)[y], np.eye(4)[p])
    assert one_hot == pytest.approx(np.mean(np.divide(each, either)), rel=1e-5)
    weight = (RNG.random((40, 6)) < 0.5).astype(float)
    have = over_batches(metrics.MeanIoU(4), y, p, weight)
    again = metrics.MeanIoU(4)(y[weight == 1], p[weight == 1])
    assert have == pytest.approx(float(again), rel=1e-6)


def test_top_k_accuracies():
    labels, p = RNG.integers(0, 6, 40), RNG.random((40, 6))
    place = (p > p[np.arange(40), labels][:, None]).sum(1)
    for k in (1, 3):
        want = (place < k).mean()
        assert over_batches(metrics.SparseTopKCategoricalAccuracy(k), labels, p) == pytest.approx(
            want
        )
        hot = over_batches(metrics.TopKCategoricalAccuracy(k), np.eye(6)[labels], p)
        assert hot == pytest.approx(want)
        ids = metrics.SparseTopKCategoricalAccuracy(k, from_sorted_ids=True)
        assert over_batches(ids, labels, np.argsort(-p, 1)) == pytest.approx(want)
    nan = metrics.sparse_top_k_categorical_accuracy([1, 0], [[0.5, np.nan], [0.5, np.nan]], k=1)
    assert nan.tolist() == [0.0, 1.0]


def test_correlations_and_r2():
    y, p = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 3))
    want = np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(y, p)])
    assert over_batches(metrics.PearsonCorrelation(), y, p) == pytest.approx(want, rel=1e-5)
    want = np.mean(
        [
            2 * np.cov(a, b, bias=True)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
            for a, b in zip(y, p)
        ]
    )
    assert over_batches(metrics.ConcordanceCorrelation(), y, p) == pytest.approx(want, rel=1e-5)
    mean = np.average(y, axis=0, weights=W)
    each = 1 - (W[:, None] * (y - p) ** 2).sum(0) / (W[:, None] * (y - mean) ** 2).sum(0)
    have = over_batches(metrics.R2Score(class_aggregation=None), y, p, W)
    np.testing.assert_allclose(have, each, rtol=1e-5)
    with pytest.warns(UserWarning, match="num_regressors is 200"):
        over_batches(metrics.R2Score(num_regressors=200), y, p)


OWN = {
    "IoU": {"num_classes": 3, "target_class_ids": [1]},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [1], "axis": 1},
    "MeanIoU": {"num_classes": 3, "ignore_class": 2},
    "OneHotMeanIoU": {"num_classes": 3},
    "SensitivityAtSpecificity": {"specificity": 0.3, "class_id": 1},
    "SpecificityAtSensitivity": {"sensitivity": 0.3},
    "PrecisionAtRecall": {"recall": 0.3, "num_thresholds": 5},
    "RecallAtPrecision": {"precision": 0.3},
    "AUC": {"thresholds": [0.5, 0.2], "curve": "PR"},
    "FBetaScore": {"beta": 2.0, "average": "micro"},
    "Precision": {"thresholds": [0.2, 0.1], "class_id": 0},
    "MeanMetricWrapper": {"fn": fn.losses.huber},
}


@pytest.mark.parametrize("name", [n for n in metrics.__all__ if n[0].isupper() and n != "Metric"])
def test_configurations_and_names(name):
    metric = getattr(metrics, name)(name="mine", **OWN.get(name, {}))
    again = metrics.deserialize(metrics.serialize(metric))
    assert type(again) is type(metric) and again.get_config() == metric.get_config()


def test_refusals():
    with pytest.raises(ValueError, match="did you mean 'precision'"):
        metrics.get("precison")
    with pytest.raises(ValueError, match=r"Recall: thresholds must be in \[0, 1\], got 1.5"):
        metrics.Recall([0.5, 1.5])
    with pytest.raises(ValueError, match="AUC: curve must be one of"):
        metrics.AUC(curve="RoC curve")
    with pytest.raises(ValueError, match=r"IoU: target_class_ids must be in \[0, 3\), got \[3\]"):
        metrics.IoU(3, [3])
    with pytest.raises(ValueError, match="F1Score: average must be one of"):
        metrics.F1Score("mean")
    with pytest.raises(ValueError, match="FBetaScore: beta must be a float above 0, got 2"):
        metrics.FBetaScore(beta=2)
    with pytest.raises(ValueError, match=r"RecallAtPrecision: precision must be in \[0, 1\]"):
        metrics.RecallAtPrecision(2)
    with pytest.raises(ValueError, match=r"auc: y_true has shape \(2,\), but y_pred has \(3,\)"):
        metrics.AUC(name="auc")([0, 1], [0.1, 0.2, 0.3])


def test_in_recorded_steps_as_in_eager_ones():
    x = RNG.normal(size=(96, 5)).astype(np.float32)
    y = np.eye(3, dtype=np.float32)[RNG.integers(0, 3, 96)]
    results = []
    for eager in (False, True):
        fn.utils.set_random_seed(1)
        model = fn.Sequential([fn.Input((5,)), fn.layers.Dense(3, activation="softmax")])
        chosen = ["auc", "precision", metrics.F1Score("macro"), metrics.OneHotMeanIoU(3)]
        chosen += ["r2_score", metrics.TopKCategoricalAccuracy(2), metrics.RecallAtPrecision(0.4)]
        model.compile("sgd", "categorical_focal_crossentropy", metrics=chosen, run_eagerly=eager)
        history = model.fit(x, y, batch_size=32, epochs=3, verbose=0).history
        results.append({name.rsplit("_", 1)[0]: v for name, v in history.items()})
        area = metrics.AUC()(y, model.predict(x, verbose=0))
        assert model.evaluate(x, y, verbose=0)[1] == pytest.approx(float(area), rel=1e-6)
    assert list(results[0].values()) == list(results[1].values())


def test_several_figures_in_fit(capsys):
    model = fn.Sequential([fn.Input((3,)), fn.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "huber", metrics=["f1_score"])
    history = model.fit(P, Y, verbose=2, epochs=2).history
    assert history["f1_score"][1].shape == (3,)
    assert "f1_score: [" in capsys.readouterr().out
    assert model.evaluate(P, Y, verbose=0)[1].shape == (3,)
