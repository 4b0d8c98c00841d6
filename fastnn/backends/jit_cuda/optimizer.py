"""optimizer_step, scale_list, lerp_list: launches for every tensor, decided on the device.

One thread decides for the call: whether it steps, the rule's shared numbers, a factor for each
gradient. A kernel a rule then steps a tensor, an element a thread. lamb and adafactor, which look
at whole tensors, stand in whole_steps.py.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from fastnn.backends.jit import optimizer_rules

from . import mathematics, status
from .arrays import empty, flat
from .cuda import compiled, cuda, kernel, launch
from .loops import elementwise
from .reduce import fold
from .status import report
from .whole_steps import GOES, KEPT, OVERWRITE, RATE, SHARED, STEPS, WHOLE_RULES

_RULES = optimizer_rules.rules(mathematics)
_SHARED: dict[str, Any] = _RULES | WHOLE_RULES
_momentum_of = compiled(optimizer_rules.nadam_momentum)
_sqrt = mathematics.sqrt
_double, _whole = np.float64, np.int64

_CLIPS = {"none": 0, "value": 0, "norm": 1, "global_norm": 2}


def _bad_row(where: int, value: int, i: int, extent: int) -> Exception:
    return IndexError(
        f"optimizer_step: rows[{i}] holds {value} at position {where}, expected ascending numbers "
        f"of rows of parameters[{i}], which has {extent}, and then -1 only"
    )


@kernel
def _check_rows(rows, n, extent, seen, code):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        row = rows[k]
        behind = k == 0 or 0 <= rows[k - 1] < row
        if row != -1 and not (behind and 0 <= row < extent):
            report(seen, code, k, row)


@compiled
def _goes(loss_scale, scaled):
    """Whether the call changes anything."""
    return not scaled or (loss_scale[0] > 0 and loss_scale[0] < math.inf)


@kernel
def _add(total, g, loss_scale, scaled, n):
    if not _goes(loss_scale, scaled):
        return
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        total[i] += g[i]


@kernel
def _decide_factors(
    factors, numbers, squares, iterations, rate, loss_scale, scaled, count, accumulate, clip, scale,
    limit, momentum, overwrite,
):  # fmt: skip
    goes = _goes(loss_scale, scaled)
    numbers[GOES] = 1.0 if goes else 0.0
    numbers[STEPS] = 0.0
    if not goes:
        return
    calls = iterations[0]
    before = calls // accumulate
    numbers[RATE] = rate[0]
    numbers[STEPS] = 1.0 if (calls + 1) % accumulate == 0 else 0.0
    numbers[KEPT] = momentum if before > 0 else 0.0
    numbers[OVERWRITE] = 1.0 if overwrite > 0 and (before + 1) % max(1, overwrite) == 0 else 0.0
    usual, total = (scale / loss_scale[0] if scaled else scale) / accumulate, 0.0
    if clip == 2:
        for i in range(count):
            total += squares[i]
        total = total if abs(total) < math.inf else math.nan
    for i in range(count):
        factors[i] = usual
        if clip != 0:
            norm = abs(usual) * _sqrt(total if clip == 2 else squares[i])
            factors[i] = usual * (limit / (limit if norm < limit else norm))


@functools.cache
def _decide_rule(name: str) -> Any:
    rule = _SHARED[name]
    constants, shared = compiled(rule.constants), rule.shared

    @kernel
    def decide(numbers, iterations, hyper, product, has_product, accumulate):
        if numbers[GOES] == 0:
            return
        t = _double(iterations[0] // accumulate + 1)
        if has_product and numbers[STEPS] != 0:
            product[0] *= _momentum_of(hyper[0], t)
        c = constants(hyper, numbers[RATE], t, product[0] if has_product else 0.0)
        for k in range(shared):
            numbers[SHARED + k] = c[k]
        iterations[0] += 1

    return decide


_SOURCE = """
def step({arguments}, n, inner, extent, number, clips, limit, decay):
    if numbers[STEPS] == 0:
        return
    c = ({shared})
    factor, bound = convert(factors[number]), convert(limit)
    lost = convert(decay * numbers[RATE])
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        i = {place}
        if i < 0:
            continue
        d = g[k] * factor
        if clips:
            d = -bound if d < -bound else (bound if d > bound else d)
        {results} = rule(w[i] - w[i] * lost, d, {slots}c)
"""


@functools.cache
def _step_kernel(name: str, dtype: str, sparse: bool) -> Any:
    """A kernel written for the rule's number of slots."""
    rule = _RULES[name]
    slots = [f"s{i}" for i in range(rule.slots)]
    source = _SOURCE.format(
        arguments=", ".join(["w", "g", *slots, "rows", "numbers", "factors"]),
        shared="".join(f"convert(numbers[{SHARED + i}]), " for i in range(rule.shared)),
        place="place(rows, k, inner, extent)" if sparse else "k",
        results="".join(f"{array}[i], " for array in ["w", *slots]).rstrip(" "),
        slots="".join(f"{slot}[i], " for slot in slots),
    )
    scope = {"rule": compiled(rule.step), "convert": np.dtype(dtype).type, "STEPS": STEPS}
    scope |= {"RATE": RATE, "place": _place, "cuda": cuda, "__name__": __name__}
    exec(source, scope)
    return kernel(scope["step"])


@compiled
def _place(rows, k, inner, extent):
    """The element of the parameter that element k of a gradient of rows belongs to, or -1."""
    row = rows[k // inner]
    return row * inner + k % inner if 0 <= row < extent else -1


@kernel
def _clear(total, numbers, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        if numbers[STEPS] != 0:
            total[i] = 0


@functools.cache
def _average(dtype: str) -> Any:
    convert = np.dtype(dtype).type

    @kernel
    def average(mean, w, numbers, n):
        if numbers[GOES] == 0:
            return
        kept, rest = convert(numbers[KEPT]), convert(1 - numbers[KEPT])
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            mean[i] = kept * mean[i] + rest * w[i]
            if numbers[OVERWRITE] != 0:
                w[i] = mean[i]

    return average


def optimizer_step(
    parameters: list,
    slots: list,
    gradients: list,
    learning_rate: Any,
    hyper: Any,
    iterations: Any,
    product: Any = None,
    accumulators: list | None = None,
    averages: list | None = None,
    loss_scale: Any = None,
    rows: list | None = None,
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
) -> None:
    """One step of every parameter; see the reference."""
    count = len(parameters)
    sparse = [x.ndim > 0 for x in rows] if rows else [False] * count
    for i, numbers in enumerate(rows or []):
        if sparse[i]:
            extent = parameters[i].shape[0]
            seen, code = status.array(), status.code(_bad_row, i, extent)
            launch(_check_rows, numbers.size, numbers, numbers.size, extent, seen, code)
    scaled = loss_scale is not None
    scale_of_loss = flat(loss_scale) if scaled else flat(hyper)
    if accumulate > 1:
        for total, g in zip(accumulators or [], gradients):
            launch(_add, g.size, flat(total), flat(g), scale_of_loss, scaled, g.size)
        gradients = accumulators or []
    squares, factors = empty(max(1, count), _double), empty(max(1, count), _double)
    if _CLIPS[clip]:
        for i, g in enumerate(gradients):
            fold(squares[i : i + 1], flat(g), (1, g.size, 1), "sum_squares")
    shared = empty(SHARED + _SHARED[rule].shared, _double)
    calls, hyper = flat(iterations), flat(hyper)
    arguments = factors, shared, squares, calls, flat(learning_rate), scale_of_loss, scaled
    counts = count, accumulate, _CLIPS[clip]
    amounts = float(scale), float(limit), float(momentum), overwrite
    launch(_decide_factors, 1, *arguments, *counts, *amounts)
    has_product = product is not None
    moved = flat(product) if has_product else shared
    launch(_decide_rule(rule), 1, shared, calls, hyper, moved, has_product, accumulate)
    for i, (w, g) in enumerate(zip(parameters, gradients)):
        own = [w, g, *slots[i::count]]
        decay = float(weight_decay) if decayed < 0 or i < decayed else 0.0
        last = i, clip == "value", float(limit), decay
        if rule in WHOLE_RULES:
            WHOLE_RULES[rule].run(*own, shared, factors, *last)
            continue
        numbers = rows[i] if rows and sparse[i] else shared
        extent = w.shape[0] if sparse[i] else 0
        inner = max(1, math.prod(tuple(w.shape)[1:]))
        step = _step_kernel(rule, str(w.dtype), sparse[i])
        arrays = [*map(flat, own), numbers, shared, factors]
        launch(step, g.size, *arrays, g.size, inner, extent, *last)
    if accumulate > 1:
        for total in gradients:
            launch(_clear, total.size, flat(total), shared, total.size)
    for mean, w in zip(averages or [], parameters):
        launch(_average(str(w.dtype)), w.size, flat(mean), flat(w), shared, w.size)


@functools.cache
def _scaled(dtype: str) -> Any:
    convert = np.dtype(dtype).type
    return compiled(lambda x, scale: x * convert(scale))


def scale_list(xs: list, scale: Any) -> None:
    """Every x times scale."""
    for x in xs:
        elementwise(_scaled(str(x.dtype)), [x], [x, scale])


@functools.cache
def _lerp(dtype: str) -> Any:
    convert = np.dtype(dtype).type

    @compiled
    def lerp(mean, x, momentum):
        kept = _double(momentum)
        return convert(kept) * mean + convert(1 - kept) * x

    return lerp


def lerp_list(averages: list, xs: list, momentum: Any) -> None:
    """Every average moves toward its x."""
    for mean, x in zip(averages, xs):
        elementwise(_lerp(str(mean.dtype)), [mean], [mean, x, momentum])


FUNCTIONS = {f.__name__: f for f in (optimizer_step, scale_list, lerp_list)}
