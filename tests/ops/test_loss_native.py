"""cross_entropy and binary_cross_entropy against extended precision and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from same_bits import bits, same_at_offsets, same_for_threads

from fastnn import _core

FLOATS = ("float32", "float64")
rng = np.random.default_rng(0)


def tensors(*arrays):
    return [None if array is None else _core.from_numpy(np.asarray(array)) for array in arrays]


def cross_entropy(x, labels, weight=None, *attributes):
    loss, dx = _core.cross_entropy(*tensors(x, labels, weight), *attributes)
    return np.asarray(loss), np.asarray(dx)


def exact_loss(x, targets, smoothing=0.0):
    x = x.astype(np.longdouble)
    t = targets.astype(np.longdouble) * (1 - smoothing) + smoothing / x.shape[1]
    z = x - x.max(1, keepdims=True)
    return np.sum(t * (np.log(np.sum(np.exp(z), axis=1, keepdims=True)) - z), axis=1)


def exact_gradient(x, targets, smoothing=0.0):
    x = x.astype(np.longdouble)
    t = targets.astype(np.longdouble) * (1 - smoothing) + smoothing / x.shape[1]
    e = np.exp(x - x.max(1, keepdims=True))
    return t.sum(1, keepdims=True) * e / e.sum(1, keepdims=True) - t


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("rows, classes", [(1, 1), (5, 10), (300, 3), (17, 33), (4, 5000)])
def test_values(rows, classes, dtype, weighted, smoothing):
    x = (rng.standard_normal((rows, classes)) * 5 + 30).astype(dtype)
    labels = rng.integers(0, classes, rows)
    dense = rng.random((rows, classes)).astype(dtype)
    weight = rng.random(rows).astype(dtype) if weighted else None
    w = 1 if weight is None else weight.astype(np.longdouble)
    eps = np.finfo(dtype).eps
    one_hot = np.eye(classes, dtype=dtype)[labels]
    cases = [(labels, one_hot), (labels.astype("int32"), one_hot), (one_hot, one_hot), (dense,) * 2]
    for given, targets in cases:
        loss, dx = cross_entropy(x, given, weight, smoothing)
        assert loss.dtype == dtype and loss.shape == (rows,) and dx.shape == x.shape
        # Errors of sums of up to 5000 terms: 300 roundings at most each.
        size = exact_loss(x, abs(targets), smoothing) + targets.sum(1) + smoothing
        assert np.all(abs(loss - w * exact_loss(x, targets, smoothing)) <= 300 * eps * size)
        expected = exact_gradient(x, targets, smoothing) * np.reshape(w, (-1, 1))
        bound = 60 * eps * (1 + targets.sum(1, keepdims=True))
        assert np.all(abs(dx - expected) <= bound)


@pytest.mark.parametrize("kind", ["labels", "dense"])
def test_gradient_by_differences(kind):
    x = rng.standard_normal((6, 5))
    given = rng.integers(0, 5, 6) if kind == "labels" else rng.random((6, 5))
    weight, step = rng.random(6), 1e-6
    _, dx = cross_entropy(x, given, weight, 0.2)
    for j in range(5):
        shift = np.eye(5)[j] * step
        above, below = (cross_entropy(x + s * shift, given, weight, 0.2)[0] for s in (1, -1))
        np.testing.assert_allclose(dx[:, j], (above - below) / (2 * step), atol=1e-8)


@pytest.mark.parametrize("dtype", FLOATS)
def test_large_logits(dtype):
    """No overflow, and no small loss lost: a sure answer costs exp(-20), not zero."""
    x = np.array([[1e4, 0, 0], [0, 1e4, 0], [20, 0, -1e30]], dtype)
    loss, dx = cross_entropy(x, np.array([0, 0, 0]))
    np.testing.assert_allclose(loss, [0, 1e4, np.log1p(np.exp(-20))], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(dx[:2], [[0, 0, 0], [-1, 1, 0]], atol=1e-12)
    # A class with logit minus infinity that is not the target is no class.
    x = np.array([[0, 1, -np.inf]], dtype)
    for given in (np.array([1]), np.array([[0, 1, 0]], dtype)):
        loss, dx = cross_entropy(x, given)
        np.testing.assert_allclose(loss, [np.log1p(np.exp(-1.0))], rtol=1e-6)
        assert dx[0, 2] == 0 and np.isfinite(dx).all()


def test_ignored_class():
    x = rng.standard_normal((5, 4)).astype("float32")
    labels = np.array([1, -1, 3, -1, 0], "int32")
    loss, dx = cross_entropy(x, labels, None, 0, True, -1)
    kept = labels >= 0
    expected = cross_entropy(x[kept], labels[kept])
    np.testing.assert_array_equal(loss[kept], expected[0])
    np.testing.assert_array_equal(dx[kept], expected[1])
    assert not loss[~kept].any() and not dx[~kept].any()
    loss, dx = cross_entropy(x, np.array([2, 0, 2, 1, 3]), None, 0, True, 2)
    assert loss[[0, 2]].tolist() == [0, 0] and (loss[[1, 3, 4]] > 0).all()


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("bad", [10, -1, 12, 2**31 - 1])
def test_labels_out_of_range(bad, dtype):
    x = np.zeros((5, 10), "float32")
    labels = np.array([0, 9, 5, bad, bad], dtype)
    message = f"cross_entropy: label {bad} at row 3 is out of range for 10 classes"
    with pytest.raises(ValueError, match=message):
        cross_entropy(x, labels)
    with pytest.raises(ValueError, match=message):
        cross_entropy(x, labels, None, 0, True, 77)


def test_nan_propagates():
    x = np.zeros((3, 4), "float32")
    dense = np.full((3, 4), 0.25, "float32")
    dense[1, 2] = np.nan
    loss, dx = cross_entropy(x, dense)
    assert np.isnan(loss).tolist() == [False, True, False] and np.isnan(dx[1]).all()
    x[0, 3] = np.nan
    loss, dx = cross_entropy(x, np.array([0, 1, 2]))
    assert np.isnan(loss).tolist() == [True, False, False] and np.isnan(dx[0]).all()


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(), (5,), (40, 3), (70_001,)])
def test_binary(shape, dtype, weighted, smoothing):
    x = (rng.standard_normal(shape) * 20).astype(dtype)
    targets = rng.random(shape).astype(dtype)
    weight = rng.random(shape).astype(dtype) if weighted else None
    loss, dx = map(np.asarray, _core.binary_cross_entropy(*tensors(x, targets, weight), smoothing))
    wide, t = x.astype(np.longdouble), targets.astype(np.longdouble) * (1 - smoothing)
    t, w = t + smoothing / 2, 1 if weight is None else weight
    eps = np.finfo(dtype).eps
    expected = w * (np.logaddexp(0, wide) - wide * t)
    assert loss.shape == shape and loss.dtype == dtype
    assert np.all(abs(loss - expected) <= 6 * eps * (1 + abs(wide)))
    assert np.all(abs(dx - w * (1 / (1 + np.exp(-wide)) - t)) <= 8 * eps)


def test_binary_gradient_by_differences():
    x, targets, step = rng.standard_normal(50) * 3, rng.random(50), 1e-6
    dx = np.asarray(_core.binary_cross_entropy(*tensors(x, targets, None), 0.1)[1])
    above, below = (
        np.asarray(_core.binary_cross_entropy(*tensors(x + s, targets, None), 0.1)[0])
        for s in (step, -step)
    )
    np.testing.assert_allclose(dx, (above - below) / (2 * step), atol=1e-8)


def test_binary_keeps_small_losses():
    x, t = np.array([30, -30, 90, -1e4], "float32"), np.array([1, 0, 1, 1], "float32")
    loss, dx = map(np.asarray, _core.binary_cross_entropy(*tensors(x, t, None)))
    np.testing.assert_allclose(loss, [np.exp(-30), np.exp(-30), np.exp(-90), 1e4], rtol=1e-6)
    assert dx[3] == -1


def test_no_rows():
    loss, dx = cross_entropy(np.zeros((0, 3), "float32"), np.zeros(0, "int64"))
    assert loss.shape == (0,) and dx.shape == (0, 3)
    with pytest.raises(ValueError, match="label 0 at row 0 is out of range for 0 classes"):
        cross_entropy(np.zeros((1, 0), "float32"), np.zeros(1, "int64"))


def test_same_bits():
    x = rng.standard_normal((700, 33)).astype("float32")
    dense = rng.random(x.shape).astype("float32")
    labels = rng.integers(0, 33, 700)

    def compute(logits, targets, classes):
        return (
            _core.cross_entropy(logits, classes, None, 0.1),
            _core.cross_entropy(logits, targets, None),
            _core.binary_cross_entropy(logits, targets, None),
        )

    operands = tensors(x, dense, labels)
    same_for_threads(lambda: compute(*operands))
    same_at_offsets(compute, x, dense, labels)
    # A row's numbers depend on the row alone.
    part = tensors(x[100:], dense[100:], labels[100:])
    for whole, rest in zip(compute(*operands), compute(*part), strict=True):
        assert bits(*[_core.rows(t, 100, 700) for t in whole]) == bits(*rest)


def test_errors():
    x, labels = np.zeros((2, 3), "float32"), np.zeros(2, "int64")
    with pytest.raises(ValueError, match=r"labels has shape \(3,\), expected \(2,\)"):
        cross_entropy(x, np.zeros(3, "int64"))
    with pytest.raises(TypeError, match=r"labels has dtype float64, .*float32 as logits"):
        cross_entropy(x, np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"labels has shape \(2, 4\) but logits has \(2, 3\)"):
        cross_entropy(x, np.zeros((2, 4), "float32"))
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\), expected \(2,\)"):
        cross_entropy(x, labels, np.zeros(3, "float32"))
    with pytest.raises(ValueError, match=r"smoothing is 1\.5.*, expected a number from 0 to 1"):
        cross_entropy(x, labels, None, 1.5)
    with pytest.raises(ValueError, match=r"logits has shape \(6,\), expected 2 axes"):
        cross_entropy(np.zeros(6, "float32"), labels)
    with pytest.raises(ValueError, match=r"targets has shape \(3,\) but logits has \(2, 3\)"):
        _core.binary_cross_entropy(*tensors(x, np.zeros(3, "float32"), None))
