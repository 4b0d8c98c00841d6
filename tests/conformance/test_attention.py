"""attention and its gradient.

Bounds: a score is a sum of `width` products, its exponential errs by as much as the score does; the
sums over keys and queries that follow are rounded as sums are. The factor is in units of eps, of
the sums of magnitudes.
"""

import numpy as np
import pytest

from fastnn.backends.reference import FUNCTIONS

from .harness import FLOATS, check, generator, rows_without_jit

# batch, queries, keys, heads, groups, width, values
SHAPES = [
    (1, 1, 1, 1, 1, 1, 1),
    (2, 5, 7, 3, 3, 4, 6),
    (1, 64, 256, 2, 1, 16, 8),
    (2, 65, 257, 2, 2, 33, 17),
    (1, 130, 600, 4, 2, 8, 40),
    (3, 70, 20, 6, 1, 5, 3),
    (1, 3, 513, 1, 1, 70, 300),
    (2, 0, 5, 1, 1, 3, 3),
    (2, 5, 0, 1, 1, 3, 3),
    (0, 5, 5, 2, 2, 3, 3),
    (1, 4, 4, 2, 2, 0, 3),
    (1, 4, 4, 2, 2, 3, 0),
]
MASKS = ("none", "causal", "keys", "full", "full causal", "rows")


def case(dtype, shape, masked):
    batch, queries, keys, heads, groups, width, values = shape
    draws = generator(shape, masked)
    q, k, v = (
        draws.normal(size=size).astype(dtype)
        for size in (
            (batch, queries, heads, width),
            (batch, keys, groups, width),
            (batch, keys, groups, values),
        )
    )
    mask = None
    if masked == "keys":
        mask = draws.random((batch, 1, 1, keys)) < 0.6
    elif masked.startswith("full"):
        mask = draws.random((batch, heads, queries, keys)) < 0.3  # some queries see nothing
    elif masked == "rows":
        mask = draws.random((1, heads, queries, 1)) < 0.5
    return q, k, v, mask, (0.3, "causal" in masked)


def many(shape):
    """Roundings on the way to a result, a few times over: scores reach 3 in these draws."""
    return 20 + 4 * np.sqrt(shape[5]) + shape[2] ** 0.5 * 4 + shape[1] ** 0.5 * 4


@pytest.mark.parametrize(
    ("backend", "dtype", "masked", "shape"),
    rows_without_jit((d, m, shape) for d in FLOATS for m in MASKS for shape in SHAPES),
)
def test_attention(backend, dtype, masked, shape):
    q, k, v, mask, options = case(dtype, shape, masked)

    def bound(i, expected, eps):
        return many(shape) * eps * (1 + np.abs(expected))

    check(backend, "attention", [q, k, v, mask, None, None], *options, bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "masked", "shape"),
    rows_without_jit((d, m, shape) for d in FLOATS for m in MASKS for shape in SHAPES),
)
def test_attention_backward(backend, dtype, masked, shape):
    q, k, v, mask, options = case(dtype, shape, masked)
    keywords = dict(zip(("scale", "causal"), options))
    y, lse, *_ = FUNCTIONS["attention"](q, k, v, mask, None, None, **keywords)
    dy = generator(shape, "dy").normal(size=y.shape).astype(dtype)

    def bound(i, expected, eps):
        return 2 * many(shape) * eps * (1 + np.abs(expected))

    operands = [dy, y, lse, q, k, v, mask, None, None]
    check(backend, "attention_backward", operands, *options, bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "masked", "rate"),
    rows_without_jit(
        (d, m, r) for d in FLOATS for m in ("none", "full causal") for r in (0.0, 0.4, 1.0)
    ),
)
def test_dropout(backend, dtype, masked, rate):
    """The words that a weight draws are those of the specification."""
    shape = (2, 70, 301, 4, 2, 9, 5)
    q, k, v, mask, options = case(dtype, shape, masked)
    state, rate = np.array([7, 12345]), np.array(rate, dtype)

    def bound(i, expected, eps):
        return 4 * many(shape) * eps * (1 + np.abs(expected))

    results = check(
        backend, "attention", [q, k, v, mask, rate, state], *options, bound=bound, wide=False
    )
    assert results[2].tolist() == [7, 12345] and results[3][1] > 12345
    keywords = dict(zip(("scale", "causal"), options))
    y, lse, *_ = FUNCTIONS["attention"](q, k, v, mask, rate, state, **keywords)
    dy = generator(shape, "dy").normal(size=y.shape).astype(dtype)
    operands = [dy, y, lse, q, k, v, mask, rate, np.array([7, 12345])]
    check(backend, "attention_backward", operands, *options, bound=bound, wide=False)
