"""Functions of ``fastnn.ops`` in functional models: ``x + y`` and ``ops.f(x)`` of symbolic values.

The functions themselves know tensors only. Here, where layers are imported, the names in
``fastnn.ops`` are bound to wrappers that turn a call on a symbolic value into a node; modules of
fastnn that must be fast import from the module that defines a function, past the wrapper.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from fastnn import ops
from fastnn.layers.symbolic import (
    KerasTensor,
    Node,
    SymbolicValueError,
    any_symbolic,
    output_spec,
)
from fastnn.utils import naming

_OPERATORS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "true_divide",
    "floordiv": "floor_divide",
    "mod": "mod",
    "pow": "power",
    "matmul": "matmul",
    "and": "logical_and",
    "or": "logical_or",
    "xor": "logical_xor",
}
_COMPARISONS = {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "ne": "not_equal",
}
_UNARY = {"neg": "negative", "abs": "absolute", "invert": "logical_not"}


class Operation:
    """A function of ``fastnn.ops`` by its name, as a node of a functional model.

    Args:
        function: a name such as "add" or "reshape".
        name: of the node; the function's and a counter if None.
    """

    _layers = ()

    def __init__(self, function: str, name: str | None = None):
        self.function = function
        self.automatic_name = name is None
        self.name = name or naming.auto_name(function.rpartition(".")[2])
        self._call = _function(function)
        self._inbound_nodes: list[Node] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not any_symbolic(args, kwargs):
            return self._call(*args, **kwargs)
        outputs = self.compute_output_spec(*args, **kwargs)
        Node(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbolic outputs for symbolic inputs, found by calling the function on arrays of ones."""
        return output_spec(self._call, args, kwargs)

    @property
    def output(self) -> Any:
        """The symbolic output of its call."""
        return self._inbound_nodes[0].outputs

    def get_config(self) -> dict:
        return {"function": self.function, "name": self.name}

    @classmethod
    def from_config(cls, config: dict) -> Operation:
        return cls(**config)


def _getitem(x: Any, key: Any) -> Any:
    return x[key]


def _function(name: str) -> Callable:
    if name == "getitem":
        return _getitem
    space = ops.image if name.startswith("image.") else ops
    function: Any = getattr(space, name.removeprefix("image."), None)
    if not getattr(function, "__module__", "").startswith("fastnn.ops."):
        raise ValueError(f"Operation: fastnn.ops has no function {name!r}")
    return getattr(function, "__wrapped__", function)


def _aware(function: Callable, space: str = "") -> Callable:
    """A function of ``fastnn.ops``, or of its namespace ``space``, that makes a node of a call on
    symbolic values."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except SymbolicValueError:
            if function.__name__ == "shape":
                return args[0].shape
            return Operation(space + function.__name__)(*args, **kwargs)

    return call


def _attach_functions() -> None:
    for name, function in list(vars(ops).items()):
        if callable(function) and getattr(function, "__module__", "").startswith("fastnn.ops."):
            setattr(ops, name, _aware(function))
    for name in ops.image.__all__:
        setattr(ops.image, name, _aware(getattr(ops.image, name), "image."))
    # The other namespaces have the same functions under the same names.
    for namespace in (ops.linalg, ops.nn, ops.numpy):
        for name in vars(namespace).keys() & vars(ops).keys():
            if callable(getattr(ops, name)):
                setattr(namespace, name, getattr(ops, name))


def _attach_operators() -> None:
    """Gives symbolic values the operators of tensors."""

    def binary(function: str, swap: bool) -> Callable:
        def method(self: KerasTensor, other: Any) -> Any:
            pair = (other, self) if swap else (self, other)
            return Operation(function)(*pair)

        return method

    def unary(function: str) -> Callable:
        return lambda self: Operation(function)(self)

    for name, function in _OPERATORS.items():
        setattr(KerasTensor, f"__{name}__", binary(function, swap=False))
        setattr(KerasTensor, f"__r{name}__", binary(function, swap=True))
    for name, function in _COMPARISONS.items():
        setattr(KerasTensor, f"__{name}__", binary(function, swap=False))
    for name, function in _UNARY.items():
        setattr(KerasTensor, f"__{name}__", unary(function))
    setattr(KerasTensor, "__getitem__", lambda self, key: Operation("getitem")(self, key))  # noqa: B010
    KerasTensor.__hash__ = object.__hash__  # type: ignore[method-assign]


_attach_operators()
_attach_functions()
