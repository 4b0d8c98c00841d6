"""The functions that users wrote for `elementwise`, by the numbers that calls have for them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

# Whose functions they may call; fastnn.ops is added from above.
MODULES: list[Any] = [math, np]


class UserFunction(NamedTuple):
    """One thing that calls of the primitive compute: values, or gradients for some operands.

    Of a function of one operand gradients are not computed, but slopes, and with the values: both
    together are little more work than one, and what is left of the gradient is a product.

    Parameters of `function` are operands, then constants. Floating-point constants come with each
    call; integers and booleans are fixed here, so that loops and branches can depend on them.
    """

    function: Callable[..., Any]
    operands: int
    constants: tuple[int | None, ...] = ()  # None: a floating-point number of the call
    gradient: Callable[..., Any] | None = None  # partial derivatives, if the user gave them
    wanted: tuple[int, ...] | None = None  # operands whose gradients are wanted; None: values

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", "function")

    @property
    def sloped(self) -> bool:
        """Whether values and slopes are computed, of a function of one operand."""
        return self.wanted is not None and self.operands == 1

    def arguments(self, operands: list, reals: list) -> list:
        """What the function is called with."""
        rest = iter(reals)
        return [*operands, *(next(rest) if c is None else c for c in self.constants)]


FUNCTIONS: list[UserFunction] = []
_numbers: dict[tuple, int] = {}


def number_of(function: UserFunction) -> int:
    """The number of a function; the same one for equal ones."""
    key = (function, tuple(map(type, function.constants)))  # True is no 1
    if key not in _numbers:
        FUNCTIONS.append(function)
        _numbers[key] = len(FUNCTIONS) - 1
    return _numbers[key]


def scalar_function(value: Any) -> Any:
    """The function of elements behind an operation that `elementwise` made; else the value."""
    return getattr(value, "scalar_function", value)


def original(value: Any) -> Any:
    """A function of fastnn.ops itself: layers bind its name to one that knows symbolic values."""
    inner = getattr(value, "__wrapped__", None)
    modules = [m for m in MODULES if m.__name__.startswith("fastnn")]
    bound = any(item is value for m in modules for item in vars(m).values())
    return inner if bound and inner is not None else value
