"""optimizer_step and scale_list: all parameters of a model in one call.

A rule gets a parameter w, its slots, its gradient g, the hyper-parameters, and
t, the number of this step counted from 1; it returns the new w and the new slots. Numerics are
those of Keras 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def _sgd(w: Any, slots: Any, g: Any, hyper: Any, t: Any, **_: Any) -> Any:
    (rate,) = hyper
    return w - rate * g, ()


def _momentum(w: Any, slots: Any, g: Any, hyper: Any, t: Any, *, nesterov: Any, **_: Any) -> Any:
    """I. Sutskever et al., "On the importance of initialization and momentum" (2013)."""
    (m,), (rate, momentum) = slots, hyper
    m = momentum * m - rate * g
    return w + (momentum * m - rate * g if nesterov else m), (m,)


def _adam(w: Any, slots: Any, g: Any, hyper: Any, t: Any, *, amsgrad: Any, **_: Any) -> Any:
    """D. Kingma, J. Ba, "Adam" (2015), in the form where epsilon joins the uncorrected root."""
    m, v, *top = slots
    rate, beta_1, beta_2, epsilon = hyper
    m = m + (g - m) * (1 - beta_1)
    v = v + (g * g - v) * (1 - beta_2)
    top = [np.maximum(top[0], v)] if amsgrad else []
    step = rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - step * m / (np.sqrt(top[0] if amsgrad else v) + epsilon), (m, v, *top)


RULES: dict[str, Callable] = {"sgd": _sgd, "momentum": _momentum, "adam": _adam}


@np.errstate(all="ignore")
def optimizer_step(
    parameters: list[np.ndarray],
    slots: list[np.ndarray],
    gradients: list[np.ndarray],
    hyper: np.ndarray,
    iterations: np.ndarray,
    *,
    rule: str,
    nesterov: bool = False,
    amsgrad: bool = False,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The new parameters and slots, both in the order they came in.

    slots: those numbered 0 of every parameter, then those numbered 1, ...; hyper: float64, in the
    order of the rule: sgd [rate], momentum [rate, momentum], adam [rate, beta_1, beta_2, epsilon];
    iterations: int64, the number of steps before this one.
    """
    count = len(parameters)
    t = int(iterations) + 1
    rates = [float(value) for value in hyper]
    new_parameters, new_slots = [], list(slots)
    for i, (w, g) in enumerate(zip(parameters, gradients, strict=True)):
        w, state = RULES[rule](w, slots[i::count], g, rates, t, nesterov=nesterov, amsgrad=amsgrad)
        new_parameters.append(w)
        new_slots[i::count] = state
    return new_parameters, new_slots


def scale_list(xs: list[np.ndarray], scale: np.ndarray) -> list[np.ndarray]:
    """Every x times the 0-d ``scale``, in the dtype of x."""
    return [x * x.dtype.type(scale) for x in xs]
