"""The element-wise functions of the op codes, one line each, for kernels in Python.

The tables are made for a namespace ``m`` of scalar mathematics (exp, log, erf, floor ...) and so
serve CPU and GPU. Floating-point numbers come as float64 and results are rounded once, as in the
reference backend, whose tables these repeat number by number: fastnn/backends/reference has the
sources of the formulas. A namespace's ``compile`` makes a function that kernels can call.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fastnn.backends.reference.elementwise import (
    SQRT_HALF,
    SQRT_HALF_HIGH,
    SQRT_HALF_LOW,
    SQRT_HALF_REST,
)

Table = dict[str, Callable[..., Any]]

SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
GELU_SLOPE, GELU_CUBIC = math.sqrt(2 / math.pi), 0.044715
SELU_FLOOR = SELU_SCALE * SELU_ALPHA
SQRT_PI, SQRT_2PI = math.sqrt(math.pi), math.sqrt(2 * math.pi)
LOG2_E, LOG10_E = math.log2(math.e), math.log10(math.e)
TWO_OVER_SQRT_PI = 2 / math.sqrt(math.pi)
INFINITY = math.inf


def helpers(m: Any) -> dict[str, Any]:
    """Functions that several rows use."""
    exp, log1p, erfc = m.exp, m.log1p, m.erfc

    @m.compile
    def sigmoid(x):
        power = exp(-abs(x))
        return (1.0 if x >= 0 else power) / (1.0 + power)

    @m.compile
    def softplus(x):
        return (0.0 if x < 0 else x) + log1p(exp(-abs(x)))

    @m.compile
    def gated(x, gate):
        return gate if gate == 0 else x * gate

    @m.compile
    def clip(x, low, high):
        return low if x < low else (high if x > high else x)

    @m.compile
    def gelu_inner(x):
        return GELU_SLOPE * (x + GELU_CUBIC * x * x * x)

    head = m.head

    @m.compile
    def normal_cdf(x):
        # Less what the rounding of z takes.
        x = clip(x, -40.0, 40.0)
        z = x * -SQRT_HALF
        high = head(x)
        low = x - high
        rest = (-high * SQRT_HALF_HIGH - z) - high * SQRT_HALF_LOW - low * SQRT_HALF_HIGH
        rest = rest - low * SQRT_HALF_LOW - x * SQRT_HALF_REST
        return erfc(z) / 2 - rest * exp(-z * z) / SQRT_PI

    @m.compile
    def exp_of_square(x, factor):
        # high * high is exact; beyond 100 the result is 0 or infinite.
        x = clip(x, -100.0, 100.0)
        high = head(x)
        return exp(factor * high * high) * exp(factor * (x - high) * (x + high))

    return {
        f.__name__: f
        for f in (sigmoid, softplus, normal_cdf, gated, clip, gelu_inner, exp_of_square)
    }


def unary(m: Any) -> Table:
    """f(x, a) of a float64 x, for every op code of ``unary``."""
    exp, expm1, log1p, tanh, sqrt = m.exp, m.expm1, m.log1p, m.tanh, m.sqrt
    h = helpers(m)
    sigmoid, softplus, normal_cdf = h["sigmoid"], h["softplus"], h["normal_cdf"]
    gated, clip, gelu_inner = h["gated"], h["clip"], h["gelu_inner"]
    log, log2, log10, sin, cos, tan = m.log, m.log2, m.log10, m.sin, m.cos, m.tan
    asin, acos, atan, sinh, cosh = m.asin, m.acos, m.atan, m.sinh, m.cosh
    erf, erfinv, floor, ceil, rint = m.erf, m.erfinv, m.floor, m.ceil, m.rint
    return {
        "linear": lambda x, a: x,
        "neg": lambda x, a: -x,
        "abs": lambda x, a: abs(x),
        "sign": lambda x, a: 1.0 if x > 0 else (-1.0 if x < 0 else x + 0),
        "square": lambda x, a: x * x,
        "sqrt": lambda x, a: sqrt(x),
        "rsqrt": lambda x, a: 1 / sqrt(x),
        "reciprocal": lambda x, a: 1 / x,
        "exp": lambda x, a: exp(x),
        "expm1": lambda x, a: expm1(x),
        "log": lambda x, a: log(x),
        "log2": lambda x, a: log2(x),
        "log10": lambda x, a: log10(x),
        "log1p": lambda x, a: log1p(x),
        "sin": lambda x, a: sin(x),
        "cos": lambda x, a: cos(x),
        "tan": lambda x, a: tan(x),
        "asin": lambda x, a: asin(x),
        "acos": lambda x, a: acos(x),
        "atan": lambda x, a: atan(x),
        "sinh": lambda x, a: sinh(x),
        "cosh": lambda x, a: cosh(x),
        "tanh": lambda x, a: tanh(x),
        "sigmoid": lambda x, a: sigmoid(x),
        "log_sigmoid": lambda x, a: -softplus(-x),
        "softplus": lambda x, a: softplus(x),
        "softsign": lambda x, a: (
            (1.0 if x > 0 else -1.0) if abs(x) == INFINITY else x / (1 + abs(x))
        ),
        "relu": lambda x, a: 0.0 if x <= 0 else x,
        "leaky_relu": lambda x, a: x if x > 0 else a * x,
        "elu": lambda x, a: x if x > 0 else a * expm1(x),
        "selu": lambda x, a: SELU_SCALE * (x if x > 0 else SELU_ALPHA * expm1(x)),
        "gelu": lambda x, a: gated(x, normal_cdf(x)),
        "gelu_tanh": lambda x, a: gated(x, sigmoid(2 * gelu_inner(x))),
        "silu": lambda x, a: gated(x, sigmoid(x)),
        "mish": lambda x, a: gated(x, tanh(softplus(x))),
        "hard_sigmoid": lambda x, a: clip(x / 6 + 0.5, 0.0, 1.0),
        "hard_tanh": lambda x, a: clip(x, -1.0, 1.0),
        "hard_silu": lambda x, a: gated(x, clip(x / 6 + 0.5, 0.0, 1.0)),
        "erf": lambda x, a: erf(x),
        "erfinv": lambda x, a: erfinv(x),
        "floor": lambda x, a: floor(x),
        "ceil": lambda x, a: ceil(x),
        "round": lambda x, a: rint(x),
        "logical_not": lambda x, a: x == 0,
        "isfinite": lambda x, a: abs(x) < INFINITY,
        "isnan": lambda x, a: x != x,
    }


# The op codes that integers and booleans have: exact, in wrapping arithmetic.
INTEGER_UNARY: Table = {
    "linear": lambda x, a: x,
    "neg": lambda x, a: -x,
    "abs": lambda x, a: -x if x < 0 else x,
    "sign": lambda x, a: 1 if x > 0 else (-1 if x < 0 else 0),
    "square": lambda x, a: x * x,
    "relu": lambda x, a: x if x > 0 else 0,
    "floor": lambda x, a: x,
    "ceil": lambda x, a: x,
    "round": lambda x, a: x,
    "logical_not": lambda x, a: x == 0,
}


def derivative(m: Any) -> Table:
    """f'(v, a) of float64, v = x or y as csrc/core/op_codes.h says, for what is differentiable."""
    tanh, sqrt, sin, cos, sinh, cosh = m.tanh, m.sqrt, m.sin, m.cos, m.sinh, m.cosh
    h = helpers(m)
    sigmoid, softplus, normal_cdf = h["sigmoid"], h["softplus"], h["normal_cdf"]
    gated, clip, gelu_inner = h["gated"], h["clip"], h["gelu_inner"]
    exp_of_square = h["exp_of_square"]

    @m.compile
    def gelu_tanh(x):
        x = clip(x, -1000.0, 1000.0)  # beyond, the slope is 0 or 1
        u = 2 * gelu_inner(x)
        s, rest = sigmoid(u), sigmoid(-u)
        return s + 2 * s * rest * x * GELU_SLOPE * (1 + 3 * GELU_CUBIC * x * x)

    @m.compile
    def mish(x):
        t = tanh(softplus(x))
        return t + gated(x, sigmoid(x) * (1 - t) * (1 + t))

    return {
        "linear": lambda v, a: 1.0,
        "neg": lambda v, a: -1.0,
        "abs": lambda x, a: 1.0 if x > 0 else (-1.0 if x < 0 else x),
        "square": lambda x, a: 2 * x,
        "sqrt": lambda y, a: 0.5 / y,
        "rsqrt": lambda y, a: -0.5 * y * y * y,
        "reciprocal": lambda y, a: -y * y,
        "exp": lambda y, a: y,
        "expm1": lambda y, a: y + 1,
        "log": lambda x, a: 1 / x,
        "log2": lambda x, a: LOG2_E / x,
        "log10": lambda x, a: LOG10_E / x,
        "log1p": lambda x, a: 1 / (1 + x),
        "sin": lambda x, a: cos(x),
        "cos": lambda x, a: -sin(x),
        "tan": lambda y, a: 1 + y * y,
        "asin": lambda x, a: 1 / sqrt((1 - x) * (1 + x)),
        "acos": lambda x, a: -1 / sqrt((1 - x) * (1 + x)),
        "atan": lambda x, a: 1 / (1 + x * x),
        "sinh": lambda x, a: cosh(x),
        "cosh": lambda x, a: sinh(x),
        "tanh": lambda y, a: (1 - y) * (1 + y),
        "sigmoid": lambda y, a: y * (1 - y),
        "log_sigmoid": lambda x, a: sigmoid(-x),
        "softplus": lambda x, a: sigmoid(x),
        "softsign": lambda x, a: 1 / ((1 + abs(x)) * (1 + abs(x))),
        "relu": lambda y, a: 1.0 if y > 0 else 0.0,
        "leaky_relu": lambda x, a: 1.0 if x > 0 else a,
        "elu": lambda y, a: 1.0 if y > 0 else y + a,
        "selu": lambda y, a: SELU_SCALE if y > 0 else y + SELU_FLOOR,
        "gelu": lambda x, a: normal_cdf(x) + gated(x, exp_of_square(x, -0.5)) / SQRT_2PI,
        "gelu_tanh": lambda x, a: gelu_tanh(x),
        "silu": lambda x, a: sigmoid(x) + gated(x, sigmoid(x) * sigmoid(-x)),
        "mish": lambda x, a: mish(x),
        "hard_sigmoid": lambda x, a: 1 / 6 if abs(x) < 3 else 0.0,
        "hard_tanh": lambda x, a: 1.0 if abs(x) < 1 else 0.0,
        "hard_silu": lambda x, a: x / 3 + 0.5 if abs(x) < 3 else (0.0 if x < 0 else 1.0),
        "erf": lambda x, a: TWO_OVER_SQRT_PI * exp_of_square(x, -1.0),
        "erfinv": lambda y, a: exp_of_square(y, 1.0) / TWO_OVER_SQRT_PI,
    }


_COMPARISONS: Table = {
    "equal": lambda x1, x2: x1 == x2,
    "not_equal": lambda x1, x2: x1 != x2,
    "less": lambda x1, x2: x1 < x2,
    "less_equal": lambda x1, x2: x1 <= x2,
    "logical_and": lambda x1, x2: (x1 != 0) & (x2 != 0),
    "logical_or": lambda x1, x2: (x1 != 0) | (x2 != 0),
    "logical_xor": lambda x1, x2: (x1 != 0) ^ (x2 != 0),
}
_ARITHMETIC: Table = {
    "add": lambda x1, x2: x1 + x2,
    "sub": lambda x1, x2: x1 - x2,
    "mul": lambda x1, x2: x1 * x2,
}


def binary(m: Any) -> Table:
    """f(x1, x2) of float64."""
    power, atan2, fmod, floor, copysign = m.pow, m.atan2, m.fmod, m.floor, m.copysign

    @m.compile
    def floordiv(x1, x2):
        # From the remainder, as the quotient may be rounded up to an integer.
        if x2 == 0:
            return x1 / x2
        rest = fmod(x1, x2)
        quotient = (x1 - rest) / x2
        if rest != 0 and (x2 < 0) != (rest < 0):
            quotient -= 1
        if quotient == 0:
            return copysign(0.0, x1 / x2)
        whole = floor(quotient)
        return whole + 1 if quotient - whole > 0.5 else whole

    @m.compile
    def mod(x1, x2):
        rest = fmod(x1, x2)
        if rest == 0:
            return copysign(0.0, x2)
        return rest + x2 if (x2 < 0) != (rest < 0) else rest

    return {
        **_ARITHMETIC,
        **_COMPARISONS,
        "div": lambda x1, x2: x1 / x2,
        "floordiv": lambda x1, x2: floordiv(x1, x2),
        "mod": lambda x1, x2: mod(x1, x2),
        "pow": lambda x1, x2: power(x1, x2),
        "maximum": lambda x1, x2: x1 if (x1 >= x2) | (x1 != x1) else x2,
        "minimum": lambda x1, x2: x1 if (x1 <= x2) | (x1 != x1) else x2,
        "atan2": lambda x1, x2: atan2(x1, x2),
    }


def integer_binary(m: Any, bits: int) -> Table:
    """f(x1, x2) of integers of so many bits, as int64 whose low bits count."""

    @m.compile
    def floordiv(x1, x2):
        if x2 == 0:
            return x1 * 0
        return -x1 if x2 == -1 else x1 // x2  # the least integer has no positive counterpart

    @m.compile
    def mod(x1, x2):
        return x1 * 0 if (x2 == 0) | (x2 == -1) else x1 % x2

    @m.compile
    def power(x1, x2):
        if x2 < 0:  # 1 / x1 ** -x2 cut off to an integer
            return (x1 if x2 & 1 else x1 * x1) if (x1 == 1) | (x1 == -1) else x1 * 0
        result, factor = x1 * 0 + 1, x1
        while x2 > 0:
            if x2 & 1:
                result = result * factor
            factor = factor * factor
            x2 = x2 >> 1
        return result

    return {
        **_ARITHMETIC,
        **_COMPARISONS,
        "floordiv": lambda x1, x2: floordiv(x1, x2),
        "mod": lambda x1, x2: mod(x1, x2),
        "pow": lambda x1, x2: power(x1, x2),
        "maximum": lambda x1, x2: x1 if x1 > x2 else x2,
        "minimum": lambda x1, x2: x1 if x1 < x2 else x2,
        "bitwise_and": lambda x1, x2: x1 & x2,
        "bitwise_or": lambda x1, x2: x1 | x2,
        "bitwise_xor": lambda x1, x2: x1 ^ x2,
        "left_shift": lambda x1, x2: x1 << x2 if (x2 >= 0) & (x2 < bits) else x1 * 0,
        "right_shift": lambda x1, x2: (
            x1 >> x2 if (x2 >= 0) & (x2 < bits) else (x1 * 0 - 1 if x1 < 0 else x1 * 0)
        ),
    }
