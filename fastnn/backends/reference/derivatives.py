"""unary_backward: the derivative of every unary function, times the gradient of its output."""

from __future__ import annotations

import math

import numpy as np

from .elementwise import (
    GELU_CUBIC,
    GELU_SLOPE,
    SELU_ALPHA,
    SELU_SCALE,
    gated,
    gelu_inner,
    normal_cdf,
    sigmoid,
    softplus,
)
from .special import exp_of_square


def _gelu(x: np.ndarray) -> np.ndarray:
    return normal_cdf(x) + gated(x, exp_of_square(x, -0.5)) / math.sqrt(2 * math.pi)


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, -1000, 1000)  # beyond, the slope is 0 or 1
    s, rest = sigmoid(2 * gelu_inner(x)), sigmoid(-2 * gelu_inner(x))
    return s + 2 * s * rest * x * GELU_SLOPE * (1 + 3 * GELU_CUBIC * x * x)


def _silu(x: np.ndarray) -> np.ndarray:
    return sigmoid(x) + gated(x, sigmoid(x) * sigmoid(-x))


def _mish(x: np.ndarray) -> np.ndarray:
    t = np.tanh(softplus(x))
    return t + gated(x, sigmoid(x) * (1 - t) * (1 + t))


# v is x or y, as csrc/core/op_codes.h says. At a kink the derivative is that of the flat (or the
# lower) side.
DERIVATIVE = {
    "linear": lambda v, a, b: np.ones_like(v),
    "neg": lambda v, a, b: -np.ones_like(v),
    "abs": lambda x, a, b: np.sign(x),
    "square": lambda x, a, b: 2 * x,
    "sqrt": lambda y, a, b: 0.5 / y,
    "rsqrt": lambda y, a, b: -0.5 * y * y * y,
    "reciprocal": lambda y, a, b: -y * y,
    "exp": lambda y, a, b: y,
    "expm1": lambda y, a, b: y + 1,
    "log": lambda x, a, b: 1 / x,
    "log2": lambda x, a, b: math.log2(math.e) / x,
    "log10": lambda x, a, b: math.log10(math.e) / x,
    "log1p": lambda x, a, b: 1 / (1 + x),
    "sin": lambda x, a, b: np.cos(x),
    "cos": lambda x, a, b: -np.sin(x),
    "tan": lambda y, a, b: 1 + y * y,
    "asin": lambda x, a, b: 1 / np.sqrt((1 - x) * (1 + x)),
    "acos": lambda x, a, b: -1 / np.sqrt((1 - x) * (1 + x)),
    "atan": lambda x, a, b: 1 / (1 + x * x),
    "sinh": lambda x, a, b: np.cosh(x),
    "cosh": lambda x, a, b: np.sinh(x),
    "tanh": lambda y, a, b: (1 - y) * (1 + y),
    "sigmoid": lambda y, a, b: y * (1 - y),
    "log_sigmoid": lambda x, a, b: sigmoid(-x),
    "softplus": lambda x, a, b: sigmoid(x),
    "softsign": lambda x, a, b: 1 / ((1 + np.abs(x)) * (1 + np.abs(x))),
    "relu": lambda y, a, b: y > 0,
    "leaky_relu": lambda x, a, b: np.where(x > 0, 1, a),
    "elu": lambda y, a, b: np.where(y > 0, 1, y + a),
    "selu": lambda y, a, b: np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
    "gelu": lambda x, a, b: _gelu(x),
    "gelu_tanh": lambda x, a, b: _gelu_tanh(x),
    "silu": lambda x, a, b: _silu(x),
    "mish": lambda x, a, b: _mish(x),
    "hard_sigmoid": lambda x, a, b: np.where(np.abs(x) < 3, 1 / 6, 0),
    "hard_tanh": lambda x, a, b: np.abs(x) < 1,
    "hard_silu": lambda x, a, b: np.where(np.abs(x) < 3, x / 3 + 0.5, ~(x < 0)),
    "erf": lambda x, a, b: 2 / math.sqrt(math.pi) * exp_of_square(x, -1),
    "erfinv": lambda y, a, b: math.sqrt(math.pi) / 2 * exp_of_square(y, 1),
}


@np.errstate(all="ignore")
def unary_backward(
    dy: np.ndarray, value: np.ndarray, *, op: str, a: float = 0, b: float = 0
) -> np.ndarray:
    """dx = dy * f'(value), float32 or float64, shapes of dy and value equal.

    ``value`` is x or y = f(x), whichever the row of csrc/core/op_codes.h names (n: any of them).
    Functions whose row says z have no derivative: ValueError. Computed in float64, rounded once.
    """
    if op not in DERIVATIVE:
        raise ValueError(f"unary_backward: {op} has no derivative")
    return (dy * DERIVATIVE[op](value.astype(np.float64), a, b)).astype(dy.dtype)
