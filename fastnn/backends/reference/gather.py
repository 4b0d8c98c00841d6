"""Reading and adding through indices: gather, scatter_add, gather_nd, scatter_nd_add."""

from __future__ import annotations

import numpy as np


def _checked(name: str, x: np.ndarray, axis: int, indices: np.ndarray, wrap: bool) -> np.ndarray:
    """Indices along an axis of x; with ``wrap`` negative ones count from the end."""
    extent, wide = x.shape[axis], indices.astype(np.int64)
    bad = (wide < (-extent if wrap else 0)) | (wide >= extent)
    if bad.any():
        where = int(np.argmax(bad))
        raise IndexError(
            f"{name}: index {wide.flat[where]} at position {where} is out of range for "
            f"axis {axis} of extent {extent}"
        )
    return np.where(wide < 0, wide + extent, wide)


def gather(x: np.ndarray, indices: np.ndarray, *, axis: int = 0, wrap: bool = True) -> np.ndarray:
    """y = x taken at ``indices`` (int32 or int64, any shape) along ``axis``.

    y.shape = x.shape[:axis] + indices.shape + x.shape[axis + 1:]. IndexError when out of range.
    """
    return np.take(x, _checked("gather", x, axis, indices, wrap), axis=axis)


def scatter_add(
    y: np.ndarray, updates: np.ndarray, indices: np.ndarray, *, axis: int = 0, wrap: bool = True
) -> np.ndarray:
    """The gradient of gather: y[.., indices[i], ..] += updates[.., i, ..], i ascending."""
    index = _checked("scatter_add", y, axis, indices, wrap).reshape(-1)
    result = y.copy()
    flat = updates.reshape(*y.shape[:axis], index.size, *y.shape[axis + 1 :])
    np.add.at(np.moveaxis(result, axis, 0), index, np.moveaxis(flat, axis, 0))
    return result


def _nd_places(name: str, x: np.ndarray, indices: np.ndarray, batch_dims: int) -> tuple:
    """An index into x[None] that picks a block for every tuple; the first part picks all of x."""
    shape = indices.shape[:-1]
    batch = np.indices(shape, sparse=True)[:batch_dims]
    parts = [
        _checked(name, x, batch_dims + k, indices[..., k], True) for k in range(indices.shape[-1])
    ]
    return (np.zeros(shape, dtype=np.int64), *batch, *parts)


def gather_nd(x: np.ndarray, indices: np.ndarray, *, batch_dims: int = 0) -> np.ndarray:
    """y[b.., i..] = x[b.., *indices[b.., i.., :]] for ``batch_dims`` shared leading axes b.

    y.shape = indices.shape[:-1] + x.shape[batch_dims + indices.shape[-1]:]; negative indices count
    from the end. As tf.gather_nd, except that an index out of range is an IndexError.
    """
    return x[None][_nd_places("gather_nd", x, indices, batch_dims)]


def scatter_nd_add(
    y: np.ndarray, updates: np.ndarray, indices: np.ndarray, *, batch_dims: int = 0
) -> np.ndarray:
    """The gradient of gather_nd: y[b.., *indices[b.., i.., :]] += updates[b.., i..], ascending."""
    result = y.copy()
    np.add.at(result[None], _nd_places("scatter_nd_add", y, indices, batch_dims), updates)
    return result
