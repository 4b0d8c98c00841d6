"""The one loop of all element-wise kernels: y = f(x1, x2 ..., a, b ...), with broadcasting.

Axes that all operands walk as one are merged first; where one is left that nobody skips in, the
kernel needs no arithmetic of places. The source is generated for so many operands and results.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from .arrays import Strided, contiguous_strides, flat
from .cuda import cuda, kernel, launch

_STRAIGHT = """
def straight({ys}, {xs}, n{reals}):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        {results} = function({straight}{reals})
"""
_STRIDED = """
def strided({ys}, {xs}, n{reals}, shape, strides, firsts):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        rest, {places} = i, {firsts}
        for axis in range(len(shape) - 1, -1, -1):
            place = rest % shape[axis]
            rest //= shape[axis]
            {advance}
        {results} = function({strided}{reals})
"""


@functools.cache
def _loops(function: Any, operands: int, reals: int, results: int) -> tuple[Any, Any]:
    """The kernels for operands that all lie as y does, and for any."""
    xs = range(operands)
    names = {
        "ys": ", ".join(f"y{j}" for j in range(results)),
        "xs": ", ".join(f"x{j}" for j in xs),
        "reals": "".join(f", a{j}" for j in range(reals)),
        "results": ", ".join(f"y{j}[i]" for j in range(results)),
        "straight": ", ".join(f"x{j}[i]" for j in xs),
        "strided": ", ".join(f"x{j}[p{j}]" for j in xs),
        "places": ", ".join(f"p{j}" for j in xs),
        "firsts": ", ".join(f"firsts[{j}]" for j in xs),
        "advance": "; ".join(f"p{j} += place * strides[{j}][axis]" for j in xs),
    }
    scope = {"function": function, "cuda": cuda, "__name__": __name__}
    for source in (_STRAIGHT, _STRIDED):
        exec(source.format(**names), scope)
    return kernel(scope["straight"]), kernel(scope["strided"])


def _broadcast(x: Any, shape: tuple[int, ...]) -> Strided:
    if not isinstance(x, Strided):
        x = Strided(flat(x), 0, tuple(x.shape), contiguous_strides(x.shape))
    strides = [0 if extent == 1 else step for extent, step in zip(x.shape, x.strides)]
    return Strided(x.base, x.offset, shape, (0,) * (len(shape) - len(strides)) + tuple(strides))


def _merged(shape: tuple[int, ...], strides: list[tuple[int, ...]]) -> tuple[list, list]:
    """Shape and strides without axes of extent 1, axes that continue each other as one."""
    extents: list[int] = []
    steps: list[tuple[int, ...]] = []
    for extent, step in zip(shape, zip(*strides)):
        if extent == 1:
            continue
        if extents and all(outer == extent * inner for outer, inner in zip(steps[-1], step)):
            extents[-1] *= extent
            steps[-1] = step
        else:
            extents.append(extent)
            steps.append(step)
    return extents, steps


def elementwise(function: Any, ys: Sequence[Any], xs: Sequence[Any], *reals: float) -> None:
    """ys = function(x1, x2 ..., *reals), operands (arrays or Strided) broadcast to the first y.

    ``function`` is compiled once: it should be the same object every time. It returns a tuple where
    there are more results than one.
    """
    shape = tuple(ys[0].shape)
    operands = [_broadcast(x, shape) for x in xs]
    extents, steps = _merged(shape, [x.strides for x in operands])
    straight, strided = _loops(function, len(xs), len(reals), len(ys))
    size, bases = ys[0].size, [x.base for x in operands]
    firsts = tuple(x.offset for x in operands)
    arguments = [*map(flat, ys), *bases, size, *reals]
    if not any(firsts) and len(steps) < 2 and all(set(step) == {1} for step in steps):
        launch(straight, size, *arguments)
    else:
        strides = tuple(zip(*steps)) if steps else ((0,),) * len(xs)
        launch(strided, size, *arguments, tuple(extents) or (1,), strides, firsts)
