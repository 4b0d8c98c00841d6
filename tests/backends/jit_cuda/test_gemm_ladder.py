"""Every step of the ladder of matrix products, in the simulator: edges, several tiles, no depth."""

import numpy as np
import pytest

from fastnn.backends.jit_cuda.cuda import cuda
from fastnn.backends.jit_cuda.gemm_ladder import LADDER, LARGE, SMALL, Tiles

from .layer_cases import draw

SHAPES = [(1, 1, 1), (5, 9, 7), (9, 10, 3), (3, 2, 0)]


@pytest.mark.parametrize("step", LADDER, ids=lambda step: step.__name__)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_step(step, dtype, shape):
    m, n, k = shape
    a, b = draw(dtype, (m, k), 1), draw(dtype, (k, n), 2)
    c = cuda.to_device(np.full((m, n), 113, dtype))
    step(c, cuda.to_device(a), cuda.to_device(b))
    expected = a.astype(np.float64) @ b.astype(np.float64)
    # k products and sums, each rounded once, of magnitudes up to 1
    np.testing.assert_allclose(c.copy_to_host(), expected, rtol=0, atol=k * np.finfo(dtype).eps)


@pytest.mark.parametrize("tiles", [SMALL, LARGE, Tiles(128, 128, 8, 8, 8), Tiles(64, 64, 8, 4, 4)])
def test_tiles_share_out_evenly(tiles):
    """Every thread brings as many numbers of a tile as the next one, in one row or column of it."""
    for width in (tiles.rows, tiles.columns):
        each, rest = divmod(width * tiles.depth, tiles.threads)
        assert rest == 0 and tiles.depth % each == 0 and width % each == 0
