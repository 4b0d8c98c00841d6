"""Copies, pads and fills: copy, pad, concatenate, one_hot, arange, gather_batch."""

from __future__ import annotations

from typing import Any

import numpy as np

PAD_MODES = ("constant", "edge", "reflect", "symmetric")


def cast(x: np.ndarray, dtype: str | np.dtype) -> np.ndarray:
    """x in another dtype: bool is x != 0. To integers floating point is cut off toward zero, beyond
    their ends it becomes the nearest, and NaN 0; integers keep their lowest bits."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return x != 0
    if x.dtype.kind == "f" and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        low, high = x < limits.min, x >= float(int(limits.max) + 1)
        inside = np.where(low | high | np.isnan(x), 0, x).astype(dtype)
        return np.where(low, limits.min, np.where(high, limits.max, inside)).astype(dtype)
    with np.errstate(over="ignore"):
        return x.astype(dtype, copy=False)


def copy(x: np.ndarray, *, dtype: str, scale: float = 1) -> np.ndarray:
    """y = x in ``dtype``; a floating-point y is multiplied by ``scale`` (bytes to [0, 1])."""
    y = cast(x, dtype)
    return y * y.dtype.type(scale) if y.dtype.kind == "f" and scale != 1 else y


def pad(
    x: np.ndarray,
    *,
    before: tuple[int, ...],
    after: tuple[int, ...],
    mode: str | int = "constant",
    value: float = 0,
) -> np.ndarray:
    """y.shape[i] = before[i] + x.shape[i] + after[i].

    What is added is ``value`` (constant), the nearest element (edge), or x mirrored without
    (reflect) or with (symmetric) its edge repeated.
    """
    if x.ndim == 0:
        return x.copy()
    kind: Any = mode if isinstance(mode, str) else PAD_MODES[mode]
    options: dict = (
        {"constant_values": np.asarray(value).astype(x.dtype)} if kind == "constant" else {}
    )
    return np.pad(x, list(zip(before, after, strict=True)), mode=kind, **options)


def concatenate(xs: list[np.ndarray], *, axis: int) -> np.ndarray:
    """The arrays, of one dtype, one behind the other along ``axis``; other extents are equal."""
    return np.concatenate(xs, axis)


def one_hot(
    labels: np.ndarray, *, depth: int, on: float = 1, off: float = 0, dtype: str = "float32"
) -> np.ndarray:
    """y[..., j] = on if labels[...] == j else off, for j < depth; labels of any integer dtype."""
    hit = np.asarray(labels)[..., None] == np.arange(depth)
    return np.where(hit, np.asarray(on).astype(dtype), np.asarray(off).astype(dtype))


def arange(*, start: float, step: float, count: int, dtype: str) -> np.ndarray:
    """y[i] = start + i * step for i < count, computed in float64 and then cast."""
    return cast(start + np.arange(count) * np.float64(step), dtype)


def gather_batch(
    xs: list[np.ndarray],
    permutation: np.ndarray,
    position: np.ndarray,
    *,
    rows: int,
    dtypes: tuple[int, ...] = (),
    scale: float = 1,
) -> tuple[list[np.ndarray], np.ndarray]:
    """The next ``rows`` rows of every x in the order of ``permutation``, and position + rows.

    permutation int64 [n], position int64 [1]; y = x[permutation[position : position + rows]], in
    x's dtype (dtypes[i] = 0), float32 (1) or float64 (2); a y that was cast is scaled.
    """
    start = int(position.item())
    if start < 0 or start + rows > permutation.size:
        raise IndexError(
            f"gather_batch: {rows} rows from position {start} are outside the permutation of "
            f"{permutation.size} rows"
        )
    order = permutation[start : start + rows]
    extent = xs[0].shape[0] if xs else 0
    bad = (order < 0) | (order >= extent)
    if xs and bad.any():
        i = int(np.argmax(bad))
        raise IndexError(
            f"gather_batch: row {order[i]} at position {start + i} is out of range for arrays of "
            f"{extent} rows"
        )
    ys = []
    for i, x in enumerate(xs):
        code = dtypes[i] if i < len(dtypes) else 0
        y = x[order]
        ys.append(copy(y, dtype=("float32", "float64")[code - 1], scale=scale) if code else y)
    return ys, position + rows


def assign(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """y becomes x, of the same shape and dtype."""
    return x.copy()


def accumulate(
    total: np.ndarray, count: np.ndarray, x: np.ndarray, *, scale: float = 1, rows: float = 1
) -> tuple[np.ndarray, np.ndarray]:
    """total += scale * sum(x) and count += rows, all in float64."""
    return total + scale * x.astype(np.float64).sum(), count + rows
