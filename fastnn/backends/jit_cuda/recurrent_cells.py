"""The cells of recurrent layers: what one unit does in one step, forward and backward.

Formulas, names and the order of gates are those of fastnn/backends/reference/recurrent.py. A
forward cell sees its row of x @ w + b (zx) and of h @ u (hz), the unit's number j and states h and
c, and returns both states after the step and four numbers for the way back. A backward cell sees
these four, the states before and c after, and the gradients dh and dc; it returns gradients for
x @ w (four), what h @ u sees of the third gate, and what goes to h without a product, and to c.
What a cell has not is repeated.
"""

from __future__ import annotations

import functools
from typing import Any

from .cuda import compiled
from .elementwise import slope_function, unary_function

GATES = {"simple": 1, "lstm": 4, "lstm_peephole": 4, "gru": 3, "gru_before": 3}


@functools.cache
def forward_cell(cell: str, activation: str, recurrent: str, dtype: type) -> Any:
    """cell(zx, z_at, hz, h_at, units, j, h, c, p) -> (h', c', four numbers to keep)."""
    name = dtype.__name__
    one, zero = dtype(1), dtype(0)
    t_of, s_of = unary_function(activation, name), unary_function(recurrent, name)
    peephole, reset_after = cell == "lstm_peephole", cell == "gru"
    t = compiled(lambda x: dtype(t_of(x, zero)))
    s = compiled(lambda x: dtype(s_of(x, zero)))

    @compiled
    def simple(zx, z_at, hz, h_at, units, j, h, c, p):
        y = t(zx[z_at + j] + hz[h_at + j])
        return y, y, y, y, y, y

    @compiled
    def lstm(zx, z_at, hz, h_at, units, j, h, c, p):
        z_i = zx[z_at + j] + hz[h_at + j]
        z_f = zx[z_at + units + j] + hz[h_at + units + j]
        g = t(zx[z_at + 2 * units + j] + hz[h_at + 2 * units + j])
        z_o = zx[z_at + 3 * units + j] + hz[h_at + 3 * units + j]
        if peephole:
            z_i += p[j] * c
            z_f += p[units + j] * c
        i, f = s(z_i), s(z_f)
        after = f * c + i * g
        if peephole:
            z_o += p[2 * units + j] * after
        o = s(z_o)
        return o * t(after), after, i, f, g, o

    @compiled
    def gru(zx, z_at, hz, h_at, units, j, h, c, p):
        update = s(zx[z_at + j] + hz[h_at + j])
        reset = s(zx[z_at + units + j] + hz[h_at + units + j])
        third = hz[h_at + 2 * units + j]
        if reset_after:
            q = third
            new = t(zx[z_at + 2 * units + j] + reset * q)
        else:  # third is q @ u
            q = reset * h
            new = t(zx[z_at + 2 * units + j] + third)
        return update * h + (one - update) * new, c, update, reset, new, q

    return {"simple": simple, "gru": gru, "gru_before": gru}.get(cell, lstm)


@functools.cache
def backward_cell(cell: str, activation: str, recurrent: str, dtype: type) -> Any:
    """cell(v0 .. v3, h, c, c', dh, dc, p, units, j) -> (dz0 .. dz3, seen2, dh, dc)."""
    one, zero = dtype(1), dtype(0)
    t_of = unary_function(activation, dtype.__name__)
    dt_of, ds_of = slope_function(activation), slope_function(recurrent)
    peephole, reset_after = cell == "lstm_peephole", cell == "gru"
    t = compiled(lambda x: dtype(t_of(x, zero)))
    dt = compiled(lambda y: dtype(dt_of(y, zero)))
    ds = compiled(lambda y: dtype(ds_of(y, zero)))

    @compiled
    def simple(y, v1, v2, v3, h, c, after, dh, dc, p, units, j):
        dz = dh * dt(y)
        return dz, dz, dz, dz, dz, zero, dc

    @compiled
    def lstm(i, f, g, o, h, c, after, dh, dc, p, units, j):
        squashed = t(after)
        do = dh * squashed * ds(o)
        dc += dh * o * dt(squashed)
        if peephole:
            dc += p[2 * units + j] * do
        di, df, dg = dc * g * ds(i), dc * c * ds(f), dc * i * dt(g)
        dc *= f
        if peephole:
            dc += p[j] * di + p[units + j] * df
        return di, df, dg, do, dg, zero, dc

    @compiled
    def gru(update, reset, new, q, h, c, after, dh, dc, p, units, j):
        dnew = dh * (one - update) * dt(new)
        dupdate = dh * (h - new) * ds(update)
        if reset_after:
            return dupdate, dnew * q * ds(reset), dnew, dnew, dnew * reset, dh * update, dc
        return dupdate, zero, dnew, dnew, dnew, dh * update, dc  # dreset waits for dq

    return {"simple": simple, "gru": gru, "gru_before": gru}.get(cell, lstm)


@functools.cache
def reset_gate(recurrent: str, dtype: type) -> Any:
    """(r, slope): r as a function of what it is applied to, and its derivative by r."""
    zero = dtype(0)
    s_of, ds_of = unary_function(recurrent, dtype.__name__), slope_function(recurrent)
    return (
        compiled(lambda x: dtype(s_of(x, zero))),
        compiled(lambda y: dtype(ds_of(y, zero))),
    )
