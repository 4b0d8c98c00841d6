"""The element-wise reference against Python's math module, textbook formulas and peers."""

import math
import operator
import statistics

import numpy as np
import pytest
from exact_normal import NUMBERS, worst

from fastnn import _core
from fastnn.backends.reference import binary, select, special, unary, unary_backward
from fastnn.backends.reference.derivatives import DERIVATIVE
from fastnn.backends.reference.elementwise import BINARY, UNARY

EPS = np.finfo(np.float64).eps
POINTS = [-7.5, -3.5, -2.5, -1.25, -0.75, -0.5, -0.1, 0.1, 0.25, 0.5, 0.8, 1.5, 2.5, 3.7, 9.0]


def logistic(x):
    return 1 / (1 + math.exp(-x))


def phi(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


# Textbook formulas for one number; a is 0.3.
SCALAR = {
    "linear": lambda x: x,
    "neg": operator.neg,
    "abs": abs,
    "sign": lambda x: (x > 0) - (x < 0),
    "square": lambda x: x**2,
    "sqrt": math.sqrt,
    "rsqrt": lambda x: x**-0.5,
    "reciprocal": lambda x: x**-1,
    "exp": math.exp,
    "expm1": math.expm1,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "log1p": math.log1p,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "sigmoid": logistic,
    "log_sigmoid": lambda x: math.log(logistic(x)),
    "softplus": lambda x: math.log(1 + math.exp(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: x if x > 0 else 0.3 * x,
    "elu": lambda x: x if x > 0 else 0.3 * (math.exp(x) - 1),
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (math.exp(x) - 1)),
    "gelu": lambda x: x * phi(x),
    "gelu_tanh": lambda x: (
        0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    ),
    "silu": lambda x: x * logistic(x),
    "mish": lambda x: x * math.tanh(math.log(1 + math.exp(x))),
    "hard_sigmoid": lambda x: min(max(x / 6 + 0.5, 0), 1),
    "hard_tanh": lambda x: min(max(x, -1), 1),
    "hard_silu": lambda x: x * min(max(x / 6 + 0.5, 0), 1),
    "erf": math.erf,
    "erfinv": lambda x: statistics.NormalDist().inv_cdf((x + 1) / 2) / math.sqrt(2),
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "logical_not": lambda x: not x,
    "isfinite": math.isfinite,
    "isnan": math.isnan,
}


def defined(function, points):
    """The points where a formula has a value, and the values."""
    pairs = []
    for x in points:
        try:
            y = function(x)
        except (ValueError, statistics.StatisticsError):
            continue
        if not isinstance(y, complex):
            pairs.append((x, y))
    x, y = zip(*pairs, strict=True)
    return np.array(x), np.array(y, dtype=bool if isinstance(y[0], bool) else np.float64)


def test_tables_hold_every_code():
    assert list(UNARY) == list(_core.UNARY)
    assert list(BINARY) == list(_core.BINARY)
    assert set(DERIVATIVE) == {op for op, (reads, _) in _core.UNARY.items() if reads != "z"}
    assert set(SCALAR) == set(UNARY)


@pytest.mark.parametrize("op", UNARY)
def test_unary_is_the_textbook_formula(op):
    x, expected = defined(SCALAR[op], POINTS)
    y = unary(x, op=op, a=0.3)
    assert y.dtype == expected.dtype
    # The formulas above cancel where 1 + exp(x) or 1 + erf(x) is near 1: an absolute bound.
    np.testing.assert_allclose(y, expected, rtol=4 * EPS, atol=8 * EPS)


@pytest.mark.parametrize("op", DERIVATIVE)
def test_unary_backward_is_the_slope(op):
    x, _ = defined(SCALAR[op], POINTS)
    h = 1e-5
    inside = [not math.isnan(unary(np.array(v + 2 * h * s), op=op)) for v in x for s in (-1, 1)]
    x = x[np.array(inside).reshape(-1, 2).all(1)]

    def f(v):
        return unary(v, op=op, a=0.3)

    slope = (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)
    value = x if _core.UNARY[op][0] == "x" else f(x)
    dx = unary_backward(np.full_like(x, 2), value, op=op, a=0.3)
    scale = np.maximum(1, np.maximum(np.abs(f(x)), np.abs(slope)))
    assert np.max(np.abs(dx - 2 * slope) / scale) < 1e-9


def test_unary_backward_at_kinks_is_the_flat_side():
    x = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    rows = {"relu": (2, 0), "leaky_relu": (2, 0.3), "abs": (2, 0), "hard_tanh": (1, 0)}
    for op, (place, slope) in rows.items():
        assert unary_backward(np.ones(5), x, op=op, a=0.3)[place] == slope, op
    assert unary_backward(np.ones(5), x, op="hard_tanh")[3] == 0
    assert list(unary_backward(np.ones(5), x, op="hard_silu")[[0, 4]]) == [0, 1]
    assert list(unary_backward(np.ones(5), x, op="hard_sigmoid")[[0, 4]]) == [0, 0]


@pytest.mark.parametrize(
    ("op", "low", "high"),
    [
        ("sigmoid", 0, 1),
        ("softplus", 0, np.inf),
        ("log_sigmoid", -np.inf, 0),
        ("softsign", -1, 1),
        ("gelu", 0, np.inf),
        ("gelu_tanh", 0, np.inf),
        ("silu", 0, np.inf),
        ("mish", 0, np.inf),
        ("hard_silu", 0, np.inf),
        ("tanh", -1, 1),
        ("erf", -1, 1),
    ],
)
def test_unary_has_its_limits(op, low, high):
    y = unary(np.array([-np.inf, np.inf, np.nan]), op=op)
    assert y[0] == low
    assert y[1] == high
    assert np.isnan(y[2])


def test_erfinv_undoes_erf():
    x = np.concatenate([np.linspace(-0.999, 0.999, 999), 1 - np.logspace(-15, -3, 50), [1e-300]])
    y = special.erfinv(x)
    # One unit in x moves y by the slope of erfinv, and y itself is rounded.
    slope = math.sqrt(math.pi) / 2 * np.exp(y * y)
    back = np.where(np.abs(x) < 0.5, special.erf(y) - x, (1 - np.abs(x)) - special.erfc(np.abs(y)))
    assert np.max(np.abs(back) / (EPS * (np.abs(x) / 2 + np.abs(y) / slope))) < 3
    assert list(special.erfinv(np.array([-1.0, 1.0]))) == [-np.inf, np.inf]
    assert np.isnan(special.erfinv(np.array([1.5, np.nan]))).all()


def test_normal_quantile_is_that_of_the_standard_library():
    p = np.concatenate([np.logspace(-300, -1, 200), np.linspace(0.1, 0.999, 200)])
    expected = [statistics.NormalDist().inv_cdf(v) for v in p]
    tail = np.minimum(p, 1 - p)
    q = np.where(p < 0.5, tail - 0.5, 0.5 - tail)
    np.testing.assert_allclose(special.normal_quantile(q, tail), expected, rtol=8 * EPS)


INTEGERS = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": lambda x, y: x // y if y else 0,
    "mod": lambda x, y: x % y if y else 0,
    "pow": lambda x, y: int(x**y) if x or y >= 0 else 0,
    "maximum": max,
    "minimum": min,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "logical_and": lambda x, y: bool(x and y),
    "logical_or": lambda x, y: bool(x or y),
    "logical_xor": lambda x, y: bool(x) != bool(y),
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "left_shift": lambda x, y: x << y if 0 <= y < 64 else 0,
    "right_shift": lambda x, y: x >> y if 0 <= y < 64 else (0 if x >= 0 else -1),
}


def wrapped(value, dtype):
    return np.array(value % 2 ** (8 * np.dtype(dtype).itemsize), dtype="uint64").astype(dtype)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
@pytest.mark.parametrize("op", INTEGERS)
def test_binary_of_integers_is_pythons(op, dtype):
    numbers = [0, 1, 2, 3, 5, 7, 200] + ([] if dtype == "uint8" else [-1, -2, -5, 2**31 - 1])
    x1, x2 = (grid.ravel() for grid in np.meshgrid(numbers, numbers[:-1]))
    if dtype != "int64" and op.endswith("shift"):  # the width that Python knows is 64
        x2 = x2 % 8
    y = binary(x1.astype(dtype), x2.astype(dtype), op=op)
    pairs = zip(x1.tolist(), x2.tolist(), strict=True)
    expected = [INTEGERS[op](a, b) for a, b in pairs]
    if isinstance(expected[0], bool):
        assert y.dtype == bool
        assert y.tolist() == expected
    else:
        assert y.dtype == dtype
        assert y.tolist() == [wrapped(value, dtype).item() for value in expected]


@pytest.mark.parametrize(
    ("op", "function"),
    [
        ("add", operator.add),
        ("sub", operator.sub),
        ("mul", operator.mul),
        ("div", operator.truediv),
        ("floordiv", operator.floordiv),
        ("mod", operator.mod),
        ("pow", lambda x, y: math.nan if isinstance(x**y, complex) else x**y),
        ("maximum", max),
        ("minimum", min),
        ("atan2", math.atan2),
        ("less", operator.lt),
        ("equal", operator.eq),
    ],
)
def test_binary_of_floats_is_pythons(op, function):
    x1, x2 = np.array(POINTS)[:, None], np.array(POINTS[::-1])
    expected = [[function(float(a), float(b)) for b in x2] for a in x1[:, 0]]
    np.testing.assert_allclose(binary(x1, x2, op=op), expected, rtol=2 * EPS)


def test_the_tail_of_gelu():
    """As close as the C library's erfc, which may be 3 units off, with two roundings more.

    Below -37 that is subnormal, and a number times a subnormal one is not close.
    """
    x = NUMBERS
    with np.errstate(all="ignore"):
        slope = unary_backward(np.ones_like(x), x, op="gelu")
        found = {"gelu": unary(x, op="gelu"), "slope": slope}
    for name, y in found.items():
        off, place = worst(name, y, above=-37)
        assert off <= 4, (name, place)


def test_maximum_and_minimum_let_nan_through():
    x1, x2 = np.array([np.nan, 1, np.nan]), np.array([1, np.nan, np.nan])
    for op in ("maximum", "minimum"):
        assert np.isnan(binary(x1, x2, op=op)).all()


def test_select_broadcasts():
    y = select(np.array([[True], [False]]), np.array([1.0, 2.0]), np.array(9.0))
    assert y.tolist() == [[1, 2], [9, 9]]


@pytest.mark.parametrize("op", UNARY)
def test_unary_keeps_float32(op):
    y = unary(np.array([0.25, 0.5], dtype=np.float32), op=op, a=0.3)
    assert y.dtype == (bool if _core.UNARY[op][1] in ("AB", "FB") else np.float32)
    if op in DERIVATIVE:
        dx = unary_backward(np.ones(2, np.float32), y.astype("float32"), op=op)
        assert dx.dtype == np.float32


@pytest.mark.parity
@pytest.mark.parametrize("op", ["gelu", "silu", "mish", "selu", "log_sigmoid", "hard_silu"])
def test_activation_is_torchs(op):
    torch = pytest.importorskip("torch")
    names = {"log_sigmoid": "logsigmoid", "hard_silu": "hardswish"}
    x = torch.linspace(-12, 12, 501, dtype=torch.float64, requires_grad=True)
    y = getattr(torch.nn.functional, names.get(op, op))(x)
    y.sum().backward()
    mine = unary(x.detach().numpy(), op=op)
    np.testing.assert_allclose(mine, y.detach().numpy(), rtol=1e-13, atol=1e-14)
    value = mine if _core.UNARY[op][0] == "y" else x.detach().numpy()
    slope = unary_backward(np.ones(501), value, op=op)
    np.testing.assert_allclose(slope, x.grad.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parity
def test_special_functions_are_scipys():
    scipy = pytest.importorskip("scipy.special")
    x = np.linspace(-0.9999, 0.9999, 4001)
    np.testing.assert_allclose(special.erfinv(x), scipy.erfinv(x), rtol=16 * EPS)
    np.testing.assert_allclose(special.erfc(3 * x), scipy.erfc(3 * x), rtol=16 * EPS)
