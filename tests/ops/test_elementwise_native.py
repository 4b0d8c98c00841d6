"""Element-wise, movement and gathering primitives: edge values, broadcasting, errors."""

import numpy as np
import pytest
from same_bits import same_at_offsets, same_for_threads

from fastnn import _core

T = _core.from_numpy
INFO = {name: np.iinfo(name) for name in ("int32", "int64", "uint8")}


def out(tensor):
    return np.asarray(tensor)


def binary(x1, x2, op):
    return out(_core.binary(T(np.asarray(x1)), T(np.asarray(x2)), op))


# ---- Values -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", INFO)
def test_integers_wrap_and_never_trap(dtype):
    low, high = INFO[dtype].min, INFO[dtype].max
    x = np.array([low, low, high, high, 7, low], dtype=dtype)
    y = np.array([-1 if low else 1, 0, high, 2, 0, low], dtype=dtype)
    with np.errstate(all="ignore"):
        for op in (np.add, np.subtract, np.multiply):
            name = {"subtract": "sub", "multiply": "mul"}.get(op.__name__, op.__name__)
            np.testing.assert_array_equal(binary(x, y, name), op(x, y))
    zero = y == 0
    assert (binary(x, y, "floordiv")[zero] == 0).all() and (binary(x, y, "mod")[zero] == 0).all()
    if low:
        assert binary(x, y, "floordiv")[0] == low and binary(x, y, "mod")[0] == 0
        assert out(_core.unary(T(x), "abs"))[0] == low == out(_core.unary(T(x), "neg"))[0]


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float64"])
def test_remainders_have_the_sign_of_the_divisor(dtype):
    x = np.array([7, -7, 7, -7, 6, -6, 0], dtype=dtype)
    y = np.array([3, 3, -3, -3, -3, 3, -5], dtype=dtype)
    np.testing.assert_array_equal(binary(x, y, "mod"), [1, 2, -2, -1, 0, 0, 0])
    np.testing.assert_array_equal(binary(x, y, "floordiv"), [2, -3, -3, 2, -2, -2, 0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_maximum_and_minimum_keep_nan(dtype):
    x = np.array([np.nan, 1, np.nan, -np.inf], dtype=dtype)
    y = np.array([1, np.nan, np.nan, 2], dtype=dtype)
    np.testing.assert_array_equal(binary(x, y, "maximum"), [np.nan, np.nan, np.nan, 2])
    np.testing.assert_array_equal(binary(x, y, "minimum"), [np.nan, np.nan, np.nan, -np.inf])


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_shifts_past_the_width(dtype):
    width = INFO[dtype].bits
    x = np.array([5, 5, 5, 5], dtype=dtype)
    count = np.array([0, 1, width, width + 3], dtype=dtype)
    np.testing.assert_array_equal(binary(x, count, "left_shift"), [5, 10, 0, 0])
    np.testing.assert_array_equal(binary(x, count, "right_shift"), [5, 2, 0, 0])
    if INFO[dtype].min:
        np.testing.assert_array_equal(binary(-x, count, "right_shift"), [-5, -3, -1, -1])
        np.testing.assert_array_equal(binary(x, -1 - count, "left_shift"), [0, 0, 0, 0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_at_the_ends(dtype):
    x = T(np.array([-np.inf, -30, -3, -0.0, 0, 3, 30, np.inf, np.nan], dtype=dtype))
    inf, nan = np.inf, np.nan
    ends = {
        "relu": [0, 0, 0, 0, 0, 3, 30, inf, nan],
        "hard_sigmoid": [0, 0, 0, 0.5, 0.5, 1, 1, 1, nan],
        "hard_silu": [0, 0, 0, 0, 0, 3, 30, inf, nan],
        "hard_tanh": [-1, -1, -1, 0, 0, 1, 1, 1, nan],
        "sign": [-1, -1, -1, 0, 0, 1, 1, 1, nan],
    }
    for op, expected in ends.items():
        np.testing.assert_array_equal(out(_core.unary(x, op)), expected, err_msg=op)
    for op in ("gelu", "gelu_tanh", "silu", "mish"):
        y = out(_core.unary(x, op))
        assert y[0] == 0 and y[-2] == np.inf and np.isnan(y[-1]), op
    np.testing.assert_array_equal(
        out(_core.unary(T(np.array([0.5, 1.5, 2.5, -0.5, -1.5], dtype)), "round")), [0, 2, 2, 0, -2]
    )


@pytest.mark.parametrize("op", [name for name, (reads, _) in _core.UNARY.items() if reads != "z"])
def test_derivatives_are_difference_quotients(op):
    x = np.linspace(0.15, 0.85, 41)  # inside every domain, away from kinks
    x = np.concatenate([x, -x]) if op not in ("sqrt", "rsqrt", "log", "log2", "log10") else x
    a, step = 0.3, 1e-6
    y, up, down = (out(_core.unary(T(x + d), op, a)) for d in (0, step, -step))
    value = {"x": x, "y": y, "n": x}[_core.UNARY[op][0]]
    dy = np.random.default_rng(0).standard_normal(x.size)
    dx = out(_core.unary_backward(T(dy), T(value), op, a))
    np.testing.assert_allclose(dx, dy * (up - down) / (2 * step), rtol=2e-6, atol=1e-8)


def test_casts_are_defined_everywhere():
    x = T(np.array([np.nan, np.inf, -np.inf, 3.9, -3.9, 1e30, -0.5], dtype=np.float32))
    for dtype, info in INFO.items():
        low, high = info.min, info.max
        expected = [0, high, low, 3, -3 if low else 0, high, 0]
        np.testing.assert_array_equal(out(_core.copy(x, dtype)), np.array(expected, dtype))
    np.testing.assert_array_equal(out(_core.copy(x, "bool")), True)


def test_bytes_scaled_to_one():
    x = np.arange(256, dtype=np.uint8)
    y = out(_core.copy(T(x), "float32", 1 / 255))
    np.testing.assert_array_equal(y, (x / 255).astype(np.float32))
    assert y[255] == 1


# ---- Broadcasting and strides -------------------------------------------------------------------

SHAPES = [
    ((100, 10), (10,)),
    ((100, 10), (100, 1)),
    ((3, 5000), (5000,)),
    ((3, 5000), (3, 1)),
    ((5, 1, 70), (40, 1)),
    ((2, 3, 4, 5), (3, 1, 5)),
    ((70000,), ()),
    ((), (70000,)),
    ((300, 2, 3), (300, 1, 3)),
    ((0, 3), (3,)),
    ((1, 1), (1, 4)),
]


@pytest.mark.parametrize(("first", "second"), SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8"])
def test_broadcasting(first, second, dtype):
    random = np.random.default_rng(1)
    x1 = random.integers(0, 100, first).astype(dtype)
    x2 = random.integers(0, 100, second).astype(dtype)
    np.testing.assert_array_equal(binary(x1, x2, "sub"), x1 - x2)
    np.testing.assert_array_equal(binary(x2, x1, "less"), x2 < x1)
    mask = random.random(second) < 0.5
    np.testing.assert_array_equal(out(_core.select(T(mask), T(x1), T(x2))), np.where(mask, x1, x2))


def test_strided_operands():
    x = np.random.default_rng(2).standard_normal((60, 70)).astype(np.float32)
    turned = (T(x), (70, 60), (1, 70), 0)
    reversed_ = (T(x), (60, 35), (70, -2), 69)
    np.testing.assert_array_equal(out(_core.copy(turned, "float32")), x.T)
    np.testing.assert_array_equal(out(_core.copy(reversed_, "float64")), x[:, ::-2])
    np.testing.assert_array_equal(out(_core.binary(turned, turned, "mul")), x.T * x.T)
    np.testing.assert_array_equal(out(_core.unary(reversed_, "neg")), -x[:, ::-2])


def test_bits_do_not_depend_on_place_or_threads():
    random = np.random.default_rng(3)
    x, y = random.standard_normal((2, 333)).astype(np.float32)
    for op in ("add", "div", "pow", "maximum"):
        same_at_offsets(lambda a, b, op=op: _core.binary(a, b, op), x, y)
    rows = T(random.standard_normal((999, 301)).astype(np.float32))
    row = T(random.standard_normal(301).astype(np.float32))
    same_for_threads(lambda: _core.binary(rows, row, "mul"))
    indices = T(random.integers(0, 50, 4000))
    updates = T(random.standard_normal((4000, 130)).astype(np.float32))

    def scatter():
        table = T(np.zeros((50, 130), np.float32))
        _core.scatter_add(table, updates, indices, 0)
        return table

    same_for_threads(scatter)


def test_scatter_add_adds_in_ascending_order():
    random = np.random.default_rng(4)
    indices = random.integers(0, 7, (40, 50))
    updates = random.standard_normal((40, 50, 100)).astype(np.float32)
    table = T(np.zeros((7, 100), np.float32))
    _core.scatter_add(table, T(updates), T(indices), 0)
    expected = np.zeros((7, 100), np.float32)
    np.add.at(expected, indices, updates)
    np.testing.assert_array_equal(out(table), expected)


# ---- Errors -------------------------------------------------------------------------------------

F = np.ones((4, 3), np.float32)
ERRORS = [
    (TypeError, "add: x2 has dtype int64 but x1 has float32",
     lambda: _core.binary(T(F), T(np.arange(3)), "add")),
    (ValueError, r"add: shapes \(4, 3\) and \(4,\) cannot be broadcast together",
     lambda: _core.binary(T(F), T(F[:, 0].copy()), "add")),
    (TypeError, "divide: x1 has dtype int64 but divide takes float32 or float64",
     lambda: _core.binary(T(np.arange(3)), T(np.arange(3)), "div")),
    (TypeError, "unary: x has dtype int64 but exp takes float32 or float64",
     lambda: _core.unary(T(np.arange(3)), "exp")),
    (ValueError, "unary_backward: floor has no derivative",
     lambda: _core.unary_backward(T(F), T(F), "floor")),
    (ValueError, "unary_backward: elu needs a >= 0",
     lambda: _core.unary_backward(T(F), T(F), "elu", -1.0)),
    (TypeError, "select: mask has dtype float32, expected bool",
     lambda: _core.select(T(F), T(F), T(F))),
    (ValueError, "copy: scale needs a floating-point result, got dtype int32",
     lambda: _core.copy(T(F), "int32", 2.0)),
    (ValueError, r"pad: before and after have 1 and 2 entries",
     lambda: _core.pad(T(F), (1,), (1, 1))),
    (ValueError, "pad: cannot pad axis 1 by -1 and 0",
     lambda: _core.pad(T(F), (0, -1), (0, 0))),
    (IndexError, "gather: index 7 at position 3 is out of range for axis 0 of extent 4",
     lambda: _core.gather(T(F), T(np.array([0, -4, 3, 7])), 0)),
    (IndexError, "gather: index 9223372036854775807 at position 1 is out of range for axis 0",
     lambda: _core.gather(T(F), T(np.array([0, 2**63 - 1])), 0)),
    (IndexError, "scatter_add: index -9223372036854775808 at position 0 is out of range",
     lambda: _core.scatter_add(T(F), T(F[:1]), T(np.array([-2**63])), 0)),
    (IndexError, "gather: index -1 at position 0 is out of range",
     lambda: _core.gather(T(F), T(np.array([-1])), 0, False)),
    (ValueError, "gather: axis is 2 but there are 2 axes",
     lambda: _core.gather(T(F), T(np.array([0])), 2)),
    (TypeError, "gather: indices has dtype float32, expected int32 or int64",
     lambda: _core.gather(T(F), T(F), 0)),
    (ValueError, r"scatter_add: updates has shape \(4, 3\), expected \(2, 3\)",
     lambda: _core.scatter_add(T(F), T(F), T(np.array([0, 1])), 0)),
    (IndexError, "gather_nd: index 3 at position 1 is out of range for axis 1 of extent 3",
     lambda: _core.gather_nd(T(F), T(np.array([[0, 3]])))),
    (ValueError, "gather_nd: indices has shape .* so tuples of 3",
     lambda: _core.gather_nd(T(F), T(np.zeros((2, 3), int)))),
    (ValueError, "one_hot: depth is -1",
     lambda: _core.one_hot(T(np.arange(3)), -1, 1, 0, "float32")),
    (TypeError, "one_hot: labels has dtype float32", lambda: _core.one_hot(T(F), 3)),
    (OverflowError, "arange: shape .* is too large", lambda: _core.arange(0, 1, 2**61, "float32")),
    (IndexError, "gather_batch: 5 rows from position 0 are outside the permutation of 4 rows",
     lambda: _core.gather_batch([T(F)], T(np.arange(4)), T(np.array([0])), 5)),
    (IndexError, "gather_batch: row 9 at position 1 is out of range for arrays of 4 rows",
     lambda: _core.gather_batch([T(F)], T(np.array([0, 9])), T(np.array([0])), 2)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "message", "call"), ERRORS, ids=[row[1][:40] for row in ERRORS])
def test_errors_name_what_is_wrong(kind, message, call):
    with pytest.raises(kind, match=message):
        call()


def test_a_bad_index_leaves_the_variable_alone():
    table = T(np.zeros((4, 3), np.float32))
    with pytest.raises(IndexError):
        _core.scatter_add(table, T(np.ones((2, 3), np.float32)), T(np.array([0, 4])), 0)
    with pytest.raises(IndexError):
        _core.scatter_nd_add(table, T(np.ones(2, np.float32)), T(np.array([[0, 0], [4, 0]])))
    assert (out(table) == 0).all()
    position = T(np.array([0]))
    with pytest.raises(IndexError):
        _core.gather_batch([T(F)], T(np.array([0, 9])), position, 2)
    assert out(position)[0] == 0
