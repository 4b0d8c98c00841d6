"""What layers ask of the layers and cells in them."""

from __future__ import annotations

from typing import Any

from fastnn.dtypes import standardize_dtype
from fastnn.layers.layer import Layer
from fastnn.utils import tree


def with_dtype_of(who: str, inner: Any, kwargs: dict) -> dict:
    """A layer's arguments with the dtype of the layer in it; a ValueError if they differ."""
    wanted = kwargs.get("dtype")
    if not isinstance(inner, Layer):
        return kwargs
    if wanted is not None and standardize_dtype(getattr(wanted, "name", wanted)) != inner.dtype:
        raise ValueError(f"{who}: dtype is {wanted}, that of {inner.name} in it is {inner.dtype}")
    return {**kwargs, "dtype": inner.dtype}


def check_cell(who: str, cell: Any) -> None:
    """A ValueError if an object cannot be a cell."""
    for name in ("call", "state_size"):
        if not hasattr(cell, name):
            raise ValueError(f"{who}: the cell must have {name}, got {cell!r}")
    sizes = tree.flatten(cell.state_size)
    if not sizes or not all(isinstance(size, int) for size in sizes):
        raise ValueError(f"{who}: the cell's state_size must be integers, got {cell.state_size!r}")


def output_size_of(cell: Any) -> int:
    """A cell's output_size, else the size of its first state."""
    size = getattr(cell, "output_size", None)
    return tree.flatten(cell.state_size)[0] if size is None else size
