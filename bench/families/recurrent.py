"""Recurrent layers over whole sequences, and their gradients by inputs and weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

import fastnn as fn
from bench.cells import CELLS, Cell, both_biases, scan
from bench.row import ALL, FORWARD, Engine, Row, both_ways
from bench.shapes import RNN

TOLERANCE = 1e-4  # rounding goes through as many steps as a sequence has


@dataclass(frozen=True)
class Layer:
    """From zero states, outputs of all steps; two directions have them side by side."""

    kind: str
    steps: int
    batch: int
    inputs: int
    units: int
    directions: int

    @property
    def cell(self) -> Cell:
        return CELLS[self.kind]

    @property
    def name(self) -> str:
        units = f"2x{self.units}" if self.directions == 2 else self.units
        return f"{self.kind} {self.batch}x{self.steps}x{self.inputs} to {units}"

    def data(self):
        """x, the gradient of the outputs, of each direction kernel, recurrent kernel and bias."""
        random = np.random.default_rng(0)
        columns = self.cell.gates * self.units
        outputs = self.directions * self.units
        shapes = [
            (self.inputs, columns),
            (self.units, columns),
            (2, columns) if self.kind == "gru" else (columns,),
        ] * self.directions
        x, dy = (
            random.standard_normal((self.batch, self.steps, width), np.float32)
            for width in (self.inputs, outputs)
        )
        scale = np.float32(2 / np.sqrt(self.units))
        halves = [random.random(shape, np.float32) - np.float32(0.5) for shape in shapes]
        return x, dy, *(half * scale for half in halves)

    def flops(self, turn: str) -> float:
        """Of the products."""
        columns = self.directions * self.cell.gates * self.units
        one = 2.0 * self.batch * self.steps * (self.inputs + self.units) * columns
        return 3 * one if turn == ALL else one


# ---- fastnn --------------------------------------------------------------------------------------


def ours(layer: Layer, turn: str, x, dy, *weights) -> Engine:
    x, dy, *weights = map(fn.tensor, (x, dy, *weights))

    def forward(x, *weights):
        both = layer.directions == 2
        return fn.ops.rnn(x, weights, cell=layer.kind, bidirectional=both)[0]

    if turn == ALL:
        return both_ways(forward, dy, [x, *weights])
    # As `predict` does: the plan keeps the weights packed from call to call.
    return Engine(fn.capture(lambda x: forward(x, *weights)).bind(x))


# ---- NumPy ---------------------------------------------------------------------------------------


def one_way(cell: Cell, order: range, gradients: bool, x, dy, w, u, b):
    """The outputs of a direction, then if wanted the gradients by x and the weights."""
    bias, recurrent = both_biases(b)
    z = (x.reshape(-1, len(w)) @ w + bias).reshape(*x.shape[:2], -1)
    states = zeros = (np.zeros((len(x), len(u)), np.float32),) * cell.states
    y, trail = np.empty(dy.shape, np.float32), []
    for t in order:
        before = states
        states, gates = cell.step(np, z[:, t], sum(recurrent, states[0] @ u), *before)
        y[:, t] = states[0]
        if gradients:
            trail.append((t, before, gates))
    if not gradients:
        return [y]
    d, h, dz, dr = zeros, np.empty_like(y), np.empty_like(z), np.empty_like(z)
    for t, before, gates in reversed(trail):
        dh, *dc = d
        dz[:, t], dr[:, t], (dh, *dc) = cell.back(gates, before, (dh + dy[:, t], *dc))
        d, h[:, t] = (dh + dr[:, t] @ u.T, *dc), before[0]
    x, h, dz, dr = (part.reshape(-1, part.shape[-1]) for part in (x, h, dz, dr))
    db = np.reshape([part.sum(0) for part in (dz, dr)[: b.ndim]], b.shape)
    return y, (dz @ w.T).reshape(*y.shape[:2], -1), x.T @ dz, h.T @ dr, db


def numpys(layer: Layer, turn: str, x, dy, *weights) -> Engine:
    orders = (range(layer.steps), range(layer.steps)[::-1])
    signals = np.split(dy, layer.directions, -1)

    def call():
        ways = [
            one_way(layer.cell, order, turn == ALL, x, signal, *weights[3 * i : 3 * i + 3])
            for i, (order, signal) in enumerate(zip(orders, signals))
        ]
        y = np.concatenate([way[0] for way in ways], -1)
        if turn == FORWARD:
            return y
        return y, sum(way[1] for way in ways), *(part for way in ways for part in way[2:])

    return Engine(call)


# ---- PyTorch -------------------------------------------------------------------------------------


def exchanged(layer: Layer, w):
    """Columns of a GRU with PyTorch's order of gates, from ours or back."""
    if layer.kind != "gru":
        return w
    update, reset, new = np.split(w, 3, -1)
    return np.concatenate([reset, update, new], -1)


def torchs(layer: Layer, turn: str, x, dy, *weights) -> Engine:
    import torch

    make = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "simple": torch.nn.RNN}[layer.kind]
    both = layer.directions == 2
    model = make(layer.inputs, layer.units, batch_first=True, bidirectional=both)
    theirs: list = []
    for w in weights:
        w = exchanged(layer, w)
        if len(theirs) % 4 < 2:
            theirs.append(w.T)
        else:  # all of its cells have two biases
            theirs.extend(w if w.ndim == 2 else (w, np.zeros_like(w)))
    with torch.no_grad():
        for parameter, w in zip(model.parameters(), theirs):
            parameter.copy_(torch.as_tensor(w))
    x, dy = map(torch.as_tensor, (x, dy))
    if turn == FORWARD:
        return Engine(torch.inference_mode()(lambda: model(x)[0]))
    leaves = [x, *model.parameters()]
    call = both_ways(lambda x, *_: model(x)[0], dy, leaves).call

    def result():
        y, dx, *parts = call()
        found = []
        for i in range(0, len(parts), 4):
            dw, du, *db = (exchanged(layer, part.cpu().numpy().T) for part in parts[i : i + 4])
            found += [dw, du, np.stack(db) if layer.kind == "gru" else db[0]]
        return y, dx, *found

    return Engine(call, result)


# ---- JAX -----------------------------------------------------------------------------------------


def jaxs(layer: Layer, turn: str, *operands) -> Engine:
    import jax
    import jax.numpy as jnp

    def forward(x, *weights):
        ways = [
            scan(layer.cell, x, *weights[3 * i : 3 * i + 3], reverse=bool(i))[1]
            for i in range(layer.directions)
        ]
        return jnp.concatenate(ways, -1)

    @jax.jit
    def call(x, dy, *weights):
        if turn == FORWARD:
            return forward(x, *weights)
        y, gradients = jax.vjp(forward, x, *weights)
        return y, *gradients(dy)

    arrays = [jnp.asarray(part) for part in operands]
    return Engine(lambda: jax.block_until_ready(call(*arrays)))


ENGINES = {"fastnn": ours, "NumPy": numpys, "PyTorch": torchs, "JAX": jaxs}


def rows() -> Iterator[Row]:
    for turn in (FORWARD, ALL):
        for layer in (Layer(*shape) for shape in RNN):
            yield Row(
                f"{layer.name}: {turn}",
                layer.data,
                {name: partial(make, layer, turn) for name, make in ENGINES.items()},
                flops=layer.flops(turn),
                tolerance=TOLERANCE,
            )
