"""Reading and adding through indices: gather, scatter_add, gather_nd, scatter_nd_add."""

from __future__ import annotations

import numpy as np


def _checked(name: str, indices: np.ndarray, extent: int, wrap: bool) -> np.ndarray:
    """Indices in [0, extent); with ``wrap`` negative ones count from the end."""
    wide = indices.astype(np.int64)
    lowest = -extent if wrap else 0
    bad = (wide < lowest) | (wide >= extent)
    if bad.any():
        raise IndexError(f"{name}: index {wide[bad][0]} is out of range for an axis of {extent}")
    return np.where(wide < 0, wide + extent, wide)


def gather(x: np.ndarray, indices: np.ndarray, *, axis: int = 0, wrap: bool = True) -> np.ndarray:
    """y = x taken at ``indices`` (int32 or int64, any shape) along ``axis``.

    y.shape = x.shape[:axis] + indices.shape + x.shape[axis + 1:]. IndexError when out of range.
    """
    return np.take(x, _checked("gather", indices, x.shape[axis], wrap), axis=axis)


def scatter_add(
    y: np.ndarray, updates: np.ndarray, indices: np.ndarray, *, axis: int = 0, wrap: bool = True
) -> np.ndarray:
    """The gradient of gather: y[.., indices[i], ..] += updates[.., i, ..], i ascending."""
    index = _checked("scatter_add", indices, y.shape[axis], wrap).reshape(-1)
    result = y.copy()
    flat = updates.reshape(*y.shape[:axis], index.size, *y.shape[axis + 1 :])
    np.add.at(np.moveaxis(result, axis, 0), index, np.moveaxis(flat, axis, 0))
    return result


def _nd_index(name: str, shape: tuple, indices: np.ndarray, batch_dims: int) -> tuple:
    depth = indices.shape[-1]
    batch = np.indices(indices.shape[:batch_dims])
    lead = [
        axis.reshape(axis.shape + (1,) * (indices.ndim - 1 - batch_dims)) for axis in batch
    ]  # fmt: skip
    parts = [
        _checked(name, indices[..., k], shape[batch_dims + k], True) for k in range(depth)
    ]  # fmt: skip
    return (*lead, *parts)


def gather_nd(x: np.ndarray, indices: np.ndarray, *, batch_dims: int = 0) -> np.ndarray:
    """y[b.., i..] = x[b.., *indices[b.., i.., :]] for ``batch_dims`` shared leading axes b.

    y.shape = indices.shape[:-1] + x.shape[batch_dims + indices.shape[-1]:]; negative indices count
    from the end. As tf.gather_nd, except that an index out of range is an IndexError.
    """
    return x[_nd_index("gather_nd", x.shape, indices, batch_dims)].reshape(
        indices.shape[:-1] + x.shape[batch_dims + indices.shape[-1] :]
    )


def scatter_nd_add(
    y: np.ndarray, updates: np.ndarray, indices: np.ndarray, *, batch_dims: int = 0
) -> np.ndarray:
    """The gradient of gather_nd: y[b.., *indices[b.., i.., :]] += updates[b.., i..], ascending."""
    result = y.copy()
    shape = indices.shape[:-1]
    index = _nd_index("scatter_nd_add", y.shape, indices, batch_dims)
    index = tuple(np.broadcast_to(part, shape) for part in index)
    if index:
        np.add.at(result, index, updates)
    else:
        result += updates.reshape((-1, *y.shape)).sum(0, dtype=y.dtype)
    return result
