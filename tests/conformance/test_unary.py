"""unary and unary_backward, every op.

Bounds, in units in the last place (ULP) of the result, for float32 and float64. The specification
itself is within 2 ULP in float64.
"""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from fastnn import _core
from fastnn.backends.reference import unary

from .harness import (
    FLOATS,
    INTEGERS,
    LAYOUTS,
    SHAPES,
    assert_within,
    check,
    drawn,
    generator,
    rows,
    run,
    specified,
    ulps,
)

EXACT = (0, 0)  # one IEEE operation, or a choice
TWICE = (2, 2)  # two roundings, each at most 1 ULP of the result
CLOSE = (2, 4)  # a polynomial: the promise for elementary functions
COMPOSED = (2, 8)  # a product or quotient of two of those, also in the specification
ULPS = {
    **dict.fromkeys(["linear", "neg", "abs", "sign", "square", "sqrt", "reciprocal"], EXACT),
    **dict.fromkeys(["relu", "hard_tanh", "floor", "ceil", "round"], EXACT),
    **dict.fromkeys(["logical_not", "isfinite", "isnan"], EXACT),
    **dict.fromkeys(["rsqrt", "leaky_relu", "softsign", "hard_sigmoid"], TWICE),
    **dict.fromkeys(["exp", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan"], CLOSE),
    **dict.fromkeys(["asin", "acos", "atan", "sinh", "cosh", "tanh", "sigmoid"], CLOSE),
    **dict.fromkeys(["erf", "erfinv", "softplus", "log_sigmoid"], CLOSE),
    **dict.fromkeys(["elu", "selu", "gelu", "gelu_tanh", "silu", "mish", "hard_silu"], COMPOSED),
}
# x / 6 + 1/2 and its product with x vanish at x = -3: errors relative to 1/2 and to 3/2.
ABSOLUTE = {"hard_sigmoid": 0.5, "hard_silu": 1.5}

# Slopes that are sums whose terms cancel: relative to their largest term.
TERMS = {"gelu": 1.2, "gelu_tanh": 1.2, "silu": 1.2, "mish": 1.2, "hard_silu": 1.5, "selu": 1.76}
# Slopes that multiply a number by 1 - s (mish: 1 - t * t) for a rounded s: that number, until 1 - s
# vanishes (in float64 at 36, the argument of s).
GATED = {
    "silu": lambda x: np.minimum(np.abs(x), 36),
    "mish": lambda x: 2 * np.minimum(np.abs(x), 36),
    "gelu_tanh": lambda x: np.minimum(np.abs(x), 8) * 12,
}
# x times a small number, which may be subnormal in the specification.
UNDERFLOW = ("gelu", "gelu_tanh", "silu", "mish")
DIFFERENTIABLE = [op for op, (reads, _) in _core.UNARY.items() if reads != "z"]
A = 0.25


def sweep(dtype):
    """Numbers of every magnitude, subnormal ones and those around kinks; infinities and NaN."""
    info = np.finfo(dtype)
    low, high = np.log10(float(info.smallest_subnormal)), np.log10(float(info.max))
    powers = 10.0 ** np.linspace(low, high, 700)[1:-1]
    near = np.linspace(-20, 20, 1601)
    ones = 1 - np.logspace(-7, -1, 50)
    special = [0.0, np.inf, np.nan, info.tiny, info.max, 0.5, 1.5, 2.5, 1, 3]
    positive = np.concatenate([powers, near, ones, special])
    return np.concatenate([positive, -positive]).astype(dtype)


def bound_of(op, x=0.0):
    size = np.minimum(np.abs(np.asarray(x, dtype=np.float64)), 1000)

    def bound(i, expected, eps):
        wide = eps < 1e-8
        count = ULPS[op][int(wide)]
        if op == "gelu_tanh" and wide:  # exp(-u): in the specification u has five roundings
            count = count + 5 * np.minimum(size * (1.6 + 0.08 * size**2), 800)
        limit = ulps(count, expected, eps) + ABSOLUTE.get(op, 0) * eps * (size < 10)
        return limit + ulps(size, 0, eps) if op in UNDERFLOW and wide else limit

    return bound


def numbers(dtype, shape, seed):
    random = generator(seed, dtype, shape)
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if dtype in INTEGERS:
        info = np.iinfo(dtype)
        x = random.integers(max(info.min, -300), min(info.max, 300), shape)
        return np.asarray(x).astype(dtype)
    return np.asarray(random.normal(size=shape) * 3).astype(dtype)


def dtypes_of(op):
    return {"F": FLOATS, "FB": FLOATS, "N": FLOATS + INTEGERS}.get(
        _core.UNARY[op][1], (*FLOATS, *INTEGERS, "bool")
    )


EVERY = [(op, dtype) for op in _core.UNARY for dtype in dtypes_of(op)]


@pytest.mark.parametrize(
    ("backend", "op", "dtype", "shape"),
    rows((*row, s) for row in EVERY for s in (SHAPES if row[1] in FLOATS else SHAPES[::4])),
)
def test_unary(backend, op, dtype, shape):
    x = numbers(dtype, shape, op)
    check(backend, "unary", [x], op, A, bound=bound_of(op, x))


@pytest.mark.parametrize(
    ("backend", "op", "dtype"), rows((op, dtype) for op in _core.UNARY for dtype in FLOATS)
)
def test_unary_over_the_whole_range(backend, op, dtype):
    x = sweep(dtype)
    check(backend, "unary", [x], op, A, bound=bound_of(op, x))


@pytest.mark.parametrize(
    ("backend", "dtype", "op"), rows((dtype, op) for dtype in INTEGERS for op in ("neg", "square"))
)
def test_unary_of_integers_wraps(backend, dtype, op):
    info = np.iinfo(dtype)
    check(backend, "unary", [np.array([info.min, info.max, 0, 1]).astype(dtype)], op)


@pytest.mark.parametrize(
    ("backend", "layout", "op"), rows((layout, op) for layout in LAYOUTS for op in ("exp", "neg"))
)
@pytest.mark.parametrize("shape", [(7,), (3, 17), (40, 33), (2, 3, 65)])
def test_unary_reads_strided_operands(backend, layout, op, shape):
    x = LAYOUTS[layout](numbers("float32", shape, layout))
    check(backend, "unary", [x], op, bound=bound_of(op))


@drawn
@hypothesis.given(
    op=strategies.sampled_from(list(_core.UNARY)),
    shape=strategies.lists(strategies.integers(0, 40), max_size=3).map(tuple),
    dtype=strategies.sampled_from(FLOATS),
)
@pytest.mark.parametrize("backend", rows([()]))
def test_unary_of_drawn_shapes(backend, op, shape, dtype):
    x = numbers(dtype, shape, op)
    check(backend, "unary", [x], op, A, bound=bound_of(op, x))


@pytest.mark.parametrize("backend", rows([()]))
def test_unary_of_many_elements(backend):
    x = numbers("float32", (200_003,), "many")  # shared out to threads
    check(backend, "unary", [x], "exp", bound=bound_of("exp"))


def backward_case(op, x, dtype, seed):
    """dy and what the derivative of op reads."""
    value = x
    if _core.UNARY[op][0] == "y":
        value = unary(x, op=op, a=A)
        value = value[np.isfinite(value)] if value.ndim == 1 else value
    dy = generator(seed).uniform(-2, 2, value.shape).astype(dtype)
    return dy, value


def check_backward(backend, op, dy, value):
    (dx,) = run(backend, "unary_backward", [dy, value], op, A)
    (expected,) = specified("unary_backward", [dy, value], op, A)
    eps = np.finfo(dx.dtype).eps
    # The slope is as close as a composed function; dy multiplies it.
    bound = ulps(5 if eps > 1e-8 else 9, expected, eps) + 4 * eps * np.abs(dy) * TERMS.get(op, 0)
    if op in GATED:
        bound += eps * np.abs(dy) * GATED[op](value.astype(np.float64))
    bound += np.finfo(dx.dtype).tiny  # a square on the way may overflow where the slope is less
    assert dx.shape == value.shape
    assert dx.dtype == value.dtype
    assert_within(dx, expected, bound, op)


@pytest.mark.parametrize(
    ("backend", "op", "dtype", "shape"),
    rows((op, dtype, s) for op in DIFFERENTIABLE for dtype in FLOATS for s in SHAPES[::3]),
)
def test_unary_backward(backend, op, dtype, shape):
    x = generator(op, shape).uniform(0.05, 0.95, shape).astype(dtype)
    check_backward(backend, op, *backward_case(op, x, dtype, shape))


@pytest.mark.parametrize(
    ("backend", "op", "dtype"), rows((op, dtype) for op in DIFFERENTIABLE for dtype in FLOATS)
)
def test_unary_backward_over_the_whole_range(backend, op, dtype):
    x = sweep(dtype)
    x = x[np.abs(x) < np.finfo(dtype).max / 4]  # so that 2 x is finite
    check_backward(backend, op, *backward_case(op, x, dtype, op))
