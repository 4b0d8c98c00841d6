"""Operations that draw random numbers from a state, a Variable [key, counter] that they advance."""

from __future__ import annotations

from typing import Any

from fastnn import _core
from fastnn.ops.core import Tensor, Variable, as_float, cast, constant, record


def _dropout_rule(node: _core.Node, gradient: Any) -> Any:
    mask, rate = node.saved
    return _core.dropout_backward(gradient, mask, rate, "plain")


def dropout(x: Any, rate: Any, state: Variable, noise_shape: tuple | None = None) -> Tensor:
    """x with a fraction ``rate`` of its elements set to 0 and the others divided by 1 - rate.

    rate: a number in [0, 1], or a 0-d Tensor
    state: the random state to draw from
    noise_shape: x's shape with 1 where elements share a draw; None entries mean x's extent
    Srivastava et al., "Dropout" (2014).
    """
    x = as_float(x, "dropout: x")
    if not isinstance(rate, Tensor):
        if not 0 <= rate <= 1:
            raise ValueError(f"dropout: rate is {rate}, expected a number in [0, 1]")
        rate = constant(float(rate), x.dtype)
    elif rate.dtype != x.dtype:
        rate = cast(rate, x.dtype)
    if noise_shape is None:
        noise_shape = x.shape
    elif len(noise_shape) != x.ndim:
        raise ValueError(f"dropout: noise_shape {noise_shape} does not fit x of shape {x.shape}")
    else:
        noise_shape = tuple(b if a is None else a for a, b in zip(noise_shape, x.shape))
    y, mask = _core.dropout(x, rate, state, "plain", noise_shape)
    return record(y, _dropout_rule, (mask, rate), x)
