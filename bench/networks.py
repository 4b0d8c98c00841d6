"""Small networks whose training steps are measured, as data that each engine builds its own of."""

import math
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

import numpy as np


class Dense(NamedTuple):
    units: int
    activation: str | None = None


class Conv(NamedTuple):
    """Windows of 3 x 3 inside the image."""

    filters: int
    activation: str | None = None


class MaxPool(NamedTuple):
    """Windows of 2 x 2 side by side."""


class LSTM(NamedTuple):
    """The outputs of the last step."""

    units: int


class ReLU(NamedTuple):
    pass


class Flatten(NamedTuple):
    pass


class Dropout(NamedTuple):
    rate: float


KERNELS = {Dense: 1, Conv: 1, LSTM: 2}  # of a layer with weights: then it has a bias


@dataclass(frozen=True)
class Network:
    """A chain of layers, softmax and cross-entropy at the end, Adam.

    Attributes:
        inputs: the shape of an example.
        layers: the last is a Dense whose activation is softmax.
        steps: over mini-batches of `batch` examples, in a call.
    """

    title: str
    inputs: tuple[int, ...]
    layers: tuple
    batch: int
    steps: int

    @property
    def classes(self) -> int:
        return self.layers[-1].units

    def products(self) -> list[tuple[tuple[int, ...], int]]:
        """Of the layers' kernels: the shape, and how often an example meets it.

        That of a dense layer behind Flatten is here [height, width, channels, units].
        """
        shape, found = self.inputs, []
        for layer in self.layers:
            if isinstance(layer, Conv):
                height, width, channels = shape
                shape = (height - 2, width - 2, layer.filters)
                found.append(((3, 3, channels, layer.filters), math.prod(shape[:2])))
            elif isinstance(layer, MaxPool):
                shape = (shape[0] // 2, shape[1] // 2, shape[2])
            elif isinstance(layer, LSTM):
                steps, features = shape
                found += [((rows, 4 * layer.units), steps) for rows in (features, layer.units)]
                shape = (layer.units,)
            elif isinstance(layer, Dense):
                found.append(((*shape, layer.units), 1))
                shape = (layer.units,)
        return found

    def data(self):
        """x, labels, and the weights that all engines begin with."""
        random = np.random.default_rng(0)
        rows = self.batch * self.steps
        x = random.random((rows, *self.inputs), dtype=np.float32) - np.float32(0.5)
        y = random.integers(0, self.classes, rows)
        weights, products = [], iter(self.products())
        for layer in self.layers:
            for shape, _ in islice(products, KERNELS.get(type(layer), 0)):
                inputs = math.prod(shape[:-1])
                kernel = random.standard_normal(shape, np.float32) / np.float32(np.sqrt(inputs))
                weights.append(kernel.reshape(inputs, -1) if isinstance(layer, Dense) else kernel)
            if type(layer) in KERNELS:
                weights.append(np.zeros(shape[-1], np.float32))
        return x, y, weights

    def batches(self, steps: int | None = None) -> list[slice]:
        """The examples of each step."""
        b = self.batch
        return [slice(i * b, (i + 1) * b) for i in range(self.steps if steps is None else steps)]

    def flops(self) -> float:
        """Of a call: products forward, for the weights, and for all inputs but the first."""
        products = [math.prod(shape) * often for shape, often in self.products()]
        return 2.0 * self.batch * self.steps * (3 * sum(products) - products[0])

    def without_dropout(self) -> "Network":
        """The same with rates of 0."""
        layers = (Dropout(0.0) if isinstance(layer, Dropout) else layer for layer in self.layers)
        return replace(self, layers=tuple(layers))


def dense(name: str, widths: tuple[int, ...], batch: int, steps: int) -> Network:
    """A multi-layer perceptron with ReLU."""
    layers = [Dense(width, "relu") for width in widths[1:-1]]
    title = f"{name}: {'-'.join(map(str, widths))}, batch {batch}"
    return Network(title, widths[:1], (*layers, Dense(widths[-1])), batch, steps)


MLP = dense("mlp", (784, 500, 500, 10), 100, steps=50)
# A call of few such steps would be the time it takes a processor to wake up.
TINY = dense("tiny", (64, 64, 10), 32, steps=500)
CNN = Network(
    "cnn: conv 25, pool, conv 50, pool, dense 100, dense 10, batch 100",
    (28, 28, 1),
    (
        *(Conv(25), MaxPool(), ReLU()),
        *(Conv(50), MaxPool(), ReLU()),
        *(Flatten(), Dense(100, "relu"), Dense(10)),
    ),
    batch=100,
    steps=10,
)
KERAS_CONVNET = Network(
    "keras_convnet: conv 32, pool, conv 64, pool, dropout, dense 10, batch 128",
    (28, 28, 1),
    (
        *(Conv(32, "relu"), MaxPool(), Conv(64, "relu"), MaxPool()),
        *(Flatten(), Dropout(0.5), Dense(10)),
    ),
    batch=128,
    steps=10,
)
RECURRENT = Network(
    "lstm: lstm 128, dense 10, 80 steps of 128 features, batch 32",
    (80, 128),
    (LSTM(128), Dense(10)),
    batch=32,
    steps=10,
)
