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

    Each operation is rounded to the dtype; what is rounded up to ``high`` is the number before it.
    """
    n, bits, after = _fractions(state, shape, dtype)
    scalar = np.dtype(dtype).type
    u = n.astype(dtype) * scalar(2.0**-bits)
    below = np.nextafter(scalar(high), scalar(low))
    return np.minimum(u * scalar(high - low) + scalar(low), below), after


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
    middle, n = 1 << (bits - 1), n.astype(np.int64)
    q = (n - middle + 0.5) * 2.0**-bits  # u - 1/2
    tail = (np.where(n < middle, n, 2 * middle - 1 - n) + 0.5) * 2.0**-bits
    if truncated:
        q, tail = q * _BETWEEN, _CUT + tail * _BETWEEN
    return np.asarray(mean + std * normal_quantile(q, tail)).astype(dtype), after


def random_integers(
    state: np.ndarray, *, shape: tuple, low: int, high: int, dtype: str = "int32"
) -> tuple[np.ndarray, np.ndarray]:
    """y = low + (n * (high - low) >> bits), in [low, high), and the state; int32, int64 or uint8.

    n has 32 bits, or 64 where high - low is more than 2^32. D. Lemire, "Fast random integer
    generation in an interval" (2019), without its rejection.
    """
    bits = 32 if high - low <= 1 << 32 else 64
    drawn, after = _draws(state, shape, bits)
    steps = (drawn.astype(object) * (high - low)) >> bits
    return np.asarray(steps + low).astype(dtype), after


def _check_rate(name: str, rate: np.ndarray) -> None:
    if not rate >= 0:
        raise ValueError(f"{name}: rate is {float(rate):f}, expected at least 0")


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
    the noise shape broadcasts to that of x, and () stands for the shape of x. Rates of 1 and more
    give zeros.
    """
    _check_rate("dropout", rate)
    drawn, after = _draws(state, noise_shape or x.shape, 32)
    u = (drawn >> np.uint64(8)).astype(np.float64) * 2.0**-24
    mask = (u >= float(rate)).astype(np.uint8)
    return dropout_backward(x, mask, rate, kind=kind), mask, after


def dropout_backward(
    dy: np.ndarray, mask: np.ndarray, rate: np.ndarray, *, kind: str = "plain"
) -> np.ndarray:
    """dx = dy * mask / (1 - rate), and 0 where the mask is 0."""
    _check_rate("dropout_backward", rate)
    scalar = dy.dtype.type
    with np.errstate(all="ignore"):
        return np.where(mask != 0, dy * (scalar(1) / (scalar(1) - scalar(rate))), scalar(0))


def random_permutation(state: np.ndarray, *, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The int64 order that sorts n random 64-bit integers (stable), and the state."""
    drawn, after = _draws(state, (n,), 64)
    return np.argsort(drawn, kind="stable").astype(np.int64), after
