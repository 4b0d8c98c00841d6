"""Element-wise operations, comparisons and choices against NumPy in float64."""

import math

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops

rng = np.random.default_rng(2)
X = rng.uniform(-0.95, 0.95, (3, 5))
P = rng.uniform(0.1, 3, (3, 5))
WIDE = rng.uniform(-6, 6, (4, 7))


def erfinv(y):
    """By bisection of math.erf."""
    low, high = -6.0, 6.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle) < y else (low, middle)
    return low


def elementwise(function):
    return np.vectorize(function, otypes=[np.float64])


UNARY = {
    "negative": (np.negative, X),
    "absolute": (np.abs, X),
    "abs": (np.abs, X),
    "sign": (np.sign, X),
    "square": (np.square, X),
    "sqrt": (np.sqrt, P),
    "rsqrt": (lambda x: 1 / np.sqrt(x), P),
    "reciprocal": (lambda x: 1 / x, X),
    "exp": (np.exp, WIDE),
    "expm1": (np.expm1, X),
    "log": (np.log, P),
    "log1p": (np.log1p, X),
    "log2": (np.log2, P),
    "log10": (np.log10, P),
    "sin": (np.sin, WIDE),
    "cos": (np.cos, WIDE),
    "tan": (np.tan, X),
    "arcsin": (np.arcsin, X),
    "arccos": (np.arccos, X),
    "arctan": (np.arctan, WIDE),
    "sinh": (np.sinh, WIDE),
    "cosh": (np.cosh, WIDE),
    "tanh": (np.tanh, WIDE),
    "erf": (elementwise(math.erf), WIDE),
    "erfinv": (elementwise(erfinv), X),
    "floor": (np.floor, WIDE),
    "ceil": (np.ceil, WIDE),
    "round": (np.round, WIDE),
    "isfinite": (np.isfinite, np.array([1.0, np.nan, np.inf, -np.inf])),
    "isnan": (np.isnan, np.array([1.0, np.nan, np.inf, -np.inf])),
    "isinf": (np.isinf, np.array([1.0, np.nan, np.inf, -np.inf])),
    "logical_not": (np.logical_not, np.array([0.0, 2.0, -0.0, np.nan])),
    "nan_to_num": (np.nan_to_num, np.array([1.0, np.nan, np.inf, -np.inf])),
    "stop_gradient": (lambda x: x, X),
}
INTEGERS = rng.integers(-9, 9, (3, 5))
BOOLEANS = rng.random((3, 5)) < 0.5
BINARY = {
    "add": (np.add, X, P[0]),
    "subtract": (np.subtract, X, P[:, :1]),
    "multiply": (np.multiply, X[:, None], P),
    "divide": (np.divide, X, P),
    "true_divide": (np.true_divide, X, P),
    "floor_divide": (np.floor_divide, X, P),
    "mod": (np.mod, WIDE, P[0, 0]),
    "power": (np.power, P, X),
    "maximum": (np.maximum, X, P - 1),
    "minimum": (np.minimum, X, P - 1),
    "arctan2": (np.arctan2, X, P - 1),
    "squared_difference": (lambda a, b: (a - b) ** 2, X, P),
    "equal": (np.equal, INTEGERS, INTEGERS[::-1]),
    "not_equal": (np.not_equal, INTEGERS, INTEGERS[::-1]),
    "less": (np.less, INTEGERS, INTEGERS[::-1]),
    "less_equal": (np.less_equal, INTEGERS, INTEGERS[::-1]),
    "greater": (np.greater, INTEGERS, INTEGERS[::-1]),
    "greater_equal": (np.greater_equal, INTEGERS, INTEGERS[::-1]),
    "logical_and": (np.logical_and, BOOLEANS, BOOLEANS[::-1]),
    "logical_or": (np.logical_or, BOOLEANS, BOOLEANS[::-1]),
    "logical_xor": (np.logical_xor, BOOLEANS, BOOLEANS[::-1]),
    "bitwise_and": (np.bitwise_and, INTEGERS, INTEGERS[::-1]),
    "bitwise_or": (np.bitwise_or, INTEGERS, INTEGERS[::-1]),
    "bitwise_xor": (np.bitwise_xor, INTEGERS, INTEGERS[::-1]),
    "left_shift": (np.left_shift, INTEGERS, np.abs(INTEGERS[::-1])),
    "right_shift": (np.right_shift, INTEGERS, np.abs(INTEGERS[::-1])),
}


@pytest.mark.parametrize("name", UNARY)
def test_unary(name):
    reference, x = UNARY[name]
    result = getattr(ops, name)(x)
    expected = reference(x)
    assert isinstance(result, fn.Tensor) and result.dtype == expected.dtype.name
    np.testing.assert_allclose(result, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", BINARY)
def test_binary(name):
    reference, a, b = BINARY[name]
    result = getattr(ops, name)(a, b)
    expected = reference(a, b)
    assert result.dtype == expected.dtype.name
    np.testing.assert_allclose(result, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", [n for n in UNARY if n not in (
    "negative", "absolute", "abs", "sign", "square", "floor", "ceil", "round", "logical_not",
    "isfinite", "isnan", "isinf", "stop_gradient", "nan_to_num")])  # fmt: skip
def test_integers_become_floatx(name):
    assert getattr(ops, name)([1]).dtype == "float32"


def test_integers_stay_where_they_may():
    for name in ("negative", "absolute", "square", "sign", "floor", "ceil", "round", "nan_to_num"):
        assert getattr(ops, name)([-2]).dtype == "int32"
    assert ops.add([True], [True]).tolist() == [2]
    assert ops.divide([1], [2]).tolist() == [0.5]


def test_shapes_that_do_not_broadcast():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(4,\)"):
        ops.add(np.zeros((2, 3)), np.zeros(4))


def test_round_decimals():
    np.testing.assert_allclose(ops.round(WIDE, 2), np.round(WIDE, 2), rtol=1e-13)
    assert ops.round([1234.0], -2).tolist() == [1200.0]


def test_divide_no_nan():
    assert ops.divide_no_nan([1.0, 0.0, 6.0], [0.0, 0.0, 2.0]).tolist() == [0.0, 0.0, 3.0]
    x = fn.tensor([0.0, 2.0], requires_grad=True)
    ops.divide_no_nan(1.0, x).sum().backward()
    assert x.grad.tolist() == [0.0, -0.25]


def test_where():
    mask = X > 0
    np.testing.assert_array_equal(ops.where(mask, X, 0.0), np.where(mask, X, 0))
    np.testing.assert_array_equal(ops.where([[1], [0], [2]], X, P), np.where([[1], [0], [2]], X, P))
    assert ops.where(mask, 1, 2.5).dtype == "float32"
    for ours, theirs in zip(ops.where(mask), np.where(mask)):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="both x1 and x2"):
        ops.where(mask, X)


def test_clip():
    np.testing.assert_array_equal(ops.clip(X, -0.2, 0.3), np.clip(X, -0.2, 0.3))
    np.testing.assert_array_equal(ops.clip(X, X[0], None), np.maximum(X, X[0]))
    assert ops.clip([1, 5, 9], 2, 6).tolist() == [2, 5, 6]
    assert np.isnan(ops.clip([np.nan], 0, 1).numpy()[0])


def test_bitwise_operations_refuse_floats():
    with pytest.raises(TypeError, match="float32"):
        ops.bitwise_and([1.0], [2.0])


def test_cast():
    x = np.array([-1.7, 0.0, 2.9])
    assert ops.cast(x, "int32").tolist() == [-1, 0, 2]
    assert ops.cast(x, "bool").tolist() == [True, False, True]
    assert ops.cast(x, "float32").dtype == "float32"
    t = fn.tensor(x)
    assert ops.cast(t, "float64") is t
