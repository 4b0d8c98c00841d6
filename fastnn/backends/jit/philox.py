"""Philox 4x32-10 for kernels in Python: the same words as on every other backend.

J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
LOW, HALF, ZERO = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(0)


def block_of_words(compile: Callable) -> Any:
    """words(key, counter) -> the four 32-bit words of that counter, all in uint64."""

    @compile
    def words(key, counter):
        c0, c1, c2, c3 = counter & LOW, counter >> HALF, ZERO, ZERO
        k0, k1 = key & LOW, key >> HALF
        for _ in range(10):
            p, q = M0 * c0, M1 * c2
            c0, c1 = (q >> HALF) ^ c1 ^ k0, q & LOW
            c2, c3 = (p >> HALF) ^ c3 ^ k1, p & LOW
            k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
        return c0, c1, c2, c3

    return words
