"""The gradients of recurrent layers, back through time; see recurrent.py."""

from __future__ import annotations

import functools

import numpy as np

from .compile import Kernel, kernel
from .gather import scatter_add
from .gemm import COLUMNS, ROWS, matrix_product
from .program import Array, Operand, Scratch, Stage, blocks, stage
from .recurrent_parts import (
    GATES,
    KEPT,
    activation,
    code_of,
    columns_of,
    pick,
    product_of_rows,
    recurrent_panels,
    weights_of,
    working_memory,
)
from .reduce import fold


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
def _clear(y, n, task):
    for i in range(n):
        y[i] = 0


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
    batch, steps = x.shape[:2]
    features = weights[0].shape[0]
    states = 2 if cell.startswith("lstm") else 1
    dtype = weights[0].dtype
    stages: list[Stage] = []
    every = batch * steps
    for d in range(directions):
        w, u, _, peephole = weights_of(weights, cell, directions, d)
        units, wide = u.shape
        packed, candidate, packing = recurrent_panels(u, cell, True)
        stages += packing
        dz, seen = Scratch((every, wide), dtype), Scratch((every, wide), dtype)
        dp = Scratch((every, 3 * units), dtype) if peephole else None
        dstates: list[Array | None] = [
            pick(dinitial, d, states, i) or (Scratch((batch, units), dtype) if i < states else None)
            for i in (0, 1)
        ]
        own = [pick(operands, d, states, i) for operands in (dlast, history) for i in (0, 1)]
        scratch = working_memory(every, batch, wide, units, dtype)
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
                tasks=blocks(batch, ROWS),
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
                weights_of(dweights, cell, directions, d),
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
    if len(x.shape) == 2:
        stages = [stage(_clear, [dw], [dw.size])]
        stages += scatter_add(dw, dz, x, axis=0, wrap=False)
    else:
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


PLANNERS = {"rnn_backward": rnn_backward}
