"""softmax and softmax_backward against extended precision."""

from __future__ import annotations

import numpy as np
import pytest
from same_bits import same_at_offsets, same_for_threads

from fastnn import _core

SHAPES = [((3,), 0), ((1, 1), 1), ((100, 10), 1), ((7, 33), -1), ((5, 4100), 1), ((3, 20_000), 1)]
SHAPES += [((10, 7), 0), ((600, 19), 0), ((4, 5, 6), 1), ((2, 300, 70), -2), ((3, 4, 5), 2)]


def exact(x, axis):
    """Logarithm of softmax in extended precision."""
    x = x.astype(np.longdouble)
    x = x - x.max(axis, keepdims=True)
    return x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape, axis", SHAPES)
def test_values(shape, axis, dtype):
    """x - max is rounded once: exp makes |x - max| / 2 ULP of it; an addition adds half an ULP."""
    x = (np.random.default_rng(0).standard_normal(shape) * 5 + 40).astype(dtype)
    tensor = _core.from_numpy(x)
    expected, eps = exact(x, axis), np.finfo(dtype).eps
    y, log_y = (_core.softmax(tensor, axis, log) for log in (False, True))
    span = abs(x - x.max(axis, keepdims=True))
    p = np.exp(expected)
    along = axis in (-1, len(shape) - 1)
    additions = min(shape[axis], 4096) / (128 / x.itemsize) if along else min(shape[axis], 256)
    total = additions / 2 + 10
    assert np.all(abs(np.asarray(y) - p) <= (span / 2 + total) * eps * p)
    assert np.all(abs(np.asarray(log_y) - expected) <= eps * (span + total + abs(expected)))

    dy = np.random.default_rng(1).standard_normal(shape).astype(dtype)
    wide = dy.astype(np.longdouble)
    gradient = _core.from_numpy(dy)
    dx = np.asarray(_core.softmax_backward(gradient, y, axis))
    given = np.asarray(y).astype(np.longdouble)
    np.testing.assert_allclose(
        dx, given * (wide - np.sum(wide * given, axis=axis, keepdims=True)), 30 * eps, 30 * eps
    )
    dx = np.asarray(_core.softmax_backward(gradient, log_y, axis, True))
    given = np.exp(np.asarray(log_y).astype(np.longdouble))
    size = np.sum(abs(wide), axis=axis, keepdims=True)
    error = abs(dx - (wide - given * np.sum(wide, axis=axis, keepdims=True)))
    assert np.all(error <= eps * (2 * abs(wide) + (300 + span) * given * size))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axis", [0, 1])
def test_extreme_values(axis, dtype):
    inf, nan = np.inf, np.nan
    big = float(np.finfo(dtype).max)
    rows = [[0, 0], [-inf, 0], [big, -big], [-big, -big], [0, nan], [-inf, -inf], [1000, 0]]
    rows = np.array(rows, dtype)
    x = rows if axis == 1 else np.ascontiguousarray(rows.T)
    y = np.asarray(_core.softmax(_core.from_numpy(x), axis))
    y = y if axis == 1 else y.T
    expected = [[0.5, 0.5], [0, 1], [1, 0], [0.5, 0.5], [nan, nan], [nan, nan], [1, 0]]
    if dtype == "float64":
        expected[-1][1] = 0.0
    np.testing.assert_array_equal(y, np.array(expected, dtype))
    log_y = np.asarray(_core.softmax(_core.from_numpy(x), axis, True))
    assert (log_y if axis == 1 else log_y.T)[1].tolist() == [-inf, 0]


@pytest.mark.parametrize("shape, axis", [((2, 0), 1), ((0, 3), 1), ((0, 3), 0), ((2, 0, 3), 1)])
def test_no_elements(shape, axis):
    x = _core.from_numpy(np.zeros(shape, "float32"))
    assert np.asarray(_core.softmax(x, axis)).shape == shape
    assert np.asarray(_core.softmax_backward(x, x, axis)).shape == shape


@pytest.mark.parametrize("shape, axis", [((500, 100), 1), ((40, 300), 0), ((3, 50_000), 1)])
def test_same_bits(shape, axis):
    x = np.random.default_rng(2).standard_normal(shape).astype("float32")
    tensor = _core.from_numpy(x)

    def compute(t):
        y, log_y = _core.softmax(t, axis), _core.softmax(t, axis, True)
        return y, log_y, _core.softmax_backward(t, y, axis)

    same_for_threads(lambda: compute(tensor))
    same_at_offsets(compute, x)


def test_errors():
    x = _core.from_numpy(np.zeros((2, 3), "float32"))
    with pytest.raises(ValueError, match="softmax: axis is 2 but there are 2 axes"):
        _core.softmax(x, 2)
    with pytest.raises(ValueError, match="softmax: axis is -3 but there are 2 axes"):
        _core.softmax(x, -3)
    with pytest.raises(TypeError, match="softmax: x has dtype int64, expected float32 or float64"):
        _core.softmax(_core.from_numpy(np.zeros((2, 3), "int64")))
    with pytest.raises(ValueError, match=r"y has shape \(2, 2\) but dy has \(2, 3\)"):
        _core.softmax_backward(x, _core.from_numpy(np.zeros((2, 2), "float32")))
