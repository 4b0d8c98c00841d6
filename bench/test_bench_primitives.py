"""Reductions, softmax, losses, random numbers and gathering beside NumPy's."""

from collections.abc import Callable

import numpy as np
import pytest

import fastnn as fn
from fastnn import _core

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((1000, 1000), dtype=np.float32)
LOGITS = RANDOM.standard_normal((100, 1000), dtype=np.float32)
LABELS = RANDOM.integers(0, 1000, 100)
ROWS = RANDOM.integers(0, 1000, 256)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def cross_entropy(logits, labels):
    p = softmax(logits)
    rows = np.arange(len(labels))
    loss = -np.log(p[rows, labels])
    p[rows, labels] -= 1
    return loss, p


def scatter_add(rows):
    total = np.zeros_like(X)
    np.add.at(total, rows, X[: len(rows)])
    return total


def our_scatter_add(updates, rows):
    total = fn.ops.zeros(X.shape)
    _core.scatter_add(total, updates, rows, 0)
    return total


x, logits, labels, rows = map(_core.from_numpy, (X, LOGITS, LABELS, ROWS))
updates = _core.from_numpy(X[: len(ROWS)])

# name: (fastnn's call, NumPy's)
CALLS: dict[str, tuple[Callable, Callable]] = {
    "sum of 1e6": (lambda: _core.reduce(x, "sum", (0, 1)), lambda: X.sum()),
    "sum over rows, 1000x1000": (lambda: _core.reduce(x, "sum", (0,)), lambda: X.sum(0)),
    "max over columns, 1000x1000": (lambda: _core.reduce(x, "max", (1,)), lambda: X.max(1)),
    "argmax, 1000x1000": (lambda: _core.arg_reduce(x, "argmax", 1), lambda: X.argmax(1)),
    "softmax 100x1000": (lambda: _core.softmax(logits, 1), lambda: softmax(LOGITS)),
    "cross-entropy 100x1000, with gradient": (
        lambda: _core.cross_entropy(logits, labels, None),
        lambda: cross_entropy(LOGITS, LABELS),
    ),
    "gather 256 rows of 1000": (lambda: _core.gather(x, rows, 0), lambda: X[ROWS]),
    "scatter-add 256 rows of 1000": (
        lambda: our_scatter_add(updates, rows),
        lambda: scatter_add(ROWS),
    ),
}


def arrays(result):
    return [np.asarray(r) for r in (result if isinstance(result, tuple) else (result,))]


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("name", CALLS)
def test_call(name, engine, benchmark):
    benchmark.group = name
    ours, theirs = CALLS[name]
    for a, b in zip(arrays(ours()), arrays(theirs())):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3)
    benchmark(ours if engine == "fastnn" else theirs)


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_uniform(engine, benchmark):
    benchmark.group = "uniform, 1e6"
    generator, seeds = np.random.default_rng(0), fn.random.SeedGenerator(0)
    if engine == "fastnn":
        benchmark(lambda: fn.random.uniform((1_000_000,), seed=seeds))
    else:
        benchmark(lambda: generator.random(1_000_000, dtype=np.float32))
