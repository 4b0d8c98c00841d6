"""float64 erf, gelu and gelu's slope against 50 digits, on every instruction set."""

import os
import subprocess
import sys

import numpy as np
import pytest
from exact_normal import NUMBERS, worst
from same_bits import ROOT

from fastnn import _core

TARGETS = _core.targets()["available"]
WITH_FMA = [target for target in TARGETS if target != "scalar"]
PROGRAM = """
import sys, numpy as np
from fastnn import _core
x = _core.from_numpy(np.load(sys.argv[1]))
ones = _core.from_numpy(np.ones(x.shape))
y = [_core.unary(x, "erf"), _core.unary(x, "gelu"), _core.unary_backward(ones, x, "gelu")]
np.save(sys.argv[2], y)
"""
NAMES = ["erf", "gelu", "slope"]  # the rows of results
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, -1e300, -39.0, -745.0]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """By target: erf, gelu and the slope at NUMBERS, then at SPECIAL."""
    folder = tmp_path_factory.mktemp("normal")
    np.save(folder / "x.npy", np.concatenate([NUMBERS, SPECIAL]))
    found = {}
    for target in TARGETS:
        output = folder / f"{target}.npy"
        subprocess.run(
            [sys.executable, "-c", PROGRAM, folder / "x.npy", output],
            env=os.environ | {"FASTNN_ISA": target, "PYTHONPATH": str(ROOT)},
            check=True,
        )
        found[target] = np.load(output)
    return found


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_within_two_units(results, target, name):
    off, x = worst(name, results[target][NAMES.index(name)][: len(NUMBERS)])
    assert off <= 2, x


@pytest.mark.parametrize("target", TARGETS)
def test_special_numbers(results, target):
    erf, gelu, slope = results[target][:, len(NUMBERS) :]
    np.testing.assert_array_equal(erf, [0, -0.0, 1, -1, np.nan, 1, -1, -1, -1])
    np.testing.assert_array_equal(gelu, [0, -0.0, np.inf, -0.0, np.nan, 1e300, -0.0, -0.0, -0.0])
    np.testing.assert_array_equal(slope, [0.5, 0.5, 1, 0, np.nan, 1, 0, 0, 0])
    kept = ~np.isnan(erf)
    np.testing.assert_array_equal(np.signbit(erf[kept]), np.signbit(SPECIAL)[kept])
    np.testing.assert_array_equal(np.signbit(gelu[kept]), np.signbit(SPECIAL)[kept])


@pytest.mark.skipif(len(WITH_FMA) < 2, reason="one target with FMA only")
def test_targets_with_fma_agree_to_the_bit(results):
    first, *others = [results[target].view(np.int64) for target in WITH_FMA]
    for other in others:
        np.testing.assert_array_equal(other, first)
