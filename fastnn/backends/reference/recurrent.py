"""Recurrent layers over whole sequences, and their gradients back through time.

Elman, "Finding structure in time" (1990); Hochreiter and Schmidhuber, "Long short-term memory"
(1997), with forget gates (Gers et al., 2000) and peepholes (Gers and Schmidhuber, 2000); Cho et
al., "Learning phrase representations using RNN encoder-decoder" (2014), for gated recurrent units.

Inside, steps are counted in the order in which a direction visits them, and arrays are
[steps, batch, ...]. With @ for the product and * element by element, z = x @ w + b:

    simple         h' = f(z + h @ u)
    lstm           i, f, o = s(z + h @ u), g = t(z + h @ u);  c' = f * c + i * g;  h' = o * t(c')
    lstm_peephole  the same, where i and f see p[0] * c and p[1] * c, and o sees p[2] * c'
    gru            z, r = s(z + h @ u + b1);  q = h @ u + b1;  g = t(z + r * q);
                   h' = z * h + (1 - z) * g
    gru_before     z, r = s(z + h @ u);  q = r * h;  g = t(z + q @ u);  h' = z * h + (1 - z) * g

s is the recurrent activation, t the activation. Columns of w, u and b: i, f, g, o and z, r, g.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .gather import check_indices

Arrays = list[np.ndarray]

_FUNCTIONS: dict[str, Callable] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: np.where(x < 0, np.exp(np.minimum(x, 0)), 1) / (1 + np.exp(-np.abs(x))),
    "tanh": np.tanh,
}
# By the function's value y.
_DERIVATIVES: dict[str, Callable] = {
    "linear": np.ones_like,
    "relu": lambda y: (y > 0).astype(y.dtype),
    "sigmoid": lambda y: y * (1 - y),
    "tanh": lambda y: 1 - y * y,
}


@dataclass
class _Direction:
    """One direction: its weights by name, and which step it visits when."""

    cell: str
    t: Callable
    s: Callable
    dt: Callable
    ds: Callable
    w: np.ndarray
    u: np.ndarray
    rest: Arrays
    order: np.ndarray

    @property
    def peephole(self) -> np.ndarray | None:
        return self.rest[-1] if self.cell == "lstm_peephole" else None

    @property
    def bias(self) -> np.ndarray | None:
        return self.rest[0] if len(self.rest) > (self.cell == "lstm_peephole") else None

    def inputs(self, x: np.ndarray) -> np.ndarray:
        return np.swapaxes(x, 0, 1)[self.order]

    def products(self, x: np.ndarray) -> np.ndarray:
        """x @ w; of ids, rows of w."""
        return self.w[self.inputs(x)] if is_ids(x) else self.inputs(x) @ self.w

    def codes(self, mask: np.ndarray | None, batch: int, zero_masked: bool) -> np.ndarray:
        """For every step and row: 2 it counts; else the output is 1 the last one, 0 zero."""
        if mask is None:
            return np.full((len(self.order), batch), 2)
        valid = mask.T[self.order]
        begun = np.zeros_like(valid) if zero_masked else np.logical_or.accumulate(valid, axis=0)
        return np.where(valid, 2, begun.astype(int))

    @property
    def kept(self) -> int:
        """How many blocks of ``units`` rnn_backward reads of a step."""
        return 1 if self.cell == "simple" else 4

    def blocks(self, rows: np.ndarray) -> Arrays:
        """What belongs to each gate, of rows with the columns of all."""
        return np.split(rows, 4 if self.cell.startswith("lstm") else 3, axis=-1)

    def forward(self, zx: np.ndarray, states: Arrays) -> tuple[Arrays, Arrays]:
        """One step from x @ w + b: what the gates were, and the states after it."""
        h = states[0]
        if self.cell == "simple":
            y = self.t(zx + h @ self.u)
            return [y], [y]
        z = self.blocks(zx)
        if self.cell.startswith("gru"):
            u = self.blocks(self.u)
            bias = self.bias if self.cell == "gru" else None
            b = [0, 0, 0] if bias is None else self.blocks(bias[1])
            update, reset = (self.s(z[k] + h @ u[k] + b[k]) for k in (0, 1))
            q = h @ u[2] + b[2] if self.cell == "gru" else reset * h
            new = self.t(z[2] + (reset * q if self.cell == "gru" else q @ u[2]))
            return [update, reset, new, q], [update * h + (1 - update) * new]
        c, p = states[1], self.peephole
        i, f, g, o = (a + b for a, b in zip(z, self.blocks(h @ self.u), strict=True))
        if p is not None:
            i, f = i + p[0] * c, f + p[1] * c
        i, f, g = self.s(i), self.s(f), self.t(g)
        after = f * c + i * g
        o = self.s(o if p is None else o + p[2] * after)
        return [i, f, g, o], [o * self.t(after), after]

    def backward(
        self, gates: Arrays, before: Arrays, after: Arrays, dh: np.ndarray, dc: np.ndarray | None
    ) -> tuple[Arrays, Arrays, Arrays]:
        """Gradients by what the activations were applied to: as z sees it, as h @ u sees it; and
        by the states before."""
        h = before[0]
        if self.cell == "simple":
            dz = [dh * self.dt(gates[0])]
            return dz, dz, [dz[0] @ self.u.T]
        if self.cell.startswith("gru"):
            u = self.blocks(self.u)
            update, reset, new, q = gates
            dnew = dh * (1 - update) * self.dt(new)
            dupdate = dh * (h - new) * self.ds(update)
            direct = dh * update
            if self.cell == "gru":
                dreset = dnew * q * self.ds(reset)
                seen = [dupdate, dreset, dnew * reset]
                return [dupdate, dreset, dnew], seen, [direct + np.hstack(seen) @ self.u.T]
            dq = dnew @ u[2].T
            dreset = dq * h * self.ds(reset)
            dz = [dupdate, dreset, dnew]
            return dz, dz, [direct + dq * reset + dupdate @ u[0].T + dreset @ u[1].T]
        i, f, g, o = gates
        assert dc is not None
        squashed = self.t(after[1])
        do = dh * squashed * self.ds(o)
        dc = dc + dh * o * self.dt(squashed)
        p = self.peephole
        if p is not None:
            dc = dc + p[2] * do
        di, df, dg = dc * g * self.ds(i), dc * before[1] * self.ds(f), dc * i * self.dt(g)
        dbefore = dc * f if p is None else dc * f + p[0] * di + p[1] * df
        dz = [di, df, dg, do]
        return dz, dz, [np.hstack(dz) @ self.u.T, dbefore]


def _directions(
    steps: int, weights: Arrays, cell: str, activation: str, recurrent: str, count: int, back: bool
) -> list[_Direction]:
    each = len(weights) // count
    return [
        _Direction(
            cell,
            _FUNCTIONS[activation],
            _FUNCTIONS[recurrent],
            _DERIVATIVES[activation],
            _DERIVATIVES[recurrent],
            weights[d * each],
            weights[d * each + 1],
            weights[d * each + 2 : (d + 1) * each],
            np.arange(steps)[:: -1 if back != bool(d) else 1],
        )
        for d in range(count)
    ]


def is_ids(x: np.ndarray) -> bool:
    """Whether inputs are numbers of rows of w."""
    return x.dtype.kind == "i"


@np.errstate(all="ignore")
def rnn(
    inputs: np.ndarray,
    weights: Arrays,
    initial_state: Arrays | None = None,
    mask: np.ndarray | None = None,
    *,
    cell: str = "simple",
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    directions: int = 1,
    backwards: bool = False,
    zero_masked: bool = False,
    want_sequence: bool = True,
    want_history: bool = False,
) -> tuple[np.ndarray | None, Arrays, Arrays, Arrays]:
    """A recurrent layer: outputs of all steps, last states, and what rnn_backward reads.

    inputs [batch, steps, features], or ids [batch, steps], int32 or int64, which stand for rows of
    w, as vectors of zeros with a one do; mask [batch, steps] (False: the step is passed over).
    weights and initial_state are lists over directions: w [features, gates * units], u [units,
    gates * units], b [gates * units] (gru: [2, gates * units]) or none, p [3, units]
    (lstm_peephole); states [batch, units] (lstm: h and c), zeros where there are none. The second
    of two directions visits the steps in the other order than the first; the first begins with the
    last step if ``backwards``.

    y [batch, steps, directions * units]; where a step is passed over, zeros if ``zero_masked``,
    else the output before it, zeros before the first. last: like initial_state. gates: for each
    direction [steps, batch, blocks * units]: h' (simple); i, f, g, o; z, r, g, q. history: like
    initial_state, [steps + 1, batch, units], the states before each step and after all.
    """
    batch, steps = inputs.shape[:2]
    dtype = weights[0].dtype
    if is_ids(inputs):
        check_indices("rnn", len(weights[0]), 0, inputs, False)
    ys, last, gates, history = [], [], [], []
    states_each = 2 if cell.startswith("lstm") else 1
    rule = (cell, activation, recurrent_activation, directions, backwards)
    for d, one in enumerate(_directions(steps, weights, *rule)):
        units = one.u.shape[0]
        states = [np.zeros((batch, units), dtype) for _ in range(states_each)]
        if initial_state:
            states = [a.copy() for a in initial_state[d * states_each : (d + 1) * states_each]]
        zx = one.products(inputs)
        if one.bias is not None:
            zx = zx + (one.bias[0] if one.bias.ndim == 2 else one.bias)
        codes = one.codes(mask, batch, zero_masked)
        y = np.zeros((steps, batch, units), dtype)
        kept = np.zeros((steps, batch, one.kept * units), dtype)
        passed = [[state] for state in states]
        for k in range(steps):
            code = codes[k][:, None]
            values, after = one.forward(zx[k], states)
            kept[k] = np.where(code == 2, np.hstack(values), 0)
            states = [np.where(code == 2, a, b) for a, b in zip(after, states, strict=True)]
            y[one.order[k]] = np.where(code > 0, states[0], 0)
            for line, state in zip(passed, states, strict=True):
                line.append(state)
        ys.append(np.swapaxes(y, 0, 1))
        last += states
        gates.append(kept)
        history += [np.stack(line) for line in passed]
    sequence = np.concatenate(ys, axis=-1) if want_sequence else None
    return sequence, last, gates if want_history else [], history if want_history else []


@np.errstate(all="ignore")
def rnn_backward(
    dy: np.ndarray | None,
    dlast: Arrays | None,
    x: np.ndarray,
    weights: Arrays,
    mask: np.ndarray | None,
    gates: Arrays,
    history: Arrays,
    *,
    cell: str = "simple",
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    directions: int = 1,
    backwards: bool = False,
    zero_masked: bool = False,
    want_dx: bool = True,
    want_dweights: bool = True,
    want_dinitial: bool = False,
) -> tuple[np.ndarray | None, Arrays, Arrays]:
    """The gradients of rnn by x, weights and initial states, by those of y and the last states.

    ``gates`` and ``history`` are what rnn returned; dy and dlast may be absent. The last outputs
    are the last states here: a gradient by what a wholly masked row returns is not for this one.
    """
    batch, steps = x.shape[:2]
    dtype = weights[0].dtype
    if is_ids(x):
        check_indices("rnn_backward", len(weights[0]), 0, x, False)
    dx, dweights, dinitial = np.zeros_like(x), [], []
    states_each = 2 if cell.startswith("lstm") else 1
    rule = (cell, activation, recurrent_activation, directions, backwards)
    for d, one in enumerate(_directions(steps, weights, *rule)):
        units = one.u.shape[0]
        own = slice(d * states_each, (d + 1) * states_each)
        past = history[own]
        dstates = [np.zeros((batch, units), dtype) for _ in range(states_each)]
        if dlast:
            dstates = list(dlast[own])
        codes, xs = one.codes(mask, batch, zero_masked), one.inputs(x)
        dz = np.zeros((steps, batch, one.w.shape[1]), dtype)
        seen = np.zeros_like(dz)
        for k in reversed(range(steps)):
            code = codes[k][:, None]
            dh, dc = dstates[0], dstates[1] if states_each == 2 else None
            if dy is not None:
                out = dy[:, one.order[k], d * units : (d + 1) * units]
                dh = dh + np.where(code > 0, out, 0)
            values = np.split(gates[d][k], one.kept, axis=-1)
            before, after = [a[k] for a in past], [a[k + 1] for a in past]
            by_z, by_h, dbefore = one.backward(values, before, after, dh, dc)
            dz[k] = np.where(code == 2, np.hstack(by_z), 0)
            seen[k] = np.where(code == 2, np.hstack(by_h), 0)
            kept = [dh] if dc is None else [dh, dc]
            dstates = [np.where(code == 2, a, b) for a, b in zip(dbefore, kept, strict=True)]
        flat = dz.reshape(steps * batch, one.w.shape[1])
        if want_dx:
            dx[:, one.order] += np.swapaxes(dz @ one.w.T, 0, 1)
        dweights += _weight_gradients(one, xs, past, gates[d], flat, seen.reshape(flat.shape))
        dinitial += dstates
    return (
        dx if want_dx else None,
        dweights if want_dweights else [],
        dinitial if want_dinitial else [],
    )


def _weight_gradients(
    one: _Direction,
    xs: np.ndarray,
    past: Arrays,
    gates: np.ndarray,
    dz: np.ndarray,
    seen: np.ndarray,
) -> Arrays:
    units = one.u.shape[0]
    h = past[0][:-1].reshape(len(dz), units)
    du = h.T @ seen
    if one.cell == "gru_before":
        q = gates[..., 3 * units :].reshape(len(dz), units)
        du[:, 2 * units :] = q.T @ dz[:, 2 * units :]
    if is_ids(xs):
        dw = np.zeros_like(one.w)
        np.add.at(dw, xs.reshape(-1), dz)
    else:
        dw = xs.reshape(len(dz), one.w.shape[0]).T @ dz
    result = [dw, du]
    if one.bias is not None:
        sums = dz.sum(axis=0)
        result.append(np.stack([sums, seen.sum(axis=0)]) if one.cell == "gru" else sums)
    if one.peephole is not None:
        before, after = (c.reshape(len(dz), units) for c in (past[1][:-1], past[1][1:]))
        di, df, _, do = one.blocks(dz)
        result.append(
            np.stack([(a * b).sum(0) for a, b in ((di, before), (df, before), (do, after))])
        )
    return result
