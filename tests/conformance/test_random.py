"""Random numbers: the same bits on every backend; normals within 4 ULP of the formula."""

import numpy as np
import pytest

from .harness import FLOATS, INTEGERS, check, generator, rows, ulps

SHAPES = [(), *((n,) for n in (0, 1, 3, 4, 5, 8, 17, 63, 257, 1025)), (3, 17), (40_000,)]
STATES = [(0, 0), (0x1234567890ABCDEF, 2**32 - 3), (2**64 - 1, 2**64 - 2)]


def state_of(index):
    return np.array(STATES[index % len(STATES)], dtype=np.uint64).view(np.int64)


CASES = [(dtype, shape, i % 3) for i, shape in enumerate(SHAPES) for dtype in FLOATS]


@pytest.mark.parametrize(("backend", "dtype", "shape", "state"), rows(CASES))
def test_random_uniform(backend, dtype, shape, state):
    for low, high in ((0.0, 1.0), (-0.05, 0.05), (3.0, 3.0000005)):
        attributes = (shape, low, high, dtype)
        check(backend, "random_uniform", [state_of(state)], *attributes, wide=False)


@pytest.mark.parametrize(("backend", "dtype", "shape", "state"), rows(CASES))
@pytest.mark.parametrize("truncated", [False, True])
def test_random_normal(backend, dtype, shape, state, truncated):
    def bound(i, expected, eps):
        # In float64 the specification is rounded too: 4 eps there.
        limit = ulps(4, expected, eps) if dtype == "float32" else 4 * eps * np.abs(expected)
        return limit if i == 0 else 0

    attributes = (shape, 0.0, 1.0, truncated, dtype)
    check(backend, "random_normal", [state_of(state)], *attributes, bound=bound, wide=False)

    def shifted(i, expected, eps):  # 4 ULP of a number below 8, scaled, then the sum
        return (16 * 0.5 + 2) * eps if i == 0 else 0

    attributes = (shape, 1.5, 0.5, truncated, dtype)
    check(backend, "random_normal", [state_of(state)], *attributes, bound=shifted, wide=False)


@pytest.mark.parametrize(
    ("backend", "dtype", "shape", "state"),
    rows((dtype, shape, i % 3) for i, shape in enumerate(SHAPES) for dtype in INTEGERS),
)
def test_random_integers(backend, dtype, shape, state):
    ranges = [(0, 10), (7, 8), (0, 256)]
    ranges += [(-(2**31), 2**31), (-5, 5)] if dtype != "uint8" else []
    ranges += [(-(2**63), 2**63 - 1), (0, 2**40)] if dtype == "int64" else []
    for low, high in ranges:
        attributes = (shape, low, high, dtype)
        check(backend, "random_integers", [state_of(state)], *attributes, wide=False)


@pytest.mark.parametrize(
    ("backend", "n", "state"),
    rows((n, i % 3) for i, n in enumerate((0, 1, 2, 5, 64, 1000, 40_000))),
)
def test_random_permutation(backend, n, state):
    check(backend, "random_permutation", [state_of(state)], n, wide=False)


@pytest.mark.parametrize(
    ("backend", "dtype", "shape", "noise"),
    rows(
        (dtype, *case)
        for dtype in FLOATS
        for case in [
            *((shape, ()) for shape in SHAPES),
            ((3, 17), (3, 1)),
            ((3, 17), (1, 17)),
            ((5, 4, 9), (5, 1, 9)),
            ((5, 4, 9), (4, 1)),
        ]
    ),
)
@pytest.mark.parametrize("rate", [0.0, 0.25, 0.3, 1.0])
def test_dropout(backend, dtype, shape, noise, rate):
    x = np.asarray(generator(shape).normal(size=shape)).astype(dtype)

    def bound(i, expected, eps):  # the product with a quotient
        return ulps(2, expected, eps) if i == 0 else 0

    operands = [x, np.array(rate, dtype), state_of(1)]
    y, mask, _ = check(backend, "dropout", operands, "plain", noise, bound=bound, wide=False)
    (dx,) = check(backend, "dropout_backward", [x, mask, operands[1]], bound=bound)
    np.testing.assert_array_equal(dx, y)
