"""softmax and the losses.

Bounds, relative to what stands in `scale`: a sum of n exponentials is rounded `roundings(n)` times,
each exponential is within 2 ULP, its argument within half an ULP of the largest difference, and
four operations follow.
"""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from fastnn.backends.reference import softmax

from .harness import FLOATS, LENGTHS, check, drawn, generator, roundings, rows

SHAPES = [
    *(((n,), 0) for n in LENGTHS[1:]),
    *(((5, n), 1) for n in LENGTHS),
    *(((n, 5), 0) for n in LENGTHS[1:]),
    ((3, 5, 9), 1),
    ((3, 5, 70), 1),
    ((2, 3, 4, 10), -1),
    ((0, 5), 1),
    ((300, 100), 1),
]


def draw(dtype, shape, *seed, spread=4):
    return np.asarray(generator(shape, *seed).normal(size=shape) * spread).astype(dtype)


def factor(x, axis):
    """Roundings on the way to one probability, in units of eps."""
    wide = x.astype(np.float64)
    spread = np.ptp(wide) if x.size else 0
    return roundings(x.shape[axis]) / 2 + 6 + spread


@pytest.mark.parametrize(
    ("backend", "dtype", "log", "shape", "axis"),
    rows((d, log, *case) for d in FLOATS for log in (False, True) for case in SHAPES),
)
def test_softmax(backend, dtype, log, shape, axis):
    x = draw(dtype, shape)
    many = factor(x, axis)

    def bound(i, expected, eps):
        scale = 1 + np.abs(expected) if log else np.abs(expected)
        return many * eps * scale + np.finfo(dtype).tiny

    check(backend, "softmax", [x], axis, log, bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "log"), rows((d, log) for d in FLOATS for log in (False, True))
)
@pytest.mark.parametrize("axis", [0, 1])
def test_softmax_of_extreme_numbers(backend, dtype, log, axis):
    x = np.zeros((17, 33), dtype)
    x[0], x[1], x[2, :5], x[3, 7], x[4, 2] = 1e4, -1e4, -np.inf, np.nan, 500

    def bound(i, expected, eps):
        return 40 * eps * (1 + np.abs(expected))

    x = x if axis == 1 else np.ascontiguousarray(x.T)
    check(backend, "softmax", [x], axis, log, bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "log", "shape", "axis"),
    rows((d, log, *case) for d in FLOATS for log in (False, True) for case in SHAPES[::2]),
)
def test_softmax_backward(backend, dtype, log, shape, axis):
    y = softmax(draw("float64", shape), axis=axis, log=log).astype(dtype)
    dy = draw(dtype, shape, "dy", spread=1)
    wide, size = np.abs(dy.astype(np.float64)), y.astype(np.float64)
    if log:  # dy - exp(y) sum(dy)
        scale = wide + np.exp(size) * wide.sum(axis, keepdims=True) * (1 + np.abs(size) / 2)
    else:  # y (dy - sum(dy y))
        scale = size * (wide + (wide * size).sum(axis, keepdims=True))

    def bound(i, expected, eps):
        return (roundings(shape[axis]) / 2 + 5) * eps * scale + np.finfo(dtype).tiny

    check(backend, "softmax_backward", [dy, y], axis, log, bound=bound)


def entropy_case(dtype, count, classes, labels, weighted):
    x = draw(dtype, (count, classes), labels)
    random = generator(count, classes)
    if labels == "dense":
        target = random.uniform(0, 1, (count, classes)).astype(dtype)  # rows need not sum to 1
    else:
        target = random.integers(0, max(classes, 1), count).astype(labels)
    weight = random.uniform(0.5, 2, count).astype(dtype) if weighted else None
    return x, target, weight


def entropy_bound(x, target, weight):
    wide = np.abs(x.astype(np.float64))
    w = np.ones(len(x)) if weight is None else weight.astype(np.float64)
    if target.ndim == 2:  # the sum of its row multiplies the loss and the probabilities
        w = w * (1 + target.astype(np.float64).sum(axis=1))
    many = factor(x, 1) + 4 if x.size else 1
    largest = wide.max(axis=1, initial=0)

    def bound(i, expected, eps):
        scale = w * (largest + np.log(x.shape[1] + 1) + 1) if i == 0 else w[:, None] * 1
        return many * eps * scale

    return bound


@pytest.mark.parametrize(
    ("backend", "dtype", "labels", "count", "classes"),
    rows(
        (dtype, labels, *case)
        for dtype in FLOATS
        for labels in ("int32", "int64", "dense")
        for case in [
            *((5, n) for n in LENGTHS[1:]),
            (0, 7),
            (1, 10),
            (100, 10),
            (700, 3),
        ]
    ),
)
@pytest.mark.parametrize(("smoothing", "weighted"), [(0.0, False), (0.1, True)])
def test_cross_entropy(backend, dtype, labels, count, classes, smoothing, weighted):
    x, target, weight = entropy_case(dtype, count, classes, labels, weighted)
    bound = entropy_bound(x, target, weight)
    check(backend, "cross_entropy", [x, target, weight], smoothing, bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "labels", "ignored"),
    rows((d, i, c) for d in FLOATS for i in ("int32", "int64") for c in (2, -1, 255)),
)
def test_cross_entropy_ignores_a_class(backend, dtype, labels, ignored):
    x, target, weight = entropy_case(dtype, 33, 7, labels, True)
    target[::3] = ignored
    operands = [x, target, weight]
    bound = entropy_bound(x, target, weight)
    loss, dx = check(backend, "cross_entropy", operands, 0.1, True, ignored, bound=bound)
    assert (loss[::3] == 0).all()
    assert (dx[::3] == 0).all()


@pytest.mark.parametrize(("backend", "dtype"), rows((dtype,) for dtype in FLOATS))
def test_cross_entropy_of_extreme_logits(backend, dtype):
    x = np.array([[1e4, 0, -1e4], [0, 500, 500], [-1e4, -1e4, -1e4]], dtype=dtype)
    target = np.array([1, 2, 0], dtype=np.int32)

    def bound(i, expected, eps):
        return 20 * eps * (1e4 if i == 0 else 1)

    check(backend, "cross_entropy", [x, target, None], bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "shape"),
    rows((d, s) for d in FLOATS for s in [(), *((n,) for n in LENGTHS), (3, 17), (70, 300)]),
)
@pytest.mark.parametrize(("smoothing", "weighted"), [(0.0, False), (0.1, True)])
def test_binary_cross_entropy(backend, dtype, shape, smoothing, weighted):
    x = draw(dtype, shape, spread=8)
    random = generator(shape)
    target = np.asarray(random.uniform(0, 1, shape)).astype(dtype)
    weight = np.asarray(random.uniform(0.5, 2, shape)).astype(dtype) if weighted else None
    w = 1 if weight is None else weight.astype(np.float64)

    def bound(i, expected, eps):
        return 6 * eps * w * (np.abs(x.astype(np.float64)) + 1 if i == 0 else 1)

    operands = [x, target, weight]
    check(backend, "binary_cross_entropy", operands, smoothing, bound=bound)


@drawn
@hypothesis.given(
    shape=strategies.lists(strategies.integers(1, 40), min_size=1, max_size=3).map(tuple),
    axis=strategies.integers(0, 2),
    dtype=strategies.sampled_from(FLOATS),
)
@pytest.mark.parametrize("backend", rows([()]))
def test_softmax_of_drawn_shapes(backend, shape, axis, dtype):
    axis %= len(shape)
    x = draw(dtype, shape)
    many = factor(x, axis)

    def bound(i, expected, eps):
        return many * eps * np.abs(expected) + np.finfo(dtype).tiny

    check(backend, "softmax", [x], axis, bound=bound)
