"""Small restricted Boltzmann machines, and what they are by NumPy in float64 over all states."""

import itertools

import numpy as np

from fastnn.pretraining import BernoulliRBM, GaussianRBM

KINDS = (BernoulliRBM, GaussianRBM)


def states(units):
    """All rows of zeros and ones."""
    return np.array(list(itertools.product([0.0, 1.0], repeat=units)))


def joint(weights):
    """p(x, h) of a Bernoulli machine: [states of x, states of h], from the energy alone."""
    kernel, hidden_bias, visible_bias = weights
    x, h = states(kernel.shape[0]), states(kernel.shape[1])
    energy = np.array(
        [[-v @ kernel @ g - hidden_bias @ g - visible_bias @ v for g in h] for v in x]
    )
    p = np.exp(-energy)
    return p / p.sum()


def mixture(weights):
    """A Gaussian machine is a mixture of normals: (p(h), mean of x for each state h)."""
    kernel, hidden_bias, visible_bias = weights
    h = states(kernel.shape[1])
    # exp(-energy) = exp(hidden_bias h) exp(-|x - mean|^2 / 2) ...
    means = visible_bias + h @ kernel.T
    scale = np.exp(h @ hidden_bias + ((means**2).sum(1) - (visible_bias**2).sum()) / 2)
    return scale / scale.sum(), means


def mean_statistics(weights, binary):
    """The model's exact <x h>, <h>, <x>."""
    kernel = weights[0]
    h = states(kernel.shape[1])
    if binary:
        x, p = states(kernel.shape[0]), joint(weights)
        return x.T @ p @ h, p.sum(0) @ h, p.sum(1) @ x
    p, means = mixture(weights)
    return means.T @ (p[:, None] * h), p @ h, p @ means


def machine_of(kind, visible=4, hidden=3, scale=1.0, dtype="float64", seed=0):
    """A built machine, and its weights as NumPy arrays."""
    rng = np.random.default_rng(seed)
    shapes = ((visible, hidden), (hidden,), (visible,))
    weights = [scale * rng.standard_normal(shape) for shape in shapes]
    machine = kind(hidden, seed=seed, dtype=dtype)
    machine.build((None, visible))
    machine.set_weights(weights)
    return machine, weights


def data_for(kind, rows=5, visible=4, seed=1):
    """Rows that the visible units can have."""
    rng = np.random.default_rng(seed)
    if kind is BernoulliRBM:
        return (rng.random((rows, visible)) < 0.5).astype(float)
    return rng.standard_normal((rows, visible))
