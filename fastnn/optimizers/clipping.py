"""Gradient clipping: by value, by the norm of each gradient, by the norm of all together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastnn import _core
from fastnn.ops.core import constant


def make_clip(
    clipnorm: float | None, clipvalue: float | None, global_clipnorm: float | None
) -> Callable[[Sequence], list] | None:
    """The function from gradients to clipped gradients, or None when nothing is to be clipped.

    Raises:
        ValueError: more than one limit, or a negative one.
    """
    limits = {
        "clipnorm": clipnorm,
        "clipvalue": clipvalue,
        "global_clipnorm": global_clipnorm,
    }
    given = {name: limit for name, limit in limits.items() if limit}
    for name, limit in given.items():
        if not limit > 0:
            raise ValueError(f"{name} must be positive, got {limit}")
    if len(given) > 1:
        raise ValueError(f"give at most one of clipnorm, clipvalue, global_clipnorm; got {given}")
    if not given:
        return None
    (name, limit), *_ = given.items()
    return _CLIPS[name](float(limit))


def _by_value(limit: float) -> Callable[[Sequence], list]:
    def clip(gradients: Sequence) -> list:
        clipped = []
        for g in gradients:
            low, high = constant(-limit, g.dtype), constant(limit, g.dtype)
            clipped.append(_core.binary(_core.binary(g, high, "minimum"), low, "maximum"))
        return clipped

    return clip


def _by_norm(limit: float) -> Callable[[Sequence], list]:
    return lambda gradients: [_scaled([g], limit)[0] for g in gradients]


def _by_global_norm(limit: float) -> Callable[[Sequence], list]:
    return lambda gradients: _scaled(gradients, limit)


_CLIPS = {"clipvalue": _by_value, "clipnorm": _by_norm, "global_clipnorm": _by_global_norm}


def _scaled(gradients: Sequence, limit: float) -> list:
    """Gradients times limit / max(norm of all, limit). A norm that is not finite makes all of them
    NaN, so that the damage shows."""
    norm = _core.unary(_core.reduce_list(list(gradients), "sum_squares"), "sqrt")
    bound = constant(limit, norm.dtype)
    factor = _core.binary(bound, _core.binary(norm, bound, "maximum"), "div")
    factor = _core.binary(factor, _core.binary(norm, norm, "sub"), "add")  # inf - inf is NaN
    return [_core.binary(g, factor, "mul") for g in gradients]
