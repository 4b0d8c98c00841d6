"""batch_norm and batch_norm_backward.

Bounds as in test_norm.py: the mean of n numbers is off by roundings(n) / 2 of their mean magnitude,
which shifts every centred number, and the variance by as much; each pair of blocks that is joined
adds a few roundings.
"""

import numpy as np
import pytest

from .harness import FLOATS, check, generator, roundings, rows

SHAPES = [
    *((n, 5) for n in (1, 2, 31, 256, 257, 700, 3000)),
    *((300, c) for c in (1, 2, 3, 7, 8, 16, 17, 25, 32, 33, 64, 130, 300)),
    (3, 0),
]


def operands_of(dtype, shape):
    random = generator(shape)
    x = (random.normal(size=shape) + 0.5).astype(dtype)
    gamma, beta, mean = (random.normal(size=shape[1]).astype(dtype) for _ in range(3))
    variance = random.uniform(0.5, 2, shape[1]).astype(dtype)
    return x, gamma, beta, mean, variance


def factor(shape):
    return roundings(max(shape[0], 1)) / 2 + 8 * (3 + np.log2(1 + shape[0] / 256))


@pytest.mark.parametrize(
    ("backend", "dtype", "shape", "scaled", "given"),
    rows((d, s, scaled, given) for d in FLOATS for s in SHAPES for scaled, given in
         ((True, False), (False, False), (True, True))),
)  # fmt: skip
def test_batch_norm(backend, dtype, shape, scaled, given):
    x, gamma, beta, mean, variance = operands_of(dtype, shape)
    wide = x.astype(np.float64)
    least = np.minimum(wide.var(axis=0), variance) if x.size else 1
    most = np.abs(wide).max(initial=1) + np.abs(mean).max(initial=1)
    few = 30 if shape[0] < 3 else 1  # rstd may be that of epsilon alone

    def bound(i, expected, eps):
        error = factor(shape) * eps * most**2 * few / (least + 1e-3)
        return error * (1 + np.abs(expected)) * (1 + np.abs(gamma) * few)

    scales = (gamma, beta) if scaled else (None, None)
    moments = (mean, variance, None, None) if given else (None, None, mean, variance)
    check(backend, "batch_norm", [x, *scales, *moments], 1e-3, 0.9, bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "shape", "batch_statistics"),
    rows((d, s, b) for d in FLOATS for s in SHAPES for b in (True, False)),
)
@pytest.mark.parametrize("want_dx", [True, False])
def test_batch_norm_backward(backend, dtype, shape, batch_statistics, want_dx):
    x, gamma, _, mean, rstd = operands_of(dtype, shape)
    dy = generator("dy", shape).normal(size=shape).astype(dtype)
    wide = [np.abs(v).astype(np.float64) for v in (dy, x, mean, rstd, gamma)]
    xh = (wide[1] + wide[2]) * wide[3]
    sums = [(wide[0] * xh).sum(0), wide[0].sum(0)]
    size = (wide[0] + (sums[1] + xh * sums[0]) / max(shape[0], 1)) * wide[3] * wide[4]

    def bound(i, expected, eps):
        return factor(shape) * eps * (sums[i - 1] if i else size)

    operands = [dy, x, mean, rstd, gamma]
    check(backend, "batch_norm_backward", operands, batch_statistics, want_dx, bound=bound)


@pytest.mark.parametrize(("backend", "dtype"), rows((d,) for d in FLOATS))
def test_a_large_mean_does_not_spoil_the_variance(backend, dtype):
    """A difference of mean squares would have no digit left."""
    x = (10000 + generator(1).integers(-3, 4, (1000, 9))).astype(dtype)

    def bound(i, expected, eps):
        return 4e4 * eps * (1e4 if i == 1 else 4)

    check(backend, "batch_norm", [x, None, None, None, None, None, None], bound=bound)
