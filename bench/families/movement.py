"""Arrays joined, padded, cut, turned and picked from: moves without arithmetic."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

import fastnn as fn
from bench.row import Engine, Row, Streams

IMAGES = (32, 28, 28, 16)  # channels last
HEADS = (32, 64, 8, 16)
TABLE = (100_000, 256)


class Move(NamedTuple):
    """What is done to arrays, in the words of each package, and their shapes."""

    shapes: tuple[tuple[int, ...], ...]
    fastnn: Callable
    numpy: Callable
    torch: Callable
    moved: int  # elements that are read and written


def stacked() -> Move:
    return Move(
        ((1000, 1000),) * 2,
        lambda a, b: fn.ops.stack([a, b], axis=-1),
        lambda a, b: np.stack([a, b], axis=-1),
        lambda torch, a, b: torch.stack([a, b], -1),
        2 * 10**6,
    )


def joined() -> Move:
    return Move(
        (IMAGES,) * 2,
        lambda a, b: fn.ops.concatenate([a, b], axis=-1),
        lambda a, b: np.concatenate([a, b], axis=-1),
        lambda torch, a, b: torch.cat([a, b], -1),
        2 * int(np.prod(IMAGES)),
    )


def padded() -> Move:
    around = ((0, 0), (1, 1), (1, 1), (0, 0))
    return Move(
        (IMAGES,),
        lambda x: fn.ops.pad(x, around),
        lambda x: np.pad(x, around),
        lambda torch, x: torch.nn.functional.pad(x, (0, 0, 1, 1, 1, 1)),
        int(np.prod(IMAGES)),
    )


def cut() -> Move:
    return Move(
        (IMAGES,),
        lambda x: x[..., :8],
        lambda x: x[..., :8].copy(),
        lambda torch, x: x[..., :8].contiguous(),
        int(np.prod(IMAGES)) // 2,
    )


def turned() -> Move:
    return Move(
        (HEADS,),
        lambda x: fn.ops.transpose(x, (0, 2, 1, 3)),
        lambda x: np.ascontiguousarray(x.transpose(0, 2, 1, 3)),
        lambda torch, x: x.permute(0, 2, 1, 3).contiguous(),
        int(np.prod(HEADS)),
    )


MOVES = {
    "stack, 2 of 1000x1000, last axis": stacked,
    "concatenate, 2 of 32x28x28x16, channels": joined,
    "pad 32x28x28x16 by 1": padded,
    "8 of 16 channels, 32x28x28": cut,
    "transpose to heads, 32x64x8x16": turned,
}


def operands(shapes):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]


def ours(move, *xs) -> Engine:
    return Engine(partial(move, *map(fn.tensor, xs)))


def numpys(move, *xs) -> Engine:
    return Engine(partial(move, *xs))


def torchs(move, *xs) -> Engine:
    import torch

    return Engine(partial(move, torch, *map(torch.from_numpy, xs)))


# ---- picked --------------------------------------------------------------------------------------


def table(shape, count):
    (x,) = operands([shape])
    return x, np.random.default_rng(1).integers(0, shape[0], count)


def masked():
    (x,) = operands([(1000, 1000)])
    return x, x > 0


def our_take(x, places) -> Engine:
    return Engine(partial(fn.ops.take, fn.tensor(x), fn.tensor(places), axis=0))


def our_mask(x, mask) -> Engine:
    return Engine(partial(fn.Tensor.__getitem__, fn.tensor(x), fn.tensor(mask)))


def numpys_index(x, places) -> Engine:
    return Engine(lambda: x[places])


def torchs_index(x, places) -> Engine:
    import torch

    a, b = torch.from_numpy(x), torch.from_numpy(places)
    return Engine(lambda: a[b])


def rows() -> Iterator[Row]:
    for name, make in MOVES.items():
        move = make()
        engines = {
            "fastnn": partial(ours, move.fastnn),
            "NumPy": partial(numpys, move.numpy),
            "PyTorch": partial(torchs, move.torch),
        }
        streams = (Streams(move.moved, read=1, written=1),)
        yield Row(name, partial(operands, move.shapes), engines, streams=streams, tolerance=0)
    picked = {"fastnn": our_take, "NumPy": numpys_index, "PyTorch": torchs_index}
    for count, shape in ((4096, TABLE), (100_000, (10**6,))):
        name = f"take {count} of {'x'.join(map(str, shape))}"
        moved = count * int(np.prod(shape[1:]))
        streams = (Streams(moved, read=1, written=1),)
        yield Row(name, partial(table, shape, count), picked, streams=streams, tolerance=0)
    engines = {"fastnn": our_mask, "NumPy": numpys_index, "PyTorch": torchs_index}
    streams = (Streams(10**6, read=1), Streams(10**6 // 2, written=1))
    yield Row("by a mask of half, 1000x1000", masked, engines, streams=streams, tolerance=0)
