"""Recurrent cells as NumPy and JAX compute them: a step, and NumPy's way back through one.

x and r are a step's products with the inputs and with the state, biases added. A step returns the
states after it and what its gates were. The way back takes both, the states before and the
gradients by those after; it returns the gradients by x, by r, and by the states before where they
were used otherwise than in r.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Cell(NamedTuple):
    gates: int
    states: int
    step: Callable
    back: Callable


def sigmoid(xp, x):
    return 1 / (1 + xp.exp(-x))


def lstm(xp, x, r, h, c):
    i, f, g, o = xp.split(x + r, 4, -1)
    i, f, g, o = sigmoid(xp, i), sigmoid(xp, f), xp.tanh(g), sigmoid(xp, o)
    c = f * c + i * g
    squashed = xp.tanh(c)
    return (o * squashed, c), (i, f, g, o, squashed)


def lstm_back(gates, states, gradients):
    (i, f, g, o, squashed), (_, c), (dh, dc) = gates, states, gradients
    dc = dc + dh * o * (1 - squashed * squashed)
    di, df, dg = dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g * g)
    d = np.concatenate([di, df, dg, dh * squashed * o * (1 - o)], -1)
    return d, d, (0, dc * f)


def gru(xp, x, r, h):
    (zx, sx, gx), (zr, sr, gr) = xp.split(x, 3, -1), xp.split(r, 3, -1)
    z, s = sigmoid(xp, zx + zr), sigmoid(xp, sx + sr)
    g = xp.tanh(gx + s * gr)
    return (z * h + (1 - z) * g,), (z, s, g, gr)


def gru_back(gates, states, gradients):
    (z, s, g, gr), (h,), (dh,) = gates, states, gradients
    dg = dh * (1 - z) * (1 - g * g)
    dz, ds = dh * (h - g) * z * (1 - z), dg * gr * s * (1 - s)
    return np.concatenate([dz, ds, dg], -1), np.concatenate([dz, ds, dg * s], -1), (dh * z,)


def simple(xp, x, r, h):
    h = xp.tanh(x + r)
    return (h,), h


def simple_back(h, states, gradients):
    d = gradients[0] * (1 - h * h)
    return d, d, (0,)


CELLS = {
    "lstm": Cell(4, 2, lstm, lstm_back),
    "gru": Cell(3, 1, gru, gru_back),
    "simple": Cell(1, 1, simple, simple_back),
}


def both_biases(b):
    """That of x and, of a GRU, that of r in a list."""
    bias, *recurrent = b.reshape(-1, b.shape[-1])
    return bias, recurrent


def scan(cell: Cell, x, w, u, b, reverse: bool = False):
    """JAX's layer: the last outputs, and those of all steps."""
    import jax.numpy as jnp
    from jax import lax

    bias, recurrent = both_biases(b)

    def step(states, x):
        states, _ = cell.step(jnp, x, sum(recurrent, states[0] @ u), *states)
        return states, states[0]

    zeros = (jnp.zeros((len(x), len(u))),) * cell.states
    states, y = lax.scan(step, zeros, jnp.swapaxes(x, 0, 1) @ w + bias, reverse=reverse)
    return states[0], jnp.swapaxes(y, 0, 1)
