"""Spatial axes at another resolution."""

from __future__ import annotations

import numpy as np


def taken(n: int, out: int, method: str, corners: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each of ``out`` positions the two of n that it takes, and the share of the second."""
    place = np.arange(out, dtype=np.float64)
    if corners == "half_pixel":
        place = (place + 0.5) * (n / out) - 0.5
    elif corners == "align_corners":
        place = place * ((n - 1) / (out - 1) if out > 1 else 0)
    else:
        place = place * (n / out)
    if method == "nearest":
        rows = np.arange(out)
        if corners == "half_pixel":
            first = (2 * rows + 1) * n // (2 * out)
        elif corners == "asymmetric":
            first = rows * n // out
        else:
            first = np.floor(place + 0.5).astype(int)
        return first, first, np.zeros(out)
    place = np.clip(place, 0, n - 1)
    first = np.floor(place).astype(int)
    return first, np.minimum(first + 1, n - 1), place - first


def _matrix(n: int, out: int, method: str, corners: str) -> np.ndarray:
    """[out, n]: what each position of the result takes of each of the operand's."""
    first, second, share = taken(n, out, method, corners)
    matrix, rows = np.zeros((out, n)), np.arange(out)
    np.add.at(matrix, (rows, first), 1 - share)
    np.add.at(matrix, (rows, second), share)
    return matrix


def _along(x: np.ndarray, axis: int, matrix: np.ndarray) -> np.ndarray:
    return np.moveaxis(np.tensordot(matrix.astype(x.dtype), x, (1, axis)), 0, axis)


def resize(
    x: np.ndarray, *, size: tuple, method: str = "nearest", corners: str = "half_pixel"
) -> np.ndarray:
    """x [batch, spatial..., channels] with spatial shape ``size``.

    Position o along an axis of n that becomes m reads the operand at (o + 0.5) n / m - 0.5
    (half_pixel), o (n - 1) / (m - 1) (align_corners) or o n / m (asymmetric), kept within the
    axis. nearest: the element there: that whose half-open cell it falls in, for align_corners the
    nearer one; bilinear: the two around it, by their distance.
    """
    for axis, m in enumerate(size, 1):
        x = _along(x, axis, _matrix(x.shape[axis], m, method, corners))
    return x


def resize_backward(
    dy: np.ndarray, *, extents: tuple, method: str = "nearest", corners: str = "half_pixel"
) -> np.ndarray:
    """The gradient of ``resize`` for x with spatial shape ``extents``."""
    for axis, n in enumerate(extents, 1):
        dy = _along(dy, axis, _matrix(n, dy.shape[axis], method, corners).T)
    return dy
