"""A step of training through `fit` beside the same step in NumPy."""

import numpy as np
import pytest

import fastnn as fn

SIZES = {"64-64-10, batch 32": ((64, 64, 10), 32), "784-500-500-10, batch 100":
         ((784, 500, 500, 10), 100)}  # fmt: skip
STEPS = 20  # a call: one epoch


def data(sizes, batch):
    random = np.random.default_rng(0)
    rows = batch * STEPS
    return (
        random.standard_normal((rows, sizes[0]), dtype=np.float32),
        random.integers(0, sizes[-1], rows),
    )


def make_model(sizes):
    fn.utils.set_random_seed(1)
    model = fn.Sequential([fn.Input((sizes[0],))])
    for units in sizes[1:-1]:
        model.add(fn.layers.Dense(units, activation="relu"))
    model.add(fn.layers.Dense(sizes[-1], activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class NumpyTraining:
    """An MLP trained by Adam, as one would write it in NumPy."""

    def __init__(self, weights):
        self.weights = [np.array(w) for w in weights]
        self.m = [np.zeros_like(w) for w in weights]
        self.v = [np.zeros_like(w) for w in weights]
        self.t = 0

    def epoch(self, x, y, batch):
        for start in range(0, len(x), batch):
            self.step(x[start : start + batch], y[start : start + batch])

    def step(self, x, y):
        outputs = [x]
        for w, b in zip(self.weights[:-2:2], self.weights[1:-2:2]):
            outputs.append(np.maximum(outputs[-1] @ w + b, 0))
        z = outputs[-1] @ self.weights[-2] + self.weights[-1]
        d = np.exp(z - z.max(-1, keepdims=True))
        d /= d.sum(-1, keepdims=True)
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        gradients = []
        for i in range(len(outputs) - 1, -1, -1):
            gradients[:0] = [outputs[i].T @ d, d.sum(0)]
            if i:
                d = (d @ self.weights[2 * i].T) * (outputs[i] > 0)
        self.t += 1
        alpha = np.float32(0.001 * np.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t))
        for w, m, v, g in zip(self.weights, self.m, self.v, gradients):
            m += (g - m) * np.float32(0.1)
            v += (g * g - v) * np.float32(0.001)
            w -= m * alpha / (np.sqrt(v) + np.float32(1e-7))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("name", SIZES)
def test_step(name, engine, benchmark):
    sizes, batch = SIZES[name]
    benchmark.group = f"training step {name} ({STEPS} a call)"
    x, y = data(sizes, batch)
    model = make_model(sizes)
    plain = NumpyTraining(model.get_weights())
    options = {"batch_size": batch, "shuffle": False, "verbose": 0}
    model.fit(x[: 3 * batch], y[: 3 * batch], **options)
    plain.epoch(x[: 3 * batch], y[: 3 * batch], batch)
    for ours, theirs in zip(model.get_weights(), plain.weights):
        np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=1e-5)
    if engine == "fastnn":
        benchmark(lambda: model.fit(x, y, **options))
    else:
        benchmark(lambda: plain.epoch(x, y, batch))
