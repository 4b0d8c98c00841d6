"""Sums and the like over the threads of a block: a tree in a fixed order."""

from __future__ import annotations

import functools
from typing import Any

from .cuda import THREADS, compiled, cuda, device


@functools.cache
def tree(combine: Any, dtype: Any) -> Any:
    """total(value) -> combine over the values of all threads of the block, for every thread.

    The block has a power of two of threads, at most THREADS, and all of them must call it.
    """

    @device
    def total(value):
        shared = cuda.shared.array(THREADS, dtype)
        thread, half = cuda.threadIdx.x, cuda.blockDim.x // 2
        shared[thread] = value
        cuda.syncthreads()
        while half > 0:
            if thread < half:
                shared[thread] = combine(shared[thread], shared[thread + half])
            cuda.syncthreads()
            half //= 2
        result = shared[0]
        cuda.syncthreads()  # before the next call writes
        return result

    return total


add = compiled(lambda a, b: a + b)
larger = compiled(lambda a, b: a if (a >= b) | (a != a) else b)  # NaN wins
smaller = compiled(lambda a, b: a if (a <= b) | (a != a) else b)
