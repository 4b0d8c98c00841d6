"""Tables of which a step reads a few rows: the gradient, and the optimizer's step."""

from collections.abc import Iterator
from functools import partial
from itertools import cycle

import numpy as np

import fastnn as fn
from bench.row import Engine, Row, Streams
from bench.shapes import short
from fastnn.row_gradient import RowGradient

ROWS, WIDTH, IDS = 10**5, 64, 1000
BATCHES = 16  # of ids in turn, so that rows come from memory
RATE, EPSILON = 0.001, 1e-10  # so small that it matters little where it is added


def operands():
    """The table, ids, and the gradient of the rows that are read."""
    random = np.random.default_rng(0)
    table = random.random((ROWS, WIDTH), np.float32) - np.float32(0.5)
    ids = random.integers(0, ROWS, (BATCHES, IDS))
    return table, ids, random.random((IDS, WIDTH), np.float32) - np.float32(0.5)


# ---- the gradient --------------------------------------------------------------------------------


def our_gradient(table, ids, dy) -> Engine:
    batches, dy = cycle(map(fn.tensor, ids)), fn.tensor(dy)

    def gradient(ids):
        return RowGradient(table.shape, dy.dtype, [(ids, dy)])

    whole = partial(lambda: [gradient(fn.tensor(ids[0])).dense()])
    return Engine(lambda: gradient(next(batches)).merged(), whole)


def numpys_gradient(table, ids, dy) -> Engine:
    batches = cycle(ids)

    def call(ids=None):
        rows, places = np.unique(next(batches) if ids is None else ids, return_inverse=True)
        sums = np.zeros((len(rows), WIDTH), np.float32)
        np.add.at(sums, places, dy)
        return rows, sums

    def whole():
        rows, sums = call(ids[0])
        total = np.zeros_like(table)
        total[rows] = sums
        return total

    return Engine(call, whole)


def torchs_gradient(table, ids, dy) -> Engine:
    import torch

    batches, dy = cycle(map(torch.from_numpy, ids)), torch.from_numpy(dy)

    def gradient(ids):
        backward = torch.ops.aten.embedding_backward
        return backward(dy, ids, ROWS, -1, False, True).coalesce()

    whole = partial(lambda: gradient(torch.from_numpy(ids[0])).to_dense())
    return Engine(lambda: gradient(next(batches)), whole)


# ---- forward, gradient and Adam ------------------------------------------------------------------


def moved(call, weights, start, ids):
    """How far the first step moves the rows that it reads."""
    call()
    return np.asarray(weights)[ids[0]] - start[ids[0]]


def ours(table, ids, dy, sparse: bool) -> Engine:
    weights, batches, dy = fn.Variable(table), cycle(map(fn.tensor, ids)), fn.tensor(dy)
    optimizer = fn.optimizers.Adam(RATE, epsilon=EPSILON)

    def call():
        ids = next(batches)
        _, gradient = fn.value_and_grad(
            lambda weights: (fn.ops.embedding(ids, weights) * dy).sum(), sparse=sparse
        )(weights)
        optimizer.apply([gradient], [weights])

    return Engine(call, partial(moved, call, weights, table, ids))


def numpys(table, ids, dy, sparse: bool) -> Engine:
    weights, batches = table.copy(), cycle(ids)
    m, v = np.zeros_like(table), np.zeros_like(table)
    step = 0

    def call():
        nonlocal step
        step += 1
        rate = np.float32(RATE * np.sqrt(1 - 0.999**step) / (1 - 0.9**step))
        at, places = np.unique(next(batches), return_inverse=True)
        (weights[at[places]] * dy).sum()
        g = np.zeros((len(at), WIDTH), np.float32)
        np.add.at(g, places, dy)
        if not sparse:
            whole = np.zeros_like(table)
            whole[at] = g
            g, at = whole, slice(None)
        m[at] += (g - m[at]) * np.float32(0.1)
        v[at] += (g * g - v[at]) * np.float32(0.001)
        weights[at] -= rate * m[at] / (np.sqrt(v[at]) + np.float32(EPSILON))

    return Engine(call, partial(moved, call, weights, table, ids))


def torchs(table, ids, dy, sparse: bool) -> Engine:
    import torch

    weights = torch.nn.Parameter(torch.from_numpy(table.copy()))
    batches, dy = cycle(map(torch.from_numpy, ids)), torch.from_numpy(dy)
    make = torch.optim.SparseAdam if sparse else partial(torch.optim.Adam, fused=True)
    optimizer = make([weights], lr=RATE, eps=EPSILON)

    def call():
        optimizer.zero_grad()
        y = torch.nn.functional.embedding(next(batches), weights, sparse=sparse)
        (y * dy).sum().backward()
        optimizer.step()

    return Engine(call, partial(moved, call, weights.detach(), table, ids))


def rows() -> Iterator[Row]:
    size = f"{short(IDS)} of {short(ROWS)} x {WIDTH}"
    engines = {"fastnn": our_gradient, "NumPy": numpys_gradient, "PyTorch": torchs_gradient}
    streams = (Streams(IDS * WIDTH, read=1, written=1),)
    yield Row(f"gradient of {size}", operands, engines, streams=streams)
    for sparse in (True, False):
        engines = {
            name: partial(make, sparse=sparse)
            for name, make in (("fastnn", ours), ("NumPy", numpys), ("PyTorch", torchs))
        }
        name = f"{'lazy ' if sparse else ''}Adam, {size}"
        # A weight of 0.5 in float32 shows a change of 0.001 to 6e-5 of itself.
        streams = (Streams((IDS if sparse else ROWS) * WIDTH, read=1, updated=3),)
        yield Row(name, operands, engines, streams=streams, tolerance=1e-4)
