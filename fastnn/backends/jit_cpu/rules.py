"""What functions of Numbers are: Python's operators, and the names of math, NumPy and fastnn.ops.

Importing this file makes Numba know them. Values and slopes are those of the tables in
fastnn.backends.jit.operations.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numba.core import types
from numba.core.errors import TypingError
from numba.extending import overload

from fastnn import _core
from fastnn.backends.jit import operations
from fastnn.backends.jit.functions import MODULES, original

from . import mathematics
from .compile import compiled
from .elementwise import FLOAT32_SLOPES, unary_function
from .numbers import PLAIN, NumberType, chain, chain_two, lifted, value, variable
from .power import power

_double = np.float64
_LONGEST_PRODUCT = 16  # x ** n is multiplied out up to here

# Functions that Numba knows by this file; others that a user's function calls are compiled with it.
KNOWN: set[Any] = set()


def named(*names: str) -> list[Any]:
    """The functions of those names in math, NumPy and fastnn.ops."""
    return [original(f) for m in MODULES for n in names if callable(f := getattr(m, n, None))]


def define(functions: Sequence[Any], rule: Callable, **options: Any) -> None:
    """Makes Numba know functions of Numbers by a rule, as numba.extending.overload takes it."""
    for function in functions:
        overload(function, jit_options={"forceinline": True}, **options)(rule)
        KNOWN.add(function)


def _is_number(*kinds: Any) -> bool:
    """Whether arguments of those types are Numbers and plain numbers, one of them a Number."""
    return any(isinstance(kind, NumberType) for kind in kinds) and all(
        isinstance(kind, (NumberType, *PLAIN)) for kind in kinds
    )


# ---- One operand -------------------------------------------------------------------------------


# Their slopes are arithmetic, so that Numbers without partial derivatives keep the element type:
# those of other op codes are computed in float64.
_SIMPLE = {"neg", "abs", "square", "sqrt", "rsqrt", "reciprocal", "relu", "softsign"}
_SIMPLE |= {"exp", "expm1", "log", "log1p", "tanh", "sigmoid", "tan", "atan"}
# These call such functions of Numbers as this file defines.
_of_numbers = SimpleNamespace(
    **{
        name: getattr(math, name)
        for name in ["exp", "log1p", "tanh", "sqrt", "sin", "cos", "sinh", "cosh", "erfc"]
    },
    head=mathematics.head,
    compile=compiled,
)
_BY_NUMBERS = {"sin", "cos", "softplus", "log_sigmoid", "silu"}


def _unary_rule(op: str, slope: Any, reads: str) -> Callable:
    by_value, in_double = reads == "x", op not in _SIMPLE | _BY_NUMBERS

    def rule(x):
        if isinstance(x, PLAIN):
            plain = unary_function(op, "float64")
            return lambda x: plain(_double(x), 0.0)
        if not isinstance(x, NumberType):
            return None
        f = unary_function(op, str(x.element))
        if reads == "z" and op in ("logical_not", "isfinite", "isnan"):
            return lambda x: f(value(x), 0.0)
        if x.partials == 0 or reads == "z":
            return lambda x: chain(f(value(x), 0.0), 0.0, x)
        if x.element == types.float32 and op in FLOAT32_SLOPES:
            own = FLOAT32_SLOPES[op]
            return lambda x: chain(f(value(x), 0.0), own(value(x), 0.0), x)

        def differentiated(x):
            v = value(x)
            y = f(v, 0.0)
            read = v if by_value else y
            given = _double(read) if in_double else variable(read, 0, -1)
            return chain(y, value(slope(given, 0.0)), x)

        return differentiated

    return rule


# Other names of op codes; those with parameters are left out.
_NAMES = {
    "neg": [operator.neg, *named("negative")],
    "abs": [abs, *named("abs", "absolute", "fabs")],
    "asin": named("asin", "arcsin"),
    "acos": named("acos", "arccos"),
    "atan": named("atan", "arctan"),
    "log": [f for f in named("log") if f is not math.log],
    "round": named("rint"),
    "silu": named("silu", "swish"),
    "logical_not": [operator.not_, *named("logical_not")],
}
_WITH_PARAMETERS = {"linear", "gelu", "gelu_tanh", "elu", "leaky_relu"}


def _define_unary() -> None:
    slopes = operations.derivative(mathematics)
    by_numbers = operations.derivative(_of_numbers)
    slopes |= {op: by_numbers[op] for op in _BY_NUMBERS}
    for op, (reads, _) in _core.UNARY.items():
        if op not in _WITH_PARAMETERS:
            slope = compiled(slopes[op]) if op in slopes else None
            define(_NAMES.get(op, named(op)), _unary_rule(op, slope, reads))


def _same(x):
    return (lambda x: x) if isinstance(x, NumberType) else None


def _given(argument: Any) -> bool:
    """Whether the type of an argument whose default is None is that of a value."""
    return argument is not None and not isinstance(argument, (types.Omitted, types.NoneType))


def _logarithm(x, base=None):
    if not isinstance(x, (NumberType, *PLAIN)):
        return None
    if not _given(base):
        return lambda x, base=None: np.log(x)
    if not isinstance(base, (NumberType, *PLAIN)):
        return None
    return lambda x, base=None: np.log(x) / np.log(base)


def _round(x, decimals=None):
    if isinstance(x, NumberType) and _given(decimals):
        raise TypingError(
            "round(x, decimals) is not known for numbers; round(x * 100) / 100 keeps two"
        )
    if not isinstance(x, (NumberType, *PLAIN)) or _given(decimals):
        return None
    return lambda x, decimals=None: np.rint(x)


def _truth(x):
    return (lambda x: value(x) != 0) if isinstance(x, NumberType) else None


# ---- Two operands ------------------------------------------------------------------------------


def binary_rule(f: Callable, slope1: Callable, slope2: Callable) -> Callable:
    """f(x1, x2) of elements, and its slopes from x1, x2, y."""
    f, slope1, slope2 = compiled(f), compiled(slope1), compiled(slope2)

    def first_varies(x1, x2):
        v1, v2 = value(x1), value(lifted(x2, x1))
        y = f(v1, v2)
        return chain(y, slope1(v1, v2, y), x1)

    def second_varies(x1, x2):
        v1, v2 = value(lifted(x1, x2)), value(x2)
        y = f(v1, v2)
        return chain(y, slope2(v1, v2, y), x2)

    def both_vary(x1, x2):
        v1, v2 = value(x1), value(x2)
        y = f(v1, v2)
        return chain_two(y, slope1(v1, v2, y), x1, slope2(v1, v2, y), x2)

    def rule(x1, x2):
        if not _is_number(x1, x2):
            return None
        if isinstance(x2, PLAIN):
            return first_varies
        return second_varies if isinstance(x1, PLAIN) else both_vary

    return rule


def _power_rule(general: Callable) -> Callable:
    @compiled
    def product(x, n):
        y = x
        for _ in range(n - 1):
            y *= x
        return y

    def rule(x1, x2):
        exponent = getattr(x2, "literal_value", None)
        if not isinstance(x1, NumberType) or type(exponent) is not int:
            return general(x1, x2)
        if exponent == 1:
            return lambda x1, x2: x1
        if not 2 <= exponent <= _LONGEST_PRODUCT:
            return general(x1, x2)
        lower = exponent - 1

        def multiplied(x1, x2):
            rest = product(value(x1), lower)
            return chain(rest * value(x1), exponent * rest, x1)

        return multiplied

    return rule


def _comparison_rule(compare: Any) -> Callable:
    def rule(x1, x2):
        if not _is_number(x1, x2):
            return None
        return lambda x1, x2: compare(value(lifted(x1, x2)), value(lifted(x2, x1)))

    return rule


def _in_double(function: Callable) -> Any:
    function = compiled(function)
    return lambda x1, x2: function(_double(x1), _double(x2))


def _define_binary() -> None:
    table = operations.binary(mathematics)
    log = unary_function("log", "float64")

    @compiled
    def share(winner, loser):  # a tie shares the slope
        return (0.5 if winner == loser else 1.0) if winner >= loser else 0.0

    def base_slope(x1, x2, y):
        return 0.0 if x2 == 0 else x2 * power(x1, x2 - 1.0)

    def exponent_slope(x1, x2, y):  # counts where x1 > 0; what is NaN stays NaN
        return y * log(_double(x1) if x1 > 0 else 1.0, 0.0)

    @compiled
    def inverse(x1, x2):  # x1 / (x1 ** 2 + x2 ** 2), also where the squares are 0 or infinite
        a, b = _double(x1), _double(x2)
        larger = max(abs(a), abs(b))
        size = larger if 0 < larger < math.inf else 1.0
        a, b = a / size, b / size
        return a / (a * a + b * b) / size

    def flat(x1, x2, y):
        return 0.0

    floordiv, mod = _in_double(table["floordiv"]), _in_double(table["mod"])
    whole = compiled(floordiv)
    one, minus_one = (lambda x1, x2, y: 1.0), (lambda x1, x2, y: -1.0)
    rules = {
        "add": (lambda x1, x2: x1 + x2, one, one),
        "sub": (lambda x1, x2: x1 - x2, one, minus_one),
        "mul": (lambda x1, x2: x1 * x2, lambda x1, x2, y: x2, lambda x1, x2, y: x1),
        "truediv": (lambda x1, x2: x1 / x2, lambda x1, x2, y: 1 / x2, lambda x1, x2, y: -y / x2),
        "floordiv": (floordiv, flat, flat),
        "mod": (mod, one, lambda x1, x2, y: -whole(x1, x2)),
        "pow": (lambda x1, x2: power(x1, x2), base_slope, exponent_slope),
        "maximum": (
            table["maximum"],
            lambda x1, x2, y: share(x1, x2),
            lambda x1, x2, y: share(x2, x1),
        ),
        "minimum": (
            table["minimum"],
            lambda x1, x2, y: share(x2, x1),
            lambda x1, x2, y: share(x1, x2),
        ),
        "atan2": (
            _in_double(table["atan2"]),
            lambda x1, x2, y: inverse(x2, x1),
            lambda x1, x2, y: -inverse(x1, x2),
        ),
    }
    names = {
        "sub": named("subtract"),
        "mul": named("multiply"),
        "truediv": named("divide", "true_divide"),
        "floordiv": named("floor_divide"),
        "pow": [pow, *named("pow", "power")],
        "maximum": [max, *named("maximum")],
        "minimum": [min, *named("minimum")],
        "atan2": named("atan2", "arctan2"),
    }
    for name, functions in rules.items():
        rule = binary_rule(*functions)
        operators = [getattr(operator, n) for n in (name, f"i{name}") if hasattr(operator, n)]
        if name == "pow":
            rule = _power_rule(rule)
        define([*operators, *names.get(name, named(name))], rule, prefer_literal=name == "pow")
    comparisons = {
        "eq": "equal",
        "ne": "not_equal",
        "lt": "less",
        "le": "less_equal",
        "gt": "greater",
        "ge": "greater_equal",
    }
    for name, word in comparisons.items():
        compare = getattr(operator, name)
        define([compare, *named(word)], _comparison_rule(compare))


# ---- Three operands ----------------------------------------------------------------------------


def _where(condition, x1, x2):
    return (lambda condition, x1, x2: x1 if condition else x2) if _is_number(x1, x2) else None


def _clip(x, x_min, x_max):
    if not _is_number(x, x_min, x_max):
        return None

    def clipped(x, x_min, x_max):
        if x < x_min:
            return x_min
        if x > x_max:
            return x_max
        return x if x == x else np.nan  # whose slope is 0

    return clipped


def _of_three(function: Callable) -> Callable:
    def rule(x1, x2, x3):
        if not _is_number(x1, x2, x3):
            return None
        return lambda x1, x2, x3: function(function(x1, x2), x3)

    return rule


def _exp2(x):
    return (lambda x: 2.0**x) if isinstance(x, NumberType) else None


_define_unary()
_define_binary()
define([max], _of_three(max))
define([min], _of_three(min))
define(named("exp2"), _exp2)
define([operator.pos, float, *named("positive")], _same)
define([bool, operator.truth], _truth)
define([math.log], _logarithm)
define([round, *named("round")], _round)
define(named("where"), _where)
define(named("clip"), _clip)
