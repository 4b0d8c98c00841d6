"""binary and select, every op and dtype.

Bounds: one IEEE operation gives the rounded specification; pow is within 2 ULP (the specification
within 1); atan2 is the arc tangent, within 2 ULP, of a rounded quotient; floordiv rounds its
quotient before it looks for the whole number, so it may be the neighbour where numbers are so large
that they are all whole.
"""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from fastnn import _core

from .harness import FLOATS, INTEGERS, LAYOUTS, SHAPES, check, drawn, generator, rows, ulps

ULPS = {"pow": 2, "atan2": 4}
PAIRS = [
    ((3, 1), (1, 17)),
    ((17,), (3, 17)),
    ((3, 1), (3, 17)),
    ((), (33,)),
    ((2, 1, 5), (3, 1)),
    ((4, 0, 3), (1, 3)),
    ((1,), (65,)),
    ((40, 1, 9), (1, 50, 9)),
    ((3, 1), (3, 173)),
    ((2, 3, 1), (1, 3, 161)),
]
SPECIAL = [0.0, -0.0, 1, -1, 0.5, -2.5, 3, 7, 1e30, -1e-30, np.inf, -np.inf, np.nan]


def dtypes_of(op):
    every = {"F": FLOATS, "N": FLOATS + INTEGERS, "I": (*INTEGERS, "bool")}
    dtypes = every.get(_core.BINARY[op][0], (*FLOATS, *INTEGERS, "bool"))
    return tuple(d for d in dtypes if not (op.endswith("shift") and d == "bool"))


EVERY = [(op, dtype) for op in _core.BINARY for dtype in dtypes_of(op)]


def bound_of(op):
    def bound(i, expected, eps):
        if op == "floordiv":  # from 1 / eps on every number is whole
            return ulps(1, expected, eps) * (np.abs(expected) * eps > 0.5)
        return ulps(ULPS.get(op, 0), expected, eps)

    return bound


def numbers(op, dtype, shape, *seed):
    random = generator(op, dtype, shape, *seed)
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if dtype in INTEGERS:
        low, high = (0, 12) if dtype == "uint8" or op.endswith("shift") else (-9, 12)
        return np.asarray(random.integers(low, high, shape)).astype(dtype)
    x = np.round(random.normal(size=shape) * 4, 1)  # equal pairs and whole quotients too
    return np.asarray(np.abs(x) if op == "pow" else x).astype(dtype)


@pytest.mark.parametrize(
    ("backend", "op", "dtype", "shape"),
    rows((*row, s) for row in EVERY for s in (SHAPES[::2] if row[1] in FLOATS else SHAPES[::4])),
)
def test_binary(backend, op, dtype, shape):
    x1, x2 = (numbers(op, dtype, shape, i) for i in range(2))
    check(backend, "binary", [x1, x2], op, bound=bound_of(op))


@pytest.mark.parametrize(
    ("backend", "op", "dtype", "shapes"), rows((*row, pair) for row in EVERY for pair in PAIRS)
)
def test_binary_broadcasts(backend, op, dtype, shapes):
    pair = [numbers(op, dtype, shape, i) for i, shape in enumerate(shapes)]
    check(backend, "binary", pair, op, bound=bound_of(op))
    check(backend, "binary", pair[::-1], op, bound=bound_of(op))


@pytest.mark.parametrize(("backend", "op", "dtype"), rows(EVERY))
def test_binary_of_special_numbers(backend, op, dtype):
    if dtype in FLOATS:
        values = np.array(SPECIAL, dtype=dtype)
    elif dtype == "bool":
        values = np.array([False, True])
    else:
        info = np.iinfo(dtype)
        values = np.array([info.min, info.max, info.max - 1, 0, 1, 2, 3, 7, 31, 63, 64, 65])
        values = np.concatenate([values, [-1, -2, -7]]).astype(dtype)
    x1, x2 = (np.ascontiguousarray(grid) for grid in np.meshgrid(values, values))
    check(backend, "binary", [x1, x2], op, bound=bound_of(op))
    rows_of_one = [values[:, None], np.tile(values, (len(values), 160 // len(values) + 1))]
    check(backend, "binary", rows_of_one, op, bound=bound_of(op))
    check(backend, "binary", rows_of_one[::-1], op, bound=bound_of(op))


@pytest.mark.parametrize(
    ("backend", "op", "dtype"), rows((op, d) for op in ("mod", "floordiv") for d in FLOATS)
)
def test_remainders_beside_multiples(backend, op, dtype):
    """Where a quotient is rounded to a whole number; and of quotients that T does not hold."""
    random = generator(op, dtype)
    divisor = (random.integers(-(2**20), 2**20, 99) * np.exp2(random.integers(-9, 9, 99))) + 0.5
    divisor = divisor.astype(dtype)
    for times in (1, 3, 2.0**20 + 1, 2.0**40 + 1, 2.0**70):
        multiple = (times * divisor).astype(dtype)
        for end in (0, np.inf, -np.inf):
            beside = np.nextafter(multiple, np.dtype(dtype).type(end))
            check(backend, "binary", [beside, divisor], op, bound=bound_of(op))
        check(backend, "binary", [multiple, divisor], op, bound=bound_of(op))
    last = 2.0 ** (np.finfo(dtype).nmant + 3)  # the quotient has all digits that there are
    numbers = random.uniform(-last, last, 9999).astype(dtype)
    check(backend, "binary", [numbers, np.full_like(numbers, 9)], op, bound=bound_of(op))
    tiny = (random.normal(size=99) * 1e4).astype(dtype) * np.finfo(dtype).smallest_subnormal
    check(backend, "binary", [tiny, tiny[::-1].copy()], op, bound=bound_of(op))


@pytest.mark.parametrize(("backend", "dtype"), rows((dtype,) for dtype in FLOATS))
def test_powers_by_one_number(backend, dtype):
    values = np.concatenate([SPECIAL, generator(dtype).uniform(-3, 3, 80)]).astype(dtype)
    for exponent in (0, 1, 2, 3, 4, 5, -1, -2, 0.5, -0.5, 1.5, -0.0, np.inf, -np.inf, np.nan):
        for x in (values, values[:1], values[11], np.tile(values, (2, 2))):
            check(backend, "binary", [x, np.asarray(exponent, dtype)], "pow", bound=bound_of("pow"))
    check(backend, "binary", [np.array([2.5], dtype), values], "pow", bound=bound_of("pow"))


@pytest.mark.parametrize(
    ("backend", "first", "second"), rows((a, b) for a in LAYOUTS for b in LAYOUTS)
)
@pytest.mark.parametrize("shape", [(9,), (40, 33), (2, 3, 17)])
def test_binary_reads_strided_operands(backend, first, second, shape):
    x1 = LAYOUTS[first](numbers("sub", "float32", shape, 1))
    x2 = LAYOUTS[second](numbers("sub", "float32", shape, 2))
    check(backend, "binary", [x1, x2], "sub")


@drawn
@hypothesis.given(
    shape=strategies.lists(strategies.integers(0, 40), min_size=1, max_size=3).map(tuple),
    ones=strategies.integers(0, 7),
    row=strategies.sampled_from(EVERY),
)
@pytest.mark.parametrize("backend", rows([()]))
def test_binary_of_drawn_shapes(backend, shape, ones, row):
    op, dtype = row
    other = tuple(1 if ones >> axis & 1 else n for axis, n in enumerate(shape))[ones % 2 :]
    pair = [numbers(op, dtype, shape, 1), numbers(op, dtype, other, 2)]
    check(backend, "binary", pair, op, bound=bound_of(op))


@pytest.mark.parametrize(
    ("backend", "dtype", "shapes"),
    rows(
        (dtype, shapes)
        for dtype in (*FLOATS, *INTEGERS, "bool")
        for shapes in [
            ((33,),) * 3,
            ((3, 1), (17,), ()),
            ((), (3, 17), (1, 17)),
            ((2, 1, 9), (3, 1), (2, 3, 9)),
            ((0,), (1,), ()),
        ]
    ),
)
def test_select(backend, dtype, shapes):
    mask, a, b = (numbers("add", d, s) for d, s in zip(("bool", dtype, dtype), shapes, strict=True))
    check(backend, "select", [mask, a, b])


@pytest.mark.parametrize(("backend", "layout"), rows((layout,) for layout in LAYOUTS))
def test_select_reads_strided_operands(backend, layout):
    mask, a, b = (numbers("add", d, (19, 33), d) for d in ("bool", "float64", "float64"))
    check(backend, "select", [LAYOUTS[layout](mask), LAYOUTS[layout](a), b])
