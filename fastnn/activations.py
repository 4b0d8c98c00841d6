"""Activation functions by Keras 3's names; what computes them are ``fastnn.ops``.

>>> relu([-1.0, 2.0]).tolist()
[0.0, 2.0]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn import ops
from fastnn.ops import (
    celu,
    glu,
    hard_shrink,
    soft_shrink,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh_shrink,
    threshold,
)
from fastnn.ops.activation import check_operand
from fastnn.tensor import Tensor
from fastnn.utils.serialization import (
    deserialize_keras_object,
    find_by_name,
    serialize_keras_object,
)


def linear(x: Any) -> Tensor:
    """x itself."""
    return x


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Tensor:
    """x where it is above ``threshold``, at most ``max_value``; else a slope from the threshold."""
    if negative_slope == 0.0 and max_value is None and threshold == 0.0:
        return ops.relu(x)
    check_operand(threshold, "relu: threshold")
    check_operand(negative_slope, "relu: negative_slope")
    if max_value is not None:
        check_operand(max_value, "relu: max_value")
    below = ops.multiply(ops.subtract(x, threshold), negative_slope)
    kept = x if max_value is None else ops.minimum(ops.relu(x), max_value)
    return ops.where(ops.greater(x, threshold), kept, below)


def relu6(x: Any) -> Tensor:
    """min(max(x, 0), 6)."""
    return ops.relu6(x)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """x if positive, else negative_slope * x."""
    return ops.leaky_relu(x, negative_slope)


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + exp(-x)); the result remembers x, so that cross-entropy computes from it."""
    return ops.sigmoid(x)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along an axis; the result remembers x, for cross-entropy."""
    return ops.softmax(x, axis)


def log_softmax(x: Any, axis: int = -1) -> Tensor:
    """log(softmax(x)) along an axis."""
    return ops.log_softmax(x, axis)


def tanh(x: Any) -> Tensor:
    """The hyperbolic tangent."""
    return ops.tanh(x)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x if positive, else alpha * (exp(x) - 1) (Clevert et al., 2015)."""
    return ops.elu(x, alpha)


def selu(x: Any) -> Tensor:
    """The scaled elu that keeps mean and variance (Klambauer et al., 2017)."""
    return ops.selu(x)


def gelu(x: Any, approximate: bool = False) -> Tensor:
    """x times the normal distribution function, exact unless ``approximate`` (tanh form)."""
    return ops.gelu(x, approximate)


def silu(x: Any) -> Tensor:
    """x * sigmoid(x)."""
    return ops.silu(x)


def softplus(x: Any) -> Tensor:
    """log(1 + exp(x))."""
    return ops.softplus(x)


def softsign(x: Any) -> Tensor:
    """x / (1 + |x|)."""
    return ops.softsign(x)


def log_sigmoid(x: Any) -> Tensor:
    """log(sigmoid(x))."""
    return ops.log_sigmoid(x)


def mish(x: Any) -> Tensor:
    """x * tanh(softplus(x)) (Misra, 2019)."""
    return ops.mish(x)


def hard_sigmoid(x: Any) -> Tensor:
    """x / 6 + 0.5, clipped to [0, 1]."""
    return ops.hard_sigmoid(x)


def hard_tanh(x: Any) -> Tensor:
    """x clipped to [-1, 1]."""
    return ops.hard_tanh(x)


def hard_silu(x: Any) -> Tensor:
    """x * hard_sigmoid(x)."""
    return ops.hard_silu(x)


def exponential(x: Any) -> Tensor:
    """exp(x)."""
    return ops.exp(x)


swish = silu
hard_swish = hard_silu

_FUNCTIONS = (
    linear, relu, relu6, leaky_relu, sigmoid, softmax, log_softmax, tanh, elu, selu, gelu, silu,
    softplus, softsign, log_sigmoid, mish, hard_sigmoid, hard_tanh, hard_silu, exponential,
    celu, glu, hard_shrink, soft_shrink, sparse_plus, sparse_sigmoid, sparsemax, squareplus,
    tanh_shrink, threshold,
)  # fmt: skip
_KNOWN = {function.__name__: function for function in _FUNCTIONS} | {
    "swish": silu,
    "hard_swish": hard_silu,
}

# What a matrix product can apply to its result on the way out, by function.
FUSED = {
    function: function.__name__
    for function in (
        linear, relu, sigmoid, tanh, selu, gelu, silu, softplus, softsign, mish, hard_sigmoid,
        hard_silu,
    )
}  # fmt: skip


def get(identifier: Any) -> Callable:
    """An activation from a name, function, configuration or None (linear).

    Raises:
        ValueError: unknown name; the message lists the known ones.

    >>> get("swish").__name__, get(None).__name__
    ('silu', 'linear')
    """
    if identifier is None:
        return linear
    if isinstance(identifier, dict):
        identifier = deserialize(identifier)
    if isinstance(identifier, str):
        return find_by_name(identifier, _KNOWN, "activation")
    if callable(identifier):
        return identifier
    raise ValueError(f"activation: expected a name or a function, got {identifier!r}")


def serialize(activation: Callable) -> Any:
    """The name of one of fastnn's functions, else its configuration."""
    name: Any = getattr(activation, "__name__", None)
    return name if _KNOWN.get(name) is activation else serialize_keras_object(activation)


def deserialize(config: Any, custom_objects: dict | None = None) -> Any:
    """The function that ``serialize`` described."""
    if isinstance(config, str):
        return get(config)
    return deserialize_keras_object(config, custom_objects)
