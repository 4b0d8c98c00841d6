"""The launchers of layers, in Numba's simulator, against the reference."""

import pytest

from .harness import check
from .layer_cases import layer_cases

CASES = [*layer_cases("float64"), *layer_cases("float32")]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_launcher(case):
    check(case)
