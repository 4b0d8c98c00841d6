"""Whether tests of CUDA can run: on a GPU, or in Numba's simulator."""

import functools
import importlib.util
import os


def simulated():
    """Whether kernels run in Numba's simulator."""
    return os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"


@functools.cache
def missing():
    """What they lack here; empty: nothing."""
    if not (importlib.util.find_spec("numba") and importlib.util.find_spec("numba_cuda")):
        return "numba and numba-cuda are not installed"
    if simulated():
        return ""
    from fastnn.backends.jit_cuda.cuda import problem

    return problem() and f"neither a GPU nor NUMBA_ENABLE_CUDASIM=1: {problem()}"
