"""exp, log and their kin in Numba: 2 units in the last place, over the whole range."""

import math
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("numba", reason="jit_cpu needs Numba")

from exact_normal import NUMBERS, worst

import fastnn as fn
from fastnn import _core
from fastnn.backends import use_backend

FORMULAS = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-abs(x))),
    "sin": np.sin,
    "cos": np.cos,
}
# float64 is compared with the long double of this machine, where that is longer.
WIDER = {"float32": np.float64, "float64": np.longdouble}


def sweep(dtype):
    """Every magnitude, many numbers where the functions bend, and what is special."""
    info, generator = np.finfo(dtype), np.random.default_rng(0)
    low, high = np.log10(float(info.smallest_subnormal)), np.log10(float(info.max))
    powers = 10.0 ** generator.uniform(low, high, 40_000)
    near = [
        generator.uniform(0, end, 60_000) for end in (1, 20, 110 if dtype == "float32" else 760)
    ]
    special = [0.0, np.inf, np.nan, info.tiny, info.max, 1, *1 - np.logspace(-16, -1, 200)]
    near += [np.arange(20_000) * np.pi / 2, [6381956970095103 * 2.0**797]]  # sin or cos is small
    with np.errstate(over="ignore"):
        positive = np.concatenate([powers, *near, special])
        return np.concatenate([positive, -positive]).astype(dtype)


def in_kernels(name, *xs):
    with use_backend("jit_cpu"):
        return getattr(fn.ops, name)(*map(fn.tensor, xs)).numpy()


def assert_close(y, exact, dtype):
    """At most 2 units from `exact`, which has more digits; infinities, NaN and signs the same."""
    with np.errstate(all="ignore"):
        expected = exact.astype(dtype)
    finite = np.isfinite(expected)
    assert np.array_equal(y[~finite], expected[~finite], equal_nan=True)
    y, exact, expected = y[finite], exact[finite], expected[finite]
    unit = np.spacing(np.minimum(np.abs(expected), np.finfo(dtype).max / 2))
    units = np.abs(y - exact) / unit.astype(exact.dtype)
    assert units.max() <= 2
    assert np.array_equal(np.signbit(y), np.signbit(expected))


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    if np.finfo(WIDER[request.param]).nmant <= np.finfo(request.param).nmant:
        pytest.skip("long double is float64 here")
    return request.param


@pytest.mark.parametrize("name", FORMULAS)
def test_within_two_units(name, dtype):
    x = sweep(dtype)
    with np.errstate(all="ignore"):
        exact = FORMULAS[name](x.astype(WIDER[dtype]))
    assert_close(in_kernels(name, x), exact, dtype)


def test_erf_within_two_units():
    x = sweep("float32")
    exact = np.vectorize(math.erf)(x.astype(np.float64))
    assert_close(in_kernels("erf", x), exact, "float32")


@pytest.mark.parametrize("name", ["erf", "gelu", "slope"])
def test_normal_distribution_within_two_units(name):
    x = fn.tensor(NUMBERS)
    with use_backend("jit_cpu"):
        if name == "slope":
            y = _core.unary_backward(fn.ops.ones_like(x), x, "gelu")
        else:
            y = _core.unary(x, name)
    off, place = worst(name, y.numpy())
    assert off <= 2, place


def test_powers_within_two_units(dtype):
    generator = np.random.default_rng(0)
    sizes = generator.choice([1e-6, 1e-3, 0.1, 1, 10, 80 if dtype == "float32" else 700], 100_000)
    x = np.exp(generator.uniform(-1, 1, sizes.size) * sizes).astype(dtype)
    # Results of every size, and beyond.
    with np.errstate(all="ignore"):
        reach = (104 if dtype == "float32" else 746) / np.abs(np.log(x.astype(WIDER[dtype])))
        y = (generator.uniform(-1.05, 1.05, x.size) * np.minimum(reach, 1e30)).astype(dtype)
        exact = x.astype(WIDER[dtype]) ** y.astype(WIDER[dtype])
    assert_close(in_kernels("power", x, y), exact, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_powers_of_special_numbers(dtype):
    special = [0, 1, 0.5, 2, 3, 2.5, 1e15 + 1, 1e30, np.inf, np.nan]
    x, y = np.meshgrid([*special, *np.negative(special)], [*special, *np.negative(special)])
    x, y = np.ascontiguousarray(x, dtype), np.ascontiguousarray(y, dtype)
    with np.errstate(all="ignore"):
        expected = np.power(x, y)
    result = in_kernels("power", x, y)
    np.testing.assert_allclose(result, expected, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(
        np.signbit(result[~np.isnan(result)]), np.signbit(expected[~np.isnan(result)])
    )


VECTORS = """
import sys
import numpy as np
import fastnn as fn
from fastnn.backends.jit_cpu import compile

tiles = []
usual = compile.PureTile.compile
compile.PureTile.compile = lambda self: (usual(self), tiles.append(self))
x = np.ones(64, np.float32)
with fn.use_backend("jit_cpu"):
    for name in sys.argv[1:]:
        getattr(fn.ops, name)(*[x] * (1 + (name == "power")))
for name, tile in zip(sys.argv[1:], tiles, strict=True):
    code = tile._library.get_llvm_str()
    print(name, " x double> @llvm.fma.v" in code or " x float> @llvm.fma.v" in code)
"""


def test_they_are_vector_code(tmp_path):
    names = ["exp", "tanh", "softplus", "sin", "cos", "erf", "gelu", "power"]
    package = str(pathlib.Path(fn.__file__).parents[1])
    environment = dict(os.environ, PYTHONPATH=package, NUMBA_CACHE_DIR=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", VECTORS, *names], env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [f"{name} True" for name in names], done.stderr
