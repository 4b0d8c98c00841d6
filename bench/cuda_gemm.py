"""The steps of the matrix product on a GPU: fastnn/backends/jit_cuda/gemm_ladder.py, timed."""

from collections.abc import Callable
from functools import partial

import numpy as np

from fastnn.backends.jit_cuda.cuda import cuda
from fastnn.backends.jit_cuda.gemm_ladder import LADDER


def _finished(step: Callable, *arrays: object) -> None:
    step(*arrays)
    cuda.synchronize()


def ladder(n: int, a: np.ndarray, b: np.ndarray) -> dict[str, tuple[Callable[[], object], str]]:
    """Name to a call that waits for its end, and what is new in it. The first calls compile."""
    expected, given = a @ b, [cuda.to_device(x) for x in (a, b)]
    steps = {}
    for step in LADDER:
        c = cuda.device_array((n, n), np.float32)
        call = partial(_finished, step, c, *given)
        call()
        np.testing.assert_allclose(c.copy_to_host(), expected, rtol=1e-3, atol=1e-5 * n)
        steps[step.__name__] = call, (step.__doc__ or "").split("\n")[0]
    return steps
