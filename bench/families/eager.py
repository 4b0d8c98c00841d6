"""What a small eager call costs: NumPy, fastnn and PyTorch spell these alike."""

from collections.abc import Iterator
from functools import partial

import numpy as np

import fastnn as fn
from bench.row import Engine, Row
from bench.shapes import SMALL

CALLS = {
    "a + b": lambda a, b, c: a + b,
    "a * 2": lambda a, b, c: a * 2.0,
    "a[3]": lambda a, b, c: a[3],
    "a[2:5]": lambda a, b, c: a[2:5],
    "a.reshape(10, 100)": lambda a, b, c: a.reshape(10, 100),
    "a.T": lambda a, b, c: a.T,
    "a.sum()": lambda a, b, c: a.sum(),
    "a.sum(0)": lambda a, b, c: a.sum(0),
    "a.max()": lambda a, b, c: a.max(),
    "c @ c, 8x8": lambda a, b, c: c @ c,
}


def operands():
    random = np.random.default_rng(0)
    return [random.standard_normal(shape, dtype=np.float32) for shape in (SMALL, SMALL, (8, 8))]


def ours(function, *operands) -> Engine:
    return Engine(partial(function, *(fn.tensor(x) for x in operands)))


def numpys(function, *operands) -> Engine:
    return Engine(partial(function, *operands))


def torchs(function, *operands) -> Engine:
    import torch

    return Engine(partial(function, *(torch.from_numpy(x) for x in operands)))


def rows() -> Iterator[Row]:
    engines = {"fastnn": ours, "NumPy": numpys, "PyTorch": torchs}
    for name, function in CALLS.items():
        named = {engine: partial(make, function) for engine, make in engines.items()}
        yield Row(name if "8x8" in name else f"{name}, {SMALL[0]}x{SMALL[1]}", operands, named)
