"""optimizer_step and scale_list: all parameters of a model in one call.

A rule gets a parameter w, its slots, its gradient g, the learning rate, the rule's numbers and t,
the number of this step counted from 1; it returns the new w and the new slots. Numerics are those
of Keras 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np


def _sgd(w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any) -> Any:
    return w - rate * g, ()


def _momentum(w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any, ahead: bool) -> Any:
    """I. Sutskever et al., "On the importance of initialization and momentum" (2013)."""
    (m,), (momentum,) = slots, hyper
    m = momentum * m - rate * g
    return w + (momentum * m - rate * g if ahead else m), (m,)


def _adagrad(w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any) -> Any:
    """J. Duchi et al., "Adaptive subgradient methods" (2011)."""
    (total,), (epsilon,) = slots, hyper
    total = total + g * g
    return w - rate * g / np.sqrt(total + epsilon), (total,)


def _adadelta(w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any) -> Any:
    """M. Zeiler, "ADADELTA: an adaptive learning rate method" (2012)."""
    (squares, changes), (rho, epsilon) = slots, hyper
    squares = rho * squares + (1 - rho) * g * g
    change = np.sqrt(changes + epsilon) * g / np.sqrt(squares + epsilon)
    changes = rho * changes + (1 - rho) * change * change
    return w - rate * change, (squares, changes)


def _rmsprop(
    w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any, momentum: bool, centered: bool
) -> Any:
    """T. Tieleman, G. Hinton, "Lecture 6.5" (2012); centered: A. Graves, "Generating sequences
    with recurrent neural networks" (2013)."""
    (v, *others), (rho, epsilon, *rest) = slots, hyper
    v = rho * v + (1 - rho) * g * g
    spread, new = v, [v]
    if centered:
        mean = rho * others[-1] + (1 - rho) * g
        spread = v - mean * mean
    change = rate * g / np.sqrt(spread + epsilon)
    if momentum:
        change = rest[0] * others[0] + change
        new.append(change)
    return w - change, (*new, mean) if centered else new


def _adam(w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any, amsgrad: bool) -> Any:
    """D. Kingma, J. Ba, "Adam" (2015), in the form where epsilon joins the uncorrected root;
    AMSGrad: S. Reddi et al., "On the convergence of Adam and beyond" (2018)."""
    m, v, *top = slots
    beta_1, beta_2, epsilon = hyper
    m = m + (g - m) * (1 - beta_1)
    v = v + (g * g - v) * (1 - beta_2)
    top = [np.maximum(top[0], v)] if amsgrad else []
    step = rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - step * m / (np.sqrt(top[0] if amsgrad else v) + epsilon), (m, v, *top)


def _adamax(w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any) -> Any:
    """Kingma and Ba, section 7.1."""
    (m, u), (beta_1, beta_2, epsilon) = slots, hyper
    m = m + (g - m) * (1 - beta_1)
    u = np.maximum(beta_2 * u, np.abs(g))
    return w - rate / (1 - beta_1**t) * m / (u + epsilon), (m, u)


def _nadam(w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any, product: float) -> Any:
    """T. Dozat, "Incorporating Nesterov momentum into Adam" (2016)."""
    (m, v), (beta_1, beta_2, epsilon) = slots, hyper
    now, following = _nadam_momentum(beta_1, t), _nadam_momentum(beta_1, t + 1)
    m = m + (g - m) * (1 - beta_1)
    v = v + (g * g - v) * (1 - beta_2)
    ahead = following * m / (1 - product * following) + (1 - now) * g / (1 - product)
    return w - rate * ahead / (np.sqrt(v / (1 - beta_2**t)) + epsilon), (m, v)


def _nadam_momentum(beta_1: float, t: int) -> float:
    return beta_1 * (1 - 0.5 * 0.96**t)


def _ftrl(w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any) -> Any:
    """H. McMahan et al., "Ad click prediction: a view from the trenches" (2013)."""
    (total, linear), (power, l1, l2, shrinkage, beta) = slots, hyper
    grown = total + g * g
    before, after = total**-power, grown**-power
    linear = linear + g + 2 * shrinkage * w - (after - before) / rate * w
    w = (np.clip(linear, -l1, l1) - linear) / (after / rate + 2 * l2 + beta / rate)
    return w, (grown, linear)


def _lion(w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any) -> Any:
    """X. Chen et al., "Symbolic discovery of optimization algorithms" (2023)."""
    (m,), (beta_1, beta_2) = slots, hyper
    return w - rate * np.sign(m * beta_1 + g * (1 - beta_1)), (m * beta_2 + g * (1 - beta_2),)


def _schedule_free(w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any) -> Any:
    """A. Defazio et al., "The road less scheduled" (2024)."""
    (z, v), (beta_1, beta_2, epsilon, warmup) = slots, hyper
    rate = rate * min(t / warmup, 1) if warmup else rate
    mean = (w - (1 - beta_1) * z) / beta_1
    v = v + (g * g - v) * (1 - beta_2)
    z = z - rate * g / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    mean = mean + (z - mean) / t
    return (1 - beta_1) * z + beta_1 * mean, (z, v)


_TINY = 1e-30  # keeps a quotient of squares finite where both are 0


def _moved(mean: Any, value: Any, memory: Any) -> Any:
    """A mean that looks so many values back; T. Schaul et al., "No more pesky learning rates"
    (2013), section 4.2."""
    return (1 - 1 / memory) * mean + 1 / memory * value


def _next_memory(memory: Any, mean: Any, square: Any) -> Any:
    return (1 - mean * mean / (square + _TINY)) * memory + 1


def _outlier(value: Any, mean: Any, square: Any) -> Any:
    """Whether values lie more than two standard deviations from their mean."""
    return np.square(value - mean) > 4 * np.maximum(square - mean * mean, 0)


def _vsgd(w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any) -> Any:
    """T. Schaul, Y. LeCun, "Adaptive learning rates and parallelization" (2013)."""
    (g1, g2, h1, h2, memory, h), (slow_start,) = slots, hyper
    strange = _outlier(g, g1, g2) | _outlier(h, h1, h2)
    memory = memory + strange if t > 1 else memory
    factor = slow_start if t == 1 else 1.0
    g1, g2 = _moved(g1, g, memory), _moved(g2, factor * g * g, memory)
    h1, h2 = _moved(h1, h, memory), _moved(h2, factor * h * h, memory)
    best = h1 / (h2 + _TINY) * (g1 * g1 / (g2 + _TINY))
    return w - rate * best * g, (g1, g2, h1, h2, _next_memory(memory, g1, g2), h)


def _adasecant(w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any) -> Any:
    """C. Gulcehre, M. Moczulski, Y. Bengio, "ADASECANT" (2014)."""
    g1, g2, spread, likeness, s1, s2, a1, a2, product, last_g, last_d, last_step, memory = slots
    first_step, most = hyper
    g1, g2 = _moved(g1, g, memory), _moved(g2, g * g, memory)
    spread = _moved(spread, (g - last_g) * (g - g1), memory)
    likeness = _moved(likeness, (g - g1) * (last_g - g1), memory)
    c = np.minimum(np.abs(spread) / (np.abs(likeness) + _TINY), most)
    direction = (g + c * g1) / (1 + c)
    change = direction - last_d
    strange = _outlier(g, g1, g2) | _outlier(change, a1, a2)
    span = np.where(strange, 2.2, memory) if t > 2 else np.ones_like(memory)
    s1, s2 = _moved(s1, last_step, span), _moved(s2, last_step * last_step, span)
    a1, a2 = _moved(a1, change, span), _moved(a2, change * change, span)
    product = _moved(product, change * last_step, span)
    secant = np.sqrt(s2) / np.sqrt(a2 + _TINY) - (product - a1 * s1) / (a2 + _TINY)
    if t == 1:
        step, memory = -first_step * np.sign(g), np.full_like(memory, 2)
    else:
        step = -rate * np.maximum(secant, 0) * direction
        # Changes that are the rounding of gradients tell of no curvature: as far as before.
        step = np.where(a2 <= 1e-12 * g2, np.copysign(last_step, -direction), step)
        memory = np.maximum(_next_memory(span, s1, s2), 1.5)
    means = g1, g2, spread, likeness, s1, s2, a1, a2, product
    return w + step, (*means, g, direction, step, memory)


def _lamb(w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any) -> Any:
    """Y. You et al., "Large batch optimization for deep learning" (2020)."""
    (m, v), (beta_1, beta_2, epsilon) = slots, hyper
    m = m + (g - m) * (1 - beta_1)
    v = v + (g * g - v) * (1 - beta_2)
    direction = m / (1 - beta_1**t) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    lengths = [float(np.sqrt(np.sum(np.square(x, dtype=np.float64)))) for x in (w, direction)]
    ratio = lengths[0] / lengths[1] if min(lengths) > 0 else 1.0
    return w - rate * ratio * direction, (m, v)


def _adafactor(w: Any, slots: Any, g: Any, rate: Any, hyper: Any, t: Any) -> Any:
    """N. Shazeer, M. Stern, "Adafactor" (2018)."""
    (row, column, v), (power, epsilon_1, epsilon_2, threshold) = slots, hyper
    fresh, squares = t**power, g * g + epsilon_1
    if w.ndim < 2:
        v = (1 - fresh) * v + fresh * squares
    elif w.size:
        row = (1 - fresh) * row + fresh * squares.mean(-1)
        column = (1 - fresh) * column + fresh * squares.mean(-2)
        share = row / row.mean(-1, keepdims=True)
        v = share[..., None] * column[..., None, :]
    # Where the gradient is 0 along a row and along a column v may underflow.
    direction = g / np.sqrt(np.maximum(v, np.finfo(w.dtype).tiny))
    if w.size:
        own, other = (np.sqrt(np.mean(np.square(x, dtype=np.float64))) for x in (w, direction))
        size = np.maximum(own, epsilon_2) / np.maximum(other / threshold, 1)
        w = w - float(min(rate, t**-0.5) * size) * direction
    return w, (row, column, v)


RULES: dict[str, Callable] = {
    "sgd": _sgd,
    "momentum": partial(_momentum, ahead=False),
    "nesterov": partial(_momentum, ahead=True),
    "adagrad": _adagrad,
    "adadelta": _adadelta,
    "rmsprop": partial(_rmsprop, momentum=False, centered=False),
    "rmsprop_momentum": partial(_rmsprop, momentum=True, centered=False),
    "rmsprop_centered": partial(_rmsprop, momentum=False, centered=True),
    "rmsprop_centered_momentum": partial(_rmsprop, momentum=True, centered=True),
    "adam": partial(_adam, amsgrad=False),
    "amsgrad": partial(_adam, amsgrad=True),
    "adamax": _adamax,
    "nadam": _nadam,
    "ftrl": _ftrl,
    "lion": _lion,
    "schedule_free": _schedule_free,
    "vsgd": _vsgd,
    "adasecant": _adasecant,
    "lamb": _lamb,
    "adafactor": _adafactor,
}


def _clipped(gradients: list, clip: str, limit: float) -> list:
    """Cut by value, by the norm of each or by that of all, which makes all NaN if not finite."""
    if clip == "value":
        return [np.clip(g, -limit, limit) for g in gradients]
    squares = [float(np.sum(np.square(g, dtype=np.float64))) for g in gradients]
    if clip == "global_norm":
        total = math.fsum(squares) if np.isfinite(squares).all() else math.nan
        squares = [total] * len(gradients)
    norms = np.sqrt(squares)
    return [g * g.dtype.type(limit / np.maximum(norm, limit)) for g, norm in zip(gradients, norms)]


def _with_decay(rule: Callable, amount: float) -> Callable:
    """A rule whose parameter loses that share of itself first."""

    def stepped(w: Any, *rest: Any, **more: Any) -> Any:
        return rule(w - w * w.dtype.type(amount), *rest, **more)

    return stepped


def _check_rows(rows: list[np.ndarray], parameters: list[np.ndarray]) -> None:
    for i, (numbers, w) in enumerate(zip(rows, parameters)):
        last = -1
        for place, row in enumerate(numbers.tolist() if numbers.ndim else ()):
            if row != -1 and not last < row < len(w):
                raise IndexError(
                    f"optimizer_step: rows[{i}] holds {row} at position {place}, expected "
                    f"ascending numbers of rows of parameters[{i}], which has {len(w)}, and then "
                    "-1 only"
                )
            last = len(w) if row == -1 else row


def _in_rows(rule: Callable, numbers: np.ndarray) -> Callable:
    """A rule whose gradient holds the rows of those numbers, and which steps them alone."""
    numbers = numbers[numbers >= 0]

    def stepped(w: Any, slots: Any, g: Any, *rest: Any, **more: Any) -> Any:
        w, slots = w.copy(), [slot.copy() for slot in slots]
        few = rule(w[numbers], [slot[numbers] for slot in slots], g[: numbers.size], *rest, **more)
        for whole, part in zip((w, *slots), (few[0], *few[1]), strict=True):
            whole[numbers] = part
        return w, slots

    return stepped


@np.errstate(all="ignore")
def optimizer_step(
    parameters: list[np.ndarray],
    slots: list[np.ndarray],
    gradients: list[np.ndarray],
    learning_rate: np.ndarray,
    hyper: np.ndarray,
    iterations: np.ndarray,
    product: np.ndarray | None,
    accumulators: list[np.ndarray] | None,
    averages: list[np.ndarray] | None,
    loss_scale: np.ndarray | None,
    rows: list[np.ndarray] | None,
    *,
    rule: str,
    clip: str = "none",
    limit: float = 0.0,
    scale: float = 1.0,
    weight_decay: float = 0.0,
    decayed: int = -1,
    accumulate: int = 1,
    momentum: float = 0.0,
    overwrite: int = 0,
) -> tuple:
    """The new values of all that is written, in the order it came in.

    slots: those numbered 0 of every parameter, then those numbered 1, ... (like the parameter; of
    adafactor the means along the last axis, along the one before, 0-d where there is less than two,
    and of all elements); learning_rate: 0-d;
    hyper: float64, in the order of the rule's arguments; iterations: int64, the number of calls
    before this one; product: of Nadam's momenta, float64. Gradients are multiplied by scale, added
    up over `accumulate` calls of which the last takes a step with their mean, and clipped; then
    the first `decayed` parameters (-1: all) lose weight_decay times the learning rate of
    themselves; then comes the rule, then the moving averages, which every `overwrite` steps (0:
    never) become the parameters.

    loss_scale: 0-d, gradients are divided by it; one that is not a positive finite number makes the
    call change nothing.

    rows: for each parameter a 0-d array, or int64 [n], n row numbers, ascending and then -1: its
    gradient is [n, ...] then, and decay and rule happen to those rows of it and of its slots. Not
    with lamb and adafactor, whose steps depend on whole parameters.
    """
    _check_rows(rows or [], parameters)
    if loss_scale is not None:
        if not 0 < loss_scale < math.inf:
            return parameters, slots, iterations, product, accumulators, averages
        scale /= float(loss_scale)
    count, calls = len(parameters), int(iterations)
    before, rate = calls // accumulate, float(learning_rate)
    new, state = list(parameters), list(slots)
    if accumulate > 1:
        gradients = [total + g for total, g in zip(accumulators or [], gradients, strict=True)]
        accumulators = gradients
    if (calls + 1) % accumulate == 0:
        accumulators = accumulators and [np.zeros_like(total) for total in accumulators]
        gradients = [g * g.dtype.type(scale / accumulate) for g in gradients]
        if clip != "none":
            gradients = _clipped(gradients, clip, limit)
        numbers, more = [float(value) for value in hyper], {}
        if product is not None:
            product = product * _nadam_momentum(numbers[0], before + 1)
            more["product"] = float(product)
        for i, (w, g) in enumerate(zip(parameters, gradients, strict=True)):
            decay = weight_decay * rate if decayed < 0 or i < decayed else 0.0
            stepped = _with_decay(RULES[rule], decay)
            if rows and rows[i].ndim:
                stepped = _in_rows(stepped, rows[i])
            new[i], state[i::count] = stepped(
                w, state[i::count], g, rate, numbers, before + 1, **more
            )
    if averages:
        kept = momentum if before else 0.0
        averages = [kept * mean + (1 - kept) * w for mean, w in zip(averages, new, strict=True)]
        if overwrite and (before + 1) % overwrite == 0:
            new = list(averages)
    counted = np.asarray(iterations + 1, iterations.dtype)
    return new, state, counted, product, accumulators, averages


def scale_list(xs: list[np.ndarray], scale: np.ndarray) -> list[np.ndarray]:
    """Every x times the 0-d ``scale``, in the dtype of x."""
    return [x * x.dtype.type(scale) for x in xs]


def lerp_list(
    averages: list[np.ndarray], xs: list[np.ndarray], momentum: np.ndarray
) -> list[np.ndarray]:
    """momentum * average + (1 - momentum) * x of every pair; momentum is 0-d."""
    kept = float(momentum)
    return [
        x.dtype.type(kept) * average + x.dtype.type(1 - kept) * x
        for average, x in zip(averages, xs, strict=True)
    ]
