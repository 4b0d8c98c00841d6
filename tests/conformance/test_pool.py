"""max_pool, average_pool, resize and their gradients, on drawn windows over one to three axes."""

import math

import numpy as np
import pytest

from .harness import FLOATS, check, generator, rows, rows_without_jit

CHANNELS = (1, 3, 4, 7, 8, 9, 16, 17, 25, 32, 33, 70, 130)
EXTENTS = ((1, 30), (1, 11), (1, 6))
SIZES = ((1, 19), (1, 5), (1, 4))


def draw(seed, rank):
    """Extents, channels, batch and keywords of windows that fit."""
    random = generator("pool", seed, rank)
    while True:
        extents = tuple(int(n) for n in random.integers(*EXTENTS[rank - 1], rank))
        window = tuple(int(n) for n in random.integers(*SIZES[rank - 1], rank))
        dilation = tuple(int(n) for n in random.integers(1, 4, rank))
        if seed % 2:
            dilation = (1,) * rank
        reach = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
        pads = tuple(int(random.integers(0, n)) for n in reach for _ in range(2))
        room = [n + b + a for n, b, a in zip(extents, pads[::2], pads[1::2], strict=True)]
        if all(n >= r for n, r in zip(room, reach, strict=True)):
            break
    strides = tuple(int(n) for n in random.integers(1, 5, rank))
    shape = (int(random.integers(0, 4)), *extents, int(random.choice(CHANNELS)))
    return random, shape, (window, strides, pads, dilation, bool(seed % 3 == 0))


def integers(random, shape, dtype):
    """Numbers with many ties, whose sums are exact."""
    return random.integers(-3, 4, shape).astype(dtype)


CASES = [(d, rank, seed) for d in FLOATS for rank in (1, 2, 3) for seed in range(12)]


@pytest.mark.parametrize(("backend", "dtype", "rank", "seed"), rows(CASES))
def test_max_pool(backend, dtype, rank, seed):
    random, shape, placement = draw(seed, rank)
    x = integers(random, shape, dtype)
    if seed % 4 == 0 and x.size:
        x.flat[random.integers(0, x.size, 3)] = np.nan
    y, which = check(backend, "max_pool", [x], *placement)
    check(backend, "max_pool", [x], *placement, False)
    dy = integers(random, y.shape, dtype)
    check(backend, "max_pool_backward", [dy, which, None], shape[1:-1], *placement)
    check(backend, "max_pool_backward", [dy, None, x], shape[1:-1], *placement)
    _, which = check(backend, "max_pool", [x], *placement, True, True)
    check(backend, "max_pool_backward", [dy, which, None], shape[1:-1], *placement)


@pytest.mark.parametrize(("backend", "dtype"), rows((d,) for d in FLOATS))
def test_an_infinite_gradient_goes_where_the_largest_was(backend, dtype):
    which = np.array([0, 1, 2, 3], np.uint8).reshape(1, 2, 2, 1)
    dy = np.array([np.inf, 1, -np.inf, np.nan], dtype).reshape(1, 2, 2, 1)
    dx = check(backend, "max_pool_backward", [dy, which, None], (4, 4), (2, 2), (2, 2))
    dx = dx[0] if isinstance(dx, (tuple, list)) else dx
    assert np.count_nonzero(dx == 0) == 12


@pytest.mark.parametrize(("backend", "dtype"), rows((d,) for d in FLOATS))
def test_large_windows_keep_nothing(backend, dtype):
    x = integers(generator(dtype), (2, 20, 21, 19), dtype)
    placement = ((16, 16), (3, 5), (2, 0, 1, 3), (1, 1), False)
    y, which = check(backend, "max_pool", [x], *placement)
    assert which is None
    dy = integers(generator(2), y.shape, dtype)
    check(backend, "max_pool_backward", [dy, None, x], (20, 21), *placement)


@pytest.mark.parametrize(("backend", "dtype"), rows((d,) for d in FLOATS))
def test_the_largest_of_nothing_is_minus_infinity(backend, dtype):
    """By dilation a window may see its padding only."""
    x = np.ones((1, 1, 5), dtype)
    y, which = check(backend, "max_pool", [x], (2,), (1,), (1, 1), (2,))
    assert y.ravel().tolist() == [-np.inf] * 5
    assert which.ravel().tolist() == [255] * 5
    dx = check(backend, "max_pool_backward", [y, which, None], (1,), (2,), (1,), (1, 1), (2,))
    assert dx[0].ravel().tolist() == [0] * 5


@pytest.mark.parametrize(
    ("backend", "dtype", "channels", "stride"),
    rows((d, c, s) for d in FLOATS for c in (1, 3, 9, 20) for s in (1, 2, 3, 5)),
)
def test_places_that_no_window_has_get_nothing(backend, dtype, channels, stride):
    """Whatever bytes come as places: of padding, or beyond the window."""
    placement = ((3, 2), (stride, stride), (2, 2, 1, 1), (1, 1), False)
    x = np.zeros((2, 7, 6, channels), dtype)
    y, _ = check(backend, "max_pool", [x], *placement)
    random = generator(channels, stride)
    dy, which = integers(random, y.shape, dtype), random.integers(0, 9, y.shape).astype(np.uint8)
    which[random.random(y.shape) < 0.1] = 255
    check(backend, "max_pool_backward", [dy, which, None], (7, 6), *placement)


@pytest.mark.parametrize(("backend", "dtype", "rank", "seed"), rows(CASES))
@pytest.mark.parametrize("count_include_pad", [False, True])
def test_average_pool(backend, dtype, rank, seed, count_include_pad):
    """Forward: sums are exact and rounded once. Backward: each of the windows that see an element
    gives a product of two rounded numbers."""
    random, shape, (window, strides, pads, _, ceil) = draw(2 * seed + 1, rank)
    x = integers(random, shape, dtype)
    placement = (window, strides, pads, count_include_pad, ceil)

    def bound(i, expected, eps):
        return eps * np.abs(expected)

    (y,) = check(backend, "average_pool", [x], *placement, bound=bound)
    dy = integers(random, y.shape, dtype)
    terms = math.prod(-(-k // s) for k, s in zip(window, strides, strict=True))

    def backward_bound(i, expected, eps):
        return 3 * (terms + 2) * terms * eps

    check(backend, "average_pool_backward", [dy], shape[1:-1], *placement, bound=backward_bound)


RESIZES = [
    (d, rank, method, corners, seed)
    for d in FLOATS
    for rank in (1, 2, 3)
    for method in ("nearest", "bilinear")
    for corners in ("half_pixel", "align_corners", "asymmetric")
    for seed in range(3)
]


@pytest.mark.parametrize(
    ("backend", "dtype", "rank", "method", "corners", "seed"), rows_without_jit(RESIZES)
)
def test_resize(backend, dtype, rank, method, corners, seed):
    random = generator("resize", rank, method, corners, seed)
    extents, size = (
        tuple(int(n) for n in random.integers(*EXTENTS[rank - 1], rank)) for _ in range(2)
    )
    channels = int(random.choice(CHANNELS))
    x = integers(random, (2, *extents, channels), dtype)
    dy = integers(random, (2, *size, channels), dtype)
    read = math.prod(2 * m // n + 3 for m, n in zip(size, extents, strict=True))

    def bound(i, expected, eps):  # up to eight elements of 3 at most, weights of one rounding
        return 0 if method == "nearest" else 8 * 3 * 4 * eps

    def backward_bound(i, expected, eps):
        return 0 if method == "nearest" else read * 3 * (read + 4) * eps

    check(backend, "resize", [x], size, method, corners, bound=bound)
    check(backend, "resize_backward", [dy], extents, method, corners, bound=backward_bound)


@pytest.mark.parametrize(("backend", "dtype"), rows((d,) for d in FLOATS))
def test_padding_that_is_not_there_counts_as_none(backend, dtype):
    """Means of 1, 2, 3, 4, 5 by twos; the last window reaches beyond the end."""
    x = np.arange(1, 6, dtype=dtype).reshape(1, 5, 1)
    (y,) = check(backend, "average_pool", [x], (2,), (2,), (), True, True, bound=lambda *_: 0)
    assert y.ravel().tolist() == [1.5, 3.5, 5]
    dy = np.ones((1, 3, 1), dtype)
    (dx,) = check(backend, "average_pool_backward", [dy], (5,), (2,), (2,), (), True, True)
    assert dx.ravel().tolist() == [0.5, 0.5, 0.5, 0.5, 1]


@pytest.mark.parametrize(("backend", "dtype"), rows((d,) for d in FLOATS))
def test_worked_examples(backend, dtype):
    """2 x 2 maxima, from the lecture on convolution."""
    first = [[3, -1, -3, -1], [-3, 1, 0, -3], [-3, -3, 0, 1], [3, -2, -2, -1]]
    second = [[-1, -1, -1, -1], [-1, -1, -2, 1], [-1, -1, -2, 1], [-1, 0, -4, 3]]
    x = np.stack([first, second], -1)[None].astype(dtype)
    y, _ = check(backend, "max_pool", [x], (2, 2), (2, 2), (), (), False)
    assert y[0, ..., 0].tolist() == [[3, 0], [3, 1]]
    assert y[0, ..., 1].tolist() == [[-1, 1], [0, 3]]
