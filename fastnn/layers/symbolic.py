"""Symbolic values: what a functional model is written with before there is data."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from fastnn.context import context
from fastnn.dtypes import standardize_dtype
from fastnn.utils import naming, tree


class History(NamedTuple):
    """Where a symbolic value comes from."""

    operation: Any
    node_index: int
    tensor_index: int


class SymbolicValueError(TypeError):
    """A symbolic value was used where a number is needed."""


class KerasTensor:
    """A value that is not known yet: shape (None for free axes), dtype, name, and its origin.

    Args:
        shape: extents, None where any is allowed.
        dtype: a dtype name.
        name: a name for messages.

    >>> KerasTensor((None, 3), name="x")
    <KerasTensor shape=(None, 3), dtype=float32, name=x>
    """

    __slots__ = ("__weakref__", "_history", "_mask", "dtype", "name", "shape")
    __array_ufunc__ = None  # array + symbolic is the symbolic value's business

    def __init__(self, shape: tuple, dtype: str = "float32", name: str | None = None):
        self.shape = standardize_shape(shape)
        self.dtype = standardize_dtype(dtype)
        self.name = name or naming.auto_name("KerasTensor")
        self._history: History | None = None
        self._mask = None

    @property
    def _keras_history(self) -> History | None:
        return self._history

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise SymbolicValueError(
            f"{self!r} has no value: it stands for a layer's output in a functional model. Call "
            "layers and fastnn.ops.NAME on it, other functions in a Lambda layer, or run the model "
            "on data."
        )

    __float__ = __int__ = __index__ = __array__

    def __bool__(self) -> bool:
        raise SymbolicValueError(
            f"{self!r} has no value to branch on: write a layer with a call method"
        )

    def __iter__(self) -> None:
        raise SymbolicValueError(f"{self!r} has no value to iterate over")


def standardize_shape(shape: Any) -> tuple[int | None, ...]:
    """A shape as a tuple of ints and None, checked."""
    if not isinstance(shape, (tuple, list)):
        raise ValueError(f"shape: expected a tuple of integers and None, got {shape!r}")
    for extent in shape:
        whole = isinstance(extent, (int, np.integer)) and not isinstance(extent, bool)
        if extent is not None and not (whole and extent >= 0):
            raise ValueError(f"shape: expected integers from 0 up and None, got {shape!r}")
    return tuple(None if extent is None else int(extent) for extent in shape)


class Node:
    """One call of an operation on symbolic values.

    Args:
        operation: a layer or function operation.
        args, kwargs: the call's, with symbolic values among them.
        outputs: a structure of new symbolic values.
    """

    __slots__ = ("args", "index", "inputs", "kwargs", "operation", "outputs")

    def __init__(self, operation: Any, args: tuple, kwargs: dict, outputs: Any):
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        self.outputs = outputs
        self.inputs = [x for x in tree.flatten([args, kwargs]) if isinstance(x, KerasTensor)]
        self.index = len(operation._inbound_nodes)
        operation._inbound_nodes.append(self)
        for index, output in enumerate(tree.flatten(outputs)):
            output._history = History(operation, self.index, index)

    @property
    def is_input(self) -> bool:
        """Whether this is an Input rather than a call."""
        return not self.inputs


def any_symbolic(*structures: Any) -> bool:
    """Whether there is a symbolic value among the leaves."""
    return any(type(leaf) is KerasTensor for leaf in tree.flatten(structures))


# Extents that stand for free axes behind the first, by how many there are: they hold many windows
# and strides, and no more numbers than need be.
_EXTENTS = {0: 1, 1: 60, 2: 30}
_EXTENT_OF_MORE = 12


def output_spec(call: Callable, args: tuple, kwargs: dict) -> Any:
    """The symbolic outputs of a call, found by calling it on arrays of ones: what differs between
    the trials is free. One with small extents tells a slice up to a place; not every call takes
    them."""
    from fastnn import _core
    from fastnn.tensor import from_data

    def trial(first: int, others: int) -> Any:
        def value(leaf: Any) -> Any:
            if type(leaf) is not KerasTensor:
                return leaf
            extents = [first, *[others] * len(leaf.shape)]
            shape = [free if axis is None else axis for axis, free in zip(leaf.shape, extents)]
            fill = np.ones if leaf.dtype.startswith("float") else np.zeros
            return from_data(fill(shape, leaf.dtype))

        return call(*tree.map_structure(value, args), **tree.map_structure(value, kwargs))

    symbolic = [x for x in tree.flatten([args, kwargs]) if type(x) is KerasTensor]
    free = max((x.shape[1:].count(None) for x in symbolic), default=0)
    extent = _EXTENTS.get(free, _EXTENT_OF_MORE)
    previous = _core.set_grad_enabled(False)
    outer, context.on_trial = context.on_trial, True
    try:
        first, *others = [trial(2, extent), trial(3, 2 * extent)]
        if free:
            with suppress(Exception):
                others.append(trial(2, 2))
    finally:
        context.on_trial = outer
        _core.set_grad_enabled(previous)
    leaves = iter(zip(*map(tree.flatten, others)))

    def symbol(leaf: Any) -> KerasTensor:
        shapes = [other.shape for other in next(leaves)]
        axes = zip(leaf.shape, *shapes)
        return KerasTensor(tuple(n if {n, *m} == {n} else None for n, *m in axes), leaf.dtype)

    return tree.map_structure(symbol, first)


def shapes_of(structure: Any) -> Any:
    """The shapes of an argument's tensors; None for other values."""
    return tree.map_structure(lambda x: getattr(x, "shape", None), structure)


def is_shape(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(
        n is None or isinstance(n, (int, np.integer)) for n in value
    )


def as_shapes(value: Any) -> Any:
    """Shapes read from JSON, where tuples are lists."""
    if value is None:  # of an argument that was not given
        return None
    if is_shape(value):
        return tuple(value)
    if isinstance(value, dict):
        return {key: as_shapes(member) for key, member in value.items()}
    return [as_shapes(member) for member in value]


def symbols(shape: Any, dtype: str) -> Any:
    """Symbolic values of a shape or a structure of shapes."""
    if is_shape(shape):
        return KerasTensor(tuple(shape), dtype)
    if isinstance(shape, dict):
        return {key: symbols(member, dtype) for key, member in shape.items()}
    return type(shape)([symbols(member, dtype) for member in shape])
