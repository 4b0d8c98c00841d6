"""assign, accumulate and require_no_nan: state written in place, and a check.

Bounds: accumulate adds n float64 values in eight chains, n roundings at most, and twice more.
"""

import numpy as np
import pytest

from .harness import FLOATS, INTEGERS, SHAPES, check, generator, rows, run

DTYPES = (*FLOATS, *INTEGERS, "bool")


def numbers(dtype, shape):
    x = generator(dtype, shape).uniform(0 if dtype == "uint8" else -99, 99, shape)
    return np.asarray(x > 0 if dtype == "bool" else x).astype(dtype)


@pytest.mark.parametrize(("backend", "dtype"), rows((dtype,) for dtype in DTYPES))
def test_assign(backend, dtype):
    for shape in SHAPES:
        check(backend, "assign", [np.zeros(shape, dtype), numbers(dtype, shape)], wide=False)


@pytest.mark.parametrize(("backend", "dtype"), rows((dtype,) for dtype in DTYPES))
def test_accumulate(backend, dtype):
    for shape in [*SHAPES, (255,), (256,), (257,), (1000, 3)]:
        x = numbers(dtype, shape)
        sizes = np.abs(x.astype(np.float64)).sum() * 0.5 + 3

        def bound(i, expected, eps, x=x, sizes=sizes):
            return (x.size + 3) * np.finfo(np.float64).eps * sizes if i == 0 else 0

        operands = [np.array(2.5), np.array(7.0), x]
        check(backend, "accumulate", operands, 0.5, 3.0, bound=bound)


@pytest.mark.parametrize(("backend", "dtype"), rows((dtype,) for dtype in FLOATS))
def test_require_no_nan(backend, dtype):
    for shape in SHAPES:
        assert run(backend, "require_no_nan", [numbers(dtype, shape)], "y_true") == []
    for place in (0, 5, 255, 256, 700):
        x = np.zeros((3, 300), dtype)
        x.flat[place] = np.nan
        index = tuple(map(int, np.unravel_index(place, x.shape)))
        with pytest.raises(ValueError) as error:
            run(backend, "require_no_nan", [x], "sample_weight")
        assert str(error.value) == f"loss: sample_weight holds NaN, first at index {index}"
