"""rnn_backward: back through time, a step is one kernel and one product.

The steps leave what x @ w and h @ u would see; one product each for the gradients by x and by each
array of weights follows the loop.
"""

from __future__ import annotations

import functools
from typing import Any

from .arrays import clear, empty, flat
from .cuda import cuda, kernel, launch
from .gather import scatter_add
from .gemm import Result, matrices, multiply
from .recurrent_cells import GATES, backward_cell, reset_gate
from .recurrent_directions import Direction, codes_of, directions_of, piece, set_to
from .reduce import fold


@functools.cache
def _backward_step(cell: str, activation: str, recurrent: str, dtype: type, kept: int) -> Any:
    compute = backward_cell(cell, activation, recurrent, dtype)
    has_c, count, zero = cell.startswith("lstm"), GATES[cell], dtype(0)

    @kernel
    def step(
        dz, seen, dh, dc, dy, gates, h, c, c_next, p, codes, z_row, z_step, y_row, y_step, sizes
    ):
        """dh becomes what reaches h without a product, dc what reaches c."""
        batch, units, has_dy = sizes
        for at in range(cuda.grid(1), batch * units, cuda.gridsize(1)):
            row, j = at // units, at % units
            dh_here, dc_here = dh[at], dc[at]
            if has_dy and codes[row] > 0:
                dh_here += dy[y_step + row * y_row + j]
            from_, to = row * kept * units + j, row * count * units + j
            v0 = gates[from_]
            v1, v2, v3 = v0, v0, v0
            if kept == 4:
                v1, v2 = gates[from_ + units], gates[from_ + 2 * units]
                v3 = gates[from_ + 3 * units]
            result = compute(
                v0, v1, v2, v3, h[at], c[at], c_next[at], dh_here, dc_here, p, units, j
            )
            counts = codes[row] == 2
            for gate in range(count):
                if gate == 0:
                    value = result[0]
                elif gate == 1:
                    value = result[1]
                elif gate == 2:
                    value = result[2]
                else:
                    value = result[3]
                value = value if counts else zero
                dz[z_step + row * z_row + gate * units + j] = value
                if gate == 2:
                    value = result[4] if counts else zero
                seen[to + gate * units] = value
            dh[at] = result[5] if counts else dh_here
            if has_c:
                dc[at] = result[6] if counts else dc_here

    return step


@functools.cache
def _reset_slope(recurrent: str, dtype: type) -> Any:
    _, slope = reset_gate(recurrent, dtype)

    @kernel
    def reset(dz, seen, dh, dq, gates, h, z_row, z_step, batch, units):
        """What comes back through q = r * h, for gru_before; where nothing does, dq is 0."""
        for at in range(cuda.grid(1), batch * units, cuda.gridsize(1)):
            row, j = at // units, at % units
            r = gates[row * 4 * units + units + j]
            dreset = dq[at] * h[at] * slope(r)
            dz[z_step + row * z_row + units + j] = dreset
            seen[row * 3 * units + units + j] = dreset
            dh[at] += dq[at] * r

    return reset


def _backward(
    one: Direction, functions: tuple, dy: Any, codes: Any, shape: tuple, kept: tuple, states: list
) -> tuple:
    """Runs back through time: dz as x @ w sees it, in x's order of rows, and as h @ u sees it, in
    that of visits. ``states``, the gradients by the last states, become those by the first."""
    batch, steps = shape
    gates, history = kept
    units, wide, dtype = one.units, one.gates * one.units, gates.dtype
    size = batch * units
    dz, seen = empty(steps * batch * wide, dtype), empty(steps * batch * wide, dtype)
    step = _backward_step(one.cell, *functions, dtype.type, one.kept)
    dh, dc = states[0], states[-1]
    p = dz if one.peephole is None else flat(one.peephole)
    y_row = 0 if dy is None else steps * tuple(dy.shape)[2]
    for k in reversed(range(steps)):
        h, c = (piece(line, k, size) for line in (history[0], history[-1]))
        c_next = piece(history[-1], k + 1, size)
        now, there = piece(seen, k, batch * wide), piece(gates, k, size * one.kept)
        z_step = one.step_of(k, steps) * wide
        y_step = one.step_of(k, steps) * (y_row // steps) + one.number * units
        arrays = (dz, now, dh, dc, dh if dy is None else flat(dy), there, h, c, c_next, p)
        places = (steps * wide, z_step, y_row, y_step)
        sizes = (batch, units, int(dy is not None))
        launch(step, size, *arrays, piece(codes, k, batch), *places, sizes)
        through = wide
        if one.cell == "gru_before":
            through, last = 2 * units, slice(2 * units, None)
            dq = empty(size, dtype)
            left, right = matrices(now[last], wide, 1), matrices(one.u[last], wide, 1)
            multiply(left, right, (1, batch, units, units), Result(dq, 0, units))
            reset = _reset_slope(functions[1], dtype.type)
            launch(reset, size, dz, now, dh, dq, there, h, steps * wide, z_step, batch, units)
        left, right = matrices(now, wide, 1), matrices(one.u, wide, 1)
        multiply(left, right, (1, batch, units, through), Result(dh, 0, units, start=dh))
    return dz, seen


@kernel
def _peephole_products(product, seen, c, rows, units, batch):
    """[rows, 3, units]: di and df times c before, do times c after, which stands a step later."""
    for at in range(cuda.grid(1), rows * units, cuda.gridsize(1)):
        row, j = at // units, at % units
        from_, to = row * 4 * units + j, row * 3 * units + j
        product[to] = seen[from_] * c[at]
        product[to + units] = seen[from_ + units] * c[at]
        product[to + 2 * units] = seen[from_ + 3 * units] * c[at + batch * units]


def _weight_gradients(
    one: Direction, x: Any, dz: Any, seen: Any, kept: tuple, gradients: list
) -> None:
    """dw, du, and db and dp where there are some."""
    batch, steps = tuple(x.shape)[:2]
    gates, history = kept
    units, wide, rows = one.units, one.gates * one.units, batch * steps
    dw, du, *rest = gradients
    if x.ndim == 2:
        clear(dw)
        scatter_add(dw, dz, x, wrap=False, name="rnn_backward")
    else:
        features = tuple(x.shape)[2]
        left, right = matrices(x, 1, features), matrices(dz, 1, wide)
        multiply(left, right, (1, features, wide, rows), Result(flat(dw), 0, wide))
    through = 2 * units if one.cell == "gru_before" else wide
    left, right = matrices(history[0], 1, units), matrices(seen, 1, wide)
    multiply(left, right, (1, units, through, rows), Result(flat(du), 0, wide))
    if one.cell == "gru_before" and rows:
        left = matrices(gates[3 * units :], 1, 4 * units)  # q
        right = matrices(seen[2 * units :], 1, wide)
        result = Result(flat(du)[2 * units :], 0, wide)
        multiply(left, right, (1, units, units, rows), result)
    elif through < wide:
        clear(du)
    if one.bias is not None:
        db = flat(rest[0])
        fold(db[:wide], dz, (1, rows, wide), "sum")
        if one.cell == "gru":
            fold(db[wide:], seen, (1, rows, wide), "sum")
    if one.peephole is not None:
        product = empty(rows * 3 * units, dz.dtype)
        launch(_peephole_products, rows * units, product, seen, history[-1], rows, units, batch)
        fold(flat(rest[-1]), product, (1, rows, 3 * units), "sum")


def rnn_backward(
    dx: Any,
    dweights: Any,
    dinitial: Any,
    dy: Any,
    dlast: Any,
    x: Any,
    weights: list,
    mask: Any,
    gates: list,
    history: list,
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
) -> None:
    """The gradients of rnn by x, weights and initial states."""
    batch, steps = tuple(x.shape)[:2]
    each = len(weights) // directions
    functions = (activation, recurrent_activation)
    for one in directions_of(weights, cell, directions, backwards):
        codes = codes_of(mask, batch, steps, one.backwards, zero_masked)
        size, wide = batch * one.units, one.gates * one.units
        states = [empty(size, one.w.dtype) if to is None else flat(to) for to in one.own(dinitial)]
        for state, given in zip(states, one.own(dlast)):
            set_to(state, given)
        kept = flat(gates[one.number]), [flat(line) for line in one.own(history)]
        dz, seen = _backward(one, functions, dy, codes, (batch, steps), kept, states)
        if dx is not None:
            features = tuple(x.shape)[2]
            start = flat(dx) if one.number else None
            result = Result(flat(dx), 0, features, start=start)
            extents = (1, batch * steps, features, wide)
            multiply(matrices(dz, wide, 1), matrices(one.w, wide, 1), extents, result)
        if dweights:
            own = dweights[one.number * each : (one.number + 1) * each]
            _weight_gradients(one, x, dz, seen, kept, own)


FUNCTIONS = {"rnn_backward": rnn_backward}
