"""A training step of a small network as each engine's users would write it: through `fit`,
compiled, or as an eager loop; `STEPS` steps over mini-batches a call.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

import fastnn as fn
from bench.row import Engine, Row

STEPS = 50
CHECKED = 5  # steps after which the weights are compared: rounding grows from step to step
RATE = 0.001
EPSILON = 1e-11  # Keras and PyTorch add it in different places: here that makes no difference


@dataclass(frozen=True)
class Network:
    """A chain of dense layers, ReLU inside, softmax and cross-entropy at the end, Adam."""

    name: str
    widths: tuple[int, ...]
    batch: int

    @property
    def title(self) -> str:
        return f"{self.name}: {'-'.join(map(str, self.widths))}, batch {self.batch}"

    def data(self):
        """x, labels, and the weights that all engines begin with."""
        random = np.random.default_rng(0)
        rows = self.batch * STEPS
        x = random.random((rows, self.widths[0]), dtype=np.float32) - np.float32(0.5)
        y = random.integers(0, self.widths[-1], rows)
        weights = []
        for m, n in pairwise(self.widths):
            kernel = random.standard_normal((m, n), np.float32) / np.float32(np.sqrt(m))
            weights += [kernel, np.zeros(n, np.float32)]
        return x, y, weights

    def batches(self, steps: int = STEPS):
        return [slice(i * self.batch, (i + 1) * self.batch) for i in range(steps)]

    def flops(self) -> float:
        """Of a call: products forward, for the weights, and for all inputs but the first."""
        products = [m * n for m, n in pairwise(self.widths)]
        return 2.0 * self.batch * STEPS * (3 * sum(products) - products[0])


def moved(run, weights, start):
    """How far the weights are from the start after the first steps."""
    run(CHECKED)
    return np.concatenate([(np.asarray(w) - s).ravel() for w, s in zip(weights(), start)])


# ---- through fit ---------------------------------------------------------------------------------


def keras_style(keras, network: Network, x, y, start) -> Engine:
    """In the vocabulary of Keras 3, which fastnn shares."""
    model = keras.Sequential([keras.Input((network.widths[0],))])
    for width in network.widths[1:-1]:
        model.add(keras.layers.Dense(width, activation="relu"))
    model.add(keras.layers.Dense(network.widths[-1], activation="softmax"))
    optimizer = keras.optimizers.Adam(RATE, epsilon=EPSILON)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.set_weights(start)
    options = {"batch_size": network.batch, "epochs": 1, "verbose": 0}

    def run(steps):
        rows = steps * network.batch
        model.fit(x[:rows], y[:rows], shuffle=False, **options)

    return Engine(lambda: model.fit(x, y, **options), partial(moved, run, model.get_weights, start))


def ours(network: Network, x, y, start) -> Engine:
    return keras_style(fn, network, x, y, start)


def kerass(network: Network, x, y, start) -> Engine:
    import keras

    return keras_style(keras, network, x, y, start)


def sklearns(network: Network, x, y, start) -> Engine:
    from sklearn.neural_network import MLPClassifier

    options = {"batch_size": network.batch, "alpha": 0.0, "shuffle": False, "epsilon": EPSILON}
    model = MLPClassifier(network.widths[1:-1], learning_rate_init=RATE, **options)
    classes = np.arange(network.widths[-1])
    # Makes its weights; then it begins again, at ours.
    model.partial_fit(x[: network.batch], y[: network.batch], classes=classes)
    del model._optimizer
    model.coefs_ = [w.copy() for w in start[::2]]
    model.intercepts_ = [w.copy() for w in start[1::2]]

    def run(steps=STEPS):
        rows = steps * network.batch
        model.partial_fit(x[:rows], y[:rows])

    def weights():
        return [w for pair in zip(model.coefs_, model.intercepts_) for w in pair]

    return Engine(run, partial(moved, run, weights, start))


# ---- eager loops ---------------------------------------------------------------------------------


def our_loop(network: Network, x, y, start) -> Engine:
    weights = [fn.Variable(w) for w in start]
    optimizer = fn.optimizers.Adam(RATE, epsilon=EPSILON)
    batches = [(fn.tensor(x[rows]), fn.tensor(y[rows])) for rows in network.batches()]
    last = len(weights) - 2

    def loss(weights, x, y):
        for i in range(0, last, 2):
            x = fn.ops.dense(x, weights[i], weights[i + 1], "relu")
        logits = fn.ops.dense(x, weights[last], weights[last + 1])
        return fn.ops.sparse_categorical_crossentropy(y, logits, from_logits=True).mean()

    step = fn.value_and_grad(loss)

    def run(steps=STEPS):
        for x, y in batches[:steps]:
            _, gradients = step(weights, x, y)
            optimizer.apply(gradients, weights)

    return Engine(run, partial(moved, run, lambda: weights, start))


def numpys(network: Network, x, y, start) -> Engine:
    weights = [w.copy() for w in start]
    m, v = ([np.zeros_like(w) for w in weights] for _ in range(2))
    steps = 0

    def step(x, y):
        nonlocal steps
        outputs = [x]
        for w, b in zip(weights[:-2:2], weights[1:-2:2]):
            outputs.append(np.maximum(outputs[-1] @ w + b, 0))
        z = outputs[-1] @ weights[-2] + weights[-1]
        d = np.exp(z - z.max(-1, keepdims=True))
        d /= d.sum(-1, keepdims=True)
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        gradients = []
        for i in range(len(outputs) - 1, -1, -1):
            gradients[:0] = [outputs[i].T @ d, d.sum(0)]
            if i:
                d = (d @ weights[2 * i].T) * (outputs[i] > 0)
        steps += 1
        rate = np.float32(RATE * np.sqrt(1 - 0.999**steps) / (1 - 0.9**steps))
        for i, g in enumerate(gradients):
            m[i] += (g - m[i]) * np.float32(0.1)
            v[i] += (g * g - v[i]) * np.float32(0.001)
            weights[i] -= m[i] * rate / (np.sqrt(v[i]) + np.float32(EPSILON))

    def run(steps=STEPS):
        for rows in network.batches(steps):
            step(x[rows], y[rows])

    return Engine(run, partial(moved, run, lambda: weights, start))


def torchs(network: Network, x, y, start) -> Engine:
    import torch

    layers: list = []
    for inputs, outputs in pairwise(network.widths):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    parameters = list(model.parameters())
    with torch.no_grad():
        for parameter, w in zip(parameters, start):
            parameter.copy_(torch.from_numpy(w.T))
    optimizer = torch.optim.Adam(parameters, lr=RATE, eps=EPSILON, fused=True)
    x, y = torch.from_numpy(x), torch.from_numpy(y)

    def run(steps=STEPS):
        for rows in network.batches(steps):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()

    def weights():
        return [parameter.detach().numpy().T for parameter in parameters]

    return Engine(run, partial(moved, run, weights, start))


# ---- compiled ------------------------------------------------------------------------------------


def jaxs(network: Network, x, y, start) -> Engine:
    import jax
    import jax.numpy as jnp

    def loss(parameters, x, y):
        for w, b in zip(parameters[:-2:2], parameters[1:-2:2]):
            x = jax.nn.relu(x @ w + b)
        logits = x @ parameters[-2] + parameters[-1]
        picked = jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1)
        return -picked.mean()

    @jax.jit
    def step(state, x, y):
        parameters, m, v, t = state
        gradients = jax.grad(loss)(parameters, x, y)
        t = t + 1
        m = jax.tree.map(lambda m, g: m + 0.1 * (g - m), m, gradients)
        v = jax.tree.map(lambda v, g: v + 0.001 * (g * g - v), v, gradients)
        rate = RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        parameters = jax.tree.map(
            lambda p, m, v: p - rate * m / (jnp.sqrt(v) + EPSILON), parameters, m, v
        )
        return parameters, m, v, t

    batches = [(jnp.asarray(x[rows]), jnp.asarray(y[rows])) for rows in network.batches()]
    zeros = [np.zeros_like(w) for w in start]
    state = (start, zeros, zeros, jnp.float32(0))

    def run(steps=STEPS):
        nonlocal state
        for x, y in batches[:steps]:
            state = step(state, x, y)
        jax.block_until_ready(state)

    return Engine(run, partial(moved, run, lambda: state[0], start))


MLP = Network("mlp", (784, 500, 500, 10), 100)
TINY = Network("tiny", (64, 64, 10), 32)
ENGINES = {
    "fastnn": ours,
    "NumPy": numpys,
    "PyTorch": torchs,
    "JAX": jaxs,
    "Keras on JAX": kerass,
    "scikit-learn": sklearns,
}


def rows() -> Iterator[Row]:
    # Rounding moves a weight whose gradient is nearly zero by a whole step either way.
    options = {"tolerance": 0.01, "calls": STEPS}
    for network, flops, title, engines in (
        (MLP, MLP.flops(), MLP.title, ENGINES),
        (TINY, 0, TINY.title, ENGINES),
        (TINY, 0, f"{TINY.title}, eager loop", {**ENGINES, "fastnn": our_loop}),
    ):
        named = {name: partial(make, network) for name, make in engines.items()}
        yield Row(title, network.data, named, flops=flops, **options)
