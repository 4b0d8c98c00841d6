"""What goes along one axis: cumulative, cumulative_prod_backward, sort, searchsorted."""

from __future__ import annotations

import numpy as np


def _turned(x: np.ndarray, axis: int, reverse: bool) -> np.ndarray:
    return np.flip(x, axis) if reverse else x


@np.errstate(all="ignore")
def cumulative(x: np.ndarray, *, op: str, axis: int, reverse: bool = False) -> np.ndarray:
    """y[i] = x[0] op x[1] op ... op x[i] along ``axis``, op sum or prod; reverse: from the end.

    y has the dtype of x, a number; whole numbers wrap around.
    """
    run = {"sum": np.add, "prod": np.multiply}[op].accumulate
    return _turned(run(_turned(x, axis, reverse), axis, x.dtype), axis, reverse)


@np.errstate(all="ignore")
def cumulative_prod_backward(
    dy: np.ndarray, x: np.ndarray, y: np.ndarray, *, axis: int, reverse: bool = False
) -> np.ndarray:
    """The gradient of y = cumulative(x, prod), without a division, so that zeros do no harm.

    s[i] = dy[i] + x[i + 1] s[i + 1] from the end on, dx[i] = y[i - 1] s[i], dx[0] = s[0].
    """
    dy, x, y = (np.moveaxis(_turned(part, axis, reverse), axis, 0) for part in (dy, x, y))
    sums = np.array(dy)
    for i in range(len(dy) - 2, -1, -1):
        sums[i] += x[i + 1] * sums[i + 1]
    sums[1:] *= y[:-1]
    return _turned(np.moveaxis(sums, 0, axis), axis, reverse)


def sort(
    x: np.ndarray,
    *,
    axis: int,
    descending: bool = False,
    count: int = -1,
    want_values: bool = True,
    want_indices: bool = True,
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """(values, int64 indices) of the first ``count`` (-1: all) elements along ``axis`` in order.

    Equal elements keep their order, -0 equals 0, and NaN counts as the largest number. What is not
    wanted is None.
    """
    if descending:  # equal ones keep their order in x where the flipped ones keep theirs
        order = x.shape[axis] - 1 - np.argsort(np.flip(x, axis), axis=axis, kind="stable")
        order = np.flip(order, axis)
    else:
        order = np.argsort(x, axis=axis, kind="stable")
    count = x.shape[axis] if count == -1 else count
    order = np.take(order, np.arange(count), axis=axis).astype(np.int64)
    values = np.take_along_axis(x, order, axis=axis) if want_values else None
    return values, order if want_indices else None


def searchsorted(edges: np.ndarray, x: np.ndarray, *, right: bool = False) -> np.ndarray:
    """How many of the ascending 1-d ``edges`` lie before each x, int64; right: or equal it.

    NaN lies behind all numbers.
    """
    return np.asarray(np.searchsorted(edges, x, "right" if right else "left"), dtype=np.int64)
