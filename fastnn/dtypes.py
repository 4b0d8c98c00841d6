"""Element types: their names, and which one an operation on several of them computes in.

Promotion is the lattice of Keras 3 (and JAX) on the six types there are, which is a line:
``bool < uint8 < int32 < int64 < float32 < float64``. Python numbers are weak: they take the type
of the tensor they meet, unless it cannot hold their kind (int64 + 1.5 is float32, not float64).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import config

NAMES = ("bool", "uint8", "int32", "int64", "float32", "float64")
FLOATS = ("float32", "float64")
INTEGERS = ("uint8", "int32", "int64")

_RANK = {name: rank for rank, name in enumerate(NAMES)}
# How strong a Python number is; NumPy's float64 scalar is a Python float too.
_WEAK = {bool: 0, int: 1, float: 2, np.float64: 2}
_ALIASES = {"float": None, "int": "int32", "bool_": "bool"}

# What NumPy types that fastnn lacks are stored as: the next type that holds all their values.
WIDENED = {
    "int8": "int32",
    "int16": "int32",
    "uint16": "int32",
    "uint32": "int64",
    "uint64": "int64",
}


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype given as a name, a NumPy dtype, a Python type or None (floatx).

    >>> standardize_dtype(np.float64), standardize_dtype(int), standardize_dtype("float32")
    ('float64', 'int32', 'float32')
    """
    if dtype is None or dtype is float:
        return config.floatx()
    if type(dtype) is str:
        if dtype in _RANK:
            return dtype
        if dtype in _ALIASES:
            return _ALIASES[dtype] or config.floatx()
    elif dtype is int:
        return "int32"
    else:
        try:
            name = np.dtype(dtype).name
        except TypeError:
            name = ""
        if name in _RANK:
            return name
    raise ValueError(f"dtype: expected one of {', '.join(NAMES)}, got {dtype!r}")


def is_float(dtype: str) -> bool:
    """Whether a dtype name is a floating-point type."""
    return dtype in FLOATS


def is_int(dtype: str) -> bool:
    """Whether a dtype name is an integer type (bool is not)."""
    return dtype in INTEGERS


def result_type(*operands: Any) -> str:
    """The dtype that operands are promoted to: tensors, arrays, dtype names or Python numbers.

    >>> result_type("int64", "float32"), result_type("int32", 1.5), result_type("bool", 1)
    ('float32', 'float32', 'int32')
    """
    rank, weak = -1, -1
    for operand in operands:
        kind = operand if type(operand) is type else type(operand)
        if kind in _WEAK and operand is not np.float64:
            weak = max(weak, _WEAK[kind])
            continue
        name = operand if kind is str else getattr(operand, "dtype", operand)
        if type(name) is not str or name not in _RANK:
            name = standardize_dtype(WIDENED.get(str(name), name))
        rank = max(rank, _RANK[name])
    if weak == 2 and rank < _RANK["float32"]:
        return config.floatx()
    if weak == 1 and rank < _RANK["uint8"]:
        return "int32"
    return NAMES[max(rank, 0)]
