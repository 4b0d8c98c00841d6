"""@elementwise: an operation on tensors, written as a Python function of their elements.

The function is compiled with Numba, for the processor it runs on, and called for every element on
fastnn's threads. Its derivative is compiled with it: the same function, on numbers that carry their
derivatives along.
"""

from __future__ import annotations

import functools
import inspect
import numbers
import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from fastnn import _core, ops
from fastnn.backends.jit.functions import MODULES, UserFunction, number_of
from fastnn.dtypes import FLOATS
from fastnn.messages import shown
from fastnn.ops.core import Tensor, as_float, promote, record

__all__ = ["elementwise"]

MODULES.append(ops)


_ABSENT = inspect.Parameter.empty
_NUMBERS = {float: numbers.Real, int: numbers.Integral, bool: np.bool_}
_MOST_REALS = 16  # constants that a call of the primitive takes


def elementwise(function: Any = _ABSENT, *, gradient: Callable | None = None) -> Any:
    """Makes an operation on tensors from a function of numbers; a decorator.

    function: f(x, y, ..., slope=1.5, terms=3). Parameters without a default are operands: Tensors,
        arrays or numbers in a call, Python-like numbers in the function. Parameters with a default
        are constants: numbers in both. It returns a number, and may use arithmetic, comparisons,
        ``if``, loops, other functions of this kind, and exp, tanh, erf, maximum, where, clip ... of
        ``math``, NumPy or ``fastnn.ops``
    gradient: g with the parameters of f, which returns the derivative by each operand, a tuple if
        there are several; None: derived from f itself, by every branch as it was taken
    Operands are promoted and broadcast as in ``fastnn.ops``; integers and booleans become floatx.
    The result has their dtype. A constant whose default is a float may change with every call; for
    other integers or booleans the function is compiled again.

    Needs Numba: ``pip install 'fastnn[numba]'``, else ImportError. What cannot be compiled is a
    TypeError at the first call. Globals that the function reads keep their values of that call.
    What is compiled lives as long as the process does: define operations once, not in a loop.

    >>> @elementwise
    ... def leaky(x, slope=0.25):
    ...     return x if x > 0 else slope * x
    >>> leaky([-2.0, 3.0]).tolist(), leaky([-2.0, 3.0], slope=0.5).tolist()
    ([-0.5, 3.0], [-1.0, 3.0])
    """
    if function is _ABSENT:
        return functools.partial(elementwise, gradient=gradient)
    return Elementwise(function, gradient)


class Elementwise:
    """An operation that `elementwise` made."""

    def __init__(self, function: Callable, gradient: Callable | None = None) -> None:
        _require_numba()
        self.scalar_function = _plain(function, "function")
        self.gradient = gradient and _plain(gradient, "gradient")
        functools.update_wrapper(self, function)
        self._name = function.__name__
        self._signature = inspect.signature(function)
        self._operands, self._constants = _parameters(self._name, self._signature)
        if gradient is not None:
            given = list(inspect.signature(gradient).parameters)
            expected = list(self._signature.parameters)
            if given != expected:
                raise TypeError(
                    f"elementwise: gradient of {self._name} must have its parameters, "
                    f"({', '.join(expected)}), got ({', '.join(given)})"
                )
        self._numbers: dict[tuple, tuple[UserFunction, int]] = {}
        parameters = self._signature.parameters
        self._positional = [
            name for name, one in parameters.items() if one.kind is not one.KEYWORD_ONLY
        ]
        self._defaults = {name: parameters[name].default for name in self._constants}
        self._usual = self._with(self._defaults)

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        operands: Any = args
        user, number, reals = self._usual
        if kwargs or len(args) != len(self._operands):
            count = len(args)
            if (
                len(self._operands) <= count <= len(self._positional)
                and kwargs.keys() <= self._defaults.keys()
                and kwargs.keys().isdisjoint(self._positional[:count])
            ):
                given = {**self._defaults, **dict(zip(self._positional, args)), **kwargs}
            else:  # with operands by name, or wrong
                given = self._bound(args, kwargs)
            operands = [given[name] for name in self._operands]
            user, number, reals = self._with(given)
        xs = promote(self._name, *operands, names=self._operands)
        if xs[0].dtype not in FLOATS:
            xs = [as_float(x, self._name) for x in xs]
        if len(xs) == 1 and xs[0].requires_grad and _core.is_grad_enabled():
            y, slope = _core.elementwise(xs, number_of(user._replace(wanted=(0,))), 2, reals)
            return record(y, _slope_rule, (slope,), *xs)
        try:
            (y,) = _core.elementwise(xs, number, 1, reals)
        except ValueError as error:
            raise ValueError(f"{self._name}: {self._with_names(str(error))}") from None
        return record(y, _rule, (xs, user, reals), *xs)

    def _with_names(self, message: str) -> str:
        """A message of the primitive, with the names that operands have here."""
        message = message.removeprefix("elementwise: ")
        return re.sub(r"\bxs\[(\d+)\]", lambda found: self._operands[int(found[1])], message)

    def _bound(self, args: tuple, kwargs: dict) -> dict[str, Any]:
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self._name}: {error}") from None
        bound.apply_defaults()
        return bound.arguments

    def _with(self, given: dict[str, Any]) -> tuple[UserFunction, int, tuple[float, ...]]:
        """What computes values with those constants: its number; and the constants of the call."""
        fixed: list[Any] = []
        reals: list[float] = []
        for name, kind in self._constants.items():
            value = _constant(f"{self._name}: {name}", given[name], kind)
            if kind is float:
                reals.append(value)
                fixed.append(None)
            else:
                fixed.append(value)
        key = tuple(fixed)  # each has a type of its own: True is never 1 here
        if key not in self._numbers:
            user = UserFunction(self.scalar_function, len(self._operands), key, self.gradient)
            self._numbers[key] = user, number_of(user)
        return *self._numbers[key], tuple(reals)

    def __reduce__(self) -> str:  # pickled as functions are: by name
        return self.scalar_function.__qualname__

    def __repr__(self) -> str:
        return f"<elementwise {self._name}{self._signature}>"


def _slope_rule(node: _core.Node, gradient: Any) -> Any:
    return _core.binary(gradient, node.saved[0], "mul")


def _rule(node: _core.Node, gradient: Any) -> Any:
    xs, user, reals = node.saved
    wanted = tuple(i for i, needed in enumerate(node.needs) if needed)
    number = number_of(user._replace(wanted=wanted))
    parts = iter(_core.elementwise([gradient, *xs], number, len(wanted), reals))
    return tuple(next(parts) if needed else None for needed in node.needs)


def _require_numba() -> None:
    if find_spec("numba") is None:
        raise ImportError(
            "elementwise: needs Numba, which is not installed: pip install 'fastnn[numba]'",
            name="numba",
        )


def _constant(what: str, value: Any, kind: type) -> Any:
    """The value as a number of that type, if it is one; NumPy's are."""
    number: Any
    if type(value) is kind:
        number = value
    elif not isinstance(value, _NUMBERS[kind]) or isinstance(value, bool):
        raise TypeError(
            f"{what} is a constant, expected {kind.__name__} as its default, "
            f"got {type(value).__name__}"
        )
    else:
        try:
            number = kind(value)
        except OverflowError:
            raise OverflowError(f"{what} is too large, which does not fit float64") from None
    if kind is int and not -(2**63) <= number < 2**63:
        raise OverflowError(f"{what} is {shown(value)}, which does not fit int64")
    return number


def _plain(function: Any, what: str) -> Callable:
    if not inspect.isfunction(function):
        raise TypeError(
            f"elementwise: {what} must be a Python function, got {type(function).__name__}"
        )
    return function


def _parameters(name: str, signature: inspect.Signature) -> tuple[list[str], dict[str, type]]:
    """The operands, and the constants with the types of their defaults."""
    operands, constants = [], {}
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(
                f"elementwise: {name} takes {parameter}, expected parameters with names"
            )
        kind = _kind(parameter.default)
        if parameter.default is parameter.empty:
            if parameter.kind is parameter.KEYWORD_ONLY:
                raise TypeError(
                    f"elementwise: {name} has the operand {parameter.name} after *, expected it "
                    "before"
                )
            operands.append(parameter.name)
        elif kind is not None:
            constants[parameter.name] = kind
        else:
            raise TypeError(
                f"elementwise: {name} has {parameter}, expected a number as the default of a "
                "constant, or none for an operand"
            )
    if not operands:
        raise TypeError(f"elementwise: {name} has no operand, a parameter without a default")
    if (count := [*constants.values()].count(float)) > _MOST_REALS:
        raise TypeError(
            f"elementwise: {name} has {count} constants of type float, expected at most "
            f"{_MOST_REALS}"
        )
    return operands, constants


def _kind(default: Any) -> type | None:
    if isinstance(default, (bool, np.bool_)):
        return bool
    return next((k for k in (int, float) if isinstance(default, _NUMBERS[k])), None)
