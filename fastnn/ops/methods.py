"""The methods of Tensor that are operations, its operators beyond the fast path, NumPy's ufuncs."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.autograd import backward
from fastnn.backends.devices import check_device
from fastnn.ops import (
    arithmetic,
    comparison,
    elementwise,
    functions,
    pairs,
    products,
    reduce,
    shape,
)
from fastnn.ops.core import BINARY_RULES, Tensor, Variable, cast, record
from fastnn.ops.indexing import getitem, slice_rule, take

# ---- operators -----------------------------------------------------------------------------------

_BITWISE = {
    "logical_and": "bitwise_and",
    "logical_or": "bitwise_or",
    "logical_xor": "bitwise_xor",
}
_UNARY = {
    "neg": elementwise.negative,
    "abs": elementwise.absolute,
    "square": elementwise.square,  # x ** 2
}


def _binary_operator(op: str, a: Any, b: Any) -> Any:
    """An operator whose operands differ in shape or dtype; NotImplemented for strangers."""
    if op in BINARY_RULES:
        return arithmetic.binary(op, a, b)
    if op in _BITWISE:
        booleans = all(
            isinstance(x, bool) or str(getattr(x, "dtype", "")) == "bool" for x in (a, b)
        )
        op = op if booleans else _BITWISE[op]
    if op in ("equal", "not_equal") and (a is None or b is None or isinstance(a, str) or
                                         isinstance(b, str)):  # fmt: skip
        return NotImplemented
    return arithmetic.binary(op, a, b)


def _unary_operator(op: str, x: Any) -> Any:
    if op == "logical_not":  # ~x
        return pairs.bitwise_not(x)
    return _UNARY[op](x)


def _repr(x: Any) -> str:
    parts = [f"shape={x.shape}", f"dtype={x.dtype}"]
    if isinstance(x, Variable):
        parts.insert(0, f"name={x.name}")
    if x.device != "cpu":
        parts.append(f"device={x.device}")
    if x.requires_grad:
        parts.append("requires_grad=True")
    extents = math.prod(filter(None, x.shape)) * np.dtype(x.dtype).itemsize
    if not x.size and extents > sys.maxsize:  # NumPy has no such shape
        return f"{type(x).__name__}({', '.join(parts)})"
    array = x.numpy()
    gap, prefix = (",\n  ", "  ") if x.ndim > 1 else (", ", "Tensor(")
    values = np.array2string(array, separator=", ", prefix=prefix, threshold=200)
    return f"{type(x).__name__}({', '.join(parts)}{gap}{values})"


# ---- methods -------------------------------------------------------------------------------------


def _to_rule(node: _core.Node, gradient: Any) -> Any:
    return _core.to_device(gradient, node.saved)


def _to(self: Tensor, device: str) -> Tensor:
    """The tensor on a device, "cpu" or "cuda": itself if it lies there, else a copy.

    Differentiable. Errors as of `fastnn.device`.
    """
    y = _core.to_device(self, check_device("to", device))
    return y if y is self else record(y, _to_rule, self.device, self)


_COMPUTED = ("sum", "prod", "mean", "var", "std")  # in the dtype that is asked for


def _without_out(function: Any) -> Any:
    """The reduction as a method that NumPy may call: np.sum(t) is t.sum(axis=None, out=None)."""

    def method(
        self: Tensor,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        **options: Any,
    ) -> Any:
        if dtype is None and out is None and not options:
            return function(self, axis, keepdims)
        if out is not None:
            raise TypeError(f"{function.__name__}: tensors are immutable, out must be None")
        x = cast(self, dtype) if dtype is not None and function.__name__ in _COMPUTED else self
        result = function(x, axis, keepdims=keepdims, **options)
        return result if dtype is None else cast(result, dtype)

    method.__name__ = function.__name__
    method.__doc__ = function.__doc__
    return method


def _argument(values: Any) -> Any:
    """Integers given one by one or as one tuple."""
    return values[0] if len(values) == 1 and not isinstance(values[0], int) else values


def _iterate(self: Tensor) -> Any:
    if self.ndim == 0:
        raise TypeError("iteration over a tensor without axes")
    return (self[i] for i in range(self.shape[0]))


def _reshape(self: Tensor, *shape_: Any, order: str = "C") -> Any:
    """The same elements under another shape, given as a tuple or one by one."""
    if order != "C":
        raise TypeError("reshape: tensors are row-major, order must be 'C'")
    return shape.reshape(self, _argument(shape_))


def _transpose(self: Tensor, *axes: Any) -> Any:
    """The axes in another order (reversed if not given)."""
    return shape.transpose(self, _argument(axes) if axes and axes[0] is not None else None)


def _round(self: Tensor, decimals: int = 0, out: Any = None) -> Tensor:
    """The nearest multiple of 10 ** -decimals."""
    return elementwise.round(self, decimals)


# The methods in C hand over what is unusual.
_UNUSUAL = {
    function.__name__: _without_out(function)
    for function in (reduce.sum, reduce.mean, reduce.max, reduce.min, reduce.any, reduce.all)
}


def _reduce_method(op: str, x: Tensor, *args: Any, **options: Any) -> Any:
    return _UNUSUAL[op](x, *args, **options)


_core.set_hooks(
    {
        "binary": _binary_operator,
        "unary": _unary_operator,
        "dense": products.fitted_dense,
        "matmul": products.fitted_matmul,
        "matmul_rule": products.matmul_rule,
        "getitem": getitem,
        "slice_rule": slice_rule,
        "reduce": reduce.fitted,
        "reduce_method": _reduce_method,
        "extreme_rule": reduce.extreme_rule,
        "reshape": _reshape,
        "reshape_rule": shape.reshape_rule,
        "transpose": _transpose,
        "transpose_rule": shape.transpose_rule,
        "repr": _repr,
        "rules": BINARY_RULES,
    }
)

_METHODS = {
    **{
        function.__name__: _without_out(function)
        for function in (reduce.prod, reduce.var, reduce.std, reduce.argmax, reduce.argmin)
    },
    "backward": backward,
    "astype": lambda self, dtype: cast(self, dtype),
    "to": _to,
    "flatten": lambda self: shape.reshape(self, (-1,)),
    "ravel": lambda self, order="C": shape.reshape(self, (-1,)),
    "squeeze": lambda self, axis=None: shape.squeeze(self, axis),
    "swapaxes": lambda self, axis1, axis2: shape.swapaxes(self, axis1, axis2),
    "repeat": lambda self, repeats, axis=None: shape.repeat(self, repeats, axis),
    "take": lambda self, indices, axis=None: take(self, indices, axis),
    "clip": lambda self, min=None, max=None: comparison.clip(self, min, max),
    "dot": lambda self, other: products.dot(self, other),
    "round": _round,
    "__round__": lambda self, decimals=None: elementwise.round(self, decimals or 0),
    "tolist": lambda self: self.numpy().tolist(),
    "__iter__": _iterate,
    "__format__": lambda self, spec: (
        format(self.item() if self.size == 1 else self.numpy(), spec) if spec else str(self)
    ),
    "__array_priority__": 1000.0,
}

# ---- NumPy's ufuncs ------------------------------------------------------------------------------

_UFUNCS = {
    name: getattr(module, name)
    for module, names in (
        (
            elementwise,
            "negative absolute sign square sqrt reciprocal exp expm1 log log1p log2 log10 sin cos "
            "tan arcsin arccos arctan sinh cosh floor ceil logical_not isfinite isnan",
        ),
        (
            arithmetic,
            "add subtract multiply divide floor_divide power maximum minimum arctan2",
        ),
        (
            comparison,
            "equal not_equal less less_equal greater greater_equal logical_and logical_or "
            "logical_xor bitwise_and bitwise_or bitwise_xor left_shift right_shift isinf",
        ),
        (products, "matmul"),
        (
            functions,
            "arcsinh arccosh arctanh cbrt exp2 deg2rad rad2deg fabs trunc signbit",
        ),
        (
            pairs,
            "logaddexp logaddexp2 hypot heaviside fmax fmin fmod gcd lcm ldexp nextafter",
        ),
    )
    for name in names.split()
}
_UFUNCS.update(remainder=arithmetic.mod, float_power=arithmetic.power, rint=elementwise.round)


def _array_ufunc(self: Tensor, ufunc: Any, method: Any, *inputs: Any, **options: Any) -> Any:
    """np.exp(t) is ops.exp(t): NumPy's functions keep the gradient, or say that they cannot."""
    function: Any = _UFUNCS.get(ufunc.__name__)
    if ufunc is np.tanh:
        from fastnn.ops.activation import tanh as function
    if method != "__call__" or function is None:
        raise TypeError(
            f"np.{ufunc.__name__}{'' if method == '__call__' else '.' + method} has no fastnn "
            "operation; use np.asarray(tensor) for plain NumPy, without a gradient"
        )
    if any(value is not None for value in (options.pop("out", None) or ())):
        raise TypeError(f"np.{ufunc.__name__}: cannot write a Tensor's result into out")
    if options:
        raise TypeError(f"np.{ufunc.__name__}: {next(iter(options))} is not available for Tensors")
    return function(*inputs)


_METHODS["__array_ufunc__"] = _array_ufunc

for _name, _method in _METHODS.items():
    setattr(Tensor, _name, _method)
