"""Softmax and the normalizations, forward and backward, and cross-entropy with its gradient."""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

import fastnn as fn
from bench.row import Engine, Row, Streams, both_ways
from bench.shapes import GROUPS, NORM, SOFTMAX

EPSILON = 1e-5


def operands(shape: tuple[int, int], parameters: int):
    """x, the gradient of what comes out, then a parameter of shape [columns] or two."""
    random = np.random.default_rng(0)
    shapes = [shape, shape] + [shape[1:]] * parameters
    return [random.standard_normal(s, dtype=np.float32) for s in shapes]


# ---- fastnn --------------------------------------------------------------------------------------

OURS = {
    "softmax": fn.ops.softmax,
    "layer normalization": partial(fn.ops.layer_normalization, epsilon=EPSILON),
    "RMS normalization": partial(fn.ops.rms_normalization, epsilon=EPSILON),
    "group normalization": lambda x, gamma, beta: fn.ops.group_normalization(
        x, GROUPS, gamma, beta, epsilon=EPSILON
    ),
}


def ours(name: str, *operands) -> Engine:
    x, dy, *parameters = (fn.tensor(part) for part in operands)
    return both_ways(OURS[name], dy, [x, *parameters])


# ---- NumPy ---------------------------------------------------------------------------------------


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def numpys_softmax(x, dy):
    y = softmax(x)
    return y, y * (dy - (dy * y).sum(-1, keepdims=True))


def normalized(x, dy, gamma, groups: int, centred: bool):
    """x over the size of its groups, what comes out, gradients for x and gamma."""
    rows, columns = x.shape
    view = (rows, groups, columns // groups)
    x = x.reshape(view)
    if centred:
        x = x - x.mean(-1, keepdims=True)
    rate = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(EPSILON))
    x = x * rate
    g = (dy * gamma).reshape(view)
    dx = g - x * (g * x).mean(-1, keepdims=True)
    if centred:
        dx -= g.mean(-1, keepdims=True)
    x, dx = x.reshape(rows, columns), (dx * rate).reshape(rows, columns)
    return x * gamma, dx, (dy * x).sum(0)


def numpys_norm(groups: int, x, dy, gamma, beta):
    y, dx, dgamma = normalized(x, dy, gamma, groups, True)
    return y + beta, dx, dgamma, dy.sum(0)


NUMPYS = {
    "softmax": numpys_softmax,
    "layer normalization": partial(numpys_norm, 1),
    "RMS normalization": lambda x, dy, gamma: normalized(x, dy, gamma, 1, False),
    "group normalization": partial(numpys_norm, GROUPS),
}


def numpys(name: str, *operands) -> Engine:
    return Engine(partial(NUMPYS[name], *operands))


# ---- PyTorch -------------------------------------------------------------------------------------


def torchs(name: str, *operands) -> Engine:
    import torch
    from torch.nn import functional as F

    width = operands[0].shape[1:]
    functions = {
        "softmax": lambda x: torch.softmax(x, -1),
        "layer normalization": lambda x, w, b: F.layer_norm(x, width, w, b, EPSILON),
        "RMS normalization": lambda x, w: F.rms_norm(x, width, w, EPSILON),
        "group normalization": lambda x, w, b: F.group_norm(x, GROUPS, w, b, EPSILON),
    }
    x, dy, *parameters = (torch.from_numpy(part) for part in operands)
    return both_ways(functions[name], dy, [x, *parameters])


# ---- JAX -----------------------------------------------------------------------------------------


def jaxs(name: str, *operands) -> Engine:
    import jax
    import jax.numpy as jnp

    def norm(groups: int, centred: bool, x, gamma, beta=None):
        parts = x.reshape(x.shape[0], groups, -1)
        if centred:
            parts = parts - parts.mean(-1, keepdims=True)
        square = (parts * parts).mean(-1, keepdims=True)
        y = (parts * jax.lax.rsqrt(square + EPSILON)).reshape(x.shape) * gamma
        return y if beta is None else y + beta

    functions = {
        "softmax": jax.nn.softmax,
        "layer normalization": partial(norm, 1, True),
        "RMS normalization": partial(norm, 1, False),
        "group normalization": partial(norm, GROUPS, True),
    }

    @jax.jit
    def step(dy, *leaves):
        y, backward = jax.vjp(functions[name], *leaves)
        return y, *backward(dy)

    x, dy, *parameters = (jnp.asarray(part) for part in operands)
    return Engine(lambda: jax.block_until_ready(step(dy, x, *parameters)))


# ---- cross-entropy -------------------------------------------------------------------------------


def labelled():
    random = np.random.default_rng(0)
    rows, classes = SOFTMAX
    return random.standard_normal(SOFTMAX, dtype=np.float32), random.integers(0, classes, rows)


def our_entropy(logits, labels) -> Engine:
    x, y = fn.tensor(logits), fn.tensor(labels)
    return Engine(lambda: fn._core.cross_entropy(x, y, None))


def numpys_entropy(logits, labels) -> Engine:
    rows = np.arange(len(labels))

    def call():
        p = softmax(logits)
        loss = -np.log(p[rows, labels])
        p[rows, labels] -= 1
        return loss, p

    return Engine(call)


def torchs_entropy(logits, labels) -> Engine:
    import torch

    x, y = torch.from_numpy(logits).requires_grad_(), torch.from_numpy(labels)
    ones = torch.ones(len(labels))

    def call():
        x.grad = None
        loss = torch.nn.functional.cross_entropy(x, y, reduction="none")
        loss.backward(ones)
        return loss.detach(), x.grad

    return Engine(call)


def rows() -> Iterator[Row]:
    for name, shape, parameters in (
        ("softmax", SOFTMAX, 0),
        ("layer normalization", NORM, 2),
        ("RMS normalization", NORM, 1),
        ("group normalization", NORM, 2),
    ):
        engines = {"fastnn": ours, "NumPy": numpys, "PyTorch": torchs, "JAX": jaxs}
        yield Row(
            f"{name}, {shape[0]}x{shape[1]}",
            partial(operands, shape, parameters),
            {engine: partial(make, name) for engine, make in engines.items()},
            streams=(Streams(math.prod(shape), 1, 0, 1), Streams(math.prod(shape), 2, 0, 1)),
        )
    yield Row(
        f"cross-entropy, {SOFTMAX[0]}x{SOFTMAX[1]}",
        labelled,
        {"fastnn": our_entropy, "NumPy": numpys_entropy, "PyTorch": torchs_entropy},
        streams=(Streams(math.prod(SOFTMAX), 1, 0, 1),),
    )
