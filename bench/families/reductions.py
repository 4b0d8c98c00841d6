"""Reductions, gathering of rows and its gradient, random numbers."""

from collections.abc import Iterator
from functools import partial

import numpy as np

import fastnn as fn
from bench.row import Engine, Row, Streams

SIZE = 1000  # rows, and columns
PICKED = 256
DRAWN = 10**6


def matrix():
    return [np.random.default_rng(0).standard_normal((SIZE, SIZE), dtype=np.float32)]


# name: what is called on x, where NumPy, fastnn and PyTorch spell it alike
REDUCTIONS = {
    "sum": lambda x: x.sum(),
    "sum over rows": lambda x: x.sum(0),
    "max": lambda x: x.max(),
    "mean over columns": lambda x: x.mean(1),
    "argmax over columns": lambda x: x.argmax(1),
}


def ours(reduce, x) -> Engine:
    return Engine(partial(reduce, fn.tensor(x)))


def numpys(reduce, x) -> Engine:
    return Engine(partial(reduce, x))


def torchs(reduce, x) -> Engine:
    import torch

    return Engine(partial(reduce, torch.from_numpy(x)))


# ---- rows of a table -----------------------------------------------------------------------------


def table():
    random = np.random.default_rng(0)
    x = random.standard_normal((SIZE, SIZE), dtype=np.float32)
    return x, random.integers(0, SIZE, PICKED)


def our_gather(x, rows) -> Engine:
    a, b = fn.tensor(x), fn.tensor(rows)
    return Engine(lambda: fn.ops.take(a, b, axis=0))


def numpys_gather(x, rows) -> Engine:
    return Engine(lambda: x[rows])


def torchs_gather(x, rows) -> Engine:
    import torch

    a, b = torch.from_numpy(x), torch.from_numpy(rows)
    return Engine(lambda: torch.index_select(a, 0, b))


def our_scatter(x, rows) -> Engine:
    updates, b = fn.tensor(x[:PICKED]), fn.tensor(rows)

    def call():
        total = fn.ops.zeros((SIZE, SIZE))
        fn._core.scatter_add(total, updates, b, 0)
        return total

    return Engine(call)


def numpys_scatter(x, rows) -> Engine:
    def call():
        total = np.zeros_like(x)
        np.add.at(total, rows, x[:PICKED])
        return total

    return Engine(call)


def torchs_scatter(x, rows) -> Engine:
    import torch

    updates, b = torch.from_numpy(x[:PICKED]), torch.from_numpy(rows)
    return Engine(lambda: torch.zeros(SIZE, SIZE).index_add_(0, b, updates))


# ---- random numbers ------------------------------------------------------------------------------


def nothing():
    return ()


def moments(draw):
    """What the numbers of any generator agree in."""
    numbers = np.asarray(draw(), np.float64)
    return [numbers.mean(), numbers.std()]


def our_uniform() -> Engine:
    seeds = fn.random.SeedGenerator(0)
    draw = partial(fn.random.uniform, (DRAWN,), seed=seeds)
    return Engine(draw, partial(moments, draw))


def numpys_uniform() -> Engine:
    draw = partial(np.random.default_rng(0).random, DRAWN, dtype=np.float32)
    return Engine(draw, partial(moments, draw))


def torchs_uniform() -> Engine:
    import torch

    draw = partial(torch.rand, DRAWN)
    return Engine(draw, partial(moments, draw))


def rows() -> Iterator[Row]:
    read = (Streams(SIZE * SIZE, read=1),)
    for name, reduce in REDUCTIONS.items():
        engines = {"fastnn": ours, "NumPy": numpys, "PyTorch": torchs}
        named = {engine: partial(make, reduce) for engine, make in engines.items()}
        yield Row(f"{name}, {SIZE}x{SIZE}", matrix, named, streams=read, tolerance=1e-4)
    picked = Streams(PICKED * SIZE, read=1, written=1)
    gather = {"fastnn": our_gather, "NumPy": numpys_gather, "PyTorch": torchs_gather}
    yield Row(f"gather {PICKED} rows of {SIZE}", table, gather, streams=(picked,))
    scatter = {"fastnn": our_scatter, "NumPy": numpys_scatter, "PyTorch": torchs_scatter}
    written = Streams(SIZE * SIZE, written=1)
    added = Streams(PICKED * SIZE, read=1, updated=1)
    name = f"scatter-add {PICKED} rows of {SIZE} onto zeros"
    yield Row(name, table, scatter, streams=(written, added))
    uniform = {"fastnn": our_uniform, "NumPy": numpys_uniform, "PyTorch": torchs_uniform}
    streams = (Streams(DRAWN, written=1),)
    yield Row("uniform, 1e6", nothing, uniform, streams=streams, tolerance=0.01)
