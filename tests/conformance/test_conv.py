"""conv, conv_backward_input and conv_backward_kernel.

Bounds. Sums over taps and channels, or over pixels, are those of matrix products: `roundings` of
their length, relative to the sum of the magnitudes. Winograd's method adds up transformed numbers:
its error is held to 1e-4 of the largest result (that of F(4x4, 3x3) is about 1e-5: A. Lavin,
S. Gray, 2016, table 4).
"""

import numpy as np
import pytest

from fastnn.backends.reference import conv, conv_backward_input, conv_backward_kernel

from .harness import FLOATS, check, generator, roundings, rows

WINOGRAD = 1e-4


class Case:
    """One drawn convolution: its arrays and attributes."""

    def __init__(self, seed, dtype, spatial=None, most=1, far=False):
        random = generator("conv", seed, dtype)
        rank = spatial or int(random.integers(1, 4))
        self.groups = groups = int(random.choice([1, 1, 2, 3]))
        channels, filters = (
            groups * int(random.choice(numbers)) * most
            for numbers in ([1, 2, 3, 5, 17], [1, 2, 7, 16, 25, 33])
        )
        window = random.integers(1, (9, 5, 4)[rank - 1], rank)
        strides, dilation = random.integers(1, 4, rank), random.integers(1, 3, rank)
        pads = random.integers(0, 4, (rank, 2))
        if far:  # of windows of few elements that lie far apart, or have few of their own
            window = np.minimum(window, 3)
            strides, dilation = random.integers(1, 20, rank), random.integers(1, 20, rank)
            pads = random.integers(0, (window - 1) * dilation // 2 + 9, (2, rank)).T
        least = (window - 1) * dilation + 1 - pads.sum(axis=1)
        extents = np.maximum(least, 1) + random.integers(0, (60, 14, 6)[rank - 1], rank)
        self.window, self.extents = (tuple(map(int, v)) for v in (window, extents))
        self.places = (
            tuple(map(int, strides)),
            tuple(map(int, pads.ravel())),
            tuple(map(int, dilation)),
            groups,
        )
        images = int(random.integers(1, 4))
        self.x, self.w, self.bias = (
            random.uniform(-1, 1, shape).astype(dtype)
            for shape in (
                (images, *self.extents, channels),
                (*self.window, channels // groups, filters),
                (filters,),
            )
        )
        self.keywords = dict(zip(("strides", "pads", "dilation", "groups"), self.places))
        shape = conv(self.x, self.w, **self.keywords)[0].shape
        self.dy, self.residual = (random.uniform(-1, 1, shape).astype(dtype) for _ in range(2))


def wide(x):
    return np.abs(x.astype(np.float64))


def bound_of(length, magnitudes, slack=8):
    def bound(i, expected, eps):
        scale = magnitudes[i] if isinstance(magnitudes, list) else magnitudes
        return (roundings(length) + slack) * eps / 2 * scale

    return bound


CASES = [(dtype, seed) for dtype in FLOATS for seed in range(30)]


@pytest.mark.parametrize(("backend", "dtype", "seed"), rows(CASES))
def test_conv_of_drawn_shapes(backend, dtype, seed):
    case = Case(seed, dtype)
    scale = conv(wide(case.x), wide(case.w), wide(case.bias), **case.keywords)[0]
    bound = bound_of(case.w[..., 0].size, scale)
    check(backend, "conv", [case.x, case.w, case.bias, None], *case.places, bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "seed"), rows((dtype, seed) for dtype in FLOATS for seed in range(12))
)
def test_conv_of_taps_and_windows_far_apart(backend, dtype, seed):
    case = Case(seed, dtype, far=True)
    scale = conv(wide(case.x), wide(case.w), wide(case.bias), **case.keywords)[0]
    bound = bound_of(case.w[..., 0].size, scale)
    check(backend, "conv", [case.x, case.w, case.bias, None], *case.places, bound=bound)
    scale = conv_backward_input(wide(case.dy), wide(case.w), **case.keywords, extents=case.extents)
    bound = bound_of(int(np.prod(case.window)) * case.w.shape[-1], scale)
    operands = [case.dy, case.w]
    check(backend, "conv_backward_input", operands, *case.places, case.extents, bound=bound)


@pytest.mark.parametrize(("backend", "dtype", "seed"), rows(CASES))
def test_conv_backward_input_of_drawn_shapes(backend, dtype, seed):
    case = Case(seed, dtype)
    keywords = {**case.keywords, "extents": case.extents}
    scale = conv_backward_input(wide(case.dy), wide(case.w), **keywords)
    length = int(np.prod(case.window)) * case.w.shape[-1]
    operands = [case.dy, case.w]
    bound = bound_of(length, scale)
    check(backend, "conv_backward_input", operands, *case.places, case.extents, bound=bound)


# images, height, width, channels; window, filters; strides, pads, dilation: folded, in parts
FEW_CHANNELS = [
    ((1, 70, 33, 3), (7, 7, 20), ((2, 2), (3, 3, 3, 3), (1, 1))),
    ((3, 50, 19, 1), (3, 3, 25), ((1, 1), (0, 0, 0, 0), (1, 1))),
    ((2, 41, 30, 4), (2, 5, 300), ((3, 4), (1, 0, 2, 5), (2, 3))),
    ((9, 20, 3, 2), (1, 2, 1), ((4, 5), (0, 0, 3, 0), (1, 1))),
    ((9, 20, 60, 2), (1, 2, 9), ((4, 5), (0, 0, 3, 0), (1, 1))),
    ((2, 100, 3), (9, 31), ((3,), (4, 8), (1,))),
]


@pytest.mark.parametrize(
    ("backend", "dtype", "case"), rows((d, case) for d in FLOATS for case in FEW_CHANNELS)
)
def test_conv_backward_input_of_few_channels(backend, dtype, case):
    x, (*window, filters), (strides, pads, dilation) = case
    random = generator("few channels", dtype, *x)
    w = random.uniform(-1, 1, (*window, x[-1], filters)).astype(dtype)
    images = np.zeros(x, dtype)
    keywords = {"strides": strides, "pads": pads, "dilation": dilation}
    dy = random.uniform(-1, 1, conv(images, w, **keywords)[0].shape).astype(dtype)
    scale = conv_backward_input(wide(dy), wide(w), **keywords, extents=x[1:-1])
    bound = bound_of(int(np.prod(window)) * filters, scale)
    places = (strides, pads, dilation, 1, x[1:-1])
    check(backend, "conv_backward_input", [dy, w], *places, bound=bound)


@pytest.mark.parametrize(("backend", "dtype", "seed"), rows(CASES))
def test_conv_backward_kernel_of_drawn_shapes(backend, dtype, seed):
    case = Case(seed, dtype)
    keywords = {**case.keywords, "window": case.window}
    scales = list(conv_backward_kernel(wide(case.x), wide(case.dy), **keywords))
    bound = bound_of(case.dy[..., 0].size, scales)
    operands = [case.x, case.dy]
    want_db = seed % 2 == 0
    check(
        backend, "conv_backward_kernel", operands, *case.places, case.window, want_db, bound=bound
    )


@pytest.mark.parametrize(("backend", "dtype"), rows((d,) for d in FLOATS))
def test_conv_backward_kernel_shares_out_pixels(backend, dtype):
    """The sums of the bias have room beside those of the kernel (too little ruined the heap)."""
    random = generator("pixels", dtype)
    x = random.normal(size=(100, 16, 16, 1)).astype(dtype)
    dy = random.normal(size=(100, 14, 14, 25)).astype(dtype)
    scales = list(conv_backward_kernel(wide(x), wide(dy), window=(3, 3)))
    bound = bound_of(dy[..., 0].size, scales)
    places = ((1, 1), (0, 0, 0, 0), (1, 1), 1)
    for _ in range(5):
        check(backend, "conv_backward_kernel", [x, dy], *places, (3, 3), True, bound=bound)


# x and filters of 1x1 convolutions: few and many pixels and channels, sums over pixels in one chain
# of blocks and shared out.
POINTWISE = [
    ((2, 15, 15, 20), 20),
    ((4, 12, 11, 16), 16),
    ((1, 30, 30, 100), 100),
    ((1, 30, 30, 270), 170),
    ((3, 30, 30, 20), 33),
    ((2, 20, 20, 150), 130),
    ((1, 45, 47, 140), 120),
    ((700, 1, 17), 300),
    ((2, 9, 10, 11, 64), 64),
]


@pytest.mark.parametrize(
    ("backend", "dtype", "case"), rows((d, case) for d in FLOATS for case in POINTWISE)
)
def test_conv_backward_kernel_of_single_pixels(backend, dtype, case):
    extents, filters = case
    random = generator("single pixels", dtype, *extents)
    x = random.normal(size=extents).astype(dtype)
    dy = random.normal(size=(*extents[:-1], filters)).astype(dtype)
    window = (1,) * (len(extents) - 2)
    scales = list(conv_backward_kernel(wide(x), wide(dy), window=window))
    bound = bound_of(dy[..., 0].size, scales)
    places = (window, (0, 0) * len(window), window, 1)
    check(backend, "conv_backward_kernel", [x, dy], *places, window, True, bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "activation"),
    rows((dtype, name) for dtype in FLOATS for name in ("linear", "relu", "tanh")),
)
@pytest.mark.parametrize("present", range(8))
def test_conv_epilogue(backend, dtype, activation, present):
    case = Case(1, dtype, spatial=2)
    bias = case.bias if present & 1 else None
    residual = case.residual if present & 2 else None
    extra = [None if e is None else wide(e) for e in (bias, residual)]
    scale = conv(wide(case.x), wide(case.w), *extra, **case.keywords)[0]
    bound = bound_of(case.w[..., 0].size, scale + 1, slack=16)
    operands = [case.x, case.w, bias, residual]
    check(backend, "conv", operands, *case.places, activation, 0, present > 3, bound=bound)


# images, height, width, channels, filters, pads: beside whole tiles all kinds of parts of one
THREES = [
    (1, 3, 3, 1, 1, (0, 0, 0, 0)),
    (3, 13, 11, 19, 22, (0, 0, 0, 0)),
    (2, 9, 17, 55, 19, (2, 2, 1, 2)),
    (3, 3, 4, 69, 18, (0, 1, 0, 2)),
    (1, 30, 26, 70, 60, (1, 1, 1, 1)),
    (5, 8, 6, 260, 37, (2, 0, 1, 0)),
    (2, 7, 7, 33, 300, (1, 1, 1, 1)),
    (3, 26, 30, 150, 90, (1, 1, 1, 1)),
]


TAPS = {"winograd_2": 3, "winograd_4": 3, "winograd_5": 5, "winograd_7": 7}


def fits(extents, taps):
    _, height, width, _, _, (top, bottom, left, right) = extents
    return min(height + top + bottom, width + left + right) >= taps


def threes(images, height, width, channels, filters, pads, taps=3):
    random = generator("winograd", height, channels)
    x, w, bias = (
        random.standard_normal(shape).astype(np.float32)
        for shape in (
            (images, height, width, channels),
            (taps, taps, channels, filters),
            (filters,),
        )
    )
    shape = conv(x, w, pads=pads)[0].shape
    return x, w, bias, random.standard_normal(shape).astype(np.float32)


def of_largest(i, expected, eps):
    return WINOGRAD * np.abs(expected).max()


@pytest.mark.parametrize(
    ("backend", "algorithm", "extents"),
    rows((name, e) for name in TAPS for e in THREES if fits(e, TAPS[name])),
)
def test_winograd(backend, algorithm, extents):
    x, w, bias, dy = threes(*extents, taps=TAPS[algorithm])
    places = ((), extents[-1], (), 1)
    check(
        backend,
        "conv",
        [x, w, bias, dy],
        *places,
        "relu",
        0,
        False,
        algorithm,
        bound=of_largest,
    )
    backward = (*places, x.shape[1:3], algorithm)
    check(backend, "conv_backward_input", [dy, w], *backward, bound=of_largest)


# Enough small images: dy has fewer tiles than dx.
OVERLAPPING = [
    (9, 13, 11, 19, 22, (0, 0, 0, 0)),
    (8, 6, 9, 33, 17, (0, 0, 0, 0)),
    (30, 5, 7, 16, 70, (0, 0, 0, 0)),
    (8, 10, 6, 40, 16, (1, 0, 0, 0)),
    (8, 6, 6, 16, 16, (3, 0, 0, 4)),
]


@pytest.mark.parametrize(("backend", "extents"), rows((e,) for e in OVERLAPPING))
def test_winograd_backward_input_of_small_images(backend, extents):
    x, w, _, dy = threes(*extents)
    attributes = ((), extents[-1], (), 1, x.shape[1:3], "auto")
    check(backend, "conv_backward_input", [dy, w], *attributes, bound=of_largest)


@pytest.mark.parametrize(
    ("backend", "taps", "extents"),
    rows((taps, e) for taps in (3, 5, 7) for e in THREES if fits(e, taps)),
)
def test_winograd_backward_kernel(backend, taps, extents):
    x, _, _, dy = threes(*extents, taps)
    attributes = ((), extents[-1], (), 1, (taps, taps), True, "winograd")
    check(backend, "conv_backward_kernel", [x, dy], *attributes, bound=of_largest)


DEPTHWISE = [
    ((2, 9, 17, 37), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1)),
    ((3, 26, 5, 64), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1)),
    ((2, 7, 15, 300), (3, 3), (1, 1), (0, 2, 2, 0), (1, 1)),
    ((1, 6, 25, 9), (3, 3), (1, 1), (0, 0, 0, 0), (1, 1)),
    ((2, 1, 2, 20), (3, 3), (1, 1), (4, 3, 2, 5), (1, 1)),
    ((3, 12, 5, 64), (5, 3), (2, 3), (2, 0, 4, 1), (1, 2)),
    ((1, 40, 300, 3), (2, 7), (1, 2), (0, 1, 3, 3), (3, 1)),
    ((2, 50, 20), (4,), (3,), (5, 2), (2,)),
]


@pytest.mark.parametrize(
    ("backend", "dtype", "case"), rows((dtype, case) for dtype in FLOATS for case in DEPTHWISE)
)
def test_depthwise(backend, dtype, case):
    shape, window, strides, pads, dilation = case
    channels = shape[-1]
    keywords = {"strides": strides, "pads": pads, "dilation": dilation, "groups": channels}
    random = generator("depthwise", case)

    def draw(*shape):
        return random.uniform(-1, 1, shape).astype(dtype)

    x, w, bias = draw(*shape), draw(*window, 1, channels), draw(channels)
    dy = draw(*conv(x, w, **keywords)[0].shape)
    places = (strides, pads, dilation, channels)
    scale = conv(wide(x), wide(w), wide(bias), wide(dy), **keywords)[0]
    bound = bound_of(int(np.prod(window)), scale)
    check(
        backend,
        "conv",
        [x, w, bias, dy],
        *places,
        "relu",
        0,
        False,
        "depthwise",
        bound=bound,
    )
    scale = conv_backward_input(wide(dy), wide(w), extents=shape[1:-1], **keywords)
    bound = bound_of(int(np.prod(window)), scale)
    check(backend, "conv_backward_input", [dy, w], *places, shape[1:-1], bound=bound)
    scales = list(conv_backward_kernel(wide(x), wide(dy), window=window, **keywords))
    bound = bound_of(dy[..., 0].size, scales)
    check(backend, "conv_backward_kernel", [x, dy], *places, window, True, bound=bound)


# channels, filters, window, groups: the ways that two axes have
FLAT = [(16, 16, (3, 3), 1), (16, 16, (5, 5), 1), (1, 20, (3, 3), 1), (8, 8, (3, 3), 8)]


@pytest.mark.parametrize(("backend", "case"), rows((case,) for case in FLAT))
def test_the_only_plane_may_be_padding(backend, case):
    channels, filters, window, groups = case
    x, dy = np.ones((1, 1, 20, 20, channels), "f"), np.ones((1, 1, 20, 20, filters), "f")
    w = np.ones((1, *window, channels // groups, filters), "f")
    before, after = window[0] // 2, window[1] // 2
    places = ((2, 1, 1), (1, 0, before, after, before, after), (1, 1, 1), groups)
    bound = bound_of(1, 0.0)
    check(backend, "conv", [x, w, None, None], *places, bound=bound)
    check(backend, "conv_backward_input", [dy, w], *places, (1, 20, 20), bound=bound)
    check(backend, "conv_backward_kernel", [x, dy], *places, (1, *window), False, bound=bound)


@pytest.mark.parametrize("backend", rows([()]))
def test_conv_backward_input_of_strides_beyond_the_image(backend):
    dy, w = np.ones((8, 1, 1, 3), "f"), np.ones((1, 1, 4, 3), "f")
    places = ((2**40, 2**40), (), (), 1, (1000, 7))
    check(backend, "conv_backward_input", [dy, w], *places, bound=bound_of(3, 3.0))


@pytest.mark.parametrize(("backend", "dtype"), rows((dtype,) for dtype in FLOATS))
def test_conv_of_no_images(backend, dtype):
    x, w = np.zeros((0, 5, 5, 2), dtype), np.zeros((3, 3, 2, 4), dtype)
    check(backend, "conv", [x, w, None, None])
    dy = np.zeros((0, 3, 3, 4), dtype)
    check(backend, "conv_backward_input", [dy, w], (), (), (), 1, (5, 5))
    check(backend, "conv_backward_kernel", [x, dy], (), (), (), 1, (3, 3))
