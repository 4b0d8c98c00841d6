"""gemm and dense_backward.

Bounds. `roundings` of a sum of k products, relative to the sum of the magnitudes; alpha, beta,
bias, residual and their products add eight. An activation adds its own error, and multiplies
what it gets by its steepest slope, at most 1.13.
"""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from fastnn.backends.reference import gemm, unary_backward

from .harness import FLOATS, LAYOUTS, LENGTHS, check, drawn, generator, roundings, rows

ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu", "leaky_relu", "silu")
STEEPEST = 1.13
EDGES = [(n, 5, 7) for n in LENGTHS] + [(5, n, 7) for n in LENGTHS] + [(6, 7, n) for n in LENGTHS]
EXTENTS = [*EDGES, (1, 1, 1000), (1, 65, 300), (65, 1, 300), (33, 47, 513), (70, 130, 257)]


def wide(x):
    return None if x is None else np.abs(np.asarray(x, dtype=np.float64))


def magnitude(a, b, bias=None, residual=None, c0=None, alpha=1, beta=1, **options):
    """gemm of the magnitudes: what the error is relative to."""
    options = {name: options[name] for name in ("trans_a", "trans_b") if name in options}
    operands = [wide(x) for x in (a, b, bias, residual, c0)]
    return gemm(*operands, alpha=abs(alpha), beta=abs(beta), **options)[0]


def gemm_bound(k, scale, slope=1.0):
    def bound(i, expected, eps):
        return (roundings(k) + 8) * eps / 2 * scale * slope + (
            4 * eps * (scale + 1) if slope > 1 else 0
        )

    return bound


def draw(dtype, *shapes, seed):
    random = generator(seed, shapes)
    return [random.uniform(-1, 1, shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize(
    ("backend", "dtype", "mnk"), rows((dtype, mnk) for dtype in FLOATS for mnk in EXTENTS)
)
def test_gemm(backend, dtype, mnk):
    m, n, k = mnk
    a, b = draw(dtype, (m, k), (k, n), seed=1)
    check(backend, "gemm", [a, b, None, None, None], bound=gemm_bound(k, magnitude(a, b)))


@pytest.mark.parametrize(
    ("backend", "dtype", "trans_a", "trans_b"),
    rows((dtype, ta, tb) for dtype in FLOATS for ta in (False, True) for tb in (False, True)),
)
@pytest.mark.parametrize("mnk", [(1, 9, 33), (9, 1, 33), (17, 19, 40), (64, 48, 300)])
def test_gemm_transposed(backend, dtype, trans_a, trans_b, mnk):
    m, n, k = mnk
    shapes = ((k, m) if trans_a else (m, k)), ((n, k) if trans_b else (k, n))
    a, b = draw(dtype, *shapes, seed=2)
    scale = magnitude(a, b, trans_a=trans_a, trans_b=trans_b)
    operands = [a, b, None, None, None]
    check(backend, "gemm", operands, trans_a, trans_b, bound=gemm_bound(k, scale))


@pytest.mark.parametrize(
    ("backend", "dtype", "activation"),
    rows((dtype, activation) for dtype in FLOATS for activation in ("linear", *ACTIVATIONS)),
)
@pytest.mark.parametrize("present", range(8))
def test_gemm_epilogue(backend, dtype, activation, present):
    m, n, k = 13, 21, 34
    a, b, *extra = draw(dtype, (m, k), (k, n), (n,), (m, n), (m, n), seed=3)
    extra = [x if present >> i & 1 else None for i, x in enumerate(extra)]
    alpha, beta, slope = (0.5, 1.5, 0.25) if activation != "linear" else (-1.25, 0.75, 0)
    scale = magnitude(a, b, *extra, alpha=alpha, beta=beta)
    attributes = (False, False, alpha, beta, activation, slope, present % 2 == 1)
    steepest = 1 if activation == "linear" else STEEPEST
    bound = gemm_bound(k, scale, steepest)
    check(backend, "gemm", [a, b, *extra], *attributes, bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "shapes"),
    rows(
        (dtype, shapes)
        for dtype in FLOATS
        for shapes in [
            ((4, 3, 5), (4, 5, 6)),
            ((4, 3, 5), (5, 6)),
            ((3, 5), (4, 5, 6)),
            ((2, 1, 3, 5), (4, 5, 6)),
            ((2, 4, 1, 5), (1, 1, 5, 1)),
            ((0, 3, 5), (5, 6)),
            ((12, 40, 33), (12, 33, 17)),
        ]
    ),
)
def test_gemm_batched(backend, dtype, shapes):
    a, b = draw(dtype, *shapes, seed=4)
    operands = [a, b, None, None, None]
    check(backend, "gemm", operands, bound=gemm_bound(a.shape[-1], magnitude(a, b)))


@pytest.mark.parametrize(
    ("backend", "dtype", "layout"), rows((dtype, layout) for dtype in FLOATS for layout in LAYOUTS)
)
@pytest.mark.parametrize("side", [0, 1])
def test_gemm_reads_strided_operands(backend, dtype, layout, side):
    pair = draw(dtype, (3, 18, 35), (3, 35, 20), seed=5)
    pair[side] = LAYOUTS[layout](pair[side])
    arrays = [x.array() if hasattr(x, "array") else x for x in pair]
    bound = gemm_bound(35, magnitude(*arrays))
    check(backend, "gemm", [*pair, None, None, None], bound=bound)


# Lower than a tile, one row of tiles, two; narrower than a panel, as wide, wider.
LOW_OR_NARROW = [(m, n, 40) for m in (1, 2, 3, 5, 6, 7, 13) for n in (1, 2, 4, 8, 16, 32, 70)]


@pytest.mark.parametrize(
    ("backend", "dtype", "mnk"), rows((dtype, mnk) for dtype in FLOATS for mnk in LOW_OR_NARROW)
)
def test_gemm_of_an_operand_without_unit_stride(backend, dtype, mnk):
    m, n, k = mnk
    a, b = draw(dtype, (m, k), (k, n), seed=9)
    bound = gemm_bound(k, magnitude(a, b))
    check(backend, "gemm", [LAYOUTS["stepped"](a), b, None, None, None], bound=bound)


@drawn
@hypothesis.given(
    m=strategies.integers(0, 80),
    n=strategies.integers(0, 80),
    k=strategies.integers(0, 600),
    trans_a=strategies.booleans(),
    trans_b=strategies.booleans(),
    dtype=strategies.sampled_from(FLOATS),
)
@pytest.mark.parametrize("backend", rows([()]))
def test_gemm_of_drawn_shapes(backend, m, n, k, trans_a, trans_b, dtype):
    shapes = ((k, m) if trans_a else (m, k)), ((n, k) if trans_b else (k, n))
    a, b = draw(dtype, *shapes, seed=6)
    scale = magnitude(a, b, trans_a=trans_a, trans_b=trans_b)
    operands = [a, b, None, None, None]
    check(backend, "gemm", operands, trans_a, trans_b, bound=gemm_bound(k, scale))


@pytest.mark.parametrize(
    ("backend", "dtype", "activation", "mnk"),
    rows(
        (dtype, activation, mnk)
        for dtype in FLOATS
        for activation, mnk in [
            *(("linear", (m, 9, 5)) for m in (0, 1, 3, 8, 17, 65, 257)),
            *(("relu", (10, n, 5)) for n in (0, 1, 7, 16, 33)),
            *(("tanh", (10, 9, k)) for k in (0, 1, 7, 16, 33)),
            *((activation, (34, 21, 17)) for activation in ACTIVATIONS),
        ]
    ),
)
def test_dense_backward(backend, dtype, activation, mnk):
    m, n, k = mnk
    dy, x, w, value = draw(dtype, (m, n), (m, k), (k, n), (m, n), seed=7)
    operands = [dy, x, w, value]
    g = wide(unary_backward(wide(dy), value.astype("float64"), op=activation, a=0.1))
    # The derivative of an activation has 4 roundings and terms of at most 1.2 that cancel.
    slack = 8 * np.where(activation == "linear", 0, wide(dy) * 1.2)
    scales = [(g * (roundings(n) + 9) + slack) @ wide(w).T]
    scales += [wide(x).T @ (g * (roundings(m) + 9) + slack)]
    scales += [(g * (roundings(m) + 9) + slack).sum(axis=0)]

    def bound(i, expected, eps):
        return scales[i] * eps / 2

    check(backend, "dense_backward", operands, activation, 0.1, bound=bound)


@pytest.mark.parametrize(
    ("backend", "wanted"),
    rows((wanted,) for wanted in [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1)]),
)
def test_dense_backward_leaves_out_what_is_not_wanted(backend, wanted):
    operands = draw("float64", (6, 4), (6, 3), (3, 4), (6, 4), seed=8)
    wanted = [flag == 1 for flag in wanted]

    def bound(i, expected, eps):
        return 10 * eps

    results = check(backend, "dense_backward", operands, "relu", 0.0, *wanted, bound=bound)
    assert [result is not None for result in results] == wanted
