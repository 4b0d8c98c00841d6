"""The order of sums in matrix products: equal to the bit on any path, thread count and address."""

import ctypes
import ctypes.util
import os
import subprocess
import sys

import numpy as np
import pytest
from gemm_shapes import SHAPES
from same_bits import at_offset

import fastnn as fn
from fastnn import _core

libm = ctypes.CDLL(ctypes.util.find_library("m"))
FMA = {"float32": libm.fmaf, "float64": libm.fma}
for name, kind in (("float32", ctypes.c_float), ("float64", ctypes.c_double)):
    FMA[name].restype = kind
    FMA[name].argtypes = [kind] * 3

needs_fma = pytest.mark.skipif(
    _core.targets()["chosen"] == "scalar", reason="the scalar target has bits of its own (no FMA)"
)


def product(a, b, trans_a=False, trans_b=False, **epilogue):
    """gemm of NumPy matrices that are handed over in the stored form."""
    a = np.ascontiguousarray(a.T if trans_a else a)
    b = np.ascontiguousarray(b.T if trans_b else b)
    extra = [None if x is None else fn.tensor(x) for x in (epilogue.get("bias"), None, None)]
    return _core.gemm(fn.tensor(a), fn.tensor(b), *extra, trans_a, trans_b)[0].numpy()


def chained(a, b):
    """The ten-line loop: blocks of 256, each a chain of fused multiply-adds from zero."""
    fma, scalar = FMA[a.dtype.name], a.dtype.type
    c = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    for i, j in np.ndindex(c.shape):
        total = None
        for start in range(0, a.shape[1], 256):
            block = 0.0
            for p in range(start, min(start + 256, a.shape[1])):
                block = fma(a[i, p], b[p, j], block)
            total = scalar(block) if total is None else total + scalar(block)
        c[i, j] = total
    return c


def matrices(m, n, k, dtype="float32", seed=0):
    random = np.random.default_rng(seed)
    return random.standard_normal((m, k)).astype(dtype), random.standard_normal((k, n)).astype(
        dtype
    )


@needs_fma
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("trans_a", [False, True])
@pytest.mark.parametrize("trans_b", [False, True])
@pytest.mark.parametrize(
    "m, n, k", [(3, 5, 7), (7, 18, 256), (2, 33, 257), (15, 3, 600), (2, 40, 520)]
)
def test_equals_the_chain_of_fused_multiply_adds(m, n, k, trans_a, trans_b, dtype):
    a, b = matrices(m, n, k, dtype)
    assert np.array_equal(product(a, b, trans_a, trans_b), chained(a, b))


def lanes(a, b):
    """The order of dot products: 32 lanes (16 in float64), folded; blocks of 4096 in pairs."""
    fma, scalar = FMA[a.dtype.name], a.dtype.type
    count = 32 if a.dtype == np.float32 else 16
    blocks = []
    for start in range(0, len(a), 4096):
        lane = [scalar(0)] * count
        for p in range(start, min(start + 4096, len(a))):
            i = (p - start) % count
            lane[i] = scalar(fma(a[p], b[p], lane[i]))
        while len(lane) > 1:
            half = len(lane) // 2
            lane = [lane[i] + lane[i + half] for i in range(half)]
        blocks.append(lane[0])
    while len(blocks) > 1:
        pairs = [blocks[i] + blocks[i + 1] for i in range(0, len(blocks) - 1, 2)]
        blocks = pairs + blocks[len(pairs) * 2 :]
    return blocks[0]


@needs_fma
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", [2, 31, 33, 4096, 9000, 13000])
def test_dot_like_products_have_the_order_of_lanes(k, dtype):
    a, b = matrices(3, 1, k, dtype)
    expected = np.array([[lanes(row, b[:, 0])] for row in a])
    assert np.array_equal(product(a, b), expected)
    assert np.array_equal(product(b.T, a.T, trans_b=True), expected.T)


def drawn(m, n, k, form, dtype="float32"):
    """Matrices of that shape, and whether they are stored transposed."""
    a, b = matrices(m, n, k, dtype)
    return a, b, (form[0] == "T", form[1] == "T")


@needs_fma
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m, n, k, form", SHAPES)
def test_every_path_adds_in_that_order(m, n, k, form, dtype):
    a, b, flags = drawn(m, n, k, form, dtype)
    c = product(a, b, *flags)
    dot_like = (n == 1 and form[0] == "N") or (m == 1 and form[1] == "T")
    for i, j in {(0, 0), (m - 1, n - 1), (m // 2, n // 3), (m - 1, 0)}:
        row, column = a[i : i + 1], b[:, j : j + 1]
        expected = lanes(row[0], column[:, 0]) if dot_like else chained(row, column)[0, 0]
        assert c[i, j] == expected, (i, j)


def test_the_table_of_paths_is_data_and_every_path_is_tested():
    names = [path["name"] for path in _core.gemm_paths()]
    assert len(set(names)) == len(names)
    # The last one takes what is left.
    assert set(_core.gemm_paths()[-1].values()) == {names[-1], 0, "any"}
    flags = [(m, n, k, form[0] == "T", form[1] == "T") for m, n, k, form in SHAPES]
    assert {_core.gemm_path(*shape) for shape in flags} == set(names)


@needs_fma
def test_a_long_k_is_summed_in_groups_of_blocks():
    a, b = matrices(3, 2, 256 * 130 + 7)  # 131 blocks: 44 groups of 3
    groups = [chained(a[:, p : p + 768], b[p : p + 768]) for p in range(0, a.shape[1], 768)]
    expected = groups[0]
    for group in groups[1:]:
        expected = expected + group
    for flags in [(False, False), (True, False), (False, True), (True, True)]:
        assert np.array_equal(product(a, b, *flags), expected)


@pytest.mark.parametrize("m, n, k, form", SHAPES)
def test_any_number_of_threads_eager_or_replayed(m, n, k, form):
    a, b, (trans_a, trans_b) = drawn(m, n, k, form)
    a = fn.tensor(np.ascontiguousarray(a.T if trans_a else a))
    b = fn.tensor(np.ascontiguousarray(b.T if trans_b else b))
    captured = fn.capture(lambda: _core.gemm(a, b, None, None, None, trans_a, trans_b)[0])
    results = []
    for threads in (1, 1, 1, 1, 2, 3, 5, 8):  # an eager call, two recorded ones, then replays
        with fn.num_threads(threads):
            results.append(captured().numpy())
            results.append(captured.function().numpy())
    assert " replays 1 calls" in captured.explain()
    assert all(np.array_equal(results[0], other) for other in results[1:])


@pytest.mark.parametrize("m, n, k, form", SHAPES)
def test_any_address(m, n, k, form):
    a, b, (trans_a, trans_b) = drawn(m, n, k, form)
    a, b = (a.T.copy() if trans_a else a), (b.T.copy() if trans_b else b)
    expected = None
    for offset in range(16) if m * n * k < 3e6 else (0, 1, 7):
        operands = at_offset(a, offset), at_offset(b, 3 * offset % 16)
        c = _core.gemm(*operands, None, None, None, trans_a, trans_b)[0].numpy()
        assert expected is None or np.array_equal(c, expected), offset
        expected = c


@needs_fma
def test_any_part_of_the_matrix():
    a, b = matrices(90, 70, 500)
    whole = product(a, b)
    for rows in (slice(0, 1), slice(3, 50), slice(60, 90)):
        assert np.array_equal(product(a[rows], b), whole[rows])
    for columns in (slice(0, 2), slice(5, 40), slice(33, 70)):
        assert np.array_equal(product(a, b[:, columns]), whole[:, columns])


def test_any_cache_sizes():
    shapes = [(40, 900, 600, "NN"), *(s for s in SHAPES if s[0] * s[1] * s[2] < 2e8)]
    program = (
        "import numpy as np, fastnn as fn, hashlib; d = hashlib.sha256();"
        "f = lambda *s: fn.tensor(np.arange(s[0] * s[1], dtype='f4').reshape(s) % 127 / 127 - 0.5);"
        "flip = lambda t, *s: s[::-1] if t == 'T' else s;"
        f"shapes = {shapes};"
        "[d.update(np.asarray(fn._core.gemm(f(*flip(t[0], m, k)), f(*flip(t[1], k, n)), None, None,"
        " None, t[0] == 'T', t[1] == 'T')[0])) for m, n, k, t in shapes];"
        "print(d.hexdigest())"
    )
    digests = set()
    for caches in ("32768,1048576,33554432", "16384,131072,1048576", "65536,4194304,0"):
        environment = {**os.environ, "FASTNN_CACHES": caches}
        run = [sys.executable, "-c", program]
        digests.add(subprocess.check_output(run, env=environment, text=True))
    assert len(digests) == 1


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_bias_gradient_adds_in_the_order_of_the_weights(threads):
    dy = np.random.default_rng(0).standard_normal((600, 20)).astype("float32")
    x, w = np.ones((600, 1), "float32"), np.zeros((1, 20), "float32")
    with fn.num_threads(threads):
        _, dw, db = _core.dense_backward(*map(fn.tensor, (dy, x, w, dy)), "linear")
    assert np.array_equal(dw.numpy()[0], db.numpy())
