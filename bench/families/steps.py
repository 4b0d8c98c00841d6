"""A training step of a small network as each engine's users would write it: through `fit`,
compiled, or as an eager loop; a call is many steps over mini-batches.
"""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

import fastnn as fn
from bench.cells import CELLS, scan
from bench.networks import (
    CNN,
    KERAS_CONVNET,
    LSTM,
    MLP,
    RECURRENT,
    TINY,
    Conv,
    Dense,
    Dropout,
    Flatten,
    MaxPool,
    Network,
    ReLU,
)
from bench.row import Engine, Row

CHECKED = 5  # steps after which the weights are compared: rounding grows from step to step
RATE = 0.001
EPSILON = 1e-11  # Keras and PyTorch add it in different places: here that makes no difference


def moved(run, weights, start, steps=CHECKED):
    """How far the weights are from the start after the first steps."""
    run(steps)
    return np.concatenate([(np.asarray(w) - s).ravel() for w, s in zip(weights(), start)])


# ---- through fit ---------------------------------------------------------------------------------


def keras_style(keras, network: Network, x, y, start) -> Engine:
    """In the vocabulary of Keras 3, which fastnn shares."""
    model = keras.Sequential([keras.Input(network.inputs)])
    layers = keras.layers
    make = {
        Dense: layers.Dense,
        Conv: lambda filters, activation: layers.Conv2D(filters, 3, activation=activation),
        MaxPool: layers.MaxPooling2D,
        LSTM: layers.LSTM,
        ReLU: partial(layers.Activation, "relu"),
        Flatten: layers.Flatten,
        Dropout: layers.Dropout,
    }
    for layer in (*network.layers[:-1], Dense(network.classes, "softmax")):
        model.add(make[type(layer)](*layer))
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
    hidden = [layer.units for layer in network.layers[:-1]]
    model = MLPClassifier(hidden, learning_rate_init=RATE, **options)
    classes = np.arange(network.classes)
    # Makes its weights; then it begins again, at ours.
    model.partial_fit(x[: network.batch], y[: network.batch], classes=classes)
    del model._optimizer
    model.coefs_ = [w.copy() for w in start[::2]]
    model.intercepts_ = [w.copy() for w in start[1::2]]

    def run(steps=network.steps):
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

    def run(steps=None):
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

    def run(steps=None):
        for rows in network.batches(steps):
            step(x[rows], y[rows])

    return Engine(run, partial(moved, run, lambda: weights, start))


def torchs(layout: str, network: Network, x, y, start) -> Engine:
    import torch
    from torch import nn

    class Last(nn.LSTM):
        """With one bias: with two, Adam would move their sum twice as far."""

        def __init__(self, inputs, units):
            super().__init__(inputs, units, batch_first=True)
            nn.init.zeros_(self.bias_hh_l0).requires_grad_(False)

        def forward(self, x):
            return super().forward(x)[0][:, -1]

    def to_images(x):
        return x.permute(0, 3, 1, 2).contiguous(memory_format=order) if x.ndim == 4 else x

    order = getattr(torch, layout)
    kernels = [shape for shape, _ in network.products()]
    left = iter(kernels)

    def lstm(units):
        (inputs, _), _ = next(left), next(left)
        return Last(inputs, units)

    make = {
        Dense: lambda units, _: nn.Linear(math.prod(next(left)[:-1]), units),
        Conv: lambda filters, _: nn.Conv2d(next(left)[-2], filters, 3),
        MaxPool: lambda: nn.MaxPool2d(2),
        LSTM: lstm,
        ReLU: nn.ReLU,
        Flatten: nn.Flatten,
        Dropout: nn.Dropout,
    }
    layers: list = []
    for layer in network.layers:
        layers.append(make[type(layer)](*layer))
        layers += [nn.ReLU()] if getattr(layer, "activation", None) else []
    model = nn.Sequential(*layers).to(memory_format=order)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    # Its kernels are [outputs, inputs, window], and it flattens channels first.
    left = iter(kernels)
    with torch.no_grad():
        for parameter, w in zip(parameters, start):
            if w.ndim > 1:
                w = np.moveaxis(w.reshape(next(left)), (-1, -2), (0, 1)).reshape(parameter.shape)
            parameter.copy_(torch.as_tensor(w))
    optimizer = torch.optim.Adam(parameters, lr=RATE, eps=EPSILON, fused=True)
    x, y = to_images(torch.as_tensor(x)), torch.as_tensor(y)

    def run(steps=None):
        for rows in network.batches(steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()

    def weights():
        found, left = [], iter(kernels)
        for parameter, w in zip(parameters, start):
            part = parameter.detach().cpu().numpy()
            if w.ndim > 1:
                shape = next(left)
                kernel = part.reshape(*shape[:-3:-1], *shape[:-2])
                part = np.moveaxis(kernel, (0, 1), (-1, -2)).reshape(w.shape)
            found.append(part)
        return found

    return Engine(run, partial(moved, run, weights, start))


# ---- compiled ------------------------------------------------------------------------------------


def jaxs(network: Network, x, y, start) -> Engine:
    import jax
    import jax.numpy as jnp
    from jax import lax

    def forward(parameters, x, key):
        left = iter(parameters)
        for layer in network.layers:
            if isinstance(layer, Dense):
                x = x @ next(left) + next(left)
            elif isinstance(layer, Conv):
                order = ("NHWC", "HWIO", "NHWC")
                x = lax.conv_general_dilated(
                    x, next(left), (1, 1), "VALID", dimension_numbers=order
                )
                x = x + next(left)
            elif isinstance(layer, MaxPool):
                window = (1, 2, 2, 1)
                x = lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
            elif isinstance(layer, LSTM):
                x, _ = scan(CELLS["lstm"], x, next(left), next(left), next(left))
            elif isinstance(layer, Flatten):
                x = x.reshape(len(x), -1)
            elif isinstance(layer, Dropout) and layer.rate:
                kept = jax.random.bernoulli(key, 1 - layer.rate, x.shape)
                x = jnp.where(kept, x / (1 - layer.rate), 0)
            if isinstance(layer, ReLU) or getattr(layer, "activation", None):
                x = jax.nn.relu(x)
        return x

    def loss(parameters, x, y, key):
        logits = jax.nn.log_softmax(forward(parameters, x, key))
        return -jnp.take_along_axis(logits, y[:, None], axis=1).mean()

    @jax.jit
    def step(state, x, y):
        parameters, m, v, t = state
        key = jax.random.fold_in(jax.random.key(0), t.astype(int))
        gradients = jax.grad(loss)(parameters, x, y, key)
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

    def run(steps=None):
        nonlocal state
        for x, y in batches[:steps]:
            state = step(state, x, y)
        jax.block_until_ready(state)

    return Engine(run, partial(moved, run, lambda: state[0], start))


ENGINES = {
    "fastnn": ours,
    "PyTorch": partial(torchs, "contiguous_format"),
    "JAX": jaxs,
    "Keras on JAX": kerass,
}
OF_DENSE = {**ENGINES, "NumPy": numpys, "scikit-learn": sklearns}
OF_IMAGES = {**ENGINES, "PyTorch, channels last": partial(torchs, "channels_last")}


def engine(make, network: Network, *data) -> Engine:
    """Engines draw other numbers for dropout: what is compared is computed without."""
    timed, still = make(network, *data), network.without_dropout()
    return timed if still == network else Engine(timed.call, make(still, *data).result)


def rows() -> Iterator[Row]:
    for network, title, engines in (
        (MLP, MLP.title, OF_DENSE),
        (TINY, TINY.title, OF_DENSE),
        (TINY, f"{TINY.title}, eager loop", {**OF_DENSE, "fastnn": our_loop}),
        (CNN, CNN.title, OF_IMAGES),
        (KERAS_CONVNET, KERAS_CONVNET.title, OF_IMAGES),
        (RECURRENT, RECURRENT.title, ENGINES),
    ):
        yield Row(
            title,
            network.data,
            {name: partial(engine, make, network) for name, make in engines.items()},
            flops=0 if network is TINY else network.flops(),
            # Rounding moves a weight whose gradient is nearly zero by a whole step either way.
            tolerance=0.01,
            calls=network.steps,
        )
