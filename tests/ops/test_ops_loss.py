"""Cross-entropies against their formulas, with Keras's numerics."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops

rng = np.random.default_rng(6)
LOGITS = rng.normal(size=(4, 5)) * 3
LABELS = rng.integers(0, 5, 4)
SOFT = rng.dirichlet(np.ones(5), 4)
P = rng.dirichlet(np.ones(5), 4)


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def test_from_logits():
    expected = -(SOFT * log_softmax(LOGITS)).sum(-1)
    result = ops.categorical_crossentropy(SOFT, LOGITS, from_logits=True)
    np.testing.assert_allclose(result, expected, rtol=1e-12)
    expected = -log_softmax(LOGITS)[np.arange(4), LABELS]
    for labels in (LABELS, LABELS[:, None], LABELS.astype("float32"), LABELS.astype("uint8")):
        result = ops.sparse_categorical_crossentropy(labels, LOGITS, from_logits=True)
        np.testing.assert_allclose(result, expected, rtol=1e-12)


def test_from_probabilities_divides_by_the_sum_and_clips():
    expected = -(SOFT * np.log(P)).sum(-1)
    np.testing.assert_allclose(ops.categorical_crossentropy(SOFT, P * 7), expected, rtol=1e-12)
    result = ops.sparse_categorical_crossentropy(LABELS, P * 0.3)
    np.testing.assert_allclose(result, -np.log(P[np.arange(4), LABELS]), rtol=1e-12)
    certain = np.array([[1.0, 0.0]])
    np.testing.assert_allclose(
        ops.categorical_crossentropy([[0.0, 1.0]], certain), [-np.log(1e-7)], rtol=1e-12
    )
    np.testing.assert_allclose(
        ops.sparse_categorical_crossentropy([0], certain), [-np.log(1 - 1e-7)], rtol=1e-9
    )


def test_the_clip_has_no_gradient_outside():
    p = fn.tensor([1.0, 0.0, 0.5], dtype="float64", requires_grad=True)
    ops.binary_crossentropy([0.0, 1.0, 1.0], p).sum().backward()
    assert p.grad.tolist() == [0.0, 0.0, -2.0]


def test_remembered_logits_are_used():
    big = fn.tensor([[50.0, 0.0, -50.0]], dtype="float64", requires_grad=True)
    loss = ops.sparse_categorical_crossentropy([2], ops.softmax(big))
    np.testing.assert_allclose(loss, [100.0])  # 16.1 from clipped probabilities
    loss.sum().backward()
    np.testing.assert_allclose(big.grad, [[1.0, 0.0, -1.0]], atol=1e-12)
    loss = ops.categorical_crossentropy([[0.0, 0.0, 1.0]], ops.softmax(big.detach()))
    np.testing.assert_allclose(loss, [100.0])
    np.testing.assert_allclose(ops.binary_crossentropy([0.0], ops.sigmoid([60.0])), [60.0])
    x, w = np.array([[40.0]]), fn.Variable(np.array([[2.0]]))
    loss = ops.binary_crossentropy([[0.0]], ops.dense(x, w, None, "sigmoid"))
    np.testing.assert_allclose(loss, [[80.0]])
    loss.sum().backward()
    assert w.grad.tolist() == [[40.0]]


def test_binary():
    targets = (rng.random((3, 4)) < 0.5) * 1.0
    x = rng.normal(size=(3, 4)) * 3
    p = 1 / (1 + np.exp(-x))
    expected = -targets * np.log(p) - (1 - targets) * np.log(1 - p)
    np.testing.assert_allclose(ops.binary_crossentropy(targets, x, True), expected, rtol=1e-11)
    np.testing.assert_allclose(ops.binary_crossentropy(targets, p), expected, rtol=1e-11)
    assert ops.binary_crossentropy([1], [0.5]).dtype == "float32"


def test_class_axis():
    moved = np.moveaxis(rng.normal(size=(2, 3, 5)), -1, 1)
    labels = rng.integers(0, 5, (2, 3))
    one_hot = np.moveaxis(np.eye(5)[labels], -1, 1)
    expected = -np.take_along_axis(log_softmax(np.moveaxis(moved, 1, -1)), labels[..., None], -1)
    for result in (
        ops.sparse_categorical_crossentropy(labels, moved, True, axis=1),
        ops.categorical_crossentropy(one_hot, moved, True, axis=1),
        ops.categorical_crossentropy(one_hot, ops.softmax(moved, 1), axis=1),
    ):
        np.testing.assert_allclose(result, expected[..., 0], rtol=1e-9)


def test_weights_smoothing_and_ignored_class():
    weight = fn.tensor([1.0, 2.0, 0.0, 0.5], dtype="float64")
    labels = fn.tensor([0, 3, 1, 4])
    logits = fn.tensor(LOGITS)
    result = ops.softmax_cross_entropy(labels, logits, weight, smoothing=0.2, ignore_class=3)
    smooth = np.eye(5)[labels.numpy()] * 0.8 + 0.2 / 5
    expected = -(smooth * log_softmax(LOGITS)).sum(-1) * weight.numpy() * [1, 0, 1, 1]
    np.testing.assert_allclose(result, expected, rtol=1e-12)


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("bad", [5, -1, np.nan])
def test_labels_out_of_range(from_logits, bad):
    labels = np.array([0, 1, bad, 2])
    with pytest.raises(ValueError, match=r"row 2|labels.2"):
        ops.sparse_categorical_crossentropy(labels, np.abs(LOGITS), from_logits)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.categorical_crossentropy(SOFT[:2], P), "target has shape .2, 5., output"),
        (lambda: ops.sparse_categorical_crossentropy(LABELS[:2], P), "target has shape .2,., exp"),
        (lambda: ops.binary_crossentropy([1.0], [[0.5]]), "binary_crossentropy: target has shape"),
        (lambda: ops.sparse_categorical_crossentropy([0], 1.0), "expected a class axis"),
        (lambda: ops.categorical_crossentropy(SOFT, P, axis=2), "axis 2 is outside"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parity
def test_against_keras():
    keras = pytest.importorskip("keras")
    soft, p, logits = (a.astype("float32") for a in (SOFT, P, LOGITS))
    for ours, theirs in (
        (ops.categorical_crossentropy(soft, p), keras.ops.categorical_crossentropy(soft, p)),
        (
            ops.sparse_categorical_crossentropy(LABELS, logits, True),
            keras.ops.sparse_categorical_crossentropy(LABELS, logits, True),
        ),
        (ops.binary_crossentropy(soft, p), keras.ops.binary_crossentropy(soft, p)),
    ):
        np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-5, atol=1e-6)
