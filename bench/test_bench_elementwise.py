"""Element-wise operations beside NumPy's: a million elements, and what a small call costs."""

import math

import numpy as np
import pytest

from fastnn import _core

N = 1_000_000
RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal(N).astype(np.float32)
Y = RANDOM.standard_normal(N).astype(np.float32)
POSITIVE = np.abs(X) + np.float32(0.1)
ROOT_HALF = np.float32(math.sqrt(0.5))


def erf(x):
    """Abramowitz and Stegun 7.1.26: what NumPy alone offers, to 1.5e-7."""
    t = 1 / (1 + np.float32(0.3275911) * np.abs(x))
    p = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    return np.copysign(1 - p.astype(np.float32) * np.exp(-x * x), x)


UNARY = {
    "exp": (X, np.exp),
    "log": (POSITIVE, np.log),
    "tanh": (X, np.tanh),
    "sigmoid": (X, lambda x: 1 / (1 + np.exp(-x))),
    "gelu": (X, lambda x: x * np.float32(0.5) * (1 + erf(x * ROOT_HALF))),
    "erf": (X, erf),
    "sin": (X, np.sin),
    "relu": (X, lambda x: np.maximum(x, 0)),
}
ROW = Y[:1000].copy()
BINARY = {
    "add, 1e6": (X, Y),
    "add, 1000x1000 and a row": (X.reshape(1000, 1000), ROW),
    "add, 1000x1000 and a column": (X.reshape(1000, 1000), ROW[:, None].copy()),
    "add, 100x10": (X[:1000].reshape(100, 10).copy(), Y[:1000].reshape(100, 10).copy()),
}


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("op", UNARY)
def test_unary(op, engine, benchmark):
    benchmark.group = f"{op}, 1e6"
    x, plain = UNARY[op]
    tensor = _core.from_numpy(x)
    np.testing.assert_allclose(_core.unary(tensor, op), plain(x), rtol=1e-5, atol=1e-6)
    benchmark((lambda: _core.unary(tensor, op)) if engine == "fastnn" else (lambda: plain(x)))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("name", BINARY)
def test_binary(name, engine, benchmark):
    benchmark.group = name
    a, b = BINARY[name]
    x, y = _core.from_numpy(a), _core.from_numpy(b)
    np.testing.assert_array_equal(_core.binary(x, y, "add"), a + b)
    benchmark((lambda: _core.binary(x, y, "add")) if engine == "fastnn" else (lambda: a + b))
