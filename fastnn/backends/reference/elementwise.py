"""Element-wise primitives: unary, binary, select. One op code is one line of a table."""

from __future__ import annotations

import math

import numpy as np

from .special import erf, erfc, erfinv

# Klambauer et al., "Self-normalizing neural networks" (2017).
SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717

# sqrt(1/2): the nearest double, which is the sum of the next two, and the rest.
SQRT_HALF, SQRT_HALF_REST = math.sqrt(0.5), -4.833646656726457e-17
SQRT_HALF_HIGH = float(np.float32(SQRT_HALF))
SQRT_HALF_LOW = SQRT_HALF - SQRT_HALF_HIGH

# Hendrycks and Gimpel, "Gaussian error linear units" (2016): the tanh form.
GELU_SLOPE, GELU_CUBIC = math.sqrt(2 / math.pi), 0.044715


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), with a power that never overflows."""
    power = np.exp(-np.abs(x))
    return np.where(x >= 0, np.ones_like(x), power) / (1 + power)


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + exp(x)), with a power that never overflows."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def normal_cdf(x: np.ndarray) -> np.ndarray:
    """The distribution function of the normal distribution.

    Far below zero erfc is so steep that the rounding of its argument z has to be made good.
    """
    x = np.clip(x, -40, 40)  # beyond, the result is 0 or 1
    z = x * -SQRT_HALF
    high = x.astype(np.float32).astype(np.float64)  # its products with halves of a number are exact
    low = x - high
    rest = (-high * SQRT_HALF_HIGH - z) - high * SQRT_HALF_LOW - low * SQRT_HALF_HIGH
    rest = rest - low * SQRT_HALF_LOW - x * SQRT_HALF_REST
    return erfc(z) / 2 - rest * np.exp(-z * z) / math.sqrt(math.pi)


def gated(x: np.ndarray, gate: np.ndarray) -> np.ndarray:
    """x * gate, and 0 for x = -inf, where the gate has closed."""
    return np.where(gate == 0, gate, x * gate)


def gelu_inner(x: np.ndarray) -> np.ndarray:
    """The argument of the tanh in gelu_tanh."""
    return GELU_SLOPE * (x + GELU_CUBIC * x * x * x)


UNARY = {
    "linear": lambda x, a, b: x,
    "neg": lambda x, a, b: -x,
    "abs": lambda x, a, b: np.abs(x),
    "sign": lambda x, a, b: np.sign(x),
    "square": lambda x, a, b: x * x,
    "sqrt": lambda x, a, b: np.sqrt(x),
    "rsqrt": lambda x, a, b: 1 / np.sqrt(x),
    "reciprocal": lambda x, a, b: 1 / x,
    "exp": lambda x, a, b: np.exp(x),
    "expm1": lambda x, a, b: np.expm1(x),
    "log": lambda x, a, b: np.log(x),
    "log2": lambda x, a, b: np.log2(x),
    "log10": lambda x, a, b: np.log10(x),
    "log1p": lambda x, a, b: np.log1p(x),
    "sin": lambda x, a, b: np.sin(x),
    "cos": lambda x, a, b: np.cos(x),
    "tan": lambda x, a, b: np.tan(x),
    "asin": lambda x, a, b: np.arcsin(x),
    "acos": lambda x, a, b: np.arccos(x),
    "atan": lambda x, a, b: np.arctan(x),
    "sinh": lambda x, a, b: np.sinh(x),
    "cosh": lambda x, a, b: np.cosh(x),
    "tanh": lambda x, a, b: np.tanh(x),
    "sigmoid": lambda x, a, b: sigmoid(x),
    "log_sigmoid": lambda x, a, b: -softplus(-x),
    "softplus": lambda x, a, b: softplus(x),
    "softsign": lambda x, a, b: np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x))),
    "relu": lambda x, a, b: np.maximum(x, 0),
    "leaky_relu": lambda x, a, b: np.where(x > 0, x, a * x),
    "elu": lambda x, a, b: np.where(x > 0, x, a * np.expm1(x)),
    "selu": lambda x, a, b: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(x)),
    "gelu": lambda x, a, b: gated(x, normal_cdf(x)),
    "gelu_tanh": lambda x, a, b: gated(x, sigmoid(2 * gelu_inner(x))),  # (1 + tanh(t)) / 2
    "silu": lambda x, a, b: gated(x, sigmoid(x)),
    "mish": lambda x, a, b: gated(x, np.tanh(softplus(x))),
    "hard_sigmoid": lambda x, a, b: np.clip(x / 6 + 0.5, 0, 1),
    "hard_tanh": lambda x, a, b: np.clip(x, -1, 1),
    "hard_silu": lambda x, a, b: gated(x, np.clip(x / 6 + 0.5, 0, 1)),
    "erf": lambda x, a, b: erf(x),
    "erfinv": lambda x, a, b: erfinv(x),
    "floor": lambda x, a, b: np.floor(x),
    "ceil": lambda x, a, b: np.ceil(x),
    "round": lambda x, a, b: np.rint(x) if x.dtype.kind == "f" else x,  # ties to even
    "logical_not": lambda x, a, b: np.logical_not(x),
    "isfinite": lambda x, a, b: np.isfinite(x),
    "isnan": lambda x, a, b: np.isnan(x),
}

BINARY = {
    "add": lambda x1, x2: np.add(x1, x2),
    "sub": lambda x1, x2: np.subtract(x1, x2),
    "mul": lambda x1, x2: np.multiply(x1, x2),
    "div": lambda x1, x2: np.divide(x1, x2),
    "floordiv": lambda x1, x2: np.floor_divide(x1, x2),  # integers by 0: 0
    "mod": lambda x1, x2: np.mod(x1, x2),  # the sign of x2; integers by 0: 0
    "pow": lambda x1, x2: power(x1, x2),
    "maximum": lambda x1, x2: np.maximum(x1, x2),  # NaN if either is
    "minimum": lambda x1, x2: np.minimum(x1, x2),
    "atan2": lambda x1, x2: np.arctan2(x1, x2),
    "equal": lambda x1, x2: np.equal(x1, x2),
    "not_equal": lambda x1, x2: np.not_equal(x1, x2),
    "less": lambda x1, x2: np.less(x1, x2),
    "less_equal": lambda x1, x2: np.less_equal(x1, x2),
    "logical_and": lambda x1, x2: np.logical_and(x1, x2),
    "logical_or": lambda x1, x2: np.logical_or(x1, x2),
    "logical_xor": lambda x1, x2: np.logical_xor(x1, x2),
    "bitwise_and": lambda x1, x2: np.bitwise_and(x1, x2),
    "bitwise_or": lambda x1, x2: np.bitwise_or(x1, x2),
    "bitwise_xor": lambda x1, x2: np.bitwise_xor(x1, x2),
    "left_shift": lambda x1, x2: np.left_shift(x1, x2),  # by the width or more: 0
    "right_shift": lambda x1, x2: np.right_shift(x1, x2),  # by the width or more: 0 or -1
}

_TRUTH = {"equal", "not_equal", "less", "less_equal", "logical_and", "logical_or", "logical_xor"}


def power(x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
    """x1 ** x2 as C's pow has it."""
    if x1.dtype.kind in "bi":
        return integer_power(x1, x2)
    y = np.power(x1, x2)
    if x1.dtype.kind == "f":  # for 1/2 NumPy may take the root, which is another of -0 and -inf
        of_end = (x2 == 0.5) & ((x1 == 0) | (x1 == -np.inf))
        y = np.where(of_end, np.abs(x1), y)
    return y


def integer_power(x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
    """x1 ** x2 modulo 2^bits; for a negative power 1 / x1 ** -x2 cut off to an integer (0: 0)."""
    odd = np.where(x2 & 1, x1, x1 * x1)
    return np.where(x2 >= 0, np.power(x1, np.maximum(x2, 0)), np.where(np.abs(x1) == 1, odd, 0))


@np.errstate(all="ignore")
def unary(x: np.ndarray, *, op: str, a: float = 0, b: float = 0) -> np.ndarray:
    """y[i] = f(x[i]) for f = UNARY[op]; y has the shape and dtype of x (tests: bool).

    ``a`` and ``b`` are parameters of some functions (the slope of leaky_relu, the scale of elu).
    Which dtypes a function takes stands in csrc/core/op_codes.h. float32 is computed in float64
    and rounded once.
    """
    y = np.asarray(UNARY[op](x.astype(np.float64) if x.dtype == np.float32 else x, a, b))
    return y if y.dtype == bool else y.astype(x.dtype, copy=False)


@np.errstate(all="ignore")
def binary(x1: np.ndarray, x2: np.ndarray, *, op: str) -> np.ndarray:
    """y[i] = f(x1[i], x2[i]) for f = BINARY[op], x1 and x2 of one dtype, broadcast as in NumPy.

    y has that dtype; comparisons and logical functions give bool.
    """
    return np.asarray(BINARY[op](x1, x2), dtype=bool if op in _TRUTH else x1.dtype)


def select(mask: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """y[i] = a[i] where mask[i], else b[i]; a and b of one dtype; all three are broadcast."""
    return np.where(mask, a, b)
