"""Running sums, sorting, the largest few, moments."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import fastnn as fn
from bench.row import Engine, Row, Streams

LONG = 10**6
EDGES = 1000


def numbers(*shape: int):
    return [np.random.default_rng(0).standard_normal(shape, dtype=np.float32)]


def edges_and_numbers():
    (x,) = numbers(LONG)
    return np.linspace(-3, 3, EDGES, dtype=np.float32), x


def engine(convert: Callable, function: Callable, keep: Callable, *arrays) -> Engine:
    """`keep` takes what is compared from what the function returns."""
    call = partial(function, *map(convert, arrays))
    return Engine(call, lambda: keep(call()))


def all_of_it(result: Any):
    return result


def torchs(function: Callable, keep: Callable, *arrays) -> Engine:
    import torch

    return engine(torch.from_numpy, partial(function, torch), keep, *arrays)


def row(
    name: str, data: Callable, ours: Callable, numpys: Callable, theirs: Callable, streams: Streams
) -> Row:
    """`theirs` is given PyTorch first. Where it returns positions too, only values are compared."""

    def values(result: Any):
        return result[0] if type(result).__name__ in ("sort", "topk") else result

    engines = {
        "fastnn": partial(engine, fn.tensor, ours, all_of_it),
        "NumPy": partial(engine, all_of_it, numpys, all_of_it),
        "PyTorch": partial(torchs, theirs, values),
    }
    return Row(name, data, engines, streams=(streams,), tolerance=1e-4)


def largest(x: np.ndarray, k: int) -> np.ndarray:
    """The k largest of each row in order."""
    return -np.sort(np.partition(-x, k, axis=1)[:, :k], axis=1)


def rows() -> Iterator[Row]:
    ops = fn.ops
    for shape in ((LONG,), (100, 1000)):
        name = "x".join(map(str, shape)) if len(shape) > 1 else "1e6"
        passes = Streams(int(np.prod(shape)), read=1, written=1)
        yield row(
            f"sort, {name}",
            partial(numbers, *shape),
            ops.sort,
            partial(np.sort, axis=-1),
            lambda torch, x: torch.sort(x),
            passes,
        )
        yield row(
            f"stable argsort, {name}",
            partial(numbers, *shape),
            ops.argsort,
            partial(np.argsort, axis=-1, kind="stable"),
            lambda torch, x: torch.argsort(x, stable=True),
            passes,
        )
    for k in (5, 50):
        yield row(
            f"largest {k}, 100x1000",
            partial(numbers, 100, 1000),
            lambda x, k=k: ops.top_k(x, k)[0],
            partial(largest, k=k),
            lambda torch, x, k=k: torch.topk(x, k),
            Streams(10**5, read=1),
        )
    for axis in (0, 1):
        yield row(
            f"running sum along axis {axis}, 1000x1000",
            partial(numbers, 1000, 1000),
            partial(ops.cumsum, axis=axis),
            partial(np.cumsum, axis=axis),
            lambda torch, x, axis=axis: torch.cumsum(x, axis),
            Streams(LONG, read=1, written=1),
        )
    yield row(
        "mean and variance over rows, 1000x1000",
        partial(numbers, 1000, 1000),
        partial(ops.moments, axes=0),
        lambda x: (x.mean(0), x.var(0)),
        lambda torch, x: torch.var_mean(x, 0, correction=0)[::-1],
        Streams(LONG, read=1),
    )
    yield row(
        f"1e6 numbers among {EDGES} edges",
        edges_and_numbers,
        ops.searchsorted,
        np.searchsorted,
        lambda torch, edges, x: torch.searchsorted(edges, x),
        Streams(LONG, read=1, written=2),
    )
