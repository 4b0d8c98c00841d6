"""Rows of arrays that no cache holds are fetched before they are copied; the right ones are."""

from __future__ import annotations

import numpy as np
import pytest
from same_bits import same_for_threads

from fastnn import _core

CELLS = 1 << 25  # bytes of a table: a quarter of most third caches is less


def table(columns, dtype):
    cells = np.arange(CELLS // np.dtype(dtype).itemsize, dtype=dtype)
    return cells[: cells.size // columns * columns].reshape(-1, columns)


@pytest.mark.parametrize(
    ("columns", "dtype"), [(1, "int64"), (8, "int64"), (60, "float32"), (784, "uint8"), (999, "f8")]
)
def test_rows_and_batches(columns, dtype):
    x = table(columns, dtype)
    rng = np.random.default_rng(columns)
    for count in (1, 5, 17, 1000):
        indices = rng.integers(-len(x), len(x), count)
        y = _core.gather(_core.from_numpy(x), _core.from_numpy(indices), 0)
        np.testing.assert_array_equal(y, x[indices])
        order, position = _core.from_numpy(indices % len(x)), _core.from_numpy(np.array(0))
        (y,) = _core.gather_batch([_core.from_numpy(x)], order, position, count)
        np.testing.assert_array_equal(y, x[indices])


def test_rows_of_several_tables():
    x, indices = table(60, "float32"), np.random.default_rng(0).integers(0, 1000, 700)
    x = x[: len(x) // 1000 * 1000].reshape(-1, 1000, 60)
    whole, chosen = _core.from_numpy(x), _core.from_numpy(indices)
    np.testing.assert_array_equal(_core.gather(whole, chosen, 1), x[:, indices])
    same_for_threads(lambda: _core.gather(whole, chosen, 1))
