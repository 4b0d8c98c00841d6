"""The arguments that every optimizer takes, and what may not be given to any."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np

from fastnn.utils.numbers import number


class Common(TypedDict, total=False):
    """The arguments that every optimizer takes by keyword; see `Optimizer`."""

    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


_CLIPS = {"clipnorm": "norm", "clipvalue": "value", "global_clipnorm": "global_norm"}

# By name, wherever an optimizer or a schedule has it: (the least, the most, whether the most itself
# is allowed). With a mean that decays by 1, corrections for the first steps divide by 0.
_FRACTION, _NOT_NEGATIVE = (0, 1, False), (0, math.inf, False)
_RANGES: dict[str, tuple[float, float, bool]] = {
    **dict.fromkeys(("beta_1", "beta_2", "rho", "adam_beta_1", "adam_beta_2"), _FRACTION),
    **dict.fromkeys(("momentum", "ema_momentum"), (0, 1, True)),
    **dict.fromkeys(
        (
            "weight_decay",
            "adam_weight_decay",
            "epsilon",
            "epsilon_1",
            "epsilon_2",
            "initial_accumulator_value",
            "l1_regularization_strength",
            "l2_regularization_strength",
            "l2_shrinkage_regularization_strength",
            "warmup_steps",
            "initial_learning_rate",
            "end_learning_rate",
            "warmup_target",
            "decay_rate",
        ),
        _NOT_NEGATIVE,
    ),
}


_OPTIONAL = ("weight_decay", "adam_weight_decay", "warmup_target")  # which None turns off


def check_range(owner: Any, name: str, value: Any) -> None:
    """Raises for what the setting `name` of an optimizer or a schedule cannot be: TypeError if it
    is no number, ValueError if it is out of range; `ranges` of its class goes before what holds for
    all."""
    known = owner.ranges.get(name) or _RANGES.get(name)
    if known is None or (value is None and name in _OPTIONAL):
        return
    least, most, closed = known
    if most == math.inf:
        expected = f"at least {least}"
    else:
        expected = f"from {least} to {most}" if closed else f"at least {least} and below {most}"
    check_number(
        owner,
        name,
        value,
        expected,
        lambda found: found >= least and (found < most or (closed and found == most)),
    )


def check_number(
    owner: Any, name: str, value: Any, expected: str, holds: Callable[[float], bool]
) -> None:
    """Raises TypeError for a setting that is no number, ValueError for one that `holds` is not true
    for."""
    number(f"{type(owner).__name__}: {name}", value, expected, holds)


def check_positive(owner: Any, name: str, value: Any) -> None:
    """Raises TypeError for a setting that is no number, ValueError for one that is not above 0."""
    check_number(owner, name, value, "positive", lambda found: found > 0)


def check_settings(optimizer: Any) -> None:
    """Raises ValueError for settings that all optimizers share and that make no sense."""
    clip_of(optimizer)
    who = type(optimizer).__name__
    steps = optimizer.gradient_accumulation_steps
    if steps and not (isinstance(steps, (int, np.integer)) and steps >= 2):
        raise ValueError(
            f"{who}: gradient_accumulation_steps must be an integer of at least 2, got {steps!r}"
        )
    if optimizer.use_ema:
        every = optimizer.ema_overwrite_frequency
        if every and not (isinstance(every, (int, np.integer)) and every >= 1):
            raise ValueError(
                f"{who}: ema_overwrite_frequency must be a positive integer or None, got {every!r}"
            )


def clip_of(optimizer: Any) -> tuple[str, float]:
    """How the primitive is to clip, and the limit."""
    who = type(optimizer).__name__
    given = {n: limit for n in _CLIPS if (limit := getattr(optimizer, n)) is not None}
    if len(given) > 1:
        raise ValueError(
            f"{who}: give at most one of clipnorm, clipvalue, global_clipnorm; got {given}"
        )
    for name, limit in given.items():
        if not 0 <= limit < math.inf:
            raise ValueError(
                f"{who}: {name} must be positive (0 or None for no clipping), got {limit}"
            )
        if limit:
            return _CLIPS[name], float(limit)
    return "none", 0.0
