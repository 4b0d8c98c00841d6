"""The steps of bench/kernels.py in Numba, as far as Python has words for them."""

import time
from collections.abc import Callable

import numba
import numpy as np

import fastnn as fn


@numba.njit
def plain(a, b, c):
    """Three loops as in the textbook."""
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            total = np.float32(0)
            for p in range(a.shape[1]):
                total += a[i, p] * b[p, j]
            c[i, j] = total


@numba.njit
def rows(a, b, c):
    """Loops reordered: rows of B and C side by side."""
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            c[i, j] = 0
        for p in range(a.shape[1]):
            x = a[i, p]
            for j in range(b.shape[1]):
                c[i, j] += x * b[p, j]


def ladder(n: int, a, b, c, tensors) -> dict[str, tuple[Callable[[], object], str]]:
    """Name to a call and what is new in it, with the time of its first call, which compiles."""

    def ours() -> fn.Tensor:
        with fn.use_backend("jit_cpu"):
            return fn.ops.matmul(*tensors)

    steps = {
        "plain": (lambda: plain(a, b, c), "three loops as in the textbook"),
        "rows": (lambda: rows(a, b, c), "loops reordered, so that LLVM uses vectors"),
        "jit_cpu": (ours, "packed panels, a tile of 6 x 16 in registers, k in blocks"),
    }
    expected = a @ b
    told = {}
    for name, (call, text) in steps.items():
        start = time.perf_counter()
        result = call()
        seconds = time.perf_counter() - start
        found = c if result is None else result.numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * n)
        told[name] = call, f"{text} (first call {seconds:.1f} s)"
    return told
