"""One loop for all element-wise kernels: y[i] = f(x1[i], x2[i] ...), with broadcasting.

Axes that can be walked as one are merged first. What remains is rows of one length, contiguous in
y; in a row, each x is contiguous or a single number, for which kernels are compiled apart, so that
the loop over a row is vector code. Where all is one row, which is the rule, a kernel has no other
loop, and constants stay in registers.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from .compile import Kernel, compiled
from .interleave import Interleaved
from .intrinsics import unforeseen
from .program import BLOCK, Array, Scratch, Stage, blocks, stage

_ROW = """
def kernel({ys}, {xs}, n{reals}, task):
    start = task * BLOCK
    for i in range(start, min(n, start + BLOCK)):
        {results} = function({elements}{reals})
"""
_ROWS = """
def kernel({ys}, {xs}, width, rows, group, pieces, rank{reals}, table, task):
    start, stop, first, last = part(width, rows, group, pieces, task)
    for row in range(first, last):
        {offsets} = offsets(table, row, rank)
        at = row * width + start
        {moved}
        for i in range(stop - start):
            {results} = function({elements}{reals})
"""
_OFFSETS = """
def offsets(table, row, rank):
    {offsets} = 0
    for axis in range(0, rank * {step}, {step}):
        extent = table[axis]
        i = row % extent
        row = row // extent
        {advance}
    return {offsets_},
"""


@compiled
def part(width, rows, group, pieces, task):
    """The elements of rows, and the rows, that are a task's: some rows, or a piece of one."""
    start, first = task % pieces * BLOCK, task // pieces * group
    return start, min(width, start + BLOCK), first, min(rows, first + group)


@functools.cache
def _offsets(operands: int) -> Any:
    """A function: where row number `row` begins in each of so many operands."""
    numbers = range(1, operands + 1)
    source = _OFFSETS.format(
        offsets=" = ".join(f"o{j}" for j in numbers),
        offsets_=", ".join(f"o{j}" for j in numbers),
        advance="; ".join(f"o{j} += i * table[axis + {j}]" for j in numbers),
        step=operands + 1,
    )
    scope: dict[str, Any] = {"__name__": __name__}
    exec(source, scope)
    return compiled(scope["offsets"])


@functools.cache
def _kernel(
    name: str,
    function: Any,
    kinds: tuple[int, ...],
    reals: tuple[str, ...],
    results: int,
    rows: bool,
    branches: bool,
) -> Kernel:
    """The kernel of a compiled function; kinds: 1 for an operand whose rows are contiguous, else 0.

    `name` tells the function from others; "" if nothing does. It returns a tuple where there are
    more results than one. rows: whether there may be several. branches: whether the function has
    conditions. Where many of them depend on a number that is repeated, LLVM's vectorizer does not
    come to an end.
    """
    numbers = range(1, len(kinds) + 1)
    places = [f"o{j} + i" if kind else f"o{j}" for j, kind in zip(numbers, kinds)]
    if not rows:
        places = ["i" if kind else "0" for kind in kinds]
    elements = [f"x{j}[{place}]" for j, place in zip(numbers, places)]
    if branches:
        elements = [x if kind else f"unforeseen({x})" for x, kind in zip(elements, kinds)]
    ys, at = [f"y{j}" for j in range(results)], "at + i" if rows else "i"
    source = (_ROWS if rows else _ROW).format(
        ys=", ".join(ys),
        xs=", ".join(f"x{j}" for j in numbers),
        results=", ".join(f"{y}[{at}]" for y in ys),
        offsets="".join(f"o{j}, " for j in numbers),
        moved="; ".join(f"o{j} += start" for j, kind in zip(numbers, kinds) if kind) or "pass",
        elements=", ".join(elements),
        reals="".join(f", {real}" for real in reals),
    )
    scope = {"function": function, "BLOCK": BLOCK, "part": part, "__name__": __name__}
    scope["unforeseen"] = unforeseen
    scope["offsets"] = _offsets(len(kinds))
    exec(source, scope)
    name = name and f"{name}{kinds}{results}{rows}{branches}"
    return Kernel(scope["kernel"], name, compiler=Interleaved)


def merged(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """(extent, stride of each operand) of the axes that remain, innermost first."""
    axes: list[tuple[int, ...]] = []
    for extent, *steps in reversed(list(zip(shape, *strides))):
        if extent == 1:
            continue
        if axes and all(s == axes[-1][0] * t for s, t in zip(steps, axes[-1][1:])):
            axes[-1] = (axes[-1][0] * extent, *axes[-1][1:])
        else:
            axes.append((extent, *steps))
    return axes


def strides_over(shape: Sequence[int], operand: Array) -> list[int]:
    """How far the operand's elements move with each axis of the result: 0 where it is repeated."""
    strides = []
    step = 1
    for extent, own in itertools.zip_longest(reversed(shape), reversed(operand.shape)):
        strides.append(0 if own in (None, 1) else step)
        step *= own or 1
        assert own in (None, 1, extent)
    return strides[::-1]


def elementwise(
    name: str,
    function: Callable[..., Any],
    y: Array | Sequence[Array],
    xs: Sequence[Array],
    reals: dict[str, float] | None = None,
    strides: Sequence[Sequence[int]] | None = None,
    branches: bool = False,
) -> list[Stage]:
    """The stage of y = function(*xs, **reals); several y: it returns as many results.

    strides: how far each x moves with each axis of y; None: as broadcasting has it. branches:
    whether the function has conditions
    """
    ys = [y] if isinstance(y, Array) else y
    y = ys[0]
    if y.size == 0:
        return []
    axes = merged(y.shape, strides or [strides_over(y.shape, x) for x in xs])
    # A row whose x is neither contiguous nor one number is cut into rows of one element.
    if not axes or any(step not in (0, 1) for step in axes[0][1:]):
        axes.insert(0, (1, *[1] * len(xs)))
    (width, *kinds), outer = axes[0], axes[1:]
    rows = y.size // width
    pieces, group = blocks(width), max(1, BLOCK // width)
    kernel = _kernel(
        name, function, tuple(kinds), tuple(reals or ()), len(ys), bool(outer), branches
    )
    integers = [width, rows, group, pieces, len(outer)] if outer else [width]
    table = [number for axis in outer for number in axis]
    tasks = blocks(rows, group) * pieces
    return [stage(kernel, [*ys, *xs], integers, list((reals or {}).values()), table, tasks)]


_same = compiled(lambda x: x)


def permuted(x: Array, axes: Sequence[int]) -> tuple[Scratch, list[Stage]]:
    """A copy of x whose axis i is axis axes[i] of x, and the stage that makes it."""
    y = Scratch([x.shape[axis] for axis in axes], x.dtype)
    own = strides_over(x.shape, x)
    return y, elementwise("copy", _same, y, [x], strides=[[own[axis] for axis in axes]])


def put_back(y: Array, x: Array, axes: Sequence[int]) -> list[Stage]:
    """The stage that undoes `permuted`: axis axes[i] of y is axis i of x."""
    own = strides_over(x.shape, x)
    steps = [own[list(axes).index(axis)] for axis in range(len(axes))]
    return elementwise("copy", _same, y, [x], strides=[steps])
