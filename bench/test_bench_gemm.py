"""Matrix products beside NumPy's, which are OpenBLAS's."""

import numpy as np
import pytest

from bench.peers import GEMM
from fastnn import _core

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("m, n, k, form", GEMM)
def test_gemm(m, n, k, form, engine, benchmark):
    benchmark.group = f"gemm {m}x{n}x{k} {form}"
    a = RANDOM.standard_normal((k, m) if form[0] == "T" else (m, k), dtype=np.float32)
    b = RANDOM.standard_normal((n, k) if form[1] == "T" else (k, n), dtype=np.float32)
    flags = form[0] == "T", form[1] == "T"
    operands = [_core.from_numpy(a), _core.from_numpy(b), None, None, None, *flags]
    left, right = (a.T if flags[0] else a), (b.T if flags[1] else b)
    np.testing.assert_allclose(_core.gemm(*operands)[0], left @ right, rtol=1e-3, atol=1e-5 * k)
    benchmark((lambda: _core.gemm(*operands)) if engine == "fastnn" else (lambda: left @ right))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_dense_backward(engine, benchmark):
    benchmark.group = "dense_backward 100x784x500, relu"
    x, w, dy = (
        RANDOM.standard_normal(shape, dtype=np.float32)
        for shape in ((100, 784), (784, 500), (100, 500))
    )
    y = np.maximum(x @ w, 0)
    tensors = [_core.from_numpy(part) for part in (dy, x, w, y)]

    def plain():
        g = dy * (y > 0)
        return g @ w.T, x.T @ g, g.sum(0)

    for ours, theirs in zip(_core.dense_backward(*tensors, "relu"), plain()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)
    benchmark((lambda: _core.dense_backward(*tensors, "relu")) if engine == "fastnn" else plain)
