"""copy, pad, one_hot, arange and the gathers: exact, except for sums and scaled casts.

Bounds: a scaled cast is rounded once or twice, and so is the scale; a sum of n updates n times,
relative to the magnitudes.
"""

import math

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from fastnn import _core
from fastnn.backends import reference

from .harness import FLOATS, INTEGERS, LAYOUTS, SHAPES, check, drawn, generator, rows, ulps

DTYPES = (*FLOATS, *INTEGERS, "bool")


def numbers(dtype, shape, *seed):
    random = generator(dtype, shape, *seed)
    x = random.uniform(0 if dtype == "uint8" else -99, 99, shape)
    return np.asarray(x > 0 if dtype == "bool" else x).astype(dtype)


@pytest.mark.parametrize(
    ("backend", "source", "dtype"), rows((s, d) for s in DTYPES for d in DTYPES)
)
def test_copy_casts(backend, source, dtype):
    for shape in SHAPES[:18:3]:
        x = np.abs(numbers(source, shape)) if source != "bool" else numbers(source, shape)
        check(backend, "copy", [x], dtype)


def test_scaled_bytes_are_rounded_once():
    """C++ computes them in float32: with the bits of products in float64."""
    x = np.tile(np.arange(256, dtype=np.uint8), 3)
    factors = generator("bytes").uniform(-9, 9, 200)
    with np.errstate(all="ignore"):
        for scale in (*1 / factors, 1 / 255, 1 / 256, 1e-40, 1e-44, 1e37, np.inf, np.nan):
            expected = (x.astype(np.float64) * scale).astype(np.float32)
            got = np.asarray(_core.copy(_core.from_numpy(x), "float32", scale))
            np.testing.assert_array_equal(got, expected)
            np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))


@pytest.mark.parametrize(("backend", "dtype"), rows((dtype,) for dtype in INTEGERS))
def test_copy_cuts_off(backend, dtype):
    x = np.array([0.9, 1.999, 2.5, 0.0, -0.9])
    check(backend, "copy", [x if dtype != "uint8" else x[:4]], dtype)
    check(backend, "copy", [np.array([0.25, -0.0, np.nan, np.inf])], "bool")


@pytest.mark.parametrize(
    ("backend", "source", "dtype"), rows((s, d) for s in FLOATS for d in INTEGERS)
)
def test_copy_stays_within_integers(backend, source, dtype):
    """Floats beyond the ends become the nearest one, NaN 0, as Python's integers say it."""
    low, high = (int(end) for end in (np.iinfo(dtype).min, np.iinfo(dtype).max))
    ends = np.array([low, high, high + 1.0, 0], source)
    near = np.concatenate([np.nextafter(ends, -np.inf), ends, np.nextafter(ends, np.inf)])
    far = np.array([np.nan, np.inf, -np.inf, -1.5, 300.7, 3e9, -3e9, 1e20, -1e20], source)
    x = np.concatenate([near, far])
    whole = [0 if v != v else high if v > high else low if v < low else int(v) for v in x.tolist()]
    np.testing.assert_array_equal(reference.FUNCTIONS["copy"](x, dtype=dtype), whole)
    check(backend, "copy", [x], dtype)


@pytest.mark.parametrize(
    ("backend", "source", "dtype"), rows((s, d) for s in DTYPES for d in FLOATS)
)
def test_copy_scales(backend, source, dtype):
    def bound(i, expected, eps):
        return ulps(2, expected, eps)

    check(backend, "copy", [numbers(source, (3, 65))], dtype, 1 / 255, bound=bound)


@pytest.mark.parametrize(
    ("backend", "layout", "dtype"), rows((layout, d) for layout in LAYOUTS for d in DTYPES)
)
@pytest.mark.parametrize("shape", [(7,), (33, 40), (3, 5, 17), (2, 3, 4, 5)])
def test_copy_reads_strided_operands(backend, layout, dtype, shape):
    x = LAYOUTS[layout](numbers(dtype, shape))
    check(backend, "copy", [x], dtype)
    check(backend, "copy", [x], "float64")


@pytest.mark.parametrize(("backend", "shape"), rows([((300, 400),), ((9, 130, 70),)]))
def test_copy_transposes_large_matrices(backend, shape):
    check(backend, "copy", [LAYOUTS["transposed"](numbers("float32", shape))], "float32")


@pytest.mark.parametrize(
    ("backend", "mode", "dtype"), rows((mode, d) for mode in range(4) for d in DTYPES)
)
@pytest.mark.parametrize(
    ("shape", "before", "after"),
    [
        ((5,), (2,), (0,)),
        ((3, 17), (1, 3), (2, 9)),
        ((4, 1, 6), (0, 0, 8), (3, 2, 1)),
        ((3, 5, 2, 4), (0, 1, 0, 0), (0, 2, 0, 0)),
        ((3, 4, 7), (1, 0, 0), (2, 0, 0)),
        ((3, 4), (0, 0), (0, 0)),
        ((3, 2, 1), (1, 0, 0), (1, 0, 0)),
        ((), (), ()),
    ],
)
def test_pad(backend, mode, dtype, shape, before, after):
    check(backend, "pad", [numbers(dtype, shape)], before, after, mode, 1.0)


@pytest.mark.parametrize(("backend", "mode"), rows((mode,) for mode in range(4)))
@pytest.mark.parametrize(
    ("shape", "before", "after"),
    [((2, 70_001), (1, 300), (0, 140_000)), ((3, 70_001), (0, 70_000), (2, 0))],
)
def test_pad_in_pieces(backend, mode, shape, before, after):
    """Long rows: pieces that hold elements of x, and pieces that hold none."""
    check(backend, "pad", [numbers("float32", shape)], before, after, mode, 1.0)


@pytest.mark.parametrize(("backend", "dtype"), rows((dtype,) for dtype in DTYPES))
@pytest.mark.parametrize(
    ("axis", "shapes"),
    [
        (0, [(3,), (0,), (17,)]),
        (1, [(5, 2, 3), (5, 9, 3), (5, 1, 3)]),
        (2, [(2, 3, 4), (2, 3, 33)]),
        (0, [(65, 3)]),
        (2, [(2, 300, 1), (2, 300, 1)]),
        (1, [(700, 1), (700, 0), (700, 4), (700, 2)]),
    ],
)
def test_concatenate(backend, dtype, axis, shapes):
    check(backend, "concatenate", [[numbers(dtype, shape, axis) for shape in shapes]], axis)


@pytest.mark.parametrize(
    ("backend", "axis", "shapes"),
    rows(
        [
            (0, ((300_001,), (5,), (0,), (70_000,))),
            (1, ((3, 90_001), (3, 7))),
            (1, ((2001, 100), (2001, 33))),
            (1, ((70_001, 1), (70_001, 3), (70_001, 1))),
            (0, ((1, 3),) * 400),
        ]
    ),
)
def test_concatenate_in_pieces(backend, axis, shapes):
    """What several threads copy, within rows and row by row."""
    check(backend, "concatenate", [[numbers("float32", shape, axis) for shape in shapes]], axis)


@pytest.mark.parametrize(
    ("backend", "labels", "dtype"), rows((s, d) for s in INTEGERS for d in DTYPES)
)
def test_one_hot(backend, labels, dtype):
    for shape in [(), (0,), (7,), (3, 5)]:
        values = generator(shape).integers(0 if labels == "uint8" else -2, 9, shape)
        check(backend, "one_hot", [np.asarray(values).astype(labels)], 7, 1.0, 0.0, dtype)
    if dtype != "bool":
        check(backend, "one_hot", [np.arange(5, dtype=labels)], 4, 3.0, 2.0, dtype)


@pytest.mark.parametrize(
    ("backend", "dtype", "count"),
    rows((d, n) for d in DTYPES if d != "bool" for n in (0, 1, 7, 300)),
)
def test_arange(backend, dtype, count):
    check(backend, "arange", [], -3.0, 2.0, count, dtype)
    if dtype in FLOATS:
        check(backend, "arange", [], 0.1, 0.7, count, dtype)


@pytest.mark.parametrize(
    ("backend", "dtype", "index"), rows((d, i) for d in DTYPES for i in ("int32", "int64"))
)
@pytest.mark.parametrize(
    ("shape", "axis", "indices"),
    [
        ((9,), 0, (5,)),
        ((9,), 0, ()),
        ((6, 17), 0, (4,)),
        ((6, 17), 1, (2, 3)),
        ((3, 5, 2), 1, (0,)),
        ((3, 5, 8), 1, (7, 2)),
        ((4, 0), 0, (3,)),
    ],
)
def test_gather(backend, dtype, index, shape, axis, indices):
    chosen = generator(indices).integers(-shape[axis], shape[axis], indices)
    check(backend, "gather", [numbers(dtype, shape), np.asarray(chosen).astype(index)], axis)


def sum_bound(primitive, operands, **attributes):
    """An element gets at most as many updates as there are places."""
    y, updates, indices = operands
    if y.dtype.kind != "f":
        return None
    magnitudes = [np.abs(y.astype(np.float64)), np.abs(updates.astype(np.float64)), indices]
    scale = getattr(reference, primitive)(*magnitudes, **attributes)
    places = indices.size if primitive == "scatter_add" else math.prod(indices.shape[:-1])
    return lambda i, expected, eps: scale * (places + 1) * eps / 2


@pytest.mark.parametrize(
    ("backend", "dtype", "index"), rows((d, i) for d in DTYPES[:5] for i in ("int32", "int64"))
)
@pytest.mark.parametrize(
    ("shape", "axis", "count"),
    [((9,), 0, 30), ((6, 17), 0, 25), ((6, 257), 0, 5), ((3, 5, 2), 1, 11), ((5, 3), 1, 0)],
)
def test_scatter_add(backend, dtype, index, shape, axis, count):
    indices = generator(shape).integers(-shape[axis], shape[axis], count).astype(index)
    updates = numbers(dtype, (*shape[:axis], count, *shape[axis + 1 :]))
    operands = [numbers(dtype, shape, 1), updates, indices]
    bound = sum_bound("scatter_add", operands, axis=axis)
    check(backend, "scatter_add", operands, axis, bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "index"), rows((d, i) for d in FLOATS for i in ("int32", "int64"))
)
@pytest.mark.parametrize(
    ("indices", "width", "extent"),
    [
        ((30,), (), 9),
        ((25,), (17,), 6),
        ((2, 300), (3, 2), 70_000),
        ((1000,), (65,), 300),
        ((3000,), (257,), 2**40),
        ((7,), (4,), 1),
        ((0,), (5,), 3),
        ((3, 0), (5,), 0),
        ((6,), (0,), 4),
        ((), (3,), 5),
    ],
)
def test_sum_rows(backend, dtype, index, indices, width, extent):
    if extent > 2**31 and index == "int32":
        extent = 2**31
    random = generator(indices, width)
    chosen = np.asarray(random.integers(0, extent, indices) if extent else np.zeros(indices))
    if chosen.size > 2:  # some rows often, the last one once at least
        chosen = np.where(random.random(indices) < 0.3, chosen.flat[0], chosen)
        chosen.flat[-1] = extent - 1
    updates = numbers(dtype, (*indices, *width))
    operands = [updates, chosen.astype(index)]
    scale = reference.sum_rows(np.abs(updates.astype(np.float64)), operands[1], extent=extent)[1]

    def bound(i, expected, eps):
        return 0 if i == 0 else scale * chosen.size * eps / 2

    check(backend, "sum_rows", operands, extent, bound=bound)


@pytest.mark.parametrize(("backend", "dtype"), rows((dtype,) for dtype in DTYPES))
@pytest.mark.parametrize("batch_dims", [0, 1, 2])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_gather_nd_and_scatter_nd_add(backend, dtype, batch_dims, depth):
    x = numbers(dtype, (3, 4, 5, 6))
    limits = np.array(x.shape[batch_dims : batch_dims + depth], dtype=np.int64)
    indices = generator(depth).integers(-limits, limits, size=(3, 4, 7, depth))
    check(backend, "gather_nd", [x, indices], batch_dims)
    if dtype == "bool":
        return
    updates = numbers(dtype, (3, 4, 7, *x.shape[batch_dims + depth :]))
    operands = [x, updates, indices]
    bound = sum_bound("scatter_nd_add", operands, batch_dims=batch_dims)
    check(backend, "scatter_nd_add", operands, batch_dims, bound=bound)


@pytest.mark.parametrize(
    ("backend", "rows_", "code"), rows((n, c) for n in (0, 1, 5) for c in (1, 2))
)
def test_gather_batch(backend, rows_, code):
    xs = [numbers("uint8", (9, 4, 3)), numbers("int64", (9,)), numbers("float32", (9, 5))]
    order = generator(9).permutation(9)
    operands = [xs, order, np.array([3])]

    def bound(i, expected, eps):
        return ulps(2, expected, eps)

    check(backend, "gather_batch", operands, rows_, (code, 0, 0), 1 / 255, bound=bound)
    check(backend, "gather_batch", operands, rows_)


@drawn
@hypothesis.given(
    shape=strategies.lists(strategies.integers(1, 20), min_size=1, max_size=4).map(tuple),
    axis=strategies.integers(0, 3),
    count=strategies.integers(0, 50),
)
@pytest.mark.parametrize("backend", rows([()]))
def test_gathers_of_drawn_shapes(backend, shape, axis, count):
    axis %= len(shape)
    x = numbers("float32", shape)
    indices = generator(shape).integers(-shape[axis], shape[axis], count)
    check(backend, "gather", [x, indices], axis)
    updates = numbers("float32", (*shape[:axis], count, *shape[axis + 1 :]))
    bound = sum_bound("scatter_add", [x, updates, indices], axis=axis)
    check(backend, "scatter_add", [x, updates, indices], axis, bound=bound)
