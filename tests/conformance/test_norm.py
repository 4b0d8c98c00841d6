"""row_norm and row_norm_backward.

Bounds: a mean of n numbers is off by roundings(n) / 2 of their mean magnitude; that shifts every
centred number, whose size is at most `size` standard deviations, and the variance by as much.
"""

import numpy as np
import pytest

from .harness import FLOATS, check, generator, roundings, rows

# batch, positions, groups, width: rows, then groups of columns
VIEWS = [
    *((5, 1, 1, n) for n in (1, 3, 16, 17, 33, 65, 257, 5000)),
    (100, 1, 1, 7),
    (33, 1, 1, 64),
    (70, 1, 1, 300),
    (3, 5, 2, 3),
    (2, 300, 3, 7),
    (4, 9, 1, 33),
    (3, 17, 8, 1),
    (2, 1, 4, 6),
    (0, 1, 1, 5),
    (0, 3, 2, 5),
    (2, 1, 1, 0),
    (2, 0, 3, 4),
]


def operands_of(dtype, view, scaled):
    random = generator(view, scaled)
    x = np.asarray(random.normal(size=view) + 0.5).astype(dtype)
    columns = view[2] * view[3]
    gamma, beta = (random.normal(size=columns).astype(dtype) for _ in range(2))
    return (x, gamma, beta) if scaled else (x, None, None)


def factor(view):
    n = view[1] * view[3]
    return roundings(max(n, 1)) / 2 + 8


@pytest.mark.parametrize(
    ("backend", "dtype", "kind", "view"),
    rows((d, kind, v) for d in FLOATS for kind in ("layer", "rms") for v in VIEWS),
)
@pytest.mark.parametrize("scaled", [True, False])
def test_row_norm(backend, dtype, kind, view, scaled):
    x, gamma, beta = operands_of(dtype, view, scaled)
    scale = 1 if gamma is None else np.abs(gamma).astype(np.float64).reshape(view[2:])
    shift = 0 if beta is None else np.abs(beta).astype(np.float64).reshape(view[2:])
    spread = 1 / np.sqrt(x.astype(np.float64).var() + 1e-3) if x.size else 1
    size = 1 + np.abs(x).astype(np.float64)
    most = size.max(initial=1)

    def bound(i, expected, eps):
        if i == 0:
            # One element a group: what is left of it is the rounding of its mean, times 1 / sqrt
            # of epsilon at most.
            few = 32 if view[1] * view[3] < 8 else 4
            return factor(view) * eps * (scale * size * spread * few * most + shift)
        reach = np.abs(expected) if i == 2 else 1
        return factor(view) * eps * (most * 1000 if view[1] * view[3] < 8 else most) * reach

    check(backend, "row_norm", [x, gamma, beta], kind, 1e-3, bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "kind", "view"),
    rows((d, kind, v) for d in FLOATS for kind in ("layer", "rms") for v in VIEWS),
)
@pytest.mark.parametrize("scaled", [True, False])
def test_row_norm_backward(backend, dtype, kind, view, scaled):
    x, gamma, _ = operands_of(dtype, view, scaled)
    random = generator("dy", view)
    dy = random.normal(size=view).astype(dtype)
    numbers = (view[0], view[2])
    mean = random.normal(size=numbers).astype(dtype) if kind == "layer" else None
    rstd = random.uniform(0.5, 2, numbers).astype(dtype)
    wide = [np.abs(v).astype(np.float64) for v in (dy, x, rstd)]
    centre = 0 if mean is None else np.abs(mean).astype(np.float64)[:, None, :, None]
    xh = (wide[1] + centre) * wide[2][:, None, :, None]
    g = wide[0] * (1 if gamma is None else np.abs(gamma.astype(np.float64)).reshape(view[2:]))
    columns = (view[0] * view[1], view[2] * view[3])
    sums = [(wide[0] * xh).reshape(columns).sum(0), wide[0].reshape(columns).sum(0)]
    many = roundings(max(view[0] * view[1], 1)) / 2 + 6
    if x.size:
        size = g + g.mean(axis=(1, 3), keepdims=True)
        size = size + xh * (g * xh).mean(axis=(1, 3), keepdims=True)
        size = size * wide[2][:, None, :, None]

    def bound(i, expected, eps):
        return many * eps * sums[i - 1] if i else factor(view) * eps * (size if x.size else 0)

    check(backend, "row_norm_backward", [dy, x, mean, rstd, gamma], bound=bound)


@pytest.mark.parametrize(
    ("backend", "wanted"),
    rows((w,) for w in [(True, False, False), (False, True, False), (False, False, True)]),
)
@pytest.mark.parametrize("view", [(40, 1, 1, 9), (3, 4, 2, 5)])
def test_row_norm_backward_leaves_out_what_is_not_wanted(backend, wanted, view):
    x, gamma, _ = operands_of("float64", view, True)
    mean, rstd = np.zeros((view[0], view[2])), np.ones((view[0], view[2]))
    operands = [x[::-1].copy(), x, mean, rstd, gamma]

    def bound(i, expected, eps):
        return 100 * eps * (1 + np.abs(x).max()) ** 3

    results = check(backend, "row_norm_backward", operands, *wanted, bound=bound)
    assert [result is not None for result in results] == list(wanted)


@pytest.mark.parametrize(("backend", "dtype"), rows((d,) for d in FLOATS))
@pytest.mark.parametrize("view", [(3, 1, 1, 100), (3, 50, 2, 4)])
def test_a_large_mean_does_not_spoil_the_variance(backend, dtype, view):
    """A difference of mean squares would have no digit left."""
    x = (10000 + generator(view).integers(-3, 4, view)).astype(dtype)

    def bound(i, expected, eps):
        return 4e4 * eps * 4 if i == 0 else 4e4 * eps if i == 1 else 20 * 1e4 * eps

    check(backend, "row_norm", [x, None, None], "layer", 1e-3, bound=bound)
