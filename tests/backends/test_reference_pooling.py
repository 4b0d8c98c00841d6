"""The reference of pooling and resizing: windows one by one, PyTorch, matrices that transpose."""

import itertools

import numpy as np
import pytest

from fastnn.backends.reference import FUNCTIONS

rng = np.random.default_rng(0)
X = rng.integers(-9, 10, (2, 7, 3)).astype(float)
CASES = [
    (k, s, pads, d, ceil)
    for k, s, d, ceil in itertools.product((1, 2, 3), (1, 2, 3), (1, 2), (False, True))
    for pads in ((0, 0), ((k - 1) * d, (k - 1) * d // 2))
]


def windows(k, s, pads, d, ceil):
    """Positions of the elements of each window of 7 positions, those beyond it included."""
    reach = (k - 1) * d + 1
    for start in range(-pads[0], 7 + pads[1], s):
        inside = start + reach <= 7 + pads[1]
        begun = ceil and start < 7 and start - s + reach < 7 + pads[1]
        if inside or begun:
            yield [start + i * d for i in range(k)]


@pytest.mark.parametrize("k, s, pads, d, ceil", CASES)
def test_max_pool_window_by_window(k, s, pads, d, ceil):
    keywords = {"window": (k,), "strides": (s,), "pads": pads, "dilation": (d,), "ceil": ceil}
    y, which = FUNCTIONS["max_pool"](X, **keywords)
    dy = rng.integers(-9, 10, y.shape).astype(float)
    dx = np.zeros(X.shape)
    places = list(windows(k, s, pads, d, ceil))
    assert y.shape[1] == len(places)
    for (o, place), n, c in itertools.product(enumerate(places), range(2), range(3)):
        real = [(X[n, i, c], -j, i) for j, i in enumerate(place) if 0 <= i < 7]
        if not real:
            assert (y[n, o, c], which[n, o, c]) == (-np.inf, 255)
            continue
        value, number, i = max(real)  # of equal ones that of the smallest number
        assert (y[n, o, c], which[n, o, c]) == (value, -number)
        dx[n, i, c] += dy[n, o, c]
    for place in (which, None):
        result = FUNCTIONS["max_pool_backward"](dy, place, X, extents=(7,), **keywords)
        np.testing.assert_array_equal(result, dx)


@pytest.mark.parametrize("k, s, pads, d, ceil", [case for case in CASES if case[3] == 1])
@pytest.mark.parametrize("count_include_pad", [False, True])
def test_average_pool_window_by_window(k, s, pads, d, ceil, count_include_pad):
    keywords = {"window": (k,), "strides": (s,), "pads": pads, "ceil": ceil}
    keywords["count_include_pad"] = count_include_pad
    y = FUNCTIONS["average_pool"](X, **keywords)
    dy = rng.normal(size=y.shape)
    dx = np.zeros(X.shape)
    for o, place in enumerate(windows(k, s, pads, d, ceil)):
        real = [i for i in place if 0 <= i < 7]
        cells = [i for i in place if i < 7 + pads[1]] if count_include_pad else real
        np.testing.assert_allclose(y[:, o], X[:, real].sum(axis=1) / len(cells), rtol=1e-14)
        dx[:, real] += dy[:, o : o + 1] / len(cells)
    result = FUNCTIONS["average_pool_backward"](dy, extents=(7,), **keywords)
    np.testing.assert_allclose(result, dx, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
@pytest.mark.parametrize("corners", ["half_pixel", "align_corners", "asymmetric"])
@pytest.mark.parametrize("size", [(3, 9), (10, 4), (1, 1)])
def test_the_gradient_of_resize_is_its_transpose(method, corners, size):
    x, dy = rng.normal(size=(2, 5, 4, 3)), rng.normal(size=(2, *size, 3))
    y = FUNCTIONS["resize"](x, size=size, method=method, corners=corners)
    dx = FUNCTIONS["resize_backward"](dy, extents=(5, 4), method=method, corners=corners)
    np.testing.assert_allclose((y * dy).sum(), (x * dx).sum(), rtol=1e-12)
    same = FUNCTIONS["resize"](x, size=(5, 4), method=method, corners=corners)
    np.testing.assert_allclose(same, x, rtol=1e-14)
    np.testing.assert_allclose(
        FUNCTIONS["resize"](np.ones((1, 5, 4, 1)), size=size, method=method, corners=corners), 1
    )


@pytest.mark.parity
@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("k, s, p", [(2, 2, 0), (3, 2, 1), (3, 3, 1), (2, 3, 1)])
def test_as_torch(ceil, k, s, p):
    import torch

    x = torch.from_numpy(np.moveaxis(X, -1, 1).copy())
    keywords = {"window": (k,), "strides": (s,), "pads": (p, p), "ceil": ceil}
    theirs = torch.nn.functional.max_pool1d(x, k, s, p, 1, ceil)
    ours = FUNCTIONS["max_pool"](X, **keywords)[0]
    np.testing.assert_array_equal(np.moveaxis(ours, -1, 1), theirs)
    for include in (False, True):
        theirs = torch.nn.functional.avg_pool1d(x, k, s, p, ceil, include)
        ours = FUNCTIONS["average_pool"](X, **keywords, count_include_pad=include)
        np.testing.assert_allclose(np.moveaxis(ours, -1, 1), theirs, rtol=1e-14)


@pytest.mark.parity
@pytest.mark.parametrize("size", [(3, 9), (10, 4), (5, 8)])
def test_resize_as_torch(size):
    import torch

    x = rng.normal(size=(2, 5, 4, 3))
    images = torch.from_numpy(np.moveaxis(x, -1, 1).copy())
    for method, corners, more in (
        ("bilinear", "half_pixel", {"mode": "bilinear", "align_corners": False}),
        ("bilinear", "align_corners", {"mode": "bilinear", "align_corners": True}),
        ("nearest", "half_pixel", {"mode": "nearest-exact"}),
        ("nearest", "asymmetric", {"mode": "nearest"}),
    ):
        theirs = torch.nn.functional.interpolate(images, size, **more)
        ours = FUNCTIONS["resize"](x, size=size, method=method, corners=corners)
        np.testing.assert_allclose(np.moveaxis(ours, -1, 1), theirs, rtol=1e-12, atol=1e-13)
