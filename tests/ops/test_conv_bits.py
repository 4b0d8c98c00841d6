"""The order of sums in convolutions: that of products of patches, on any number of threads and for
caches of any size."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnn as fn
from fastnn import _core

THREADS = (1, 2, 3, 5, 8)
# x, window, filters, strides, pads
SHAPES = [
    ((3, 28, 28, 1), (3, 3), 25, (1, 1), (0, 0, 0, 0)),
    ((2, 13, 40, 33), (3, 3), 50, (1, 1), (1, 1, 1, 1)),
    ((2, 29, 17, 3), (7, 7), 64, (2, 2), (3, 3, 3, 3)),
    ((5, 9, 9, 70), (3, 2), 40, (2, 1), (0, 1, 1, 0)),
    ((3, 7, 6, 5, 4), (2, 3, 2), 19, (1, 2, 1), (1, 0, 0, 1, 1, 1)),
    ((2, 300, 20), (5,), 33, (3,), (2, 2)),
    ((64, 8, 8, 2), (3, 3), 9, (1, 1), (1, 1, 1, 1)),
    ((17, 13, 13, 25), (3, 3), 50, (1, 1), (0, 0, 0, 0)),
    ((3, 26, 30, 150), (3, 3), 90, (1, 1), (1, 1, 1, 1)),
]


def drawn(shape, window, filters, strides, pads):
    random = np.random.default_rng(0)
    x = random.standard_normal(shape).astype(np.float32)
    w = random.standard_normal((*window, shape[-1], filters)).astype(np.float32)
    return x, w, (strides, pads, (), 1)


def patches(x, window, strides, pads):
    """[results, window.. * channels], as NumPy's windows have them."""
    rank = len(window)
    padded = np.pad(x, [(0, 0), *zip(pads[::2], pads[1::2], strict=True), (0, 0)])
    axes = tuple(range(1, rank + 1))
    views = np.lib.stride_tricks.sliding_window_view(padded, window, axes)
    views = views[(slice(None), *(slice(None, None, s) for s in strides))]
    views = np.moveaxis(views, rank + 1, -1)
    return views.shape[: rank + 1], np.ascontiguousarray(views).reshape(
        -1, int(np.prod(window)) * x.shape[-1]
    )


def conv(x, w, bias, attributes, algorithm="exact"):
    operands = [fn.tensor(x), fn.tensor(w), None if bias is None else fn.tensor(bias), None]
    return _core.conv(*operands, *attributes, "linear", 0, False, algorithm)[0].numpy()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_convolution_has_the_bits_of_a_product_of_patches(shape):
    x, w, attributes = drawn(*shape)
    bias = np.linspace(-1, 1, w.shape[-1]).astype(np.float32)
    extents, rows = patches(x, shape[1], shape[3], shape[4])
    flat = fn.tensor(w.reshape(-1, w.shape[-1]))
    expected = _core.gemm(fn.tensor(rows), flat, fn.tensor(bias), None, None)[0].numpy()
    result = conv(x, w, bias, attributes)
    assert result.shape[:-1] == extents
    assert result.tobytes() == expected.tobytes()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_gradient_by_the_kernel_has_the_bits_of_a_product_of_patches(shape):
    x, w, attributes = drawn(*shape)
    extents, rows = patches(x, shape[1], shape[3], shape[4])
    dy = np.random.default_rng(1).standard_normal((*extents, w.shape[-1])).astype(np.float32)
    signal = dy.reshape(-1, w.shape[-1])
    ones = np.ones((1, len(signal)), np.float32)
    weights = _core.gemm(fn.tensor(rows), fn.tensor(signal), None, None, None, True)[0].numpy()
    bias = _core.gemm(fn.tensor(ones), fn.tensor(signal), None, None, None)[0].numpy()
    dw, db = _core.conv_backward_kernel(
        fn.tensor(x), fn.tensor(dy), *attributes, shape[1], True, "exact"
    )
    # A product splits a long k by its own number of results, a convolution by its kernel's.
    if w.size <= 16384 or len(signal) < 2049:
        assert dw.numpy().tobytes() == weights.tobytes()
    if (w.size <= 16384) == (w.shape[-1] <= 16384):
        assert db.numpy().tobytes() == bias.tobytes()


def both_ways(shape, algorithm):
    """The bits of a convolution and of its gradients."""
    x, w, attributes = drawn(*shape)
    y = conv(x, w, None, attributes, algorithm)
    dy = fn.tensor(np.random.default_rng(1).standard_normal(y.shape).astype(np.float32))
    dx = _core.conv_backward_input(dy, fn.tensor(w), *attributes, x.shape[1:-1], algorithm)
    dw, db = _core.conv_backward_kernel(fn.tensor(x), dy, *attributes, shape[1], True, algorithm)
    return b"".join((y.tobytes(), *(g.numpy().tobytes() for g in (dx, dw, db))))


@pytest.mark.parametrize("algorithm", ["auto", "exact"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bits_do_not_depend_on_threads(shape, algorithm):
    seen = set()
    for threads in THREADS:
        with fn.num_threads(threads):
            seen.add(both_ways(shape, algorithm))
    assert len(seen) == 1


def test_bits_do_not_depend_on_caches():
    expected = [hashlib.sha256(both_ways(shape, "auto")).hexdigest() for shape in SHAPES]
    program = (
        "import hashlib, test_conv_bits as t;"
        "[print(hashlib.sha256(t.both_ways(s, 'auto')).hexdigest()) for s in t.SHAPES]"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    for caches in ("4096,16384,0", "32768,1048576,33554432", "65536,67108864,0"):
        environment = {**os.environ, "FASTNN_CACHES": caches, "PYTHONPATH": path}
        run = [sys.executable, "-c", program]
        assert subprocess.check_output(run, env=environment, text=True).split() == expected
