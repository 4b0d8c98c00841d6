"""unfold and fold: exact copies, and sums of at most as many terms as a window has elements."""

import numpy as np
import pytest

from .harness import FLOATS, INTEGERS, check, generator, rows_without_jit


class Case:
    def __init__(self, seed, dtype):
        random = generator("unfold", seed, dtype)
        rank = seed % 3 + 1
        window, strides, dilation = (
            random.integers(1, most, rank) for most in ((7, 5, 4)[rank - 1], 4, 3)
        )
        pads = random.integers(0, 4, (rank, 2))
        least = (window - 1) * dilation + 1 - pads.sum(axis=1)
        extents = np.maximum(least, 1) + random.integers(0, (60, 14, 6)[rank - 1], rank)
        self.window, self.extents = (tuple(map(int, v)) for v in (window, extents))
        self.places = (
            self.window,
            tuple(map(int, strides)),
            tuple(map(int, pads.ravel())),
            tuple(map(int, dilation)),
        )
        self.results = tuple(
            int(r)
            for r in (extents + pads.sum(axis=1) - (window - 1) * dilation - 1) // strides + 1
        )
        images, self.channels = int(random.integers(1, 4)), int(random.choice([1, 2, 3, 17]))
        columns = int(np.prod(window)) * self.channels
        self.x, self.y = (
            random.uniform(-99, 99, (images, *shape)).astype(dtype)
            for shape in ((*extents, self.channels), (*self.results, columns))
        )


CASES = [(dtype, seed) for dtype in (*FLOATS, *INTEGERS) for seed in range(9)]


@pytest.mark.parametrize(("backend", "dtype", "seed"), rows_without_jit([*CASES, ("bool", 1)]))
def test_unfold(backend, dtype, seed):
    case = Case(seed, dtype)
    check(backend, "unfold", [case.x], *case.places)


@pytest.mark.parametrize(("backend", "dtype", "seed"), rows_without_jit(CASES))
def test_fold(backend, dtype, seed):
    case = Case(seed, dtype)
    terms = int(np.prod(case.window))

    def bound(i, expected, eps):
        return 99 * terms * terms * eps / 2

    attributes = (*case.places, case.extents)
    wide = case.y.dtype.kind == "f"  # integers wrap around
    check(backend, "fold", [case.y], *attributes, bound=bound, wide=wide)


@pytest.mark.parametrize(("backend", "shape"), rows_without_jit([((0, 5, 2),), ((2, 5, 0),)]))
def test_of_nothing(backend, shape):
    check(backend, "unfold", [np.zeros(shape)], (3,))
    check(backend, "fold", [np.zeros((shape[0], 3, 3 * shape[2]))], (3,), (), (), (), (5,))
