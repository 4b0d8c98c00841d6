"""Tensors from data, and the Variable: a tensor with a name that is written in place.

The Tensor itself is a C type (``fastnn._core``); its methods that are differentiable operations
are attached by ``fastnn.ops``.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _core, config
from fastnn.backends.devices import check_device, device
from fastnn.dtypes import INTEGERS, WIDENED, standardize_dtype
from fastnn.messages import shown

if TYPE_CHECKING:
    from typing_extensions import Self

Tensor = _core.Tensor


_OWN_DTYPES = frozenset(map(np.dtype, ("f4", "f8", "i4", "i8", "u1", "?")))


def _fits_int32(array: np.ndarray) -> bool:
    limits = np.iinfo(np.int32)
    return array.size == 0 or (limits.min <= array.min() and array.max() <= limits.max)


def _array_of(data: Any, dtype: str | None, what: str) -> np.ndarray:
    """Data as a NumPy array of a dtype that fastnn has, or a clear error."""
    if isinstance(data, np.ndarray):
        array, weak = data, False
    else:
        try:
            array = np.asarray(data)
        except ValueError as error:
            if isinstance(data, (list, tuple)):
                message = f"{what} is a ragged list: its rows differ in length"
                raise ValueError(message) from error
            raise
        first = data
        while isinstance(first, (list, tuple)) and first:
            first = first[0]
        weak = not hasattr(first, "dtype") and not hasattr(data, "__array__")
    name = array.dtype.name
    if weak and dtype is None:  # Python numbers carry no precision of their own
        if name == "float64":
            return array.astype(config.floatx())
        if name == "int64" and _fits_int32(array):
            return array.astype(np.int32)
    if name in WIDENED:
        if name == "uint64" and array.size and array.max() > np.iinfo(np.int64).max:
            raise TypeError(f"{what} holds uint64 values that do not fit int64")
        return array.astype(WIDENED[name])
    if array.dtype.kind not in "fiub" or name in ("float16", "float128", "longdouble"):
        for value in array.flat if array.dtype.kind == "O" else ():
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise TypeError(f"{what} holds {shown(value)}, which does not fit int64")
        kind = f"dtype {array.dtype}"
        if array.dtype.kind in "OUSV":
            arrays = isinstance(data, (list, tuple, np.ndarray))
            kind = f"an array of {kind}" if arrays else type(data).__name__
        raise TypeError(f"{what} must be numbers that fit a tensor, got {kind}")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _check_fits(what: str, values: Any, dtype: str) -> None:
    limits = np.iinfo(dtype)
    for value in values:
        if not limits.min <= value <= limits.max:
            raise OverflowError(f"{what} {shown(int(value))}, which does not fit {dtype}")


def from_data(data: Any, dtype: Any = None, what: str = "tensor: data") -> Tensor:
    """A new Tensor from a number, a nested list, or anything that NumPy makes an array of.

    Python floats become floatx and Python integers int32 (int64 if they need it); arrays keep
    their dtype. Elements are converted as ``ops.cast`` does it. ``what`` begins the message of an
    error: TypeError (also for Python integers beyond int64 in lists), ValueError if ragged,
    OverflowError for Python integers that do not fit.
    """
    array = data
    if dtype is not None:
        dtype = standardize_dtype(dtype)
        if isinstance(data, int) and dtype in INTEGERS:
            _check_fits(f"{what} is", (data,), dtype)
    if dtype is not None or type(data) is not np.ndarray or data.dtype not in _OWN_DTYPES:
        array = _array_of(data, dtype, what)
    whole = dtype in INTEGERS
    if whole and isinstance(data, (list, tuple)) and array.dtype.kind == "i" and array.size:
        _check_fits(f"{what} holds", (array.min(), array.max()), dtype)
    cut = whole and array.dtype.kind == "f"  # by a primitive, which has the same ends everywhere
    if dtype is not None and not cut:
        array = array.astype(dtype, copy=False)
    try:
        x = _core.from_numpy(array)
        return _core.copy(x, dtype) if cut else x
    except ValueError as error:  # it has too many axes
        raise ValueError(f"{what} is {str(error).removeprefix('tensor: ')}") from None


def tensor(
    data: Any, dtype: Any = None, requires_grad: bool = False, device: str | None = None
) -> Tensor:
    """A new Tensor holding a copy of ``data``.

    data: number, nested list, NumPy array or Tensor (cut off from its gradient)
    dtype: name of the element type; None keeps an array's own, floats of lists become floatx. Other
        elements are converted as by ``ops.cast``, but Python integers that it does not hold, alone
        or in lists, raise OverflowError (in lists beyond int64, TypeError)
    requires_grad: whether ``backward`` accumulates a gradient into ``.grad``
    device: "cpu" or "cuda"; None: a Tensor's own, for other data that of ``fastnn.device``

    >>> tensor([[1, 2], [3, 4]], dtype="float32").shape
    (2, 2)
    """
    if device is not None:
        check_device("tensor", device)
    if isinstance(data, Tensor):
        result = _core.copy(data, data.dtype if dtype is None else standardize_dtype(dtype))
    else:
        result = from_data(data, dtype)
    if device is not None:
        result = _core.to_device(result, device)
    if requires_grad:
        result.requires_grad = True
    return result


def from_dlpack(data: Any) -> Tensor:
    """A new Tensor with a copy of what another library's tensor holds (DLPack protocol): one that
    the CPU can read.

    >>> from_dlpack(np.arange(3)).tolist()
    [0, 1, 2]
    """
    return from_data(np.from_dlpack(data), what="from_dlpack: data")


class Variable(Tensor):
    """A tensor that keeps its memory and is written in place: weights, counters, random state.

    initializer: the first value (array-like or Tensor), or a function of shape and dtype. That of a
        Tensor on another device than the CPU lies there, others where `fn.device` says.
    shape: needed by a function only
    dtype: element type; None keeps an array's own, floatx for a function
    trainable: whether gradients flow to it (never to integers)
    name: what errors and files call it

    >>> v = Variable([1.0, 2.0], name="bias")
    >>> v.assign_add([1.0, 1.0]).tolist()
    [2.0, 3.0]
    """

    name: str
    path: str
    regularizer: Any = None  # a function of the variable whose result is added to the loss
    constraint: Any = None  # a function of the variable that gives its value after an update
    overwrite_with_gradient: bool = False

    def __new__(
        cls,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> Self:
        if callable(initializer):
            if shape is None:
                raise ValueError("Variable: a function as initializer needs a shape")
            value = initializer(tuple(shape), dtype=standardize_dtype(dtype))
        else:
            value = initializer
        if not isinstance(value, Tensor):
            value = from_data(value, dtype, "Variable: initializer")
        elif dtype is not None and value.dtype != standardize_dtype(dtype):
            value = _core.copy(value, standardize_dtype(dtype))
        if callable(initializer) or value.device == "cpu":
            value = _core.to_device(value, _core.get_device())
        if shape is not None and value.shape != tuple(shape):
            raise ValueError(f"Variable: shape is {tuple(shape)}, the value's is {value.shape}")
        self = super().__new__(cls, value)
        self.name = self.path = "variable" if name is None else str(name)
        self.trainable = trainable
        return self

    @property
    def trainable(self) -> bool:
        """Whether gradients flow to it; may be set."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if getattr(self, "_trainable", value) != value:  # recorded steps depend on it
            vars(config)["version"] += 1
        self._trainable = bool(value)
        self.requires_grad = self._trainable and self.dtype in ("float32", "float64")

    @property
    def value(self) -> Variable:
        """Itself, for Keras's ``variable.value``."""
        return self

    def _operand(self, value: Any, operation: str) -> Tensor:
        if not isinstance(value, Tensor):
            value = from_data(value, self.dtype, f"{operation}: value for {self.name}")
        elif value.dtype != self.dtype:
            value = _core.copy(value, self.dtype)
        value = _core.to_device(value, self.device)
        if value.shape != self.shape:
            raise ValueError(
                f"{operation}: {self.name} has shape {self.shape}, the value's is {value.shape}"
            )
        return value

    def assign(self, value: Any) -> Variable:
        """Writes a value of the same shape, cast to the variable's dtype; returns itself."""
        _core.assign(self, self._operand(value, "assign"))
        return self

    def assign_add(self, value: Any) -> Variable:
        """Adds a value of the same shape in place; returns itself."""
        _core.assign(self, _core.binary(self, self._operand(value, "assign_add"), "add"))
        return self

    def assign_sub(self, value: Any) -> Variable:
        """Subtracts a value of the same shape in place; returns itself."""
        _core.assign(self, _core.binary(self, self._operand(value, "assign_sub"), "sub"))
        return self

    def __reduce__(self) -> tuple:
        return _restore_variable, (type(self), self.numpy(), self.trainable), vars(self)


def move(variable: Variable, device: str) -> None:
    """Gives a Variable memory on a device; it stays the same object with the same value."""
    if variable.device != device:
        _core.move(variable, device)
        vars(config)["version"] += 1  # recorded steps hold the memory that it had


def _restore_variable(cls: type, value: Any, trainable: bool) -> Variable:
    return cls(value, trainable=trainable)  # vars, with name and path, are set after that


def _restore_tensor(value: Any, requires_grad: bool) -> Tensor:
    return tensor(value, requires_grad=requires_grad)


def _reduce_tensor(self: Tensor) -> tuple:
    return _restore_tensor, (self.numpy(), self.requires_grad and self._node is None)


def copied_at(place: str, original: Any, memo: dict | None) -> Any:
    """A copy that lies on a device, deep if there is a memo: as a pickle makes it, which would lie
    where the thread makes tensors."""
    function, arguments, *rest = original.__reduce_ex__(4)
    with device(place):
        result = function(*arguments)
    if memo is not None:
        memo[id(original)] = result
    if rest and rest[0]:
        vars(result).update(rest[0] if memo is None else copy.deepcopy(rest[0], memo))
    return result


def _copied(self: Tensor, memo: dict | None = None) -> Tensor:
    return copied_at(self.device, self, memo)


Tensor.__reduce__ = _reduce_tensor  # type: ignore[assignment]
Tensor.__copy__ = Tensor.__deepcopy__ = _copied  # type: ignore[attr-defined]
