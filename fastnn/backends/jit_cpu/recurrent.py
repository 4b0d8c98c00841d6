"""Recurrent layers over whole sequences: a task takes some rows of the batch through all steps.

Rows do not meet, so no step waits for another thread. The input's part of every gate is one matrix
product before; h @ u is taken row block by row block from packed panels, as in gemm.py. Cells and
names: fastnn/backends/reference/recurrent.py.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import elementary
from .compile import Kernel, compiled, kernel
from .gemm import COLUMNS, ROWS, matrix_product, pack_panels, strides, sums_of_tile
from .loops import elementwise
from .program import Array, Operand, Scratch, Stage, blocks, stage
from .reduce import fold

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


def _weights(weights: Sequence[Operand], cell: str, directions: int, d: int) -> tuple:
    """w, u, bias and peephole weights of a direction."""
    each = len(weights) // directions
    w, u, *rest = weights[d * each : (d + 1) * each]
    peephole = rest.pop() if cell == "lstm_peephole" else None
    return w, u, (rest[0] if rest else None), peephole


def _pick(operands: Sequence[Operand], d: int, states: int, which: int) -> Operand | None:
    return operands[d * states + which] if operands and which < states else None


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
    batch, steps, features = inputs.shape
    states = 2 if cell.startswith("lstm") else 1
    dtype = inputs.dtype
    stages: list[Stage] = []
    if batch == 0:
        return stages
    for d in range(directions):
        w, u, bias, peephole = _weights(weights, cell, directions, d)
        units, wide = u.shape
        zx: Array = Scratch((batch * steps, wide), dtype)
        stages += matrix_product(zx, inputs, w, (batch * steps, wide, features), [0, 0])
        if bias and steps:
            added = Scratch(zx.shape, dtype)
            # The first row of gru's two; reshaped, its elements come first.
            row = bias.reshaped(wide)
            stages += elementwise(f"plus {dtype}", _plus, added, [zx, row])
            zx = added
        if cell == "gru_before":
            left, copy_left = columns_of(u, units, 0, 2 * units, wide)
            right, copy_right = columns_of(u, units, 2 * units, units, wide)
            packed, packing = panels_of(left, False, (units, 2 * units))
            candidate, packing_too = panels_of(right, False, (units, units))
            stages += [copy_left, copy_right, packing, packing_too]
        else:
            packed, packing = panels_of(u, False, (units, wide))
            candidate = packed
            stages.append(packing)
        tasks = blocks(batch, ROWS)
        scratch = [
            Scratch((batch,), "uint8"),
            Scratch((batch, wide), dtype),
            Scratch((batch, units), dtype),
            Scratch((tasks, ROWS, COLUMNS), dtype),
        ]
        own = [
            _pick(operands, d, states, i) for operands in (history, initial_state) for i in (0, 1)
        ]
        h, c = _pick(last, d, states, 0), _pick(last, d, states, 1)
        stages.append(
            stage(
                _forward_kernel(cell, dtype, activation, recurrent_activation),
                [
                    *(y or Scratch((1,), dtype), h, c, gates[d] if gates else None, *own[:2]),
                    *(zx, packed, candidate if cell == "gru_before" else None, bias, peephole),
                    *(*own[2:], mask or Scratch((1,), "bool"), *scratch),
                ],
                [
                    *(batch, steps, units, directions * units, d * units),
                    *(backwards != bool(d), y is not None, bool(history), mask is not None),
                    *(bool(initial_state), bias is not None, zero_masked),
                ],
                tasks=tasks,
            )
        )
    return stages


@functools.cache
def _backward_kernel(cell: str, dtype: str, inner: str, recurrent: str) -> Kernel:
    t, dt = activation(inner, dtype)
    ds = activation(recurrent, dtype)[1]
    convert = np.dtype(dtype).type
    zero, one = convert(0), convert(1)
    gates_each, kept_each = GATES[cell], KEPT[cell]
    lstm, peephole = cell.startswith("lstm"), cell == "lstm_peephole"
    gru, after_reset = cell.startswith("gru"), cell == "gru"

    def rnn_backward(
        dz, seen, dp, dh, dc, dy, dlast_h, dlast_c, kept, past_h, past_c, packed, candidate, peep,
        mask, codes, spread, dq, tiles, batch, steps, units, wide, column, back, has_dy, has_dlast,
        has_mask, zero_masked, task,
    ):  # fmt: skip
        first = task * ROWS
        rows = min(ROWS, batch - first)
        gates = gates_each * units
        tile = task * ROWS * COLUMNS
        # gru_before: u's part for z and r alone; its candidate's comes first.
        product = 2 * units if gru and not after_reset else gates
        for b in range(first, first + rows):
            begun = 0
            for k in range(steps):
                at = steps - 1 - k if back else k
                codes[b * steps + k] = code_of(mask, has_mask, b * steps + at, begun, zero_masked)
                begun = 1 if codes[b * steps + k] == 2 else begun
            for j in range(b * units, (b + 1) * units):
                dh[j] = dlast_h[j] if has_dlast else zero
                if lstm:
                    dc[j] = dlast_c[j] if has_dlast else zero
        for k in range(steps - 1, -1, -1):
            at = steps - 1 - k if back else k
            for r in range(rows):
                b = first + r
                code = codes[b * steps + k]
                out = (b * steps + at) * wide + column
                if has_dy and code > 0:
                    for j in range(units):
                        dh[b * units + j] += dy[out + j]
            if gru and not after_reset:
                for r in range(rows):
                    b = first + r
                    own = (k * batch + b) * kept_each * units
                    for j in range(units):
                        g = kept[own + 2 * units + j]
                        d = dh[b * units + j] * (one - kept[own + j]) * dt(g)
                        spread[first * gates + r * units + j] = d
                product_of_rows(
                    dq, first * units, units, spread, first * gates, rows, units, candidate, 0,
                    units, tiles, tile,
                )  # fmt: skip
            for r in range(rows):
                b = first + r
                valid = codes[b * steps + k] == 2
                own = (k * batch + b) * kept_each * units
                z, v = (b * steps + at) * gates, (k * batch + b) * gates
                for j in range(units):
                    state = b * units + j
                    before = (k * batch + b) * units + j
                    after = before + batch * units
                    d = dh[state] if valid else zero
                    if lstm:
                        i, f = kept[own + j], kept[own + units + j]
                        g, o = kept[own + 2 * units + j], kept[own + 3 * units + j]
                        squashed = t(past_c[after])
                        do = d * squashed * ds(o)
                        dcell = (dc[state] if valid else zero) + d * o * dt(squashed)
                        if peephole:
                            dcell += peep[2 * units + j] * do
                        di, df = dcell * g * ds(i), dcell * past_c[before] * ds(f)
                        dg = dcell * i * dt(g)
                        carried = dcell * f
                        if peephole:
                            carried += peep[j] * di + peep[units + j] * df
                            dp[3 * (k * batch + b) * units + j] = di * past_c[before]
                            dp[(3 * (k * batch + b) + 1) * units + j] = df * past_c[before]
                            dp[(3 * (k * batch + b) + 2) * units + j] = do * past_c[after]
                        dc[state] = carried if valid else dc[state]
                        dz[z + j] = seen[v + j] = di
                        dz[z + units + j] = seen[v + units + j] = df
                        dz[z + 2 * units + j] = seen[v + 2 * units + j] = dg
                        dz[z + 3 * units + j] = seen[v + 3 * units + j] = do
                    elif gru:
                        update, reset = kept[own + j], kept[own + units + j]
                        g, q = kept[own + 2 * units + j], kept[own + 3 * units + j]
                        h = past_h[before]
                        dnew = d * (one - update) * dt(g)
                        dupdate = d * (h - g) * ds(update)
                        if after_reset:
                            dreset, through = dnew * q * ds(reset), dnew * reset
                            direct = d * update
                        else:
                            dfrom = dq[state] if valid else zero
                            dreset, through = dfrom * h * ds(reset), dnew
                            direct = d * update + dfrom * reset
                        dh[state] = direct if valid else dh[state]
                        dz[z + j] = seen[v + j] = dupdate
                        dz[z + units + j] = seen[v + units + j] = dreset
                        dz[z + 2 * units + j] = dnew
                        seen[v + 2 * units + j] = through
                    else:
                        dz[z + j] = seen[v + j] = d * dt(kept[own + j])
            product_of_rows(
                spread, first * gates, units, seen, (k * batch + first) * gates, rows, gates,
                packed, 0, product, tiles, tile,
            )  # fmt: skip
            for r in range(rows):
                b = first + r
                if codes[b * steps + k] == 2:
                    for j in range(units):
                        back_to = spread[first * gates + r * units + j]
                        if gru:
                            dh[b * units + j] += back_to
                        else:
                            dh[b * units + j] = back_to

    return Kernel(rnn_backward, f"rnn_backward {cell} {dtype} {inner} {recurrent}")


@kernel
def _add_in(y, x, n, task):
    for i in range(n):
        y[i] += x[i]


@kernel
def _replace_columns(y, x, rows, first, width, whole, task):
    """y[:, first : first + width] = x."""
    for r in range(rows):
        for j in range(width):
            y[r * whole + first + j] = x[r * width + j]


def rnn_backward(
    dx: Operand | None,
    dweights: list[Operand],
    dinitial: list[Operand],
    dy: Operand | None,
    dlast: list[Operand],
    x: Operand,
    weights: list[Operand],
    mask: Operand | None,
    gates: list[Operand],
    history: list[Operand],
    *,
    cell: str,
    activation: str,
    recurrent_activation: str,
    directions: int,
    backwards: bool,
    zero_masked: bool,
    want_dx: bool,
    want_dweights: bool,
    want_dinitial: bool,
) -> list[Stage]:
    """The gradients by x, weights and initial states."""
    batch, steps, features = x.shape
    states = 2 if cell.startswith("lstm") else 1
    dtype = x.dtype
    stages: list[Stage] = []
    every = batch * steps
    for d in range(directions):
        w, u, _, peephole = _weights(weights, cell, directions, d)
        units, wide = u.shape
        if cell == "gru_before":
            left, copy_left = columns_of(u, units, 0, 2 * units, wide)
            right, copy_right = columns_of(u, units, 2 * units, units, wide)
            packed, packing = panels_of(left, True, (2 * units, units))
            candidate, packing_too = panels_of(right, True, (units, units))
            stages += [copy_left, copy_right, packing, packing_too]
        else:
            packed, packing = panels_of(u, True, (wide, units))
            candidate = None
            stages.append(packing)
        tasks = blocks(batch, ROWS)
        dz, seen = Scratch((every, wide), dtype), Scratch((every, wide), dtype)
        dp = Scratch((every, 3 * units), dtype) if peephole else None
        dstates: list[Array | None] = [
            _pick(dinitial, d, states, i)
            or (Scratch((batch, units), dtype) if i < states else None)
            for i in (0, 1)
        ]
        own = [_pick(operands, d, states, i) for operands in (dlast, history) for i in (0, 1)]
        scratch = [
            Scratch((every,), "uint8"),
            Scratch((batch, wide), dtype),
            Scratch((batch, units), dtype),
            Scratch((tasks, ROWS, COLUMNS), dtype),
        ]
        stages.append(
            stage(
                _backward_kernel(cell, dtype, activation, recurrent_activation),
                [
                    *(dz, seen, dp, *dstates, dy, *own[:2], gates[d], *own[2:]),
                    *(packed, candidate, peephole, mask or Scratch((1,), "bool"), *scratch),
                ],
                [
                    *(batch, steps, units, directions * units, d * units),
                    *(backwards != bool(d), dy is not None, bool(dlast)),
                    *(mask is not None, zero_masked),
                ],
                tasks=tasks,
            )
        )
        if dx and d == 0:
            stages += matrix_product(dx, dz, w, (every, features, wide), [0, 0], trans_b=True)
        elif dx:
            more = Scratch((every, features), dtype)
            stages += matrix_product(more, dz, w, (every, features, wide), [0, 0], trans_b=True)
            stages.append(stage(_add_in, [dx, more], [dx.size]))
        if dweights:
            stages += _weight_stages(
                _weights(dweights, cell, directions, d),
                (cell, batch, steps, features),
                (x, history[d * states], gates[d], dz, seen, dp),
            )
    return stages


def _weight_stages(results: tuple, kind: tuple, arrays: tuple) -> list[Stage]:
    """The stages of dw, du, db and dp of one direction."""
    dw, du, db, dpeephole = results
    cell, batch, steps, features = kind
    x, past_h, kept, dz, seen, dp = arrays
    every, (units, wide) = batch * steps, du.shape
    stages = matrix_product(dw, x, dz, (features, wide, every), [0, 0], trans_a=True)
    stages += matrix_product(du, past_h, seen, (units, wide, every), [0, 0], trans_a=True)
    if cell == "gru_before":
        q, copy_q = columns_of(kept, every, 3 * units, units, 4 * units)
        dg, copy_dg = columns_of(seen, every, 2 * units, units, wide)
        part = Scratch((units, units), dz.dtype)
        stages += [copy_q, copy_dg]
        stages += matrix_product(part, q, dg, (units, units, every), [0, 0], trans_a=True)
        stages.append(stage(_replace_columns, [du, part], [units, 2 * units, units, wide]))
    if db:
        stages += fold(db, dz, (1, every, wide), "sum")
        if cell == "gru":
            stages += fold(db, seen, (1, every, wide), "sum", wide)
    if dpeephole:
        stages += fold(dpeephole, dp, (1, every, 3 * units), "sum")
    return stages


PLANNERS = {"rnn": rnn, "rnn_backward": rnn_backward}
