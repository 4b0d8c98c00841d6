"""Matrix products with epilogue: gemm, dense_backward; and `multiply`, which others call.

The kernel is the last step of gemm_ladder.py. Where a result has few tiles and the depth is long,
blocks share the depth: each writes the sums of its part, and a second kernel adds the parts up, in
their order. Tiles and parts follow from the shapes alone, and so do the bits.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from .arrays import contiguous_strides, empty, flat
from .cuda import compiled, cuda, kernel, launch, launch_grid, simulated
from .elementwise import unary_backward, unary_function
from .gemm_ladder import BY_DEPTH, BY_SIDE, LARGE, SMALL, Reader, Tiles, tiled_product
from .reduce import fold

_ENOUGH = 4 if simulated else 256  # blocks that keep a GPU busy
_LEAST = 4 if simulated else 256  # the shortest part of a depth


# ---- Operands ------------------------------------------------------------------------------------


class Side(NamedTuple):
    """An operand of `multiply`: its elements, flat, and how they are read."""

    x: Any
    reader: Reader
    place: tuple


def matrices(
    x: Any,
    side: int,
    depth: int,
    batch: Sequence[int] = (1,),
    strides: Sequence[int] = (0,),
) -> Side:
    """Matrices whose elements lie so far apart along their side of the result and along the depth;
    a batch of them, with strides of its own."""
    reader = BY_DEPTH if depth == 1 else BY_SIDE
    return Side(flat(x), reader, (side, depth, tuple(batch), tuple(strides)))


def _broadcast(x: Any, batch: Sequence[int]) -> tuple[int, ...]:
    """The strides by which the matrices of x, as many as its leading axes say, serve a batch."""
    shape = tuple(x.shape)
    own, strides = shape[:-2], contiguous_strides(shape)[:-2]
    kept = [0 if extent == 1 else step for extent, step in zip(own, strides)]
    return (0,) * (len(batch) - len(own)) + tuple(kept)


# ---- Results -------------------------------------------------------------------------------------


class Result(NamedTuple):
    """Where the sums go: y = activation(z), z = alpha * sum + beta * start + bias + residual.

    Element (i, j) of matrix number b is y[b * matrix_step + i * row_step + j] and takes
    bias[b * bias_step + j]. If ``together`` is given, only so many matrices lie like that, and the
    next ones begin batch_step after the first of them. All arrays are flat.
    """

    y: Any
    matrix_step: int
    row_step: int
    z: Any = None
    bias: Any = None
    residual: Any = None
    start: Any = None
    bias_step: int = 0
    alpha: float = 1.0
    beta: float = 1.0
    activation: str = "linear"
    a: float = 0.0
    together: int = 1 << 62
    batch_step: int = 0

    def arguments(self) -> tuple:
        """What an epilogue takes before (matrix, i, j, sum)."""
        real = self.y.dtype.type
        given = (self.z, self.bias, self.residual, self.start)
        arrays = [self.y if x is None else x for x in given]
        flags = [int(x is not None) for x in given]
        steps = (self.together, self.batch_step, self.matrix_step, self.row_step, self.bias_step)
        numbers = (*steps, *flags)
        return self.y, *arrays, numbers, (real(self.alpha), real(self.beta), float(self.a))


@functools.cache
def _epilogue(activation: str, dtype: str) -> Any:
    function = unary_function(activation, dtype)

    @compiled
    def finish(y, z, bias, residual, start, numbers, reals, matrix, i, j, total):
        together, batch_step, matrix_step, row_step, bias_step = numbers[:5]
        has_z, has_bias, has_residual, has_start = numbers[5:]
        alpha, beta, a = reals
        at = matrix // together * batch_step + matrix % together * matrix_step + i * row_step + j
        value = total * alpha
        if has_start:
            value += beta * start[at]
        if has_bias:
            value += bias[matrix * bias_step + j]
        if has_residual:
            value += residual[at]
        if has_z:
            z[at] = value
        y[at] = function(value, a)

    return finish


@functools.cache
def _sum_of_parts(finish: Any, dtype: type) -> Any:
    zero = dtype(0)

    @kernel
    def add(sums, parts, extents, y, z, bias, residual, start, numbers, reals):
        count, m, n = extents
        size = count * m * n
        for at in range(cuda.grid(1), size, cuda.gridsize(1)):
            total = zero
            for part in range(parts):
                total += sums[part * size + at]
            matrix, i, j = at // (m * n), at // n % m, at % n
            finish(y, z, bias, residual, start, numbers, reals, matrix, i, j, total)

    return add


def _plan(count: int, m: int, n: int, k: int) -> tuple[Tiles, int]:
    """Tiles, and into how many parts the depth is cut."""
    if count * LARGE.blocks(m, n) >= _ENOUGH:
        return LARGE, 1
    return SMALL, max(1, min(-(-k // _LEAST), _ENOUGH // (count * SMALL.blocks(m, n))))


def multiply(left: Side, right: Side, extents: tuple[int, int, int, int], result: Result) -> None:
    """result = left @ right for extents (how many matrices, m, n, k)."""
    count, m, n, k = extents
    if not count * m * n:
        return
    dtype = result.y.dtype
    tiles, parts = _plan(*extents)
    finish = _epilogue(result.activation, str(dtype))
    into, first = result, finish
    if parts > 1:
        into = Result(empty(parts * count * m * n, dtype), m * n, n)
        first = _epilogue("linear", str(dtype))
    chunk = -(-k // parts)
    product = tiled_product(tiles, left.reader, right.reader, first, dtype.type)
    operands = (left.x, right.x, left.place, right.place, (count, m, n, k, chunk))
    blocks = count * parts * tiles.blocks(m, n)
    launch_grid(product, blocks, tiles.threads, *operands, *into.arguments())
    if parts > 1:
        add = _sum_of_parts(finish, dtype.type)
        launch(add, count * m * n, into.y, parts, (count, m, n), *result.arguments())


# ---- The primitives ------------------------------------------------------------------------------


def gemm(
    C: Any,
    z: Any,
    A: Any,
    B: Any,
    bias: Any = None,
    residual: Any = None,
    C0: Any = None,
    *,
    trans_a: bool = False,
    trans_b: bool = False,
    alpha: float = 1.0,
    beta: float = 1.0,
    activation: str = "linear",
    a: float = 0.0,
    want_preactivation: bool = False,
) -> None:
    """C = activation(z), z = alpha * A @ B + beta * C0 + bias + residual."""
    *batch, m, n = tuple(C.shape)
    k = tuple(A.shape)[-2 if trans_a else -1]
    extents = batch or [1]
    a_side, a_depth = (1, m) if trans_a else (k, 1)
    b_side, b_depth = (k, 1) if trans_b else (1, n)
    left = matrices(A, a_side, a_depth, extents, _broadcast(A, extents))
    right = matrices(B, b_side, b_depth, extents, _broadcast(B, extents))
    z, bias, residual, C0 = (x if x is None else flat(x) for x in (z, bias, residual, C0))
    result = Result(flat(C), m * n, n, z, bias, residual, C0, 0, alpha, beta, activation, a)
    multiply(left, right, (math.prod(batch), m, n, k), result)


def dense_backward(
    dx: Any,
    dw: Any,
    db: Any,
    dy: Any,
    x: Any,
    w: Any,
    value: Any,
    *,
    activation: str = "linear",
    a: float = 0.0,
    want_dx: bool = True,
    want_dw: bool = True,
    want_db: bool = True,
) -> None:
    """With g = dy * activation'(value): dx = g @ w.T, dw = x.T @ g, db = the sum of g's rows."""
    (m, k), n = x.shape, w.shape[1]
    g = dy
    if activation != "linear":
        g = empty(dy.shape, dy.dtype)
        unary_backward(g, dy, value, op=activation, a=a)
    if dx is not None:
        extents = (1, m, k, n)
        multiply(matrices(g, n, 1), matrices(w, n, 1), extents, Result(flat(dx), 0, k))
    if dw is not None:
        extents = (1, k, n, m)
        multiply(matrices(x, 1, k), matrices(g, 1, n), extents, Result(flat(dw), 0, n))
    if db is not None and n:
        fold(flat(db), flat(g), (1, m, n), "sum")


FUNCTIONS = {"gemm": gemm, "dense_backward": dense_backward}
