"""reduce, arg_reduce, reduce_list and moments, every op.

Bounds. A sum of n terms: `roundings` of the sum of their magnitudes, and one more for squares and
means. A product: n roundings of itself. logsumexp adds to those of its sum the rounding of the
exponents, of each exp and of the logarithm. Extremes, truths and whole numbers are exact. Moments:
the mean as a mean, and a variance has the roundings of its sum and twice those of the mean, of the
differences that are squared.
"""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from fastnn import _core
from fastnn.backends.reference import reduce

from .harness import (
    FLOATS,
    INTEGERS,
    LAYOUTS,
    LENGTHS,
    check,
    drawn,
    generator,
    roundings,
    rows,
    ulps,
)

SUMS = {"sum": "abs_sum", "mean": "abs_sum", "abs_sum": "abs_sum", "sum_squares": "sum_squares"}
CASES = [
    *(((n,), (0,)) for n in LENGTHS),
    *(((n, 5), (0,)) for n in LENGTHS[1::2]),
    *(((5, n), (1,)) for n in LENGTHS[1::2]),
    ((), ()),
    ((3, 17), ()),
    ((3, 17), (0, 1)),
    ((4, 5, 33), (1,)),
    ((4, 5, 33), (0, 2)),
    ((2, 3, 4, 9), (1, 3)),
    ((2, 3, 4, 9), (0, 1, 2)),
    ((4, 0, 3), (0,)),
    ((4, 0, 3), (1,)),
    ((600, 70), (0,)),
    ((3, 5000), (1,)),
    ((40, 30, 50), (0, 1, 2)),
]


def numbers(op, dtype, shape, *seed):
    random = generator(op, shape, *seed)
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if dtype in INTEGERS:
        return np.asarray(random.integers(0 if dtype == "uint8" else -9, 12, shape)).astype(dtype)
    if op in ("any", "all"):
        return np.asarray(random.integers(0, 2, shape)).astype(dtype)
    if op == "prod":  # so that thousands of factors neither vanish nor overflow
        return np.asarray(random.choice([-1, 1], shape) * random.uniform(0.97, 1.03, shape)).astype(
            dtype
        )
    return np.asarray(random.normal(size=shape)).astype(dtype)


def dtypes_of(op):
    every = {"F": FLOATS, "N": FLOATS + INTEGERS}
    return every.get(_core.REDUCE[op][0], (*FLOATS, *INTEGERS, "bool"))


def bound_of(op, x, axes, keepdims=False):
    array = x.array() if hasattr(x, "array") else x
    count = int(np.prod([array.shape[axis] for axis in axes], dtype=np.int64))
    if array.dtype.kind != "f" or op in ("max", "min", "any", "all"):
        return None
    wide = array.astype(np.float64)
    if op in SUMS:
        scale = reduce(wide, op=SUMS[op], axes=axes, keepdims=keepdims)
        scale = scale / max(count, 1) if op == "mean" else scale
        return lambda i, expected, eps: (roundings(count) + 2) * eps / 2 * scale
    if op == "prod":
        return lambda i, expected, eps: (count + 1) * eps / 2 * np.abs(expected)
    spread = np.ptp(wide) if wide.size else 0
    return lambda i, expected, eps: (
        (roundings(count) + 6 + spread / 2) * eps + ulps(2, expected, eps)
    )


EVERY = [(op, dtype) for op in _core.REDUCE for dtype in dtypes_of(op)]


@pytest.mark.parametrize(
    ("backend", "op", "dtype", "shape", "axes"),
    rows(
        (*row, *case)
        for row in EVERY
        for case in (CASES if row[1] in FLOATS else CASES[::4])
        if not (row[0] in ("max", "min") and 0 in [case[0][axis] for axis in case[1]])
    ),
)
def test_reduce(backend, op, dtype, shape, axes):
    x = numbers(op, dtype, shape)
    check(backend, "reduce", [x], op, axes, bound=bound_of(op, x, axes))
    bound = bound_of(op, x, axes, keepdims=True)
    check(backend, "reduce", [x], op, axes, True, bound=bound)


@pytest.mark.parametrize(
    ("backend", "op", "layout"), rows((op, layout) for op in _core.REDUCE for layout in LAYOUTS)
)
@pytest.mark.parametrize(
    ("shape", "axes"), [((33,), (0,)), ((7, 40), (0,)), ((7, 40), (1,)), ((3, 5, 17), (0, 2))]
)
def test_reduce_reads_strided_operands(backend, op, layout, shape, axes):
    x = LAYOUTS[layout](numbers(op, "float32", shape))
    check(backend, "reduce", [x], op, axes, bound=bound_of(op, x, axes))


@pytest.mark.parametrize(
    ("backend", "op", "dtype"), rows((op, d) for op in _core.REDUCE for d in FLOATS)
)
@pytest.mark.parametrize("place", [0, 8, 31, 32, 64])
def test_reduce_of_special_numbers(backend, op, dtype, place):
    for value in (np.nan, np.inf, -np.inf):
        x = numbers(op, dtype, (65, 3), "special")
        x[place, 1] = value
        wide = bound_of(op, numbers(op, dtype, (65, 3), "special"), (0,))
        check(backend, "reduce", [x], op, (0,), bound=wide)
        x = np.ascontiguousarray(x.T)
        check(backend, "reduce", [x], op, (1,), bound=wide)


@drawn
@hypothesis.given(
    shape=strategies.lists(strategies.integers(1, 30), min_size=1, max_size=4).map(tuple),
    mask=strategies.integers(0, 15),
    row=strategies.sampled_from(EVERY),
)
@pytest.mark.parametrize("backend", rows([()]))
def test_reduce_of_drawn_shapes(backend, shape, mask, row):
    op, dtype = row
    axes = tuple(axis for axis in range(len(shape)) if mask >> axis & 1)
    x = numbers(op, dtype, shape)
    check(backend, "reduce", [x], op, axes, bound=bound_of(op, x, axes))


@pytest.mark.parametrize(
    ("backend", "op", "dtype", "shape", "axis"),
    rows(
        (op, dtype, *case)
        for op in ("argmax", "argmin")
        for dtype in (*FLOATS, *INTEGERS, "bool")
        for case in [
            *(((n,), 0) for n in LENGTHS[1:]),
            ((5, 33), 0),
            ((5, 33), 1),
            ((3, 4, 5), 1),
            ((3, 0, 5), 0),
        ]
    ),
)
def test_arg_reduce(backend, op, dtype, shape, axis):
    x = numbers(op, dtype, shape)
    x = np.round(x) if dtype in FLOATS else x  # with ties
    check(backend, "arg_reduce", [x], op, axis)
    check(backend, "arg_reduce", [x], op, axis, True)


@pytest.mark.parametrize(
    ("backend", "op", "dtype"), rows((op, d) for op in ("argmax", "argmin") for d in FLOATS)
)
@pytest.mark.parametrize("places", [(0,), (31, 40), (64,), (7, 8)])
def test_arg_reduce_takes_the_first_nan(backend, op, dtype, places):
    x = numbers(op, dtype, (3, 65))
    x[1, list(places)] = np.nan
    check(backend, "arg_reduce", [x], op, 1)
    check(backend, "arg_reduce", [np.ascontiguousarray(x.T)], op, 0)


@pytest.mark.parametrize(
    ("backend", "layout", "axis"), rows((layout, axis) for layout in LAYOUTS for axis in (0, 1))
)
def test_arg_reduce_reads_strided_operands(backend, layout, axis):
    x = LAYOUTS[layout](numbers("max", "float32", (19, 33)))
    check(backend, "arg_reduce", [x], "argmax", axis)


@pytest.mark.parametrize(
    ("backend", "op", "dtype", "shapes"),
    rows(
        (op, dtype, shapes)
        for op in ("sum", "sum_squares", "abs_sum", "max", "all_finite")
        for dtype in FLOATS
        for shapes in [
            [(7,)],
            [(), (3, 17), (0,), (65,)],
            [(n,) for n in LENGTHS],
            [(70_000,), (5,), (300, 300)],
        ]
    ),
)
def test_reduce_list(backend, op, dtype, shapes):
    xs = [numbers(op, dtype, shape, i) for i, shape in enumerate(shapes)]
    count = sum(x.size for x in xs)
    scale = {"sum": np.abs, "abs_sum": np.abs, "sum_squares": np.square}.get(op)
    total = sum(scale(x.astype(np.float64)).sum() for x in xs) if scale else 0

    def bound(i, expected, eps):  # sums of the tensors are joined in pairs
        return (roundings(count) + 2) * eps / 2 * total

    check(backend, "reduce_list", [xs], op, bound=bound)
    xs[-1].flat[-1] = np.inf
    if op in ("max", "all_finite"):
        check(backend, "reduce_list", [xs], op)
        xs[-1].flat[-1] = np.nan
        check(backend, "reduce_list", [xs], op)


@pytest.mark.parametrize(
    ("backend", "dtype", "shape", "axes"),
    rows((dtype, *case) for dtype in FLOATS for case in [*CASES, ((20_000, 3), (0,))]),
)
@pytest.mark.parametrize("offset", [0, 100])
def test_moments(backend, dtype, shape, axes, offset):
    x = (numbers("sum", dtype, shape) + np.asarray(offset, dtype)).astype(dtype)
    check_moments(backend, x, x, axes)


@pytest.mark.parametrize(("backend", "layout"), rows((layout,) for layout in LAYOUTS))
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 2)])
def test_moments_reads_strided_operands(backend, layout, axes):
    x = LAYOUTS[layout](numbers("sum", "float32", (9, 5, 33)))
    check_moments(backend, x, x.array(), axes)


def check_moments(backend, x, array, axes):
    wide = array.astype(np.float64)
    count = int(np.prod([array.shape[axis] for axis in axes], dtype=np.int64))

    for keep in (False, True):
        scale = reduce(np.abs(wide), op="mean", axes=axes, keepdims=keep)

        def bound(i, expected, eps, scale=scale):
            slip = (roundings(count) + 14) * eps / 2
            if i == 0:
                return slip * scale
            # Each distance is off by what the mean is, and by its own rounding.
            return slip * (expected + 2 * np.sqrt(expected) * eps * scale) + (slip * scale) ** 2

        check(backend, "moments", [x], axes, keep, bound=bound)


@pytest.mark.parametrize(("backend", "dtype"), rows((dtype,) for dtype in FLOATS))
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_moments_of_special_numbers(backend, dtype, value):
    x = np.zeros((5000, 3), dtype)
    x[4500, 1] = value
    for operand, axes in ((x, (0,)), (x.T.copy(), (1,)), (x, (0, 1))):
        mean, variance = check(backend, "moments", [operand], axes)
        assert np.isnan(variance).sum() == (1 if len(axes) == 1 else variance.size)
        assert np.isfinite(mean).sum() == (2 if len(axes) == 1 else 0)
