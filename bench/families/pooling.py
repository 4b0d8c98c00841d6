"""Maxima and means of windows over images, and their gradients."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np

import fastnn as fn
from bench.row import Engine, Row, Streams, both_ways
from bench.shapes import POOL
from bench.windows import Windows


@dataclass(frozen=True)
class Pool:
    """A kind of pooling ("max", "average" or "global average"), perhaps with its gradient."""

    kind: str
    windows: Windows
    backward: bool

    @property
    def name(self) -> str:
        turn = "forward and gradient" if self.backward else "forward"
        return f"{self.kind}, {self.windows.name()}: {turn}"

    @property
    def y_shape(self) -> tuple[int, ...]:
        n, height, width, channels = self.windows.y_shape(self.windows.channels)
        return (n, channels) if self.kind == "global average" else (n, height, width, channels)

    def data(self):
        """x and the gradient of what comes out."""
        random = np.random.default_rng(0)
        shapes = self.windows.x_shape, self.y_shape
        return [random.standard_normal(shape, dtype=np.float32) for shape in shapes]

    def streams(self) -> tuple[Streams, ...]:
        """With its gradient a maximum also writes, and reads, a byte: where it was."""
        x, y = math.prod(self.windows.x_shape), math.prod(self.y_shape)
        forward = Streams(x, read=1), Streams(y, written=1)
        if not self.backward:
            return forward
        places = (Streams(y // 4, read=1, written=1),) if self.kind == "max" else ()
        return (*forward, *places, Streams(y, read=1), Streams(x, written=1))

    def engine(self, forward, x, dy) -> Engine:
        """Of fastnn or PyTorch."""
        return both_ways(forward, dy, [x]) if self.backward else Engine(partial(forward, x))


# ---- fastnn --------------------------------------------------------------------------------------


def ours(pool: Pool, *operands) -> Engine:
    w = pool.windows
    pads = ((w.pad, w.pad),) * 2
    forward = {
        "max": lambda x: fn.ops.max_pool(x, w.rows, w.stride, pads),
        "average": lambda x: fn.ops.average_pool(x, w.rows, w.stride, pads),
        "global average": lambda x: x.mean((1, 2)),
    }[pool.kind]
    return pool.engine(forward, *map(fn.tensor, operands))


# ---- NumPy ---------------------------------------------------------------------------------------


def numpys(pool: Pool, x, dy) -> Engine:
    windows, is_max = pool.windows, pool.kind == "max"
    signal = dy.reshape(windows.y_shape(windows.channels))

    def parts_of(x, outside=0.0):
        return [part for _, part in windows.taps(windows.padded(x, outside))]

    def call():
        if is_max:
            parts = parts_of(x, -np.inf)
            y = reduce(np.maximum, parts)
        else:
            counts = sum(parts_of(np.ones_like(x[:1, :, :, :1])))
            y = sum(parts_of(x)) / counts
        if not pool.backward:
            return y.reshape(dy.shape)
        dx = windows.padded(np.zeros_like(x))
        for i, (_, to) in enumerate(windows.taps(dx)):
            to += signal * (parts[i] == y) if is_max else signal / counts
        return y.reshape(dy.shape), windows.inner(dx)

    return Engine(call)


# ---- PyTorch -------------------------------------------------------------------------------------


def torchs(layout: str, pool: Pool, *operands) -> Engine:
    import torch
    from torch.nn import functional as F

    def images(x):
        order = getattr(torch, layout)
        return x.permute(0, 3, 1, 2).contiguous(memory_format=order) if x.ndim == 4 else x

    w = pool.windows
    places = {"kernel_size": w.rows, "stride": w.stride, "padding": w.pad}
    forward = {
        "max": partial(F.max_pool2d, **places),
        "average": partial(F.avg_pool2d, **places, count_include_pad=False),
        "global average": lambda x: x.mean((2, 3)),
    }[pool.kind]
    call = pool.engine(forward, *(images(torch.from_numpy(part)) for part in operands)).call

    def result():
        parts = call() if pool.backward else (call(),)
        return [part.permute(0, 2, 3, 1) if part.ndim == 4 else part for part in parts]

    return Engine(call, result)


# ---- JAX -----------------------------------------------------------------------------------------


def jaxs(pool: Pool, *operands) -> Engine:
    import jax
    import jax.numpy as jnp
    from jax.lax import add, max, reduce_window

    w = pool.windows
    strides, pads = (1, w.stride, w.stride, 1), ((0, 0), (w.pad, w.pad), (w.pad, w.pad), (0, 0))
    places = ((1, w.rows, w.columns, 1), strides, pads)

    def average(x):
        counts = reduce_window(jnp.ones_like(x[:1, :, :, :1]), 0.0, add, *places)
        return reduce_window(x, 0.0, add, *places) / counts

    forward = {
        "max": lambda x: reduce_window(x, -jnp.inf, max, *places),
        "average": average,
        "global average": lambda x: x.mean((1, 2)),
    }[pool.kind]

    @jax.jit
    def call(x, dy):
        if not pool.backward:
            return forward(x)
        y, gradient = jax.vjp(forward, x)
        return y, *gradient(dy)

    arrays = [jnp.asarray(part) for part in operands]
    return Engine(lambda: jax.block_until_ready(call(*arrays)))


ENGINES = {
    "fastnn": ours,
    "NumPy": numpys,
    "PyTorch": partial(torchs, "contiguous_format"),
    "PyTorch, channels last": partial(torchs, "channels_last"),
    "JAX": jaxs,
}


def rows() -> Iterator[Row]:
    for backward in (False, True):
        for kind, n, h, w, c, size, stride, pad in POOL:
            pool = Pool(kind, Windows(n, h, w, c, size, size, stride, pad), backward)
            engines = {name: partial(make, pool) for name, make in ENGINES.items()}
            yield Row(pool.name, pool.data, engines, streams=pool.streams())
