"""Elementary functions: units in the last place over the whole range, on every instruction set."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from same_bits import ROOT, same_at_offsets, same_for_threads

from fastnn import _core

TARGETS = _core.targets()["available"]
WITH_FMA = [target for target in TARGETS if target != "scalar"]


def normal_cdf(x):
    return 0.5 * np.vectorize(math.erfc, otypes="d")(x * -math.sqrt(0.5))


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1.0 + e)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def gelu_tanh(x):
    return gated(x, sigmoid(math.sqrt(8 / math.pi) * (x + 0.044715 * x * x * x)))


def gated(x, gate):
    return np.where(x == -np.inf, -0.0, x * gate)


def hard_gate(x):
    return np.clip((x + 3) / 6, 0, 1)


def selu(x):
    scale, alpha = (
        np.longdouble(n) if x.dtype == np.longdouble else float(n)
        for n in ("1.0507009873554804934", "1.6732632423543772848")
    )
    return scale * np.where(x > 0, x, alpha * np.expm1(x))


# Name: float64 NumPy, and the most units in the last place that float32 may be off.
FUNCTIONS = {
    "exp": (np.exp, 2),
    "expm1": (np.expm1, 2),
    "log": (np.log, 2),
    "log2": (np.log2, 2),
    "log10": (np.log10, 2),
    "log1p": (np.log1p, 2),
    "sin": (np.sin, 2),
    "cos": (np.cos, 2),
    "tan": (np.tan, 2),
    "asin": (np.arcsin, 2),
    "acos": (np.arccos, 2),
    "atan": (np.arctan, 2),
    "sinh": (np.sinh, 2),
    "cosh": (np.cosh, 2),
    "tanh": (np.tanh, 2),
    "sigmoid": (sigmoid, 2),
    "softplus": (softplus, 2),
    "log_sigmoid": (lambda x: -softplus(-x), 2),
    "erf": (np.vectorize(math.erf, otypes="d"), 2),
    "gelu": (lambda x: gated(x, normal_cdf(x)), 2),
    "gelu_tanh": (gelu_tanh, 2),
    "silu": (lambda x: gated(x, sigmoid(x)), 2),
    "mish": (lambda x: gated(x, np.tanh(softplus(x))), 2),
    "hard_sigmoid": (hard_gate, 2),
    "hard_silu": (lambda x: gated(x, hard_gate(x)), 2),
    "softsign": (lambda x: np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x))), 2),
    "selu": (selu, 2),
    "sqrt": (np.sqrt, 0.5),
    "reciprocal": (lambda x: 1 / x, 0.5),
    "rsqrt": (lambda x: 1 / np.sqrt(x), 1.5),
}
TRIGONOMETRIC = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh")
# On Vec, without the C library (but for large arguments): these have the same bits on every target
# with FMA.
OWN = (
    "exp",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "tanh",
    "sigmoid",
    "softplus",
    "log_sigmoid",
    "erf",
    "gelu",
)
OWN += ("gelu_tanh", "silu", "mish", "hard_sigmoid", "hard_silu", "softsign", "selu")
OWN += TRIGONOMETRIC

PROGRAM = """
import sys, numpy as np
from fastnn import _core
x = _core.from_numpy(np.load(sys.argv[1]))
np.savez(sys.argv[2], **{op: np.asarray(_core.unary(x, op)) for op in sys.argv[3].split(",")})
"""


def all_sizes():
    """Numbers with every exponent and both signs, neighbours of edges, and NaN."""
    step = 30011  # a prime: the last bits vary
    spread = np.arange(0, 2**32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)
    common = np.random.default_rng(0).uniform(-12, 12, 100_000).astype(np.float32)
    near_zero = np.random.default_rng(1).uniform(-1, 1, 50_000).astype(np.float32)
    edges = [0, np.inf, np.nan, 1, 0.55, 0.9, 0.5, 2, 4, 15, 25, 88.7228, 87.3365, 103.972, 30000]
    edges += [1.4e-45, 1.17549421e-38, 1.17549435e-38, 3.4028235e38, np.pi, np.pi / 2, np.pi / 4]
    edges = np.array(edges, dtype=np.float32)
    edges = np.concatenate(
        [edges, np.nextafter(edges, np.float32(0)), np.nextafter(edges, 2 * edges)]
    )
    # Where sigmoid and gelu are closest to their bounds.
    hardest = [np.arange(a, b, 8e-6, dtype=np.float32) for a, b in ((-6.4, -6.1), (-5.5, -4.9))]
    return np.concatenate([spread, common, near_zero, *hardest, edges, -edges])


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The input, and by target what every function makes of it."""
    folder = tmp_path_factory.mktemp("vec_math")
    with np.errstate(all="ignore"):
        x = all_sizes()
    np.save(folder / "x.npy", x)
    found = {}
    for target in TARGETS:
        output = folder / f"{target}.npz"
        subprocess.run(
            [sys.executable, "-c", PROGRAM, folder / "x.npy", output, ",".join(FUNCTIONS)],
            env=os.environ | {"FASTNN_ISA": target, "PYTHONPATH": str(ROOT)},
            check=True,
        )
        found[target] = np.load(output)
    return x, found


def ulps_off(y, expected):
    """|y - expected| in units in the last place of the rounded expected value."""
    rounded = expected.astype(y.dtype)
    unit = np.spacing(np.minimum(np.abs(rounded), np.finfo(y.dtype).max)).astype(np.float64)
    return np.abs(y.astype(np.float64) - expected) / unit


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("op", FUNCTIONS)
def test_float32_is_within_its_bound(results, op, target):
    x, found = results
    reference, most = FUNCTIONS[op]
    y = found[target][op]
    with np.errstate(all="ignore"):
        expected = reference(x.astype(np.float64))
        rounded = expected.astype(np.float32)
        finite = np.isfinite(rounded) & np.isfinite(y)
        off = ulps_off(y[finite], expected[finite])
    assert off.max() <= most, (x[finite][off.argmax()], off.max())
    # Infinite and not a number at the same places; at the end of the range, rounding may decide.
    decided = finite | (np.abs(expected) < 3.402823e38) | (np.abs(expected) > 3.402824e38)
    np.testing.assert_array_equal(y[~finite & decided], rounded[~finite & decided])
    zero = finite & (rounded == 0) & (y == 0)
    np.testing.assert_array_equal(np.signbit(y[zero]), np.signbit(rounded[zero]))


@pytest.mark.skipif(len(WITH_FMA) < 2, reason="one target with FMA only")
@pytest.mark.parametrize("op", OWN)
def test_targets_with_fma_agree_to_the_bit(results, op):
    _, found = results
    first, *others = [found[target][op] for target in WITH_FMA]
    for other in others:
        same = (first.view(np.uint32) == other.view(np.uint32)) | (
            np.isnan(first) & np.isnan(other)
        )
        assert same.all()


DOUBLE = {
    op: FUNCTIONS[op][0]
    for op in (
        "exp",
        "expm1",
        "log",
        "log2",
        "log10",
        "log1p",
        "tanh",
        "sigmoid",
        "softplus",
        "silu",
        "mish",
        "selu",
        *TRIGONOMETRIC,
    )
}


@pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 63, reason="needs a long double of more bits than double"
)
@pytest.mark.parametrize("op", DOUBLE)
def test_float64_is_within_2_ulp(op):
    random = np.random.default_rng(2)
    edges = [0.0, 5e-324, 2.3e-308, 1.0, 0.55, 40.0, 709.78, 709.79, 745.13, 745.2, 1e308, np.inf]
    x = np.concatenate(
        [
            random.uniform(-800, 800, 20_000),
            random.uniform(-3, 3, 40_000),
            10.0 ** random.uniform(-307, 308, 20_000) * random.choice([-1, 1], 20_000),
            edges,
            np.negative(edges),
        ]
    )
    with np.errstate(all="ignore"):
        expected = DOUBLE[op](x.astype(np.longdouble))
        y = np.asarray(_core.unary(_core.from_numpy(x), op))
        rounded = expected.astype(np.float64)
        finite = np.isfinite(rounded)
        unit = np.spacing(np.abs(rounded[finite])).astype(np.longdouble)
        off = np.abs(y[finite].astype(np.longdouble) - expected[finite]) / unit
    assert off.max() <= 2, (x[finite][off.argmax()], off.max())
    np.testing.assert_array_equal(y[~finite], rounded[~finite])


# Beside usual numbers, one that goes another way.
@pytest.mark.parametrize(
    ("op", "unusual"),
    [
        ("sin", 1e6),
        ("cos", 1e6),
        ("tan", 1e6),
        ("exp", 88.0),
        ("exp", -95.0),
        ("sigmoid", -95.0),
        ("gelu", -7.0),
        ("silu", -95.0),
        ("gelu_tanh", -11.0),
    ],
)
def test_a_number_does_not_see_its_neighbours(op, unusual):
    x = np.random.default_rng(6).uniform(-5, 20, 64).astype(np.float32)

    def both(x):
        x = _core.from_numpy(x)
        ones = _core.from_numpy(np.ones(64, np.float32))
        return np.stack([_core.unary(x, op), _core.unary_backward(ones, x, op)])

    alone = both(x)
    x[::5] = unusual
    beside = both(x)
    kept = np.arange(64) % 5 != 0
    np.testing.assert_array_equal(beside[:, kept], alone[:, kept])


def test_the_slope_of_gelu():
    x = np.concatenate([np.linspace(-14, 14, 20_001), [-0.7517915, 60.0, -60.0]]).astype("float32")
    ones = _core.from_numpy(np.ones_like(x))
    slope = np.asarray(_core.unary_backward(ones, _core.from_numpy(x), "gelu")).astype(np.float64)
    x = x.astype(np.float64)
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    size = normal_cdf(x) + np.abs(x) * density
    off = np.abs(slope - (normal_cdf(x) + x * density)) / (size + 1e-37)
    assert off.max() < 3 * np.finfo("float32").eps


@pytest.mark.parametrize(
    "op", ["sin", "tan", "asin", "atan", "sinh", "tanh", "erf", "expm1", "log1p", "silu", "gelu"]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_zero_keeps_its_sign(op, dtype):
    x = np.tile(np.array([-0.0, 0.0], dtype), 32)
    y = np.asarray(_core.unary(_core.from_numpy(x), op))
    np.testing.assert_array_equal(y, 0)
    np.testing.assert_array_equal(np.signbit(y), np.signbit(x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_erfinv_inverts_erf(dtype):
    p = np.random.default_rng(3).uniform(-1, 1, 2000)
    p = np.concatenate([p, 1 - np.logspace(-15, -1, 50), [0.0, 1e-300, 1.0, -1.0]]).astype(dtype)
    x = np.asarray(_core.unary(_core.from_numpy(p), "erfinv")).astype(np.float64)
    ends = np.abs(p) == 1
    np.testing.assert_array_equal(x[ends], np.copysign(np.inf, p[ends]))
    p, x = p[~ends].astype(np.float64), x[~ends]
    # An error d of x is one of 2 / sqrt(pi) exp(-x^2) d in erf(x), and in erfc(x).
    wrong = np.where(
        np.abs(p) < 0.5,
        np.vectorize(math.erf, otypes="d")(x) - p,
        np.vectorize(math.erfc, otypes="d")(np.abs(x)) - (1 - np.abs(p)),
    )
    slope = 2 / math.sqrt(math.pi) * np.exp(-x * x)
    assert (np.abs(wrong) <= 4 * np.finfo(dtype).eps * np.abs(x) * slope).all()
    beyond = np.asarray(_core.unary(_core.from_numpy(np.array([1.5, -2, np.nan], dtype)), "erfinv"))
    assert np.isnan(beyond).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_erfinv_keeps_the_sign_of_zero(dtype):
    zeros = np.array([0.0, -0.0] * 9, dtype)
    np.testing.assert_array_equal(
        np.signbit(np.asarray(_core.unary(_core.from_numpy(zeros), "erfinv"))), np.signbit(zeros)
    )


@pytest.mark.parametrize("op", ["exp", "tanh", "sin", "gelu", "erf"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_do_not_depend_on_place_or_threads(op, dtype):
    x = np.random.default_rng(4).standard_normal(1003).astype(dtype)
    same_at_offsets(lambda t: _core.unary(t, op), x)
    long = _core.from_numpy(np.random.default_rng(5).standard_normal(200_003).astype(dtype))
    same_for_threads(lambda: _core.unary(long, op))
    np.testing.assert_array_equal(
        np.asarray(_core.unary(_core.from_numpy(x), op))[-3:],
        np.asarray(_core.unary(_core.from_numpy(x[-3:].copy()), op)),
    )
