"""Element-wise operations."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

import fastnn as fn
from bench.row import Engine, Row, Streams
from bench.shapes import ELEMENTS, elementwise_name

SMALL = 10**4  # elements below which a call is overhead


def numpys_erf(x):
    """Abramowitz and Stegun 7.1.26, to 1.5e-7: NumPy has none."""
    t = 1 / (1 + 0.3275911 * abs(x))
    p = 1.421413741 + t * (-1.453152027 + t * 1.061405429)
    p = t * (0.254829592 + t * (-0.284496736 + t * p))
    return np.copysign(1 - p * np.exp(-x * x), x)


class Op(NamedTuple):
    """One operation; where nothing is said, the package's function of the same name.

    Attributes:
        operands: how many.
        positive: whether they have to be.
        ours, numpys: the function.
        torchs, jaxs: the function, given the package.
    """

    operands: int = 1
    positive: bool = False
    ours: Callable | None = None
    numpys: Callable | None = None
    torchs: Callable | None = None
    jaxs: Callable | None = None


OPS = {
    "exp": Op(),
    "log": Op(positive=True),
    "tanh": Op(),
    "sigmoid": Op(numpys=lambda x: 1 / (1 + np.exp(-x)), jaxs=lambda jax: jax.nn.sigmoid),
    "gelu": Op(
        ours=partial(fn.ops.gelu, approximate=False),
        numpys=lambda x: x * 0.5 * (1 + numpys_erf(x * math.sqrt(0.5))),
        torchs=lambda torch: torch.nn.functional.gelu,
        jaxs=lambda jax: partial(jax.nn.gelu, approximate=False),
    ),
    "erf": Op(numpys=numpys_erf, jaxs=lambda jax: jax.scipy.special.erf),
    "sin": Op(),
    "sqrt": Op(positive=True),
    "relu": Op(numpys=lambda x: np.maximum(x, 0), jaxs=lambda jax: jax.nn.relu),
    "add": Op(operands=2),
    "multiply": Op(operands=2),
}


def operands(op: str, dtype: str, *shapes):
    random = np.random.default_rng(0)
    low, high = (0.1, 4.0) if OPS[op].positive else (-4.0, 4.0)
    scale, shift = np.dtype(dtype).type(high - low), np.dtype(dtype).type(low)
    return [random.random(shape, dtype) * scale + shift for shape in shapes]


def ours(op: str, *operands) -> Engine:
    function = OPS[op].ours or getattr(fn.ops, op)
    tensors = [fn.tensor(x) for x in operands]
    return Engine(lambda: function(*tensors))


def numpys(op: str, *operands) -> Engine:
    function = OPS[op].numpys or getattr(np, op)
    return Engine(lambda: function(*operands))


def torchs(op: str, *operands) -> Engine:
    import torch

    find = OPS[op].torchs
    function = find(torch) if find else getattr(torch, op)
    tensors = [torch.from_numpy(x) for x in operands]
    return Engine(lambda: function(*tensors))


def jaxs(op: str, *operands) -> Engine:
    import jax

    find = OPS[op].jaxs
    function = jax.jit(find(jax) if find else getattr(jax.numpy, op))
    inputs = [jax.numpy.asarray(x) for x in operands]
    return Engine(lambda: function(*inputs).block_until_ready())


def row(name: str, op: str, dtype: str, *shapes) -> Row:
    """The operation on operands of these shapes, the first of which is the result's."""
    engines = {"fastnn": partial(ours, op), "NumPy": partial(numpys, op)}
    if dtype == "float32":  # JAX has no float64 unless all of it has
        engines |= {"PyTorch": partial(torchs, op), "JAX": partial(jaxs, op)}
    elements = math.prod(shapes[0])
    size = elements * np.dtype(dtype).itemsize // 4
    whole = sum(shape == shapes[0] for shape in shapes)
    streams = (Streams(size, read=whole, written=1),) if elements >= SMALL else ()
    return Row(name, partial(operands, op, dtype, *shapes), engines, streams=streams)


def rows() -> Iterator[Row]:
    for dtype in ("float32", "float64"):
        for op in OPS:
            for size in ELEMENTS:
                shapes = [(size,)] * OPS[op].operands
                yield row(elementwise_name(op, size, dtype), op, dtype, *shapes)
    yield row("add, 1000x1000 and a row", "add", "float32", (1000, 1000), (1000,))
    yield row("add, 1000x1000 and a column", "add", "float32", (1000, 1000), (1000, 1))
