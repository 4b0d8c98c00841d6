"""Every launcher but those of layers, in Numba's simulator, against the reference."""

from .harness import require_simulator

require_simulator()

import pytest

from fastnn.backends.jit_cuda import status

from .cases import cases
from .harness import check

CASES = [*cases("float64"), *cases("float32")]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_launcher(case):
    check(case)
