"""What both directions of a recurrent layer share: activations, h @ u of some rows, its weights."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import elementary
from .compile import compiled, kernel
from .gemm import COLUMNS, ROWS, pack_panels, strides, sums_of_tile
from .program import Array, Operand, Scratch, Stage, blocks, stage

GATES = {"simple": 1, "lstm": 4, "lstm_peephole": 4, "gru": 3, "gru_before": 3}
KEPT = {"simple": 1, "lstm": 4, "lstm_peephole": 4, "gru": 4, "gru_before": 4}


@functools.cache
def activation(name: str, dtype: str) -> tuple[Any, Any]:
    """A function, and its derivative by its value, of one element type."""
    convert = np.dtype(dtype).type
    zero, one = convert(0), convert(1)
    if name in ("tanh", "sigmoid"):
        function = getattr(elementary, f"{name}{dtype[-2:]}")
        slope = (lambda y: one - y * y) if name == "tanh" else (lambda y: y * (one - y))
        return function, compiled(slope)
    if name == "relu":
        return compiled(lambda x: zero if x <= zero else x), compiled(
            lambda y: one if y > zero else zero
        )
    return compiled(lambda x: x), compiled(lambda y: one)


@compiled
def product_of_rows(z, to, width, x, start, rows, step, packed, first, depth, tiles, tile):
    """z[to + r * width + j] = the sum over p < depth of x[start + r * step + p] * u[p, j].

    u lies in panels from packed[first] on.
    """
    for panel in range((width + COLUMNS - 1) // COLUMNS):
        b = first + panel * depth * COLUMNS
        sums_of_tile(tiles, tile, x, start, 0, rows, step, 1, packed, b, depth)
        columns = min(COLUMNS, width - panel * COLUMNS)
        for r in range(rows):
            at = to + r * width + panel * COLUMNS
            for j in range(columns):
                z[at + j] = tiles[tile + r * COLUMNS + j]


@compiled
def code_of(mask, has_mask, at, begun, zero_masked):
    """2: the step counts; else the output is 1 the last one, 0 zero."""
    if has_mask == 0 or mask[at] != 0:
        return 2
    return 1 if begun != 0 and zero_masked == 0 else 0


def panels_of(w: Array, transposed: bool, matrix: tuple[int, int]) -> tuple[Scratch, Stage]:
    """A matrix of so many rows and columns in panels of 16 columns, and the stage that packs it."""
    k, n = matrix
    panels = blocks(n, COLUMNS)
    packed = Scratch((panels, k, COLUMNS), w.dtype)
    row, column = strides(transposed, k, n)
    packing = stage(pack_panels, [packed, w], [k, n, row, column, panels], tasks=panels)
    return packed, packing


@kernel
def _columns(y, x, rows, first, width, whole, task):
    """y = x[:, first : first + width]."""
    for r in range(rows):
        for j in range(width):
            y[r * width + j] = x[r * whole + first + j]


def columns_of(x: Array, rows: int, first: int, width: int, whole: int) -> tuple[Scratch, Stage]:
    """Some columns of a matrix, and the stage that copies them."""
    y = Scratch((rows, width), x.dtype)
    return y, stage(_columns, [y, x], [rows, first, width, whole])


def recurrent_panels(
    u: Operand, cell: str, transposed: bool
) -> tuple[Scratch, Scratch | None, list[Stage]]:
    """u (or its transpose) in panels, and the stages that pack it.

    gru_before needs the part of its gates and that of its candidate apart.
    """
    units, wide = u.shape

    def packed(w: Array, columns: int) -> tuple[Scratch, Stage]:
        return panels_of(w, transposed, (columns, units) if transposed else (units, columns))

    if cell != "gru_before":
        whole, packing = packed(u, wide)
        return whole, None, [packing]
    left, copy_left = columns_of(u, units, 0, 2 * units, wide)
    right, copy_right = columns_of(u, units, 2 * units, units, wide)
    gates, packing_gates = packed(left, 2 * units)
    candidate, packing_candidate = packed(right, units)
    return gates, candidate, [copy_left, copy_right, packing_gates, packing_candidate]


def working_memory(codes: int, batch: int, wide: int, units: int, dtype: str) -> list[Scratch]:
    """Of the kernels of both directions: codes, gates of the rows, a state, tiles."""
    return [
        Scratch((codes,), "uint8"),
        Scratch((batch, wide), dtype),
        Scratch((batch, units), dtype),
        Scratch((blocks(batch, ROWS), ROWS, COLUMNS), dtype),
    ]


def weights_of(weights: Sequence[Operand], cell: str, directions: int, d: int) -> tuple:
    """w, u, bias and peephole weights of a direction."""
    each = len(weights) // directions
    w, u, *rest = weights[d * each : (d + 1) * each]
    peephole = rest.pop() if cell == "lstm_peephole" else None
    return w, u, (rest[0] if rest else None), peephole


def pick(operands: Sequence[Operand], d: int, states: int, which: int) -> Operand | None:
    return operands[d * states + which] if operands and which < states else None
