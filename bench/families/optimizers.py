"""Optimizers over few large and many small parameters."""

from collections.abc import Iterator
from functools import partial

import numpy as np

import fastnn as fn
from bench.row import Engine, Row, Streams
from bench.shapes import ADAM, short

RATE = 0.001
EPSILON = 1e-7


def operands(count: int, size: int):
    """Weights and gradients."""
    random = np.random.default_rng(0)
    parts = random.random((2, count, size), np.float32) - np.float32(0.5)
    return list(parts[0]), list(parts[1])


def ours(make, weights, slopes) -> Engine:
    variables, gradients = [fn.Variable(w) for w in weights], [fn.tensor(g) for g in slopes]
    optimizer = make()

    def call():
        optimizer.apply(gradients, variables)

    return Engine(call, partial(stepped, call, variables))


def stepped(call, weights):
    """The first and the last weight after a step."""
    call()
    return [np.array(weights[0]), np.array(weights[-1])]


def numpys_adam(weights, slopes) -> Engine:
    weights = [w.copy() for w in weights]
    m, v = ([np.zeros_like(w) for w in weights] for _ in range(2))
    step = 0

    def call():
        nonlocal step
        step += 1
        rate = np.float32(RATE * np.sqrt(1 - 0.999**step) / (1 - 0.9**step))
        for i, g in enumerate(slopes):
            m[i] += (g - m[i]) * np.float32(0.1)
            v[i] += (g * g - v[i]) * np.float32(0.001)
            weights[i] -= rate * m[i] / (np.sqrt(v[i]) + np.float32(EPSILON))

    return Engine(call, partial(stepped, call, weights))


def numpys_momentum(weights, slopes) -> Engine:
    weights = [w.copy() for w in weights]
    velocities = [np.zeros_like(w) for w in weights]

    def call():
        for w, velocity, g in zip(weights, velocities, slopes):
            velocity *= np.float32(0.9)
            velocity -= np.float32(RATE) * g
            w += velocity

    return Engine(call, partial(stepped, call, weights))


def torchs(make, weights, slopes) -> Engine:
    import torch

    parameters = [torch.nn.Parameter(torch.from_numpy(w.copy())) for w in weights]
    for parameter, slope in zip(parameters, slopes):
        parameter.grad = torch.from_numpy(slope)
    call = make(torch.optim)(parameters).step
    return Engine(call, partial(stepped, call, [p.detach() for p in parameters]))


def torchs_adam(optim):
    return partial(optim.Adam, lr=RATE, eps=EPSILON, fused=True)


def torchs_momentum(optim):
    return partial(optim.SGD, lr=RATE, momentum=0.9, fused=True)


def rows() -> Iterator[Row]:
    adam = {
        "fastnn": partial(ours, partial(fn.optimizers.Adam, RATE, epsilon=EPSILON)),
        "NumPy": numpys_adam,
        "PyTorch": partial(torchs, torchs_adam),
    }
    for count, size in ADAM:
        streams = (Streams(count * size, read=1, updated=3),) if count == 1 else ()
        name = f"Adam, {short(count)} x {short(size)}"
        yield Row(name, partial(operands, count, size), adam, streams=streams)
    momentum = {
        "fastnn": partial(ours, partial(fn.optimizers.SGD, RATE, momentum=0.9)),
        "NumPy": numpys_momentum,
        "PyTorch": partial(torchs, torchs_momentum),
    }
    size = 10**6
    streams = (Streams(size, read=1, updated=2),)
    name = f"SGD with momentum, 1 x {short(size)}"
    yield Row(name, partial(operands, 1, size), momentum, streams=streams)
