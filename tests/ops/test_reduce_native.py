"""reduce, arg_reduce, reduce_list: values, order of summation, strides, errors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from same_bits import at_offset, on_targets, same_at_offsets, same_for_threads

from fastnn import _core

FLOATS = ("float32", "float64")
INTEGERS = ("int32", "int64", "uint8")
LANES = {"float32": 32, "float64": 16}
BLOCK, ROW_BLOCK = 4096, 256
NUMPY = {
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "prod": np.prod,
    "any": np.any,
    "all": np.all,
    "sum_squares": lambda x, **k: np.sum(x * x, **k),
    "abs_sum": lambda x, **k: np.sum(np.abs(x), **k),
    "logsumexp": lambda x, **k: np.log(np.sum(np.exp(x), **k)),
}


def reduce(x, op, axes, keepdims=False):
    tensor = _core.from_numpy(x) if isinstance(x, np.ndarray) else x
    return np.asarray(_core.reduce(tensor, op, tuple(axes), keepdims))


def viewed(x: np.ndarray):
    """A NumPy view as a strided operand: its base must be a contiguous array."""
    base = x
    while base.base is not None:
        base = base.base
    offset = (x.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // x.itemsize
    strides = tuple(stride // x.itemsize for stride in x.strides)
    flat = _core.reshape(_core.from_numpy(base), (base.size,))
    return flat, x.shape, strides, offset


def every_axes(rank):
    return itertools.chain.from_iterable(
        itertools.combinations(range(rank), count) for count in range(rank + 1)
    )


# ---- Values ------------------------------------------------------------------------------------


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 1, 5), (2, 3, 4, 5), (300, 33), (5, 4100)])
def test_all_ops_over_all_axes(shape, keepdims):
    """Small integers are summed without rounding, so every order gives the same number."""
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 4, shape).astype("float64")
    for axes, op in itertools.product(every_axes(len(shape)), NUMPY):
        if op == "prod" and x.size > 500:
            continue
        expected = np.asarray(NUMPY[op](x, axis=axes, keepdims=keepdims))
        for dtype in FLOATS:
            y = reduce(x.astype(dtype), op, axes, keepdims)
            assert y.shape == expected.shape
            assert y.dtype == (bool if op in ("any", "all") else dtype)
            rtol = 1e-6 if op in ("mean", "logsumexp") else 0
            atol = 1e-6 if op == "logsumexp" else 0  # a few ULP of the largest element, 3
            np.testing.assert_allclose(y, expected, rtol, atol, err_msg=f"{op} {axes}")


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape, axis", [((100_000,), 0), ((3, 20_000), 1), ((5000, 20), 0)])
def test_error_of_sums(dtype, shape, axis):
    """A chain holds 4096 / 16 or 256 additions, then come at most 20 folds."""
    x = np.random.default_rng(1).standard_normal(shape).astype(dtype)
    wide = x.astype(np.longdouble)
    bound = 276 * np.finfo(dtype).eps / 2
    for op, absolute in (("sum", abs(wide)), ("sum_squares", wide**2), ("abs_sum", abs(wide))):
        error = abs(reduce(x, op, (axis,)) - NUMPY[op](wide, axis=axis))
        assert np.all(error <= bound * np.sum(absolute, axis=axis)), op


@pytest.mark.parametrize("dtype", FLOATS)
def test_logsumexp(dtype):
    rng = np.random.default_rng(2)
    x = (rng.standard_normal((40, 300)) * 50 + 500).astype(dtype)
    wide = x.astype(np.longdouble)
    for axis in (0, 1):
        top = wide.max(axis, keepdims=True)
        expected = np.squeeze(top, axis) + np.log(np.sum(np.exp(wide - top), axis=axis))
        np.testing.assert_allclose(reduce(x, "logsumexp", (axis,)), expected, rtol=1e-6)
    inf = np.inf
    x = np.array([[-inf, -inf], [inf, 0], [inf, -inf], [-inf, 3], [np.nan, 0]], dtype)
    np.testing.assert_array_equal(
        reduce(x, "logsumexp", (1,)), np.array([-inf, inf, inf, 3, np.nan], dtype)
    )


# ---- Order of summation ------------------------------------------------------------------------


def in_pairs(values):
    """Neighbours, then neighbouring sums; one left over waits."""
    values = list(values)
    while len(values) > 1:
        values = [
            values[i] + values[i + 1] if i + 1 < len(values) else values[i]
            for i in range(0, len(values), 2)
        ]
    return values[0]


def sum_of_row(x):
    lanes = LANES[str(x.dtype)]
    sums = []
    for start in range(0, len(x), BLOCK):
        lane = np.zeros(lanes, x.dtype)
        block = x[start : start + BLOCK]
        for i in range(0, len(block), lanes):
            part = block[i : i + lanes]
            lane[: len(part)] += part
        while len(lane) > 1:
            lane = lane[: len(lane) // 2] + lane[len(lane) // 2 :]
        sums.append(lane[0])
    return in_pairs(sums)


def sum_of_rows(x):
    sums = []
    for start in range(0, len(x), ROW_BLOCK):
        total = np.zeros(x.shape[1:], x.dtype)
        for row in x[start : start + ROW_BLOCK]:
            total = total + row
        sums.append(total)
    return in_pairs(sums)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [1, 9, 31, 33, 100, 4096, 4097, 5 * 4096, 300_000, 700_001])
def test_order_along_the_last_axis(n, dtype):
    x = np.random.default_rng(n).standard_normal(n).astype(dtype)
    assert reduce(x, "sum", (0,)) == sum_of_row(x)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(3, 5), (255, 9), (257, 300), (2000, 40), (9000, 70), (700, 3)])
def test_order_across_rows(shape, dtype):
    x = np.random.default_rng(3).standard_normal(shape).astype(dtype)
    np.testing.assert_array_equal(reduce(x, "sum", (0,)), sum_of_rows(x))


SHAPES = [((600_000,), (0,)), ((2, 300_000), (1,)), ((900, 40), (1,)), ((90_000, 7), (0,))]
SHAPES += [((300, 5000), (0,)), ((40, 60, 70), (0, 2)), ((40, 60, 70), (1,)), ((9, 9), (0, 1))]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape, axes", SHAPES)
def test_same_bits(shape, axes, dtype):
    x = np.random.default_rng(4).standard_normal(shape).astype(dtype)
    tensor = _core.from_numpy(x)
    ops = ["sum", "mean", "sum_squares", "abs_sum", "prod", "max", "logsumexp"]
    same_for_threads(lambda: [_core.reduce(tensor, op, axes) for op in ops])
    if x.size < 70_000 or dtype == "float32":
        same_at_offsets(lambda t: [_core.reduce(t, op, axes) for op in ("sum", "logsumexp")], x)


def test_same_bits_on_wide_targets():
    code = """
import hashlib, numpy as np
from fastnn import _core
h = hashlib.sha256()
rng = np.random.default_rng(0)
for dtype in ("float32", "float64"):
    for shape in ((7,), (50, 10), (30, 5000), (900, 21), (70000,)):
        x = _core.from_numpy(rng.standard_normal(shape).astype(dtype))
        for op in ("sum", "mean", "sum_squares", "abs_sum", "prod", "max", "min"):
            for axis in range(len(shape)):
                h.update(np.asarray(_core.reduce(x, op, (axis,))).tobytes())
print(h.hexdigest())
"""
    assert len(set(on_targets(code, scalar=False).values())) <= 1


# ---- Strided operands ---------------------------------------------------------------------------


def views():
    x = np.arange(4 * 5 * 6, dtype="float32").reshape(4, 5, 6)
    yield from (x.transpose(order) for order in itertools.permutations(range(3)))
    yield from (x[::2], x[:, 1:4], x[:, :, ::3], x[::-1], x[1:, ::-1, 1:5], x[:, 2])
    yield np.broadcast_to(x[:1], (3, 5, 6))
    yield np.broadcast_to(x[0, 0, 0], (2, 2))


@pytest.mark.parametrize("x", list(views()), ids=lambda x: f"{x.shape}{x.strides}")
def test_strided_operands(x):
    tensor = viewed(x)
    for axes, op in itertools.product(every_axes(x.ndim), ("sum", "max", "any", "logsumexp")):
        expected = NUMPY[op](x.astype("float64"), axis=axes)
        np.testing.assert_allclose(reduce(tensor, op, axes), expected, rtol=1e-5)
    for axis in range(x.ndim):
        y = _core.arg_reduce(tensor, "argmax", axis)
        np.testing.assert_array_equal(y, np.argmax(x, axis=axis))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_shape_any_axes_any_view(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 7), min_size=0, max_size=6)))
    order = data.draw(st.permutations(range(len(shape))))
    axes = tuple(sorted(data.draw(st.sets(st.sampled_from(range(len(shape)))))) if shape else ())
    steps = tuple(slice(None, None, data.draw(st.sampled_from([1, 1, 2, -1]))) for _ in shape)
    x = np.arange(np.prod(shape, dtype=int), dtype="int64").reshape(shape).transpose(order)[steps]
    for dtype in ("int64", "float64"):
        base = np.ascontiguousarray(x.base if x.base is not None else x).astype(dtype)
        strides = tuple(s // 8 for s in x.strides)
        offset = int(x.reshape(-1)[0]) if x.size else 0
        tensor = _core.reshape(_core.from_numpy(base), (base.size,))
        y = reduce((tensor, x.shape, strides, offset), "sum", axes)
        np.testing.assert_array_equal(y, np.sum(x, axis=axes))


# ---- Integers and truth -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_wrap(dtype):
    info = np.iinfo(dtype)
    x = np.random.default_rng(5).integers(info.min, info.max, (50, 301), dtype, endpoint=True)
    with np.errstate(over="ignore"):
        for axes in ((0,), (1,), (0, 1)):
            for op in ("sum", "prod", "sum_squares", "abs_sum"):
                values = {"sum_squares": x * x, "abs_sum": np.abs(x)}.get(op, x)
                function = np.prod if op == "prod" else np.sum
                expected = function(values, axis=axes, dtype=dtype)
                y = reduce(x, op, axes)
                assert y.dtype == dtype
                np.testing.assert_array_equal(y, expected, err_msg=op)
            for op in ("max", "min", "any", "all"):
                np.testing.assert_array_equal(reduce(x, op, axes), NUMPY[op](x, axis=axes))


@pytest.mark.parametrize("dtype", (*FLOATS, *INTEGERS, "bool"))
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_any_all_max_min_of_every_dtype(dtype, axes):
    for x in (np.zeros((5, 9000)), np.ones((5, 9000)), np.eye(5, 9000), 1 - np.eye(5, 9000)):
        x = x.astype(dtype)
        for op in ("any", "all", "max", "min"):
            y = reduce(x, op, axes)
            np.testing.assert_array_equal(y, NUMPY[op](x, axis=axes))
            assert y.dtype == (bool if op in ("any", "all") else dtype)


def test_nan_is_true():
    x = np.array([[np.nan, 0], [np.nan, 1], [0, 0]], "float32")
    assert reduce(x, "any", (1,)).tolist() == [True, True, False]
    assert reduce(x, "all", (1,)).tolist() == [False, True, False]


# ---- NaN and first positions --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [1, 5, 8, 33, 5000])
def test_nan_propagates_from_everywhere(n, dtype):
    for position in sorted({0, n // 2, n - 1}):
        x = np.random.default_rng(6).standard_normal((n, 3)).astype(dtype)
        x[position, 1] = np.nan
        for op, arg in (("max", "argmax"), ("min", "argmin")):
            down, along = reduce(x, op, (0,)), reduce(np.ascontiguousarray(x.T), op, (1,))
            assert np.isnan(down).tolist() == [False, True, False]
            np.testing.assert_array_equal(down, along)
            for tensor, axis in ((x, 0), (np.ascontiguousarray(x.T), 1)):
                y = np.asarray(_core.arg_reduce(_core.from_numpy(tensor), arg, axis))
                np.testing.assert_array_equal(y, getattr(np, arg)(tensor, axis=axis))


FIRST = [(4,), (1000,), (6, 50), (50, 6), (3, 700, 5), (2, 9000)]
FIRST += [(3, n) for n in (63, 64, 65, 100, 127, 128, 129, 255, 256, 300)]


@pytest.mark.parametrize("dtype", (*FLOATS, *INTEGERS, "bool"))
@pytest.mark.parametrize("shape", FIRST)
def test_first_position_wins(shape, dtype):
    x = np.random.default_rng(7).integers(0, 3, shape).astype(dtype)
    for axis, op, keepdims in itertools.product(
        range(-len(shape), len(shape)), ("argmax", "argmin"), (False, True)
    ):
        y = np.asarray(_core.arg_reduce(_core.from_numpy(x), op, axis, keepdims))
        expected = getattr(np, op)(x, axis=axis, keepdims=keepdims)
        assert y.dtype == "int64"
        np.testing.assert_array_equal(y, expected)


def test_extremes_of_infinities():
    x = np.full((3, 40), -np.inf, "float32")
    assert reduce(x, "max", (0, 1)) == -np.inf and reduce(-x, "min", (0, 1)) == np.inf
    assert np.asarray(_core.arg_reduce(_core.from_numpy(x), "argmax", 1)).tolist() == [0, 0, 0]


# ---- No elements, errors ------------------------------------------------------------------------


def test_no_elements():
    expected = {"sum": 0, "prod": 1, "any": False, "all": True, "sum_squares": 0, "abs_sum": 0}
    expected |= {"mean": np.nan, "logsumexp": -np.inf}
    for op, value in expected.items():
        x = np.zeros((2, 0, 3), "float32")
        np.testing.assert_array_equal(reduce(x, op, (1,)), np.full((2, 3), value), err_msg=op)
        assert reduce(x, op, (0,)).shape == (0, 3)
    for op in ("max", "min"):
        with pytest.raises(ValueError, match=rf"reduce: {op} of no elements.*\(2, 0, 3\)"):
            reduce(np.zeros((2, 0, 3), "float32"), op, (1,))
        assert reduce(np.zeros((2, 0, 3), "float32"), op, (0,)).shape == (0, 3)
    with pytest.raises(ValueError, match="arg_reduce: argmin of no elements"):
        _core.arg_reduce(_core.from_numpy(np.zeros((2, 0))), "argmin", 1)


def test_errors_name_the_argument():
    x = _core.from_numpy(np.zeros((2, 3), "int32"))
    with pytest.raises(TypeError, match=r"reduce: x has dtype int32.*float32 or float64 for mean"):
        _core.reduce(x, "mean", (0,))
    with pytest.raises(TypeError, match=r"reduce: x has dtype bool.*a number for sum"):
        _core.reduce(_core.from_numpy(np.zeros(3, bool)), "sum", (0,))
    with pytest.raises(ValueError, match=r"reduce: axes .* 2 of x with shape \(2, 3\)"):
        _core.reduce(x, "sum", (2,))
    with pytest.raises(ValueError, match="arg_reduce: axis is -3 but there are 2 axes"):
        _core.arg_reduce(x, "argmax", -3)
    with pytest.raises(ValueError, match="reduce_list: xs is an empty list"):
        _core.reduce_list([], "sum")
    mixed = [_core.from_numpy(np.zeros(2, dtype)) for dtype in FLOATS]
    with pytest.raises(TypeError, match=r"reduce_list: xs\[1\] has dtype float64.*float32"):
        _core.reduce_list(mixed, "sum")


# ---- Lists --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shapes", [[(3,)], [(0,), (4, 5)], [(70_000,), (2, 3)], [(11,)] * 500])
def test_reduce_list(shapes, dtype):
    rng = np.random.default_rng(8)
    xs = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    tensors = [_core.from_numpy(x) for x in xs]
    joined = np.concatenate([x.reshape(-1) for x in xs]).astype(np.longdouble)
    for op, magnitude in (
        ("sum", abs(joined)),
        ("sum_squares", joined**2),
        ("abs_sum", abs(joined)),
    ):
        y = np.asarray(_core.reduce_list(tensors, op))
        assert y.shape == () and y.dtype == dtype
        assert abs(y - NUMPY[op](joined)) <= 300 * np.finfo(dtype).eps * magnitude.sum()
    assert np.asarray(_core.reduce_list(tensors, "max")) == joined.max()
    same_for_threads(lambda: [_core.reduce_list(tensors, op) for op in ("sum", "max")])
    same_at_offsets(
        lambda x: _core.reduce_list([x, tensors[0]], "sum_squares"), xs[-1][..., :4_000]
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_all_finite(bad):
    xs = [np.full(shape, 3e38, "float32") for shape in ((5,), (0,), (70_001,), (2, 2))]
    tensors = [_core.from_numpy(x) for x in xs]
    y = np.asarray(_core.reduce_list(tensors, "all_finite"))
    assert y.dtype == bool and y.shape == () and y
    for array, position in ((0, 4), (2, 70_000), (2, 0), (3, 1)):
        changed = xs[array].copy()
        changed.reshape(-1)[position] = bad
        others = [*tensors[:array], at_offset(changed, 3), *tensors[array + 1 :]]
        assert not np.asarray(_core.reduce_list(others, "all_finite"))


def test_lists_without_elements():
    empty = [_core.from_numpy(np.zeros((0, 3), "float32"))] * 2
    assert np.asarray(_core.reduce_list(empty, "sum")) == 0
    assert np.asarray(_core.reduce_list(empty, "all_finite"))
    with pytest.raises(ValueError, match="reduce_list: max of no elements"):
        _core.reduce_list(empty, "max")


def test_views_that_repeat_too_often():
    x = _core.from_numpy(np.ones(4, np.float32))
    for call in (
        lambda view: _core.reduce(view, "sum", (0, 1)),
        lambda view: _core.arg_reduce(view, "argmax", 1),
        lambda view: _core.moments(view, (0, 1)),
    ):
        with pytest.raises(OverflowError, match="the view of x is too large"):
            call((x, (2**32, 2**32), (0, 0), 0))
    assert _core.reduce((x, (2**32, 2**32, 0), (0, 0, 1), 0), "sum", (0, 1, 2)).numpy() == 0
