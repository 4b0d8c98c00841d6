"""Random numbers: bits are those of every other backend, see philox.py.

A state is [key, counter], 64 bits each. Element i takes word i (32-bit draws: float32, integers) or
words 2 i (low) and 2 i + 1 (high) (64-bit draws: float64). Nothing is rejected.
"""

from __future__ import annotations

import math

import numpy as np

from .philox import words
from .special import normal_quantile

# Truncated normals lie within two standard deviations: probabilities of the lower cut, and between.
_CUT = 0.5 * math.erfc(math.sqrt(2))
_BETWEEN = math.erf(math.sqrt(2))


def _draws(state: np.ndarray, shape: tuple, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """One integer of 32 or 64 bits an element, as uint64."""
    count = math.prod(shape)
    if bits == 32:
        drawn, after = words(state, count)
    else:
        drawn, after = words(state, 2 * count)
        drawn = drawn[1::2] << np.uint64(32) | drawn[0::2]
    return drawn.reshape(shape), after


def _fractions(state: np.ndarray, shape: tuple, dtype: str) -> tuple[np.ndarray, int, np.ndarray]:
    """Integers n and a number of bits, 24 (float32) or 53 (float64), so that n / 2^bits < 1."""
    wide = np.dtype(dtype) == np.float64
    drawn, after = _draws(state, shape, 64 if wide else 32)
    return (drawn >> np.uint64(11 if wide else 8)), (53 if wide else 24), after


def random_uniform(
    state: np.ndarray, *, shape: tuple, low: float = 0, high: float = 1, dtype: str = "float32"
) -> tuple[np.ndarray, np.ndarray]:
    """y = u * (high - low) + low for u = n / 2^24 (float32), n / 2^53 (float64), and the state.

    Each operation is rounded to the dtype.
    """
    n, bits, after = _fractions(state, shape, dtype)
    scalar = np.dtype(dtype).type
    u = n.astype(dtype) * scalar(2.0**-bits)
    return u * scalar(high - low) + scalar(low), after


def random_normal(
    state: np.ndarray,
    *,
    shape: tuple,
    mean: float = 0,
    std: float = 1,
    truncated: bool = False,
    dtype: str = "float32",
) -> tuple[np.ndarray, np.ndarray]:
    """y = mean + std * q(u) for the normal quantile q and u = (n + 1/2) / 2^bits, and the state.

    Truncated to two standard deviations: q(c + u * (1 - 2 c)) for c the probability below -2.
    Computed in float64 and rounded once.
    """
    n, bits, after = _fractions(state, shape, dtype)
    n = n.astype(np.int64)
    u = (n + 0.5) * 2.0**-bits
    complement = ((1 << bits) - n - 0.5) * 2.0**-bits
    if truncated:
        u, complement = _CUT + u * _BETWEEN, _CUT + complement * _BETWEEN
    return np.asarray(mean + std * normal_quantile(u, complement)).astype(dtype), after


def random_integers(
    state: np.ndarray, *, shape: tuple, low: int, high: int, dtype: str = "int32"
) -> tuple[np.ndarray, np.ndarray]:
    """y = low + (word * (high - low) >> 32), in [low, high), and the state; high - low <= 2^32."""
    drawn, after = _draws(state, shape, 32)
    steps = (drawn * np.uint64(high - low)) >> np.uint64(32)
    return (steps.astype(np.int64) + low).astype(dtype), after


def dropout(
    x: np.ndarray,
    rate: np.ndarray,
    state: np.ndarray,
    *,
    kind: str = "plain",
    noise_shape: tuple = (),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y = x * mask / (1 - rate), the mask (uint8, 1 = kept, of the noise shape), and the state.

    An element is kept where the float32 uniform u of its word is not below the rate, a 0-d array;
    the noise shape broadcasts to that of x, and () stands for the shape of x. Rate 1 gives zeros.
    """
    if kind != "plain":
        raise ValueError(f"dropout: kind is {kind}, expected plain")
    drawn, after = _draws(state, noise_shape or x.shape, 32)
    u = (drawn >> np.uint64(8)).astype(np.float64) * 2.0**-24
    mask = (u >= float(rate)).astype(np.uint8)
    return dropout_backward(x, mask, rate, kind=kind), mask, after


def dropout_backward(
    dy: np.ndarray, mask: np.ndarray, rate: np.ndarray, *, kind: str = "plain"
) -> np.ndarray:
    """dx = dy * mask / (1 - rate), and 0 where the mask is 0."""
    if kind != "plain":
        raise ValueError(f"dropout_backward: kind is {kind}, expected plain")
    scalar = dy.dtype.type
    with np.errstate(all="ignore"):
        return np.where(mask != 0, dy * (scalar(1) / (scalar(1) - scalar(rate))), scalar(0))


def random_permutation(state: np.ndarray, *, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The int64 order that sorts n random 64-bit integers (stable), and the state."""
    drawn, after = _draws(state, (n,), 64)
    return np.argsort(drawn, kind="stable").astype(np.int64), after
