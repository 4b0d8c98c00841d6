"""Recurrent layers over whole sequences: a task takes some rows of the batch through all steps.

Rows do not meet, so no step waits for another thread. The input's part of every gate is one matrix
product before; h @ u is taken row block by row block from packed panels, as in gemm.py. Cells and
names: fastnn/backends/reference/recurrent.py.
"""

from __future__ import annotations

import functools

import numpy as np

from .compile import Kernel, compiled
from .gather import gather
from .gemm import COLUMNS, ROWS, matrix_product
from .loops import elementwise
from .program import Array, Operand, Scratch, Stage, blocks, stage
from .recurrent_parts import (
    GATES,
    KEPT,
    activation,
    code_of,
    pick,
    product_of_rows,
    recurrent_panels,
    weights_of,
    working_memory,
)


@functools.cache
def _forward_kernel(cell: str, dtype: str, inner: str, recurrent: str) -> Kernel:
    t, s = activation(inner, dtype)[0], activation(recurrent, dtype)[0]
    convert = np.dtype(dtype).type
    zero, one = convert(0), convert(1)
    gates_each, kept_each = GATES[cell], KEPT[cell]
    lstm, peephole = cell.startswith("lstm"), cell == "lstm_peephole"
    gru, after_reset = cell.startswith("gru"), cell == "gru"

    def rnn(
        y, h, c, kept, past_h, past_c, zx, packed, candidate, bias, peep, h0, c0, mask, begun, zh,
        q, tiles, batch, steps, units, wide, column, back, has_y, has_history, has_mask, has_state,
        has_bias, zero_masked, task,
    ):  # fmt: skip
        first = task * ROWS
        rows = min(ROWS, batch - first)
        gates = gates_each * units
        product = 2 * units if gru and not after_reset else gates
        tile = task * ROWS * COLUMNS
        for b in range(first, first + rows):
            begun[b] = 0
            for j in range(b * units, (b + 1) * units):
                h[j] = h0[j] if has_state else zero
                if lstm:
                    c[j] = c0[j] if has_state else zero
        for k in range(steps):
            at = steps - 1 - k if back else k
            if has_history:
                for j in range(first * units, (first + rows) * units):
                    past_h[k * batch * units + j] = h[j]
                    if lstm:
                        past_c[k * batch * units + j] = c[j]
            product_of_rows(
                zh, first * gates, product, h, first * units, rows, units, packed, 0, units, tiles,
                tile,
            )  # fmt: skip
            if gru and not after_reset:
                for r in range(rows):
                    b = first + r
                    for j in range(units):
                        z = zx[(b * steps + at) * gates + units + j]
                        reset = s(z + zh[first * gates + r * product + units + j])
                        q[b * units + j] = reset * h[b * units + j]
                product_of_rows(
                    zh, first * gates + rows * product, units, q, first * units, rows, units,
                    candidate, 0, units, tiles, tile,
                )  # fmt: skip
            for r in range(rows):
                b = first + r
                code = code_of(mask, has_mask, b * steps + at, begun[b], zero_masked)
                z, own = (b * steps + at) * gates, first * gates + r * product
                to = (k * batch + b) * kept_each * units
                out = (b * steps + at) * wide + column
                valid = code == 2
                begun[b] = 1 if valid else begun[b]
                for j in range(units):
                    state = b * units + j
                    before = h[state]
                    if lstm:
                        i, f = zx[z + j] + zh[own + j], zx[z + units + j] + zh[own + units + j]
                        g = t(zx[z + 2 * units + j] + zh[own + 2 * units + j])
                        o = zx[z + 3 * units + j] + zh[own + 3 * units + j]
                        if peephole:
                            i, f = i + peep[j] * c[state], f + peep[units + j] * c[state]
                        i, f = s(i), s(f)
                        cell_state = f * c[state] + i * g
                        if peephole:
                            o = o + peep[2 * units + j] * cell_state
                        o = s(o)
                        new = o * t(cell_state)
                        c[state] = cell_state if valid else c[state]
                        if has_history:
                            kept[to + j] = i if valid else zero
                            kept[to + units + j] = f if valid else zero
                            kept[to + 2 * units + j] = g if valid else zero
                            kept[to + 3 * units + j] = o if valid else zero
                    elif gru:
                        zu, zr = zh[own + j], zh[own + units + j]
                        if after_reset:
                            seen = zh[own + 2 * units + j]
                            if has_bias:
                                zu, zr = zu + bias[gates + j], zr + bias[gates + units + j]
                                seen = seen + bias[gates + 2 * units + j]
                        else:
                            seen = q[state]
                        update, reset = s(zx[z + j] + zu), s(zx[z + units + j] + zr)
                        if after_reset:
                            g = t(zx[z + 2 * units + j] + reset * seen)
                        else:
                            last = first * gates + rows * product + r * units + j
                            g = t(zx[z + 2 * units + j] + zh[last])
                        new = update * before + (one - update) * g
                        if has_history:
                            kept[to + j] = update if valid else zero
                            kept[to + units + j] = reset if valid else zero
                            kept[to + 2 * units + j] = g if valid else zero
                            kept[to + 3 * units + j] = seen if valid else zero
                    else:
                        new = t(zx[z + j] + zh[own + j])
                        if has_history:
                            kept[to + j] = new if valid else zero
                    new = new if valid else before
                    h[state] = new
                    if has_y:
                        y[out + j] = new if code > 0 else zero
        if has_history:
            for j in range(first * units, (first + rows) * units):
                past_h[steps * batch * units + j] = h[j]
                if lstm:
                    past_c[steps * batch * units + j] = c[j]

    return Kernel(rnn, f"rnn {cell} {dtype} {inner} {recurrent}")


_plus = compiled(lambda x, bias: x + bias)


def rnn(
    y: Operand | None,
    last: list[Operand],
    gates: list[Operand],
    history: list[Operand],
    inputs: Operand,
    weights: list[Operand],
    initial_state: list[Operand],
    mask: Operand | None,
    *,
    cell: str,
    activation: str,
    recurrent_activation: str,
    directions: int,
    backwards: bool,
    zero_masked: bool,
    want_sequence: bool,
    want_history: bool,
) -> list[Stage]:
    """Outputs of all steps, last states, and what rnn_backward reads."""
    batch, steps = inputs.shape[:2]
    of_ids = len(inputs.shape) == 2
    states = 2 if cell.startswith("lstm") else 1
    dtype = weights[0].dtype
    stages: list[Stage] = []
    if batch == 0:
        return stages
    for d in range(directions):
        w, u, bias, peephole = weights_of(weights, cell, directions, d)
        units, wide = u.shape
        zx: Array = Scratch((batch * steps, wide), dtype)
        if of_ids:
            stages += gather(zx, w, inputs, axis=0, wrap=False)
        else:
            stages += matrix_product(zx, inputs, w, (batch * steps, wide, w.shape[0]), [0, 0])
        if bias and steps:
            added = Scratch(zx.shape, dtype)
            # The first row of gru's two; reshaped, its elements come first.
            row = bias.reshaped(wide)
            stages += elementwise(f"plus {dtype}", _plus, added, [zx, row])
            zx = added
        packed, candidate, packing = recurrent_panels(u, cell, False)
        stages += packing
        own = [
            pick(operands, d, states, i) for operands in (history, initial_state) for i in (0, 1)
        ]
        h, c = pick(last, d, states, 0), pick(last, d, states, 1)
        stages.append(
            stage(
                _forward_kernel(cell, dtype, activation, recurrent_activation),
                [
                    *(y or Scratch((1,), dtype), h, c, gates[d] if gates else None, *own[:2]),
                    *(zx, packed, candidate, bias, peephole),
                    *(
                        *own[2:],
                        mask or Scratch((1,), "bool"),
                        *working_memory(batch, batch, wide, units, dtype),
                    ),
                ],
                [
                    *(batch, steps, units, directions * units, d * units),
                    *(backwards != bool(d), y is not None, bool(history), mask is not None),
                    *(bool(initial_state), bias is not None, zero_masked),
                ],
                tasks=blocks(batch, ROWS),
            )
        )
    return stages


PLANNERS = {"rnn": rnn}
