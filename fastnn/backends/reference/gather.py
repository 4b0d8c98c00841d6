"""Reading and adding through indices: gather, scatter_add, sum_rows, gather_nd, scatter_nd_add."""

from __future__ import annotations

import numpy as np


def check_indices(
    name: str, extents: int | tuple, axis: int, indices: np.ndarray, wrap: bool, owner: str = ""
) -> np.ndarray:
    """Indices along an axis of that extent, or, last axis, along several from ``axis`` on; with
    ``wrap`` negative ones count from the end."""
    wide, limits = indices.astype(np.int64), np.array(extents, np.int64)
    bad = (wide < (-limits if wrap else 0)) | (wide >= limits)
    if bad.any():
        where = int(np.argmax(bad))
        axis, extent = axis + where % limits.size, limits.flat[where % limits.size]
        if owner:
            place: object = where
            if wide.ndim > 1:
                place = tuple(int(i) for i in np.unravel_index(where, wide.shape))
            raise IndexError(
                f"{owner}: id {wide.flat[where]} at position {place} is not in the vocabulary, "
                f"expected 0 to {extent - 1} (input_dim is {extent})"
            )
        raise IndexError(
            f"{name}: index {wide.flat[where]} at position {where} is out of range for "
            f"axis {axis} of extent {extent}"
        )
    return np.where(wide < 0, wide + limits, wide)


def gather(
    x: np.ndarray, indices: np.ndarray, *, axis: int = 0, wrap: bool = True, owner: str = ""
) -> np.ndarray:
    """y = x taken at ``indices`` (int32 or int64, any shape) along ``axis``.

    y.shape = x.shape[:axis] + indices.shape + x.shape[axis + 1:]. IndexError when out of range,
    which speaks of ids if there is an ``owner``: the layer whose table x is.
    """
    index = check_indices("gather", x.shape[axis], axis, indices, wrap, owner)
    return np.take(x, index, axis=axis)


def scatter_add(
    y: np.ndarray, updates: np.ndarray, indices: np.ndarray, *, axis: int = 0, wrap: bool = True
) -> np.ndarray:
    """The gradient of gather: y[.., indices[i], ..] += updates[.., i, ..], i ascending."""
    index = check_indices("scatter_add", y.shape[axis], axis, indices, wrap).reshape(-1)
    result = y.copy()
    flat = updates.reshape(*y.shape[:axis], index.size, *y.shape[axis + 1 :])
    np.add.at(np.moveaxis(result, axis, 0), index, np.moveaxis(flat, axis, 0))
    return result


def sum_rows(
    updates: np.ndarray, indices: np.ndarray, *, extent: int
) -> tuple[np.ndarray, np.ndarray]:
    """(rows, sums): the gradient of a gather of rows, without the rows that were not read.

    updates: (*indices.shape, ...); rows: int64 [n], n the number of indices: the different ones,
    ascending, then -1; sums: [n, ...], the updates of each, added in ascending order, then zeros.
    IndexError for an index outside [0, extent).
    """
    index = check_indices("sum_rows", extent, 0, indices, False).reshape(-1)
    found, places = np.unique(index, return_inverse=True)
    rows = np.full(index.size, -1, np.int64)
    rows[: found.size] = found
    flat = updates.reshape(index.size, *updates.shape[indices.ndim :])
    sums = np.zeros_like(flat)
    np.add.at(sums, places.reshape(-1), flat)
    return rows, sums


def _nd_places(name: str, x: np.ndarray, indices: np.ndarray, batch_dims: int) -> tuple:
    """An index into x[None] that picks a block for every tuple; the first part picks all of x."""
    shape = indices.shape[:-1]
    batch = np.indices(shape, sparse=True)[:batch_dims]
    depth = indices.shape[-1]
    extents = x.shape[batch_dims : batch_dims + depth]
    parts = check_indices(name, extents, batch_dims, indices, True)
    return (np.zeros(shape, dtype=np.int64), *batch, *(parts[..., k] for k in range(depth)))


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
