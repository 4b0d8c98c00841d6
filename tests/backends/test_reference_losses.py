"""The reference's softmax and losses against sums of single terms, finite differences and torch."""

import math

import numpy as np
import pytest

from fastnn.backends import reference

RNG = np.random.default_rng(0)


def slopes(function, x, h=1e-5):
    """The gradient of a number with respect to an array, by central differences."""
    result = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        low, high = x.copy(), x.copy()
        low[index] -= h
        high[index] += h
        result[index] = (function(high) - function(low)) / (2 * h)
    return result


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("log", [False, True])
def test_softmax_and_its_gradient(axis, log):
    x, dy = RNG.normal(size=(2, 3, 4, 5))
    y = reference.softmax(x, axis=axis, log=log)
    lines = np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])
    for line, out in zip(lines, np.moveaxis(y, axis, -1).reshape(lines.shape), strict=True):
        total = math.fsum(math.exp(v) for v in line)
        expected = [math.exp(v) / total for v in line]
        np.testing.assert_allclose(np.exp(out) if log else out, expected, rtol=1e-14)
    numeric = slopes(lambda v: np.sum(dy * reference.softmax(v, axis=axis, log=log)), x)
    dx = reference.softmax_backward(dy, y, axis=axis, log=log)
    np.testing.assert_allclose(dx, numeric, atol=1e-9)


def test_softmax_of_large_numbers():
    x = np.array([[1e4, 1e4 + 1], [-1e4, 0]])
    np.testing.assert_allclose(reference.softmax(x).sum(1), 1)
    np.testing.assert_allclose(reference.softmax(x, log=True)[1], [-1e4, 0])


@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_cross_entropy_of_labels(smoothing):
    x, labels, weight = RNG.normal(size=(4, 3)), np.array([2, 0, 1, 1]), RNG.uniform(size=4)
    options = {"smoothing": smoothing, "has_ignore": True, "ignore_class": 0}
    loss, dx = reference.cross_entropy(x, labels, weight, **options)
    for i, label in enumerate(labels):
        total = math.fsum(math.exp(v) for v in x[i])
        logs = [v - math.log(total) for v in x[i]]
        terms = [(1 - smoothing) * (j == label) + smoothing / 3 for j in range(3)]
        expected = 0 if label == 0 else -sum(t * v for t, v in zip(terms, logs, strict=True))
        assert abs(loss[i] - weight[i] * expected) < 1e-14
    numeric = slopes(lambda v: reference.cross_entropy(v, labels, weight, **options)[0].sum(), x)
    np.testing.assert_allclose(dx, numeric, atol=1e-9)
    assert loss[1] == 0
    assert (dx[1] == 0).all()


def test_cross_entropy_of_distributions():
    x, target = RNG.normal(size=(2, 4, 3))
    loss, dx = reference.cross_entropy(x, target, smoothing=0.2)
    smooth = target * 0.8 + 0.2 / 3
    expected = -np.sum(smooth * np.log(np.exp(x) / np.exp(x).sum(1, keepdims=True)), axis=1)
    np.testing.assert_allclose(loss, expected, atol=1e-14)
    numeric = slopes(lambda v: reference.cross_entropy(v, target, smoothing=0.2)[0].sum(), x)
    np.testing.assert_allclose(dx, numeric, atol=1e-9)


def test_cross_entropy_names_the_label_out_of_range():
    with pytest.raises(ValueError, match="label 3 at row 1 is out of range for 3 classes"):
        reference.cross_entropy(np.zeros((2, 3)), np.array([0, 3]))
    loss, _ = reference.cross_entropy(
        np.zeros((2, 3)), np.array([0, -7]), has_ignore=True, ignore_class=-7
    )
    np.testing.assert_allclose(loss, [math.log(3), 0])


def test_binary_cross_entropy():
    x, weight = RNG.normal(size=(3, 4)) * 3, RNG.uniform(size=(3, 4))
    target = RNG.uniform(size=(3, 4))
    loss, dx = reference.binary_cross_entropy(x, target, weight, smoothing=0.1)
    s, t = 1 / (1 + np.exp(-x)), target * 0.9 + 0.05
    expected = -weight * (t * np.log(s) + (1 - t) * np.log(1 - s))
    np.testing.assert_allclose(loss, expected, rtol=1e-12)
    np.testing.assert_allclose(dx, weight * (s - t), atol=1e-14)
    loss, _ = reference.binary_cross_entropy(np.array([1e4, -1e4]), np.array([0.0, 0.0]))
    assert loss.tolist() == [1e4, 0]


@pytest.mark.parity
def test_losses_are_torchs():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x = torch.randn(50, 7, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 7, (50,))
    loss = functional.cross_entropy(x, labels, reduction="none", label_smoothing=0.1)
    loss.sum().backward()
    mine, dx = reference.cross_entropy(x.detach().numpy(), labels.numpy(), smoothing=0.1)
    np.testing.assert_allclose(mine, loss.detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(dx, x.grad.numpy(), atol=1e-14)
    target = torch.rand(50, 7, dtype=torch.float64)
    expected = functional.binary_cross_entropy_with_logits(x, target, reduction="none")
    mine, _ = reference.binary_cross_entropy(x.detach().numpy(), target.numpy())
    np.testing.assert_allclose(mine, expected.detach().numpy(), rtol=1e-12, atol=1e-15)
