"""rnn: the time loop is on the host, a step is one product and one kernel.

x @ w for all steps is one product before the loop. A step is h @ u and the cell; with the reset
gate before the product (gru_before) both come twice. Kernels take one unit of one row a thread.
"""

from __future__ import annotations

import functools
from typing import Any

from .arrays import empty, flat
from .cuda import compiled, cuda, kernel, launch
from .gather import read_rows
from .gemm import Result, matrices, multiply
from .loops import elementwise
from .recurrent_cells import forward_cell, reset_gate
from .recurrent_directions import Direction, codes_of, directions_of, piece, set_to


@functools.cache
def _forward_step(cell: str, activation: str, recurrent: str, dtype: type, kept: int) -> Any:
    compute = forward_cell(cell, activation, recurrent, dtype)
    has_c, zero = cell.startswith("lstm"), dtype(0)

    @kernel
    def step(y, gates, h_next, c_next, zx, hz, h, c, p, codes, z_row, z_step, y_row, y_step, sizes):
        """zx and y begin with the step's first row; their rows lie z_row and y_row apart."""
        batch, units, wide, want_y, want_gates = sizes
        for at in range(cuda.grid(1), batch * units, cuda.gridsize(1)):
            row, j = at // units, at % units
            before, cell_before = h[at], c[at]
            places = (z_step + row * z_row, row * wide)
            result = compute(zx, places[0], hz, places[1], units, j, before, cell_before, p)
            counts = codes[row] == 2
            after = result[0] if counts else before
            h_next[at] = after
            if has_c:
                c_next[at] = result[1] if counts else cell_before
            if want_y:
                y[y_step + row * y_row + j] = after if codes[row] > 0 else zero
            if want_gates:
                first = row * kept * units + j
                gates[first] = result[2] if counts else zero
                if kept == 4:
                    gates[first + units] = result[3] if counts else zero
                    gates[first + 2 * units] = result[4] if counts else zero
                    gates[first + 3 * units] = result[5] if counts else zero

    return step


@functools.cache
def _reset_state(recurrent: str, dtype: type) -> Any:
    s, _ = reset_gate(recurrent, dtype)

    @kernel
    def reset(q, zx, hz, h, z_row, z_step, batch, units):
        """q = r * h, for gru_before."""
        for at in range(cuda.grid(1), batch * units, cuda.gridsize(1)):
            row, j = at // units, at % units
            here = units + j
            q[at] = s(zx[z_step + row * z_row + here] + hz[row * 3 * units + here]) * h[at]

    return reset


_sum_of = compiled(lambda x1, x2: x1 + x2)


def _forward(
    one: Direction, functions: tuple, x: Any, codes: Any, initial: list, outputs: tuple
) -> None:
    """A direction; outputs are y and, flat, the last states, gates and history."""
    y, last, gates, history = outputs
    batch, steps = tuple(x.shape)[:2]
    units, wide, dtype = one.units, one.gates * one.units, one.w.dtype
    real, size = dtype.type, batch * units
    zx, hz = empty(batch * steps * wide, dtype), empty(batch * wide, dtype)
    biases = [None, None]
    if one.bias is not None:
        b = flat(one.bias)
        biases = [b[:wide], b[wide:] if one.cell == "gru" else None]
    if x.ndim == 2:
        read_rows(zx, one.w, x, wide, "rnn")
        if biases[0] is not None:
            elementwise(_sum_of, [zx.reshape(-1, wide)], [zx.reshape(-1, wide), biases[0]])
    else:
        features = tuple(x.shape)[2]
        multiply(
            matrices(x, features, 1),
            matrices(one.w, 1, wide),
            (1, batch * steps, wide, features),
            Result(zx, 0, wide, bias=biases[0]),
        )
    kept = history[0] is not None
    lines = history if kept else [empty(2 * size, dtype) for _ in range(one.states)]
    for line, state in zip(lines, initial):
        set_to(line[:size], state)
    step = _forward_step(one.cell, *functions, real, one.kept)
    p = hz if one.peephole is None else flat(one.peephole)
    y_row = 0 if y is None else steps * tuple(y.shape)[2]
    for k in range(steps):
        now, after = (k, k + 1) if kept else (k % 2, 1 - k % 2)
        h, h_next = piece(lines[0], now, size), piece(lines[0], after, size)
        c, c_next = piece(lines[-1], now, size), piece(lines[-1], after, size)
        z_step = one.step_of(k, steps) * wide
        left = matrices(h, units, 1)
        if one.cell == "gru_before":
            result = Result(hz, 0, wide)
            multiply(left, matrices(one.u, 1, wide), (1, batch, 2 * units, units), result)
            q = empty(size, dtype)
            reset = _reset_state(functions[1], real)
            launch(reset, size, q, zx, hz, h, steps * wide, z_step, batch, units)
            right = matrices(one.u[2 * units :], 1, wide)
            result = Result(hz[2 * units :], 0, wide)
            multiply(matrices(q, units, 1), right, (1, batch, units, units), result)
        else:
            result = Result(hz, 0, wide, bias=biases[1])
            multiply(left, matrices(one.u, 1, wide), (1, batch, wide, units), result)
        y_step = one.step_of(k, steps) * (y_row // steps) + one.number * units
        arrays = (
            hz if y is None else flat(y),
            hz if gates is None else piece(gates, k, size * one.kept),
            *(h_next, c_next, zx, hz, h, c, p, piece(codes, k, batch)),
        )
        sizes = (batch, units, wide, int(y is not None), int(gates is not None))
        launch(step, size, *arrays, steps * wide, z_step, y_row, y_step, sizes)
    for line, to in zip(lines, last):
        set_to(flat(to), piece(line, steps if kept else steps % 2, size))


def rnn(
    y: Any,
    last: list,
    gates: Any,
    history: Any,
    inputs: Any,
    weights: list,
    initial_state: Any = None,
    mask: Any = None,
    *,
    cell: str = "simple",
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    directions: int = 1,
    backwards: bool = False,
    zero_masked: bool = False,
    want_sequence: bool = True,
    want_history: bool = False,
) -> None:
    """A recurrent layer: outputs of all steps, last states, and what rnn_backward reads."""
    batch, steps = tuple(inputs.shape)[:2]
    functions = (activation, recurrent_activation)
    for one in directions_of(weights, cell, directions, backwards):
        codes = codes_of(mask, batch, steps, one.backwards, zero_masked)
        own = [None if line is None else flat(line) for line in one.own(history)]
        outputs = (y, one.own(last), flat(gates[one.number]) if gates else None, own)
        _forward(one, functions, inputs, codes, one.own(initial_state), outputs)


FUNCTIONS = {"rnn": rnn}
