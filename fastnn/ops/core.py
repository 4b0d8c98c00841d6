"""What every operation needs: operands as tensors of one dtype, constants, axes, recording."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, wraps
from operator import index
from typing import Any, TypeVar

import numpy as np

from fastnn import _core, config
from fastnn.backends.devices import device
from fastnn.dtypes import FLOATS, result_type, standardize_dtype
from fastnn.tensor import Tensor, Variable, from_data

__all__ = [
    "Tensor",
    "Variable",
    "as_countable",
    "as_float",
    "as_tensor",
    "cast",
    "check_devices",
    "constant",
    "filled",
    "follows_operands",
    "like",
    "normalize_axes",
    "normalize_axis",
    "promote",
    "record",
    "saved_output",
    "strides_of",
]

record = _core.record

# Gradient rules of binary operations by op, beside their forward in elementwise.py; the operators
# of the C type record these too.
BINARY_RULES: dict[str, Any] = {}


def as_tensor(x: Any, dtype: str | None = None, what: str = "convert_to_tensor: x") -> Tensor:
    """``x`` as a Tensor, of ``dtype`` if given; a Tensor stays the one it is.

    what: "operation: argument", with which the message of an error begins
    """
    if isinstance(x, Tensor):
        return x if dtype is None or x.dtype == dtype else cast(x, dtype)
    if isinstance(x, (list, tuple)) and _holds_tensor(x):
        from fastnn.ops.joining import stack  # a list of tensors is stacked, keeping gradients

        stacked = stack([as_tensor(item, None, what) for item in x])
        return stacked if dtype is None else cast(stacked, dtype)
    return from_data(x, dtype, what)


def _holds_tensor(x: Any) -> bool:
    return any(
        isinstance(item, Tensor) or (isinstance(item, (list, tuple)) and _holds_tensor(item))
        for item in x
    )


def as_float(x: Any, what: str) -> Tensor:
    """``x`` as a floating-point Tensor: integers and booleans become floatx."""
    if not isinstance(x, Tensor):
        x = as_tensor(x, None, what)
    return x if x.dtype in FLOATS else _core.copy(x, config.floatx())


def as_countable(x: Any, what: str) -> Tensor:
    """A Tensor whose sums can be held: booleans and uint8 are counted in int32."""
    x = as_tensor(x, None, what)
    return _core.copy(x, "int32") if x.dtype in ("bool", "uint8") else x


_devices_in_use = _core.devices_in_use
_Operation = TypeVar("_Operation", bound=Callable[..., Any])


def follows_operands(operation: _Operation) -> _Operation:
    """Puts what an operation makes where its Tensors lie, not where the thread makes tensors, and
    names it and them if they lie apart: for operations that are made of others, or take data beside
    Tensors."""

    @wraps(operation)
    def run(*args: Any, **kwargs: Any) -> Any:
        if not _devices_in_use():
            return operation(*args, **kwargs)
        there = device_of((*args, *kwargs.values()))
        try:
            if there is None or there == _core.get_device():
                return operation(*args, **kwargs)
            with device(there):
                return operation(*args, **kwargs)
        except ValueError as error:
            # It may tell of an inner operation and its operands.
            message = " lies on " in str(error) and _apart_in(operation, *args, **kwargs)
            if not message:
                raise
        raise ValueError(message)

    return run  # type: ignore[return-value]


def _apart_in(operation: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """As `_apart`, of a call's arguments."""
    operands = {}
    for name, value in inspect.signature(operation).bind(*args, **kwargs).arguments.items():
        several = value if isinstance(value, (list, tuple)) else ()
        operands[name] = value
        operands.update({f"{name}[{i}]": item for i, item in enumerate(several)})
    called = operation.__name__.removeprefix("fitted_")  # hooks of the C type make operands fit
    if called == "__call__":  # of a loss
        called = args[0].name
    return _apart(called, {name: x for name, x in operands.items() if isinstance(x, Tensor)})


def device_of(values: Iterable[Any]) -> str | None:
    """Where the Tensors among them lie, or in lists of theirs; None: there are none."""
    found = None
    for value in values:
        there = None
        if isinstance(value, Tensor):
            there = value.device
        elif isinstance(value, (list, tuple)):
            there = device_of(value)
        if there not in (None, "cpu"):  # beside which there may be numbers of the host
            return there
        found = found or there
    return found


def check_devices(operation: str, **operands: Tensor | None) -> None:
    """ValueError for Tensors that lie apart, of which a number of the host fits every device: for
    operations that NumPy computes, or whose primitives have other names, under which they would be
    told. Callers in a hurry ask `_core.devices_in_use` before."""
    if message := _apart(operation, operands):
        raise ValueError(message)


def _apart(operation: str, operands: Mapping[str, Tensor | None]) -> str:
    """What is said of Tensors that lie apart; empty if none do."""
    given = [(name, x) for name, x in operands.items() if x is not None]
    there = next(((name, x.device) for name, x in given if x.device != "cpu"), None)
    here = next((name for name, x in given if x.device == "cpu" and x.shape), None)
    if not there or not here:
        return ""
    return (
        f"{operation}: {there[0]} lies on {there[1]} but {here} on cpu; move one of them: "
        f'.to("{there[1]}") or .to("cpu")'
    )


def promote(operation: str, *operands: Any, names: Sequence[str] = ()) -> list:
    """The operands as Tensors of the dtype they are promoted to.

    names: of the operands, in messages of errors; x1, x2 ... if there are none
    """
    first = operands[0] if operands else None
    if isinstance(first, Tensor) and all(
        isinstance(x, Tensor) and x.dtype == first.dtype for x in operands
    ):
        return list(operands)
    dtypes = {x.dtype for x in operands if isinstance(x, Tensor)}
    if len(dtypes) == 1:
        (dtype,) = dtypes
        fitted = [x if isinstance(x, Tensor) else _beside(x, dtype) for x in operands]
        if not any(x is None for x in fitted):
            return fitted
    return _promoted(operation, names, *operands)


def _beside(number: Any, dtype: str) -> Tensor | None:
    """A number of Python as it is promoted beside a Tensor; None if that may change the dtype."""
    return _core.from_number(number, dtype) if type(number) in (float, int) else None


@follows_operands
def _promoted(operation: str, names: Sequence[str], *operands: Any) -> list:
    names = names or [f"x{i + 1}" for i in range(len(operands))]
    converted: list[Any] = [
        x
        if isinstance(x, (Tensor, bool, int, float))
        else as_tensor(x, None, f"{operation}: {name}")
        for name, x in zip(names, operands)
    ]
    dtype = result_type(*converted)
    if dtype in FLOATS:  # which hold, nearly, integers that int64 does not
        converted = [
            float(x) if type(x) is int and 2**63 <= abs(x) < 2**1023 else x for x in converted
        ]
    return [as_tensor(x, dtype, f"{operation}: {name}") for name, x in zip(names, converted)]


def _cast_rule(node: _core.Node, gradient: Any) -> Any:
    return _core.copy(gradient, node.saved)


def cast(x: Any, dtype: Any) -> Tensor:
    """Elements of another dtype: to bool is ``!= 0``, floats lose their fraction to integers.

    A float beyond the ends of an integer type becomes the nearest end, NaN 0; an integer keeps its
    lowest bits. Differentiable between floating-point types.

    >>> cast([0.0, 1.7], "int32").tolist()
    [0, 1]
    """
    dtype = standardize_dtype(dtype)
    if isinstance(x, float) and dtype in FLOATS:  # not by way of floatx
        return from_data(x, dtype, "cast: x")
    x = as_tensor(x, None, "cast: x")
    if x.dtype == dtype and type(x) is Tensor:
        return x
    y = _core.copy(x, dtype)
    return record(y, _cast_rule, x.dtype, x) if dtype in FLOATS else y


@lru_cache(maxsize=256)
def constant(value: Any, dtype: str) -> Tensor:
    """A number as a 0-d Tensor, kept between calls (so -0.0, which equals 0.0, becomes 0.0).

    It lies on the host, from where calls on every device take numbers.
    """
    return _core.from_numpy(np.array(value or 0, dtype), "cpu")


def filled(shape: Any, value: Any, dtype: str, device: str | None = None) -> Tensor:
    """A new Tensor with every element ``value``, on the thread's device unless told."""
    number, device = constant(value, dtype), device or _core.get_device()
    if device != "cpu":
        number = _core.to_device(number, device)
    return _core.copy((number, shape, (0,) * len(shape), 0), dtype)


def like(x: Tensor, value: Any) -> Tensor:
    """A number as a 0-d Tensor of x's dtype."""
    return constant(value, x.dtype)


def saved_output(y: Tensor, *parents: Tensor) -> tuple | None:
    """What a rule saves that reads the result itself.

    The result refers to its node: saving it as it is would make a reference cycle.
    """
    for parent in parents:
        if parent.requires_grad:
            return (y.detach(),)
    return None


def normalize_axis(operation: str, axis: Any, rank: int) -> int:
    """A possibly negative axis as an index from the front, or a ValueError."""
    try:
        axis = index(axis)
    except TypeError:
        raise TypeError(f"{operation}: axis must be an integer, got {axis!r}") from None
    if not -rank <= axis < rank:
        raise ValueError(f"{operation}: axis {axis} is outside a tensor of {rank} axes")
    return axis % rank


def normalize_axes(operation: str, axis: Any, rank: int) -> tuple:
    """Axes given as None (all), an integer or several, as different indices from the front."""
    if type(axis) is int and -rank <= axis < rank:
        return (axis % rank,)
    if axis is None:
        return tuple(range(rank))
    if not isinstance(axis, (tuple, list)):
        return (normalize_axis(operation, axis, rank),)
    axes = tuple(normalize_axis(operation, item, rank) for item in axis)
    if len(set(axes)) != len(axes):
        raise ValueError(f"{operation}: an axis is given twice in {tuple(axis)}")
    return axes


def strides_of(shape: Any) -> list:
    """Strides in elements of a row-major tensor."""
    strides, step = [0] * len(shape), 1
    for axis in range(len(shape) - 1, -1, -1):
        strides[axis] = step
        step *= shape[axis]
    return strides
