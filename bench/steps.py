"""One training step of a small network in each engine, on the same data.

Every function returns a call that makes `STEPS` steps over mini-batches, as that engine's users
would write it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

STEPS = 50


@dataclass(frozen=True)
class Network:
    """A chain of dense layers, ReLU inside, softmax at the end, trained by Adam."""

    name: str
    widths: tuple[int, ...]
    batch: int

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(0)
        rows = self.batch * STEPS
        x = random.random((rows, self.widths[0]), dtype=np.float32)
        return x, random.integers(0, self.widths[-1], rows)

    def batches(self):
        return [slice(i * self.batch, (i + 1) * self.batch) for i in range(STEPS)]


NETWORKS = (
    Network("784-500-500-10, batch 100", (784, 500, 500, 10), 100),
    Network("64-64-10, batch 32", (64, 64, 10), 32),
)


def keras_style(network: Network, keras) -> Callable[[], object]:
    """`fit` in the vocabulary of Keras 3, which fastnn shares."""
    model = keras.Sequential([keras.Input((network.widths[0],))])
    for width in network.widths[1:-1]:
        model.add(keras.layers.Dense(width, activation="relu"))
    model.add(keras.layers.Dense(network.widths[-1], activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = network.data()
    return lambda: model.fit(x, y, batch_size=network.batch, epochs=1, verbose=0)


def fastnn(network: Network) -> Callable[[], object]:
    import fastnn as fn

    return keras_style(network, fn)


def keras(network: Network) -> Callable[[], object]:
    import os

    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    return keras_style(network, keras)


def torch(network: Network) -> Callable[[], object]:
    import torch

    layers: list = []
    for inputs, outputs in pairwise(network.widths):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    x, y = (torch.from_numpy(part) for part in network.data())

    def run():
        for rows in network.batches():
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()

    return run


def jax(network: Network) -> Callable[[], object]:
    import jax
    import jax.numpy as jnp

    random = np.random.default_rng(1)
    weights = [
        (random.normal(0, 0.05, (m, n)).astype(np.float32), np.zeros(n, np.float32))
        for m, n in pairwise(network.widths)
    ]
    zeros = jax.tree.map(np.zeros_like, weights)

    def loss(parameters, x, y):
        for w, b in parameters[:-1]:
            x = jax.nn.relu(x @ w + b)
        logits = x @ parameters[-1][0] + parameters[-1][1]
        picked = jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1)
        return -picked.mean()

    @jax.jit
    def step(state, x, y):
        parameters, m, v, t = state
        gradients = jax.grad(loss)(parameters, x, y)
        t = t + 1
        m = jax.tree.map(lambda m, g: m + 0.1 * (g - m), m, gradients)
        v = jax.tree.map(lambda v, g: v + 0.001 * (g * g - v), v, gradients)
        rate = 0.001 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        parameters = jax.tree.map(
            lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-7), parameters, m, v
        )
        return parameters, m, v, t

    x, y = network.data()
    batches = [(jnp.asarray(x[r]), jnp.asarray(y[r])) for r in network.batches()]
    state = (weights, zeros, zeros, jnp.float32(0))

    def run():
        nonlocal state
        for x_batch, y_batch in batches:
            state = step(state, x_batch, y_batch)
        jax.block_until_ready(state)

    return run


def sklearn(network: Network) -> Callable[[], object]:
    from sklearn.neural_network import MLPClassifier

    x, y = network.data()
    model = MLPClassifier(network.widths[1:-1], batch_size=network.batch)
    classes = np.arange(network.widths[-1])
    return lambda: model.partial_fit(x, y, classes=classes)


ENGINES = {
    "fastnn": fastnn,
    "PyTorch": torch,
    "JAX": jax,
    "Keras on JAX": keras,
    "scikit-learn": sklearn,
}
