"""exp, log and their kin in Numba: 2 units in the last place, over the whole range."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="jit_cpu needs Numba")

import fastnn as fn
from fastnn.backends import use_backend

FORMULAS = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
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
    positive = np.concatenate([powers, *near, special])
    return np.concatenate([positive, -positive]).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FORMULAS)
def test_within_two_units(name, dtype):
    if np.finfo(WIDER[dtype]).nmant <= np.finfo(dtype).nmant:
        pytest.skip("long double is float64 here")
    x = sweep(dtype)
    with np.errstate(all="ignore"):
        exact = FORMULAS[name](x.astype(WIDER[dtype]))
        expected = exact.astype(dtype)
        with use_backend("jit_cpu"):
            y = getattr(fn.ops, name)(fn.tensor(x)).numpy()
        finite = np.isfinite(expected)
        assert np.array_equal(y[~finite], expected[~finite], equal_nan=True)
        y, exact, expected = y[finite], exact[finite], expected[finite]
        units = np.abs(y - exact) / np.spacing(np.abs(expected)).astype(WIDER[dtype])
    assert units.max() <= 2
    assert np.array_equal(np.signbit(y), np.signbit(expected))
