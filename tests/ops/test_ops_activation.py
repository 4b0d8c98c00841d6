"""Activations against their formulas in float64, and against torch and Keras."""

import math

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops

rng = np.random.default_rng(5)
X = np.concatenate([rng.uniform(-7, 7, 60), [0.0, -1.0, 1.0, 3.0, -3.0, 6.0, 30.0, -30.0]])
CDF = np.vectorize(lambda x: 0.5 * math.erfc(-x / math.sqrt(2)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


SCALE, ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
FORMULAS = {
    "relu": (ops.relu, lambda x: np.maximum(x, 0)),
    "relu6": (ops.relu6, lambda x: np.clip(x, 0, 6)),
    "sigmoid": (ops.sigmoid, sigmoid),
    "log_sigmoid": (ops.log_sigmoid, lambda x: -softplus(-x)),
    "tanh": (ops.tanh, np.tanh),
    "softplus": (ops.softplus, softplus),
    "softsign": (ops.softsign, lambda x: x / (1 + abs(x))),
    "silu": (ops.silu, lambda x: x * sigmoid(x)),
    "mish": (ops.mish, lambda x: x * np.tanh(softplus(x))),
    "hard_sigmoid": (ops.hard_sigmoid, lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    "hard_tanh": (ops.hard_tanh, lambda x: np.clip(x, -1, 1)),
    "hard_silu": (ops.hard_silu, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "selu": (ops.selu, lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(x))),
    "elu": (lambda x: ops.elu(x, 1.5), lambda x: np.where(x > 0, x, 1.5 * np.expm1(x))),
    "celu": (lambda x: ops.celu(x, 2), lambda x: np.where(x > 0, x, 2 * np.expm1(x / 2))),
    "leaky_relu": (ops.leaky_relu, lambda x: np.where(x > 0, x, 0.2 * x)),
    "gelu": (lambda x: ops.gelu(x, approximate=False), lambda x: x * CDF(x)),
    "gelu_tanh": (
        ops.gelu,
        lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    "tanh_shrink": (ops.tanh_shrink, lambda x: x - np.tanh(x)),
    "hard_shrink": (ops.hard_shrink, lambda x: np.where(abs(x) > 0.5, x, 0)),
    "soft_shrink": (ops.soft_shrink, lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0)),
    "threshold": (lambda x: ops.threshold(x, 1.0, 9.0), lambda x: np.where(x > 1, x, 9)),
    "squareplus": (ops.squareplus, lambda x: (x + np.sqrt(x * x + 4)) / 2),
    "sparse_plus": (
        ops.sparse_plus, lambda x: np.where(x > 1, x, np.where(x > -1, (x + 1) ** 2 / 4, 0)),
    ),
    "sparse_sigmoid": (ops.sparse_sigmoid, lambda x: np.clip((x + 1) / 2, 0, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_formula(name, dtype):
    function, formula = FORMULAS[name]
    x = X.astype(dtype)
    result = function(x)
    assert result.dtype == dtype
    tolerance = {"float32": 2e-6, "float64": 1e-13}[dtype]
    np.testing.assert_allclose(
        result, formula(x.astype(np.float64)), rtol=tolerance, atol=tolerance
    )


def test_defaults_are_those_of_keras_ops():
    assert ops.leaky_relu([-1.0]).item() == np.float32(-0.2)
    np.testing.assert_allclose(ops.gelu([1.0]).item(), 0.841192, rtol=1e-6)  # the form with tanh
    x = fn.tensor(X)
    assert ops.swish(x).tolist() == ops.silu(x).tolist()
    assert ops.hard_swish(x).tolist() == ops.hard_silu(x).tolist()


def test_glu():
    x = rng.normal(size=(3, 4))
    np.testing.assert_allclose(ops.glu(x), x[:, :2] * sigmoid(x[:, 2:]), rtol=1e-13)
    with pytest.raises(ValueError, match=r"glu: axis 0 of shape .3, 4. must have an even extent"):
        ops.glu(x, 0)


@pytest.mark.parametrize("axis", [-1, 0, 1, None, (0, 2)])
def test_softmax(axis):
    x = rng.normal(size=(3, 4, 5)) * 5
    shifted = np.exp(x - x.max(axis=axis, keepdims=True))
    expected = shifted / shifted.sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(ops.softmax(x, axis), expected, rtol=1e-12)
    np.testing.assert_allclose(ops.log_softmax(x, axis), np.log(expected), rtol=1e-12, atol=1e-14)


def test_softmax_of_large_numbers():
    assert ops.softmax([[1e4, 0.0]]).tolist() == [[1.0, 0.0]]
    assert ops.log_softmax([[1e4, 0.0]]).tolist() == [[0.0, -1e4]]


def test_only_softmax_and_sigmoid_remember_their_logits():
    x = fn.tensor(rng.normal(size=(2, 3)))
    assert ops.softmax(x)._logits is x and ops.sigmoid(x)._logits is x
    assert ops.softmax(x, 0)._logits is None
    assert ops.softmax(x)[0]._logits is None and (ops.sigmoid(x) * 1.0)._logits is None
    z = ops.dense(x, np.eye(3), np.ones(3), "sigmoid")._logits
    np.testing.assert_allclose(z, np.asarray(x) + 1, rtol=1e-13)


def test_sparsemax():
    x = rng.normal(size=(5, 6))
    y = np.asarray(ops.sparsemax(x))
    np.testing.assert_allclose(y.sum(-1), 1)
    # The projection: y = max(x - tau, 0) with one tau a row.
    for row, out in zip(x, y):
        taus = (row - out)[out > 0]
        assert np.ptp(taus) < 1e-12 and (row[out == 0] <= taus[0] + 1e-12).all()


@pytest.mark.parity
@pytest.mark.parametrize("name", ["gelu", "mish", "selu", "silu", "softplus", "hardswish", "elu"])
def test_values_and_gradients_against_torch(name):
    torch = pytest.importorskip("torch")
    ours = {"hardswish": ops.hard_silu, "gelu": lambda x: ops.gelu(x, approximate=False)}
    x, theirs = fn.tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True)
    y, z = ours.get(name, getattr(ops, name, None))(x), getattr(torch.nn.functional, name)(theirs)
    y.sum().backward()
    z.sum().backward()
    np.testing.assert_allclose(y, z.detach(), rtol=1e-10, atol=1e-12)
    smooth = ~np.isin(X, [-3.0, 3.0, 0.0])
    np.testing.assert_allclose(x.grad.numpy()[smooth], theirs.grad[smooth], rtol=1e-9, atol=1e-11)
