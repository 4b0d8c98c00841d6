"""optimizer_step, scale_list, lerp_list: all parameters of a model in one program.

Stages: add up, find norms, decide (one task: rate, whether this call steps, the factor of each
gradient), step each parameter, average, count. lamb and adafactor, which look at whole parameters,
stand in whole_steps.py.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from fastnn.backends.jit import optimizer_rules

from . import mathematics, whole_steps
from .compile import Kernel, compiled, kernel
from .program import BLOCK, Array, Operand, Scratch, Stage, blocks, stage
from .reduce import fold
from .whole_steps import COUNT, GOES, KEPT, OVERWRITE, PRODUCT, RATE, STEPS, Gradient, clipped

RULES = optimizer_rules.rules(mathematics)
nadam_momentum = compiled(optimizer_rules.nadam_momentum)

_CLIPS = {"none": 0, "value": 0, "norm": 1, "global_norm": 2}


@kernel
def _check_rows(rows, n, extent, number, status, task):
    """Rows ascend and are inside; after the last of them stands -1 only."""
    last = -1
    for k in range(n):
        row = rows[k]
        if row == -1:
            last = extent
        elif last < row < extent:
            last = row
        else:
            status[0], status[1], status[2] = number, k, row
            return


@compiled
def _goes(loss_scale, scaled):
    """Whether the call changes anything."""
    return not scaled or (loss_scale[0] > 0 and loss_scale[0] < math.inf)


@kernel
def _added(total, g, loss_scale, n, scaled, task):
    if not _goes(loss_scale, scaled):
        return
    for i in range(task * BLOCK, min(n, (task + 1) * BLOCK)):
        total[i] += g[i]


@kernel
def _decided(
    numbers, factors, iterations, rate, hyper, product, squares, loss_scale, accumulate,
    parameters, clip, has_product, overwrite, scaled, scale, limit, momentum, task,
):  # fmt: skip
    """What depends on the count of calls, the learning rate, the loss scale and the norms of the
    gradients."""
    goes = _goes(loss_scale, scaled)
    numbers[GOES] = 1 if goes else 0
    numbers[STEPS] = 0
    if not goes:
        return
    calls = iterations[0]
    before = calls // accumulate
    steps = (calls + 1) % accumulate == 0
    numbers[RATE] = rate[0]
    numbers[STEPS] = 1 if steps else 0
    numbers[COUNT] = before + 1
    numbers[KEPT] = momentum if before > 0 else 0.0
    numbers[OVERWRITE] = 1 if overwrite > 0 and (before + 1) % overwrite == 0 else 0
    if has_product:
        if steps:
            product[0] *= nadam_momentum(hyper[0], float(before + 1))
        numbers[PRODUCT] = product[0]
    else:
        numbers[PRODUCT] = 0
    iterations[0] = calls + 1
    usual = (scale / loss_scale[0] if scaled else scale) / accumulate
    total = 0.0
    if clip == 2:
        for i in range(parameters):
            total += squares[i]
        total = total if abs(total) < math.inf else math.nan
    for i in range(parameters):
        factors[i] = usual
        if clip != 0:
            norm = usual * math.sqrt(total if clip == 2 else squares[i])
            factors[i] = usual * (limit / (limit if norm < limit else norm))


_DENSE = """
    for i in range(task * {block}, min(n, (task + 1) * {block})):
        k = i"""
_SPARSE = """
    for k in range(task * group * inner, min(n, (task + 1) * group * inner)):
        row = rows[k // inner]
        if row < 0:
            return
        i = row * inner + k % inner"""
_SOURCE = """
def step({arguments}, n, inner, group, number, clips, limit, decay, task):
    if numbers[STEPS] == 0:
        return
    c = constants(hyper, numbers[RATE], numbers[COUNT], numbers[PRODUCT])
    c = ({shared})
    factor, bound = convert(factors[number]), convert(limit)
    lost = convert(decay * numbers[RATE]){loop}
        d = g[k] * factor
        if clips:
            d = clipped(d, bound)
        {results} = rule(w[i] - w[i] * lost, d, {slots}c)
"""


@functools.cache
def _step_kernel(name: str, dtype: str, sparse: bool) -> Kernel:
    rule = RULES[name]
    slots = [f"s{i}" for i in range(rule.slots)]
    rows = ["rows"] if sparse else []
    source = _SOURCE.format(
        arguments=", ".join(["w", "g", *slots, *rows, "numbers", "factors", "hyper"]),
        shared="".join(f"convert(c[{i}]), " for i in range(rule.shared)),
        loop=(_SPARSE if sparse else _DENSE).format(block=BLOCK),
        results="".join(f"{array}[i], " for array in ["w", *slots]).rstrip(" "),
        slots="".join(f"{slot}[i], " for slot in slots),
    )
    scope = {"rule": compiled(rule.step), "constants": compiled(rule.constants)}
    scope |= {"convert": np.dtype(dtype).type, "clipped": clipped, "__name__": __name__}
    scope |= {"RATE": RATE, "STEPS": STEPS, "COUNT": COUNT, "PRODUCT": PRODUCT}
    exec(source, scope)
    return Kernel(scope["step"], f"optimizer {name} {dtype} {sparse}")  # type: ignore[arg-type]


@kernel
def _cleared(total, numbers, n, task):
    for i in range(task * BLOCK, min(n, (task + 1) * BLOCK)):
        total[i] = 0 if numbers[STEPS] != 0 else total[i]


@functools.cache
def _average_kernel(dtype: str) -> Kernel:
    convert = np.dtype(dtype).type

    def average(mean, w, numbers, n, task):
        if numbers[GOES] == 0:
            return
        kept, rest = convert(numbers[KEPT]), convert(1 - numbers[KEPT])
        for i in range(task * BLOCK, min(n, (task + 1) * BLOCK)):
            mean[i] = kept * mean[i] + rest * w[i]
        if numbers[OVERWRITE] != 0:
            for i in range(task * BLOCK, min(n, (task + 1) * BLOCK)):
                w[i] = mean[i]

    return Kernel(average, f"average {dtype}")


def optimizer_step(
    parameters: list[Operand],
    slots: list[Operand],
    gradients: list[Operand],
    learning_rate: Operand,
    hyper: Operand,
    iterations: Operand,
    product: Operand | None,
    accumulators: list[Operand],
    averages: list[Operand],
    loss_scale: Operand | None,
    rows: list[Operand],
    *,
    rule: str,
    clip: str,
    limit: float,
    scale: float,
    weight_decay: float,
    decayed: int,
    accumulate: int,
    momentum: float,
    overwrite: int,
) -> list[Stage]:
    """One step of every parameter; see the reference."""
    count = len(parameters)
    sparse = [bool(rows) and bool(rows[i].shape) for i in range(count)]
    stages: list[Stage] = []
    for i in range(count):
        if sparse[i]:
            numbers = [rows[i].size, parameters[i].shape[0], i + 1]
            stages.append(stage(_check_rows, [rows[i]], numbers))
    scaled, scale_of_loss = loss_scale is not None, loss_scale or hyper
    if accumulate > 1:
        for total, g in zip(accumulators, gradients):
            added = [total, g, scale_of_loss]
            stages.append(stage(_added, added, [g.size, scaled], tasks=blocks(g.size)))
        gradients = accumulators
    numbers_, factors = Scratch((8,), "float64"), Scratch((max(1, count),), "float64")
    squares = Scratch((max(1, count),), "float64")
    if _CLIPS[clip]:
        for i, g in enumerate(gradients):
            stages += fold(squares, g, (1, g.size, 1), "wide_sum_squares", i)
    given: list[Array] = [
        iterations,
        learning_rate,
        hyper,
        product or hyper,
        squares,
        scale_of_loss,
    ]
    settings = [accumulate, count, _CLIPS[clip], product is not None, overwrite, scaled]
    stages.append(stage(_decided, [numbers_, factors, *given], settings, [scale, limit, momentum]))
    for i, (w, g) in enumerate(zip(parameters, gradients)):
        decay = weight_decay if decayed < 0 or i < decayed else 0.0
        if rule in whole_steps.RULES:
            gradient = Gradient(g, i, factors, clip == "value", limit, decay)
            stages += whole_steps.steps(rule, w, slots[i::count], gradient, numbers_, hyper)
            continue
        own: list[Array] = [w, g, *slots[i::count]]
        own += [rows[i]] if sparse[i] else []
        inner = math.prod(w.shape[1:]) if sparse[i] else 1
        group = max(1, BLOCK // max(1, inner))
        stages.append(
            stage(
                _step_kernel(rule, w.dtype, sparse[i]),
                [*own, numbers_, factors, hyper],
                [g.size, inner, group, i, clip == "value"],
                [limit, decay],
                tasks=blocks(g.size, max(1, group * inner) if sparse[i] else BLOCK),
            )
        )
    if accumulate > 1:
        for total in accumulators:
            tasks = blocks(total.size)
            stages.append(stage(_cleared, [total, numbers_], [total.size], tasks=tasks))
    for mean, w in zip(averages, parameters):
        average: list[Array] = [mean, w, numbers_]
        kernel_ = _average_kernel(w.dtype)
        stages.append(stage(kernel_, average, [w.size], tasks=blocks(w.size)))
    return stages


@functools.cache
def _scale_kernel(dtype: str) -> Kernel:
    convert = np.dtype(dtype).type

    def scaled(x, scale, n, task):
        factor = convert(scale[0])
        for i in range(task * BLOCK, min(n, (task + 1) * BLOCK)):
            x[i] = x[i] * factor

    return Kernel(scaled, f"scaled {dtype}")


def scale_list(xs: list[Operand], scale: Operand) -> list[Stage]:
    """Every x times scale."""
    return [stage(_scale_kernel(x.dtype), [x, scale], [x.size], tasks=blocks(x.size)) for x in xs]


@functools.cache
def _lerp_kernel(dtype: str) -> Kernel:
    convert = np.dtype(dtype).type

    def lerp(mean, x, momentum, n, task):
        kept = np.float64(momentum[0])
        first, second = convert(kept), convert(1 - kept)
        for i in range(task * BLOCK, min(n, (task + 1) * BLOCK)):
            mean[i] = first * mean[i] + second * x[i]

    return Kernel(lerp, f"lerp {dtype}")


def lerp_list(averages: list[Operand], xs: list[Operand], momentum: Operand) -> list[Stage]:
    """Every average moves toward its x."""
    return [
        stage(_lerp_kernel(x.dtype), [mean, x, momentum], [x.size], tasks=blocks(x.size))
        for mean, x in zip(averages, xs)
    ]


PLANNERS = {f.__name__: f for f in (optimizer_step, scale_list, lerp_list)}
