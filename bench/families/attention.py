"""Scaled dot-product attention of a sequence to itself, and its gradients."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

import fastnn as fn
from bench.row import ALL, FORWARD, Engine, Row, both_ways
from bench.shapes import ATTENTION


@dataclass(frozen=True)
class Heads:
    """Queries, keys and values [batch, length, heads, width]."""

    batch: int
    length: int
    heads: int
    width: int
    causal: bool

    @property
    def name(self) -> str:
        sizes = f"{self.batch}x{self.length}x{self.heads}x{self.width}"
        return f"attention {sizes}" + (", causal" if self.causal else "")

    def data(self):
        """q, k, v, and the gradient of the result."""
        random = np.random.default_rng(0)
        shape = (self.batch, self.length, self.heads, self.width)
        return [random.standard_normal(shape, np.float32) for _ in range(4)]

    def flops(self, turn: str) -> float:
        """Of the products: two forward, five backward; of half the pairs where it is causal."""
        pairs = self.length * (self.length + 1) / 2 if self.causal else self.length**2
        one = 2.0 * self.batch * self.heads * pairs * self.width
        return (7 if turn == ALL else 2) * one


def ours(heads: Heads, turn: str, *operands) -> Engine:
    q, k, v, dy = map(fn.tensor, operands)

    def forward(q, k, v):
        return fn.ops.dot_product_attention(q, k, v, is_causal=heads.causal)

    if turn == ALL:
        return both_ways(forward, dy, [q, k, v])
    return Engine(lambda: forward(q, k, v))


def numpys(heads: Heads, turn: str, *operands) -> Engine:
    """By whole matrices, [batch, heads, length, width]."""
    scale = np.float32(heads.width**-0.5)
    unseen = ~np.tri(heads.length, dtype=bool) if heads.causal else None

    def call():
        q, k, v, dy = (x.swapaxes(1, 2) for x in operands)
        p = q @ k.swapaxes(2, 3)
        p *= scale
        if unseen is not None:
            p[:, :, unseen] = -np.inf
        p -= p.max(-1, keepdims=True)
        np.exp(p, out=p)
        p /= p.sum(-1, keepdims=True)
        y = p @ v
        if turn == FORWARD:
            return y.swapaxes(1, 2)
        ds = dy @ v.swapaxes(2, 3)
        ds -= (dy * y).sum(-1, keepdims=True)
        ds *= p
        ds *= scale
        gradients = ds @ k, ds.swapaxes(2, 3) @ q, p.swapaxes(2, 3) @ dy
        return tuple(part.swapaxes(1, 2) for part in (y, *gradients))

    return Engine(call)


def torchs(heads: Heads, turn: str, *operands) -> Engine:
    import torch

    q, k, v, dy = map(torch.from_numpy, operands)

    def forward(q, k, v):
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        attend = torch.nn.functional.scaled_dot_product_attention
        return attend(q, k, v, is_causal=heads.causal).transpose(1, 2)

    if turn == ALL:
        return both_ways(forward, dy, [q, k, v])
    return Engine(torch.inference_mode()(lambda: forward(q, k, v)))


def jaxs(heads: Heads, turn: str, *operands) -> Engine:
    import jax

    forward = partial(jax.nn.dot_product_attention, is_causal=heads.causal)

    @jax.jit
    def call(q, k, v, dy):
        if turn == FORWARD:
            return forward(q, k, v)
        y, gradients = jax.vjp(forward, q, k, v)
        return y, *gradients(dy)

    arrays = [jax.numpy.asarray(x) for x in operands]
    return Engine(lambda: jax.block_until_ready(call(*arrays)))


ENGINES = {"fastnn": ours, "NumPy": numpys, "PyTorch": torchs, "JAX": jaxs}


def rows() -> Iterator[Row]:
    for turn in (FORWARD, ALL):
        for heads in (Heads(*shape) for shape in ATTENTION):
            yield Row(
                f"{heads.name}: {turn}",
                heads.data,
                {name: partial(make, heads, turn) for name, make in ENGINES.items()},
                flops=heads.flops(turn),
            )
