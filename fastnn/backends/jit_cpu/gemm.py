"""Matrix products: packed panels, a tile of 6 x 16 sums in registers, threads over tiles.

The method of K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication"
(2008), with one level of packing: B is copied once into panels of 16 columns, A is read where it
lies. The C++ twin is csrc/kernels/gemm.cpp under csrc/ops/gemm*.cpp.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from .compile import compiled, kernel
from .elementwise import slope_times, unary_function
from .loops import elementwise
from .program import Array, Operand, Scratch, Stage, blocks, stage
from .reduce import fold
from .vectors import LANES, load, multiply_add, splat, store, zeros

ROWS, COLUMNS = 6, 2 * LANES  # of the tile in registers: 12 vectors of sums
DEPTH = 256  # products added before sums go to memory: a panel of B stays in the first cache
TASK_ROWS, TASK_PANELS = 8 * ROWS, 16


@kernel
def pack_panels(packed, b, k, n, row, column, panels, task):
    """One panel of one matrix: 16 columns of b, element by element, zeros where it ends."""
    batch, panel = task // panels, task % panels
    first = panel * COLUMNS
    base = batch * k * n + first * column
    width = min(COLUMNS, n - first)
    to = task * k * COLUMNS
    for p in range(k):
        for j in range(width):
            packed[to + p * COLUMNS + j] = b[base + p * row + j * column]
        for j in range(width, COLUMNS):
            packed[to + p * COLUMNS + j] = 0


@compiled
def sums_of_tile(tiles, tile, a, start, i, m, row, column, packed, b, count):
    """tiles[tile + r * COLUMNS + j] = sum over p of a[i + r, p] * b[p, j], in twelve registers.

    Rows from m on repeat the last one; nobody reads their sums.
    """
    a0 = start + i * row
    a1 = start + min(i + 1, m - 1) * row
    a2 = start + min(i + 2, m - 1) * row
    a3 = start + min(i + 3, m - 1) * row
    a4 = start + min(i + 4, m - 1) * row
    a5 = start + min(i + 5, m - 1) * row
    s00 = s01 = s10 = s11 = s20 = s21 = s30 = s31 = s40 = s41 = s50 = s51 = zeros(tiles)
    for p in range(count):
        b0, b1 = load(packed, b), load(packed, b + LANES)
        b += COLUMNS
        q = p * column
        x = splat(a[a0 + q])
        s00, s01 = multiply_add(x, b0, s00), multiply_add(x, b1, s01)
        x = splat(a[a1 + q])
        s10, s11 = multiply_add(x, b0, s10), multiply_add(x, b1, s11)
        x = splat(a[a2 + q])
        s20, s21 = multiply_add(x, b0, s20), multiply_add(x, b1, s21)
        x = splat(a[a3 + q])
        s30, s31 = multiply_add(x, b0, s30), multiply_add(x, b1, s31)
        x = splat(a[a4 + q])
        s40, s41 = multiply_add(x, b0, s40), multiply_add(x, b1, s41)
        x = splat(a[a5 + q])
        s50, s51 = multiply_add(x, b0, s50), multiply_add(x, b1, s51)
    store_row(tiles, tile, s00, s01)
    store_row(tiles, tile + COLUMNS, s10, s11)
    store_row(tiles, tile + 2 * COLUMNS, s20, s21)
    store_row(tiles, tile + 3 * COLUMNS, s30, s31)
    store_row(tiles, tile + 4 * COLUMNS, s40, s41)
    store_row(tiles, tile + 5 * COLUMNS, s50, s51)


@compiled
def store_row(tiles, at, left, right):
    """One row of sums."""
    store(tiles, at, left)
    store(tiles, at + LANES, right)


@kernel
def multiply(c, a, packed, tiles, m, n, k, panels, across, column, row, table, task):
    """One block of rows and panels of one product: c = a @ b.

    table: for each product, where its a begins and which matrix of b it takes.
    """
    bands = (m + TASK_ROWS - 1) // TASK_ROWS
    product, place = task // (bands * across), task % (bands * across)
    first_row, first_panel = place // across * TASK_ROWS, place % across * TASK_PANELS
    start, matrix = table[2 * product], table[2 * product + 1] * panels * k * COLUMNS
    tile = task * ROWS * COLUMNS
    for depth in range(0, max(k, 1), DEPTH):
        count = min(k - depth, DEPTH)
        for panel in range(first_panel, min(panels, first_panel + TASK_PANELS)):
            b = matrix + (panel * k + depth) * COLUMNS
            for i in range(first_row, min(m, first_row + TASK_ROWS), ROWS):
                first = start + depth * column
                sums_of_tile(tiles, tile, a, first, i, m, row, column, packed, b, count)
                width = min(COLUMNS, n - panel * COLUMNS)
                for r in range(min(ROWS, m - i)):
                    to = (product * m + i + r) * n + panel * COLUMNS
                    if depth == 0:
                        for j in range(width):
                            c[to + j] = tiles[tile + r * COLUMNS + j]
                    else:
                        for j in range(width):
                            c[to + j] += tiles[tile + r * COLUMNS + j]


def strides(transposed: bool, rows: int, columns: int) -> tuple[int, int]:
    """(row, column) strides of a matrix of rows x columns that lies transposed or not."""
    return (1, rows) if transposed else (columns, 1)


def products(c: Operand, a: Operand, b: Operand) -> list[int]:
    """For each matrix of c: the first element of its a, and the number of its b."""
    batch = c.shape[:-2]
    table = []
    for place in np.ndindex(*batch):
        numbers = []
        for operand in (a, b):
            extents = operand.shape[:-2]
            number = 0
            for extent, i in zip(extents, place[len(batch) - len(extents) :]):
                number = number * extent + (i if extent > 1 else 0)
            numbers.append(number)
        table += [numbers[0] * math.prod(a.shape[-2:]), numbers[1]]
    return table


def matrix_product(
    c: Array,
    a: Array,
    b: Array,
    extents: tuple[int, int, int],
    at: list[int],
    trans_a: bool = False,
    trans_b: bool = False,
) -> list[Stage]:
    """The stages of c = a @ b for (m, n, k), product after product; `at`: see `products`."""
    m, n, k = extents
    panels, matrices = blocks(n, COLUMNS), b.size // max(1, k * n)
    packed = Scratch((matrices * panels, k, COLUMNS), a.dtype)
    row, column = strides(trans_b, k, n)
    across = blocks(panels, TASK_PANELS)
    tasks = len(at) // 2 * blocks(m, TASK_ROWS) * across
    tiles = Scratch((tasks, ROWS, COLUMNS), a.dtype)
    a_row, a_column = strides(trans_a, m, k)
    return [
        stage(pack_panels, [packed, b], [k, n, row, column, panels], tasks=matrices * panels),
        stage(
            multiply,
            [c, a, packed, tiles],
            [m, n, k, panels, across, a_column, a_row],
            table=at,
            tasks=tasks,
        ),
    ]


@functools.cache
def _epilogue_function(activation: str, dtype: str, terms: tuple[str, ...]) -> Any:
    """activation(alpha * s + the terms), of what is there of beta * C0, bias and residual."""
    scope = {"activation": unary_function(activation, dtype), "convert": np.dtype(dtype).type}
    parts = ["beta * C0" if term == "C0" else term for term in terms]
    source = f"lambda {', '.join(['s', *terms])}, alpha, beta, a: "
    return compiled(
        eval(f"{source}activation(convert({' + '.join(['alpha * s', *parts])}), a)", scope)
    )


def epilogue(
    y: Array, sums: Array, activation: str, extras: dict[str, Operand | None], **reals: float
) -> list[Stage]:
    """y = activation(alpha * sums + beta * C0 + bias + residual), of what is there."""
    there = {name: operand for name, operand in extras.items() if operand}
    function = _epilogue_function(activation, y.dtype, tuple(there))
    name = f"epilogue {activation} {y.dtype} {' '.join(there)}"
    return elementwise(name, function, y, [sums, *there.values()], reals)


def gemm(
    C: Operand,
    z: Operand | None,
    A: Operand,
    B: Operand,
    bias: Operand | None,
    residual: Operand | None,
    C0: Operand | None,
    *,
    trans_a: bool,
    trans_b: bool,
    alpha: float,
    beta: float,
    activation: str,
    a: float,
    want_preactivation: bool,
) -> list[Stage]:
    """C = activation(z), z = alpha * A @ B + beta * C0 + bias + residual."""
    m, n = C.shape[-2:]
    k = A.shape[-2] if trans_a else A.shape[-1]
    at = products(C, A, B)
    extras = {"C0": C0, "bias": bias, "residual": residual}
    plain = alpha == 1 and not any(extras.values())
    if plain and activation == "linear" and not z:
        return matrix_product(C, A, B, (m, n, k), at, trans_a, trans_b)
    sums = z if z and plain else Scratch(C.shape, C.dtype)
    stages = matrix_product(sums, A, B, (m, n, k), at, trans_a, trans_b)
    if z:
        if not plain:
            stages += epilogue(z, sums, "linear", extras, alpha=alpha, beta=beta, a=0.0)
        return stages + epilogue(C, z, activation, {}, alpha=1.0, beta=0.0, a=a)
    return stages + epilogue(C, sums, activation, extras, alpha=alpha, beta=beta, a=a)


def dense_backward(
    dx: Operand | None,
    dw: Operand | None,
    db: Operand | None,
    dy: Operand,
    x: Operand,
    w: Operand,
    value: Operand,
    *,
    activation: str,
    a: float,
    want_dx: bool,
    want_dw: bool,
    want_db: bool,
) -> list[Stage]:
    """With g = dy * activation'(value): dx = g @ w.T, dw = x.T @ g, db = the sum of g's rows."""
    (m, k), n = x.shape, w.shape[1]
    stages: list[Stage] = []
    g: Array = dy
    if activation != "linear":
        g = Scratch(dy.shape, dy.dtype)
        stages += slope_times(g, dy, value, activation, a)
    if dx:
        stages += matrix_product(dx, g, w, (m, k, n), [0, 0], trans_b=True)
    if dw:
        stages += matrix_product(dw, x, g, (k, n, m), [0, 0], trans_a=True)
    if db:
        stages += fold(db, g, (1, m, n), "sum")
    return stages


PLANNERS = {"gemm": gemm, "dense_backward": dense_backward}
