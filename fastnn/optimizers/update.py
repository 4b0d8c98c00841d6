"""What a step does to the variables: one call of the primitive, or an optimizer's own arithmetic.

The order is Keras's: scale, accumulate, clip, decay, update, average.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastnn import _core, ops
from fastnn.autograd import no_grad
from fastnn.ops.core import constant
from fastnn.optimizers.settings import clip_of
from fastnn.row_gradient import RowGradient
from fastnn.tensor import Variable

_WHOLE = {"average", "gradient_accumulator"}


def native_update(
    optimizer: Any, variables: list[Variable], slots: dict[str, list]
) -> Callable[[Sequence], None]:
    """A function of the gradients that steps `variables` by the optimizer's rule."""
    # The primitive decays the first of its parameters, so those that do not decay go last.
    order = sorted(range(len(variables)), key=lambda i: not optimizer.decays(variables[i]))
    decayed = sum(map(optimizer.decays, variables))
    in_order = order == list(range(len(variables)))

    def ordered(items: Sequence) -> Sequence:
        return items if in_order else [items[i] for i in order]

    names = [name for group in optimizer._slot_groups() for name in group]
    parameters = ordered(variables)
    slot_list = [slot for name in names for slot in ordered(slots[name])]
    hyper = _core.from_numpy(
        np.array(optimizer._hyper_values(), np.float64), optimizer._iterations.device
    )
    state: Any = (
        optimizer._iterations,
        optimizer._product,
        *(ordered(slots[n]) if n in slots else None for n in ("gradient_accumulator", "average")),
    )
    settings: Any = (
        optimizer.rule,
        *clip_of(optimizer),
        1.0 / (optimizer.loss_scale_factor or 1.0),
        float(optimizer.weight_decay or 0.0),
        decayed,
        optimizer.gradient_accumulation_steps or 1,
        float(optimizer.ema_momentum),
        optimizer.ema_overwrite_frequency or 0,
    )
    # Averages, accumulated gradients and constraints are of whole variables.
    in_rows = optimizer.row_steps and not set(slots) & _WHOLE
    accumulates = "gradient_accumulator" in slots
    lazy = [in_rows and v.constraint is None for v in parameters]
    optimizer_step: Any = _core.optimizer_step
    rate = optimizer._learning_rate
    fixed = isinstance(rate, Variable)

    def update(gradients: Sequence) -> None:
        now = rate if fixed else optimizer.learning_rate
        scale, rows, gradients = optimizer._loss_scale, None, ordered(gradients)
        if RowGradient in map(type, gradients):
            rows, gradients = _in_rows(gradients, lazy)
        if accumulates and scale is not None:
            gradients, scale = _divided(gradients, scale), ops.cast(goes(scale), "float32")
        optimizer_step(parameters, slot_list, gradients, now, hyper, *state, scale, rows, *settings)

    return update


def _divided(gradients: Sequence, loss_scale: Any) -> list:
    """Gradients of the loss itself: the next ones that are added to them may have another scale."""
    with no_grad():
        return [g / ops.cast(loss_scale, g.dtype) for g in gradients]


def _in_rows(gradients: Sequence, lazy: Sequence[bool]) -> tuple[list | None, list]:
    """(rows, gradients) as the primitive takes them: those that come in rows by their numbers and
    their values where `lazy` allows it, all others whole."""
    rows, values, every = [], [], constant(0, "int64")
    for gradient, in_rows in zip(gradients, lazy):
        numbers, value = every, gradient
        if type(gradient) is RowGradient:
            numbers, value = gradient.merged() if in_rows else (every, gradient.dense())
        rows.append(numbers)
        values.append(value)
    return (rows if any(numbers is not every for numbers in rows) else None), values


def composed_update(
    optimizer: Any, variables: list[Variable], slots: dict[str, list]
) -> Callable[[Sequence], None]:
    """The same for an optimizer that overrides `update_step`.

    Only where gradients are accumulated, or divided by a loss scale that changes, it depends on a
    number that Python reads whether the variables change; such a step cannot be replayed.
    """
    clip, limit = clip_of(optimizer)
    decays = [(v, optimizer._decay_of(v)) for v in variables]
    decayed = [(v, decay) for v, decay in decays if decay]
    accumulators, averages = slots.get("gradient_accumulator"), slots.get("average", [])
    steps = optimizer.gradient_accumulation_steps or 1
    scale = 1.0 / (optimizer.loss_scale_factor or 1.0)
    momentum, every = optimizer.ema_momentum, optimizer.ema_overwrite_frequency or 0
    take_steps = optimizer._stepper(variables)

    def update(gradients: Sequence) -> None:
        calls, loss_scale = optimizer._iterations, optimizer._loss_scale
        if loss_scale is not None and not goes(loss_scale).item():
            return
        gradients = [g.dense() if type(g) is RowGradient else g for g in gradients]
        if loss_scale is not None:
            gradients = _divided(gradients, loss_scale)
        if accumulators:
            for total, gradient in zip(accumulators, gradients):
                total.assign_add(gradient)
            gradients = accumulators
        if steps == 1 or (calls.item() + 1) % steps == 0:
            if scale != steps:
                gradients = [g * (scale / steps) for g in gradients]
            gradients = _clipped(gradients, clip, limit)
            rate = optimizer.learning_rate
            for variable, decay in decayed:
                variable.assign_sub(variable * _core.copy(decay * rate, variable.dtype))
            take_steps(gradients, rate)
            for total in accumulators or ():
                total.assign(total * 0.0)
        if averages:
            _average(averages, variables, calls, steps, momentum, every)
        optimizer._iterations.assign_add(1)

    def without_gradients(gradients: Sequence) -> None:
        with no_grad():
            update(gradients)

    return without_gradients


def goes(loss_scale: Any) -> Any:
    """Whether a step of gradients of a loss times that changes anything: a Tensor of bool."""
    return ops.logical_and(loss_scale > 0, loss_scale < np.inf)


def _average(
    averages: list, variables: list, calls: Any, steps: int, momentum: float, every: int
) -> None:
    """Moves the averages, and puts them in the variables' place every `every` steps."""
    kept = momentum * ops.cast(calls >= steps, "float64")
    due = (calls // steps + 1) % every == 0 if every else None
    _core.lerp_list(averages, variables, kept)
    if due is not None:
        for average, variable in zip(averages, variables):
            variable.assign(ops.where(due, average, variable))


def _clipped(gradients: list, clip: str, limit: float) -> list:
    """Gradients cut by value, by the norm of each, or by that of all. A norm of all that is not
    finite makes all of them NaN, so that the damage shows."""
    if clip == "value":
        return [
            _core.binary(
                _core.binary(g, constant(limit, g.dtype), "minimum"),
                constant(-limit, g.dtype),
                "maximum",
            )
            for g in gradients
        ]
    if clip == "norm":
        return [g * (limit / _at_least(_norm([g]), limit)) for g in gradients]
    if clip == "global_norm":
        norm = _norm(gradients)
        factor = limit / _at_least(norm, limit) + (norm - norm)  # inf - inf is NaN
        return [g * factor for g in gradients]
    return gradients


def _norm(gradients: list) -> Any:
    return _core.unary(_core.reduce_list(gradients, "sum_squares"), "sqrt")


def _at_least(norm: Any, limit: float) -> Any:
    return _core.binary(norm, constant(limit, norm.dtype), "maximum")
