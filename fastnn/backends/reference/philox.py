"""Philox 4x32-10: random bits as a function of key and counter.

J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).
"""

from __future__ import annotations

import numpy as np

_MULTIPLY = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_ROUNDS = 10


def philox(counter: list[np.ndarray], key: tuple[int, int]) -> list[np.ndarray]:
    """Four 32-bit words (held in uint64) for every counter of four words and a key of two."""
    c0, c1, c2, c3 = (np.asarray(word, dtype=np.uint64) for word in counter)
    k0, k1 = np.uint64(key[0]), np.uint64(key[1])
    for _ in range(_ROUNDS):
        p, q = _MULTIPLY[0] * c0, _MULTIPLY[1] * c2
        c0, c1, c2, c3 = (q >> _HALF) ^ c1 ^ k0, q & _LOW, (p >> _HALF) ^ c3 ^ k1, p & _LOW
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return [c0, c1, c2, c3]


def words(state: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """``count`` 32-bit words, in uint64, and the state after them.

    state: two 64-bit words, int64 read as uint64, [key, counter]. Word i is word i mod 4 of counter
    + i // 4; the counter advances by ceil(count / 4).
    """
    key, base = (int(word) for word in state.view(np.uint64))
    blocks = -(-count // 4)
    counter = np.uint64(base) + np.arange(blocks, dtype=np.uint64)  # modulo 2^64
    zero = np.zeros(blocks, dtype=np.uint64)
    drawn = philox([counter & _LOW, counter >> _HALF, zero, zero], (key & 0xFFFFFFFF, key >> 32))
    after = np.array([key, (base + blocks) % 2**64], dtype=np.uint64).view(np.int64)
    return np.stack(drawn, axis=1).reshape(-1)[:count], after
