"""What tests of @elementwise share."""

import numpy as np
import pytest

import fastnn as fn

pytest.importorskip("numba", reason="elementwise needs Numba")

RNG = np.random.default_rng(0)
X = RNG.uniform(0.2, 0.9, 7)
Y = RNG.uniform(0.2, 0.9, (3, 1))


@fn.elementwise
def scaled(x, y, slope=0.5, times=2, negated=False):
    result = x * times + slope * y
    return -result if negated else result


@fn.elementwise
def swish(x, slope=1.5):
    return x * fn.ops.sigmoid(slope * x)
