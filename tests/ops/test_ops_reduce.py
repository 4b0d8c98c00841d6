"""Reductions against NumPy in float64."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops

rng = np.random.default_rng(3)
X = rng.normal(size=(3, 4, 5))
AXES = [None, 0, -1, (0, 2), (1, -1), (0, 1, 2), ()]


def logsumexp(x, axis=None, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    "name", ["sum", "mean", "max", "min", "prod", "any", "all", "var", "std", "logsumexp"]
)
def test_reduction(name, axis, keepdims):
    reference = logsumexp if name == "logsumexp" else getattr(np, name)
    data = X > 0.3 if name in ("any", "all") else X
    expected = reference(data, axis=axis, keepdims=keepdims)
    result = getattr(ops, name)(data, axis=axis, keepdims=keepdims)
    assert result.shape == expected.shape and result.dtype == expected.dtype.name
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_arg_reduction(name, axis, keepdims):
    data = rng.integers(0, 3, (3, 4, 5))  # with ties: the first wins
    for typed in (data, data.astype("float32"), data > 0):
        expected = getattr(np, name)(typed, axis=axis, keepdims=keepdims)
        result = getattr(ops, name)(typed, axis=axis, keepdims=keepdims)
        assert result.dtype == "int64"
        np.testing.assert_array_equal(result, expected)


def test_dtypes():
    assert ops.sum([True, True]).item() == 2 and ops.sum([True]).dtype == "int32"
    assert ops.sum(np.full(300, 255, np.uint8)).item() == 76500
    assert ops.sum(np.ones(2, np.int64)).dtype == "int64"
    assert ops.mean([1, 2]).dtype == "float32" and ops.var([1, 2]).item() == 0.25
    assert ops.max(np.array([3, 200], np.uint8)).dtype == "uint8"


def test_nothing_to_reduce():
    empty = np.zeros((0, 3))
    assert ops.sum(empty, 0).tolist() == [0.0] * 3 and ops.prod(empty, 0).tolist() == [1.0] * 3
    assert ops.max(empty, 0, initial=-1.0).tolist() == [-1.0] * 3
    assert ops.max(empty, 1).shape == (0,)
    with pytest.raises(ValueError, match=r"max: an axis of shape .0, 3. is empty"):
        ops.max(empty)
    with pytest.raises(ValueError, match="argmax"):
        ops.argmax(empty)


def test_initial():
    assert ops.max([1.0, 2.0], initial=5.0).item() == 5.0
    assert ops.min([[1, 2], [3, 4]], axis=0, initial=2).tolist() == [1, 2]


def test_variance_does_not_cancel():
    x = np.float32(1e4) + rng.normal(size=1000).astype("float32")
    np.testing.assert_allclose(ops.var(x).item(), np.var(x.astype(np.float64)), rtol=1e-4)
    np.testing.assert_allclose(ops.var(X, 1, ddof=1), np.var(X, 1, ddof=1), rtol=1e-12)


def test_moments():
    mean, variance = ops.moments(X, axes=(0, 2))
    np.testing.assert_allclose(mean, X.mean((0, 2)), rtol=1e-12)
    np.testing.assert_allclose(variance, X.var((0, 2)), rtol=1e-12)


@pytest.mark.parametrize(
    ("order", "axis"),
    [(None, None), (None, 1), (2, 1), (1, 0), (0, 2), (3, 1), (np.inf, 2), (-np.inf, 0),
     (None, (0, 1)), ("fro", (0, 2)), (1, (0, 1)), (-1, (0, 1)), (np.inf, (1, 2)),
     (-np.inf, (2, 1))],
)  # fmt: skip
@pytest.mark.parametrize("keepdims", [False, True])
def test_norm(order, axis, keepdims):
    data = X if axis is not None else X[0]
    np.testing.assert_allclose(
        ops.norm(data, order, axis, keepdims),
        np.linalg.norm(data, order, axis, keepdims),
        rtol=1e-12,
    )


def test_norm_errors():
    with pytest.raises(ValueError, match="norm: ord 'nuc' is not available over 2 axes"):
        ops.norm(X[0], "nuc")


def test_count_average_normalize():
    data = rng.integers(0, 2, (3, 4))
    np.testing.assert_array_equal(ops.count_nonzero(data, 0), np.count_nonzero(data, 0))
    weights = rng.random(4)
    np.testing.assert_allclose(ops.average(X, 1, weights), np.average(X, 1, weights), rtol=1e-12)
    np.testing.assert_allclose(ops.average(X, weights=X * X), np.average(X, weights=X * X))
    with pytest.raises(ValueError, match="weights have shape"):
        ops.average(X, 0, weights)
    expected = X / np.linalg.norm(X, axis=1, keepdims=True)
    np.testing.assert_allclose(ops.normalize(X, axis=1), expected, rtol=1e-12)
    assert ops.normalize([0.0, 0.0]).tolist() == [0.0, 0.0]


def test_axis_errors():
    for call in (ops.sum, ops.max, ops.argmax, ops.softmax):
        with pytest.raises(ValueError, match=f"{call.__name__}: axis 3 is outside"):
            call(X, axis=3)
    with pytest.raises(ValueError, match="twice"):
        ops.sum(X, (0, -3))
    with pytest.raises(TypeError, match="axis must be an integer"):
        ops.sum(X, 1.5)


def test_nan():
    x = fn.tensor([1.0, np.nan, 3.0])
    for name in ("sum", "mean", "max", "min", "prod", "var", "logsumexp", "norm"):
        assert np.isnan(getattr(ops, name)(x).item()), name
    assert ops.argmax(x).item() == 1  # as NumPy
