"""cumulative and its gradient, sort, searchsorted: what goes along one axis.

Bounds. A running sum of n terms: n roundings of the sum of their magnitudes (fewer in blocks). A
running product: n of itself, its gradient 2 n of the sum of magnitudes of what it adds. What is
sorted is exact.
"""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from fastnn.backends.reference import cumulative, cumulative_prod_backward

from .harness import FLOATS, INTEGERS, LENGTHS, check, drawn, generator, rows_without_jit

NUMBERS = (*FLOATS, *INTEGERS)
SHAPES = [
    *(((n,), 0) for n in LENGTHS),
    *(((5, n), 1) for n in LENGTHS[1::2]),
    *(((n, 5), 0) for n in LENGTHS[1::2]),
    ((3, 4, 33), 1),
    ((4, 0, 3), 0),
    ((4, 0, 3), 1),
    ((2049,), 0),  # one element more than a block
    ((3, 6000), 1),
    ((40, 700), 0),
]


def some(cases, dtypes):
    """Every case for floating-point numbers, the long ones and some others for the rest."""
    few = [*cases[:-4:5], *cases[-4:]]
    return rows_without_jit(
        (dtype, *case) for dtype in dtypes for case in (cases if dtype in FLOATS else few)
    )


def numbers(dtype, shape, *seed):
    random = generator(dtype, shape, *seed)
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if dtype in INTEGERS:
        return np.asarray(random.integers(0 if dtype == "uint8" else -9, 12, shape)).astype(dtype)
    return np.asarray(random.normal(size=shape)).astype(dtype)


# ---- cumulative ----------------------------------------------------------------------------------


def sum_bound(x, axis, reverse):
    scale = cumulative(np.abs(x.astype(np.float64)), op="sum", axis=axis, reverse=reverse)
    return lambda i, expected, eps: x.shape[axis] * eps / 2 * scale


@pytest.mark.parametrize(
    ("backend", "dtype", "shape", "axis"),
    some(SHAPES, NUMBERS),
)
@pytest.mark.parametrize("reverse", [False, True])
def test_cumulative_sum(backend, dtype, shape, axis, reverse):
    x = numbers(dtype, shape)
    bound = sum_bound(x, axis, reverse) if dtype in FLOATS else None
    check(backend, "cumulative", [x], "sum", axis, reverse, bound=bound, wide=dtype in FLOATS)


def factors(dtype, shape):
    if dtype in INTEGERS:
        return numbers(dtype, shape)
    random = generator(dtype, shape, "factors")  # so that thousands neither vanish nor overflow
    x = random.choice([-1, 1], shape) * random.uniform(0.98, 1.02, shape)
    return np.asarray(x).astype(dtype)


def product_bound(x, axis):
    return lambda i, expected, eps: x.shape[axis] * eps / 2 * np.abs(expected)


@pytest.mark.parametrize(
    ("backend", "dtype", "shape", "axis"),
    some(SHAPES, NUMBERS),
)
@pytest.mark.parametrize("reverse", [False, True])
def test_cumulative_prod(backend, dtype, shape, axis, reverse):
    x = factors(dtype, shape)
    bound = product_bound(x, axis) if dtype in FLOATS else None
    check(backend, "cumulative", [x], "prod", axis, reverse, bound=bound, wide=dtype in FLOATS)


@pytest.mark.parametrize(("backend", "dtype"), rows_without_jit((dtype,) for dtype in FLOATS))
@pytest.mark.parametrize("op", ["sum", "prod"])
def test_cumulative_of_special_numbers(backend, dtype, op):
    for value in (np.nan, np.inf, -0.0):
        for place in (0, 7, 2500):
            x = np.ones((2, 3000), dtype)
            x[0, place] = value
            check(backend, "cumulative", [x], op, 1, bound=sum_bound(np.ones_like(x), 1, False))
    (y,) = check(backend, "cumulative", [np.array([-0.0, -0.0], dtype)], "sum", 0)
    assert np.signbit(y).all()


@pytest.mark.parametrize(
    ("backend", "dtype", "shape", "axis"),
    rows_without_jit((dtype, *case) for dtype in FLOATS for case in SHAPES),
)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("zeros", [False, True])
def test_cumulative_prod_backward(backend, dtype, shape, axis, reverse, zeros):
    x, dy = factors(dtype, shape), numbers(dtype, shape, "dy")
    if zeros:  # none among the first, so that other gradients are left
        x[..., 3::40] = 0
    y = cumulative(x, op="prod", axis=axis, reverse=reverse)
    wide = [np.abs(a).astype(np.float64) for a in (dy, x, y)]
    magnitude = cumulative_prod_backward(*wide, axis=axis, reverse=reverse)

    def bound(i, expected, eps):
        return 3 * x.shape[axis] * eps * magnitude + np.finfo(dtype).tiny

    operands = [dy, x, y]
    check(backend, "cumulative_prod_backward", operands, axis, reverse, bound=bound)


# ---- sort ----------------------------------------------------------------------------------------

EVERY = (*NUMBERS, "bool")
SORTED = [
    *SHAPES,
    ((40, 33), 1),  # of many short rows, some at once
    ((33, 40), 0),
    ((17, 300), 1),
    ((70_000,), 0),
]


def with_ties(dtype, shape):
    x = numbers(dtype, shape)
    if dtype in FLOATS and x.size:
        x = np.round(2 * x) / 2
        x.flat[:: max(x.size // 7, 1)] = np.resize(
            np.array([np.nan, -0.0, 0.0, np.inf, -np.inf, -np.nan], dtype),
            x.flat[:: max(x.size // 7, 1)].size,
        )
    return x


@pytest.mark.parametrize(
    ("backend", "dtype", "shape", "axis"),
    some(SORTED, EVERY),
)
@pytest.mark.parametrize("descending", [False, True])
def test_sort(backend, dtype, shape, axis, descending):
    x = with_ties(dtype, shape)
    both = check(backend, "sort", [x], axis, descending)
    values = check(backend, "sort", [x], axis, descending, -1, True, False)
    order = check(backend, "sort", [x], axis, descending, -1, False, True)
    np.testing.assert_array_equal(both[1], order[1])
    # Zeros too are where a stable sort leaves them, also where no positions are kept.
    zeros = both[0] == 0
    np.testing.assert_array_equal(np.copysign(1, values[0][zeros]), np.copysign(1, both[0][zeros]))


@pytest.mark.parametrize(
    ("backend", "dtype", "shape", "axis"),
    some([case for case in SORTED if case[0][case[1]] > 8], EVERY),
)
@pytest.mark.parametrize("descending", [False, True])
def test_sort_of_the_first_few(backend, dtype, shape, axis, descending):
    x = with_ties(dtype, shape)
    n = shape[axis]
    for count in sorted({0, 1, 3, n // 9, n - 1, n}):
        check(backend, "sort", [x], axis, descending, count)


@pytest.mark.parametrize(("backend", "dtype"), rows_without_jit((dtype,) for dtype in FLOATS))
@pytest.mark.parametrize("shape", [(300,), (20, 300), (70_000,)])
def test_sort_of_special_rows(backend, dtype, shape):
    n = shape[-1]
    ascending = np.broadcast_to(np.arange(n), shape).astype(dtype)
    extremes = np.finfo(dtype)
    for x in (
        ascending,
        ascending[..., ::-1].copy(),
        np.zeros(shape, dtype),
        np.where(ascending % 2, 0.0, -0.0).astype(dtype),
        np.where(ascending % 3, np.nan, ascending).astype(dtype),
        np.full(shape, np.nan, dtype),
        np.where(ascending % 2, extremes.smallest_subnormal, extremes.min).astype(dtype),
    ):
        for descending in (False, True):
            for count in (-1, 5):
                check(backend, "sort", [x], len(shape) - 1, descending, count)
            check(backend, "sort", [x], len(shape) - 1, descending, -1, True, False)


@pytest.mark.parametrize(("backend", "dtype"), rows_without_jit((dtype,) for dtype in INTEGERS))
def test_sort_of_extreme_integers(backend, dtype):
    limits = np.iinfo(dtype)
    x = np.array([limits.max, 0, limits.min, limits.max - 1, limits.min + 1, 1] * 20, dtype)
    for shape in [(120,), (12, 10), (3, 40)]:
        for descending in (False, True):
            check(backend, "sort", [x.reshape(shape)], len(shape) - 1, descending)
            check(backend, "sort", [x.reshape(shape)], len(shape) - 1, descending, -1, True, False)


@drawn
@hypothesis.given(
    shape=strategies.lists(strategies.integers(1, 40), min_size=1, max_size=3).map(tuple),
    axis=strategies.integers(0, 2),
    dtype=strategies.sampled_from(EVERY),
    descending=strategies.booleans(),
    share=strategies.floats(0, 1),
)
@pytest.mark.parametrize("backend", rows_without_jit([()]))
def test_sort_of_drawn_shapes(backend, shape, axis, dtype, descending, share):
    axis %= len(shape)
    x = with_ties(dtype, shape)
    check(backend, "sort", [x], axis, descending, int(share * shape[axis]))
    check(backend, "sort", [x], axis, descending, -1, True, False)


# ---- searchsorted --------------------------------------------------------------------------------


@pytest.mark.parametrize(("backend", "dtype", "count"), some([(n,) for n in LENGTHS], EVERY))
@pytest.mark.parametrize("right", [False, True])
def test_searchsorted(backend, dtype, count, right):
    edges = np.sort(numbers(dtype, (count,)))
    for shape in [(), (7,), (3, 5), (0, 2), (9000,)]:
        x = numbers(dtype, shape, "x")
        if count and x.size > 5:
            x.flat[:5] = np.resize(edges, 5)
        check(backend, "searchsorted", [edges, x], right)


@pytest.mark.parametrize(("backend", "dtype"), rows_without_jit((dtype,) for dtype in FLOATS))
@pytest.mark.parametrize("right", [False, True])
def test_searchsorted_of_special_numbers(backend, dtype, right):
    edges = np.array([-np.inf, -1, -0.0, 0.0, 2, np.inf, np.nan, np.nan], dtype)
    x = np.array([-np.inf, -2, -1, -0.0, 0.0, 1, np.inf, np.nan], dtype)
    check(backend, "searchsorted", [edges, x], right)
