"""A tensor as another one: copies, other element types; what a tensor is."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import _core
from fastnn.dtypes import FLOATS, standardize_dtype
from fastnn.ops.comparison import clip, where
from fastnn.ops.core import Tensor, as_tensor, cast, follows_operands
from fastnn.ops.creation import convert_to_tensor
from fastnn.ops.elementwise import isnan


def array(x: Any, dtype: Any = None) -> Tensor:
    """x as a Tensor.

    >>> array([1, 2]).dtype
    'int32'
    """
    return convert_to_tensor(x, dtype)


def copy(x: Any) -> Tensor:
    """x as a Tensor. One that is never changes, so it is its own copy; a Variable's is new."""
    return convert_to_tensor(x)


@follows_operands
def saturate_cast(x: Any, dtype: Any) -> Tensor:
    """x of another dtype; numbers that it cannot hold become the nearest that it can, NaN 0.

    >>> saturate_cast([300.7, -5.0], "uint8").tolist()
    [255, 0]
    """
    x, dtype = as_tensor(x, None, "saturate_cast: x"), standardize_dtype(dtype)
    if dtype in FLOATS:
        if (x.dtype, dtype) == ("float64", "float32"):
            limits: Any = np.finfo(dtype)
            x = where(isnan(x), x, clip(x, float(limits.min), float(limits.max)))
        return cast(x, dtype)
    if dtype == "bool" or x.dtype == "bool" or x.dtype in FLOATS:  # as casts of floats are
        return cast(x, dtype)
    own, limits = np.iinfo(x.dtype), np.iinfo(dtype)
    return cast(clip(x, max(own.min, limits.min), min(own.max, limits.max)), dtype)


@follows_operands
def view(x: Any, dtype: Any = None) -> Tensor:
    """The same bytes read as another dtype; the last axis changes with the elements' size.

    >>> view([1.0], "int32").tolist()
    [1065353216]
    """
    x = as_tensor(x, None, "view: x")
    if dtype is None:
        return x
    dtype = standardize_dtype(dtype)
    try:
        return _core.from_numpy(x.numpy().view(dtype))
    except (ValueError, TypeError) as error:
        raise ValueError(f"view: x of {x.dtype} and shape {x.shape} as {dtype}: {error}") from None


def dtype(x: Any) -> str:
    """The name of x's element type.

    >>> dtype([1.5])
    'float32'
    """
    return as_tensor(x, None, "dtype: x").dtype


def ndim(x: Any) -> int:
    """How many axes x has."""
    return as_tensor(x, None, "ndim: x").ndim


def size(x: Any) -> int:
    """How many elements x has."""
    return as_tensor(x, None, "size: x").size
