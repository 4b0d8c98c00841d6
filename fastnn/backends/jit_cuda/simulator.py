"""Numba's simulator of CUDA, made fit: a thread of the GPU is a thread of Python there."""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
from numba.cuda.simulator import kernelapi
from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray


class _Shared(kernelapi.FakeCUDAShared):
    """Shared memory that two threads cannot both make at once, each for itself."""

    _lock = threading.Lock()

    def array(self, shape: Any, dtype: Any, alignment: Any = None) -> Any:
        """The block's array of that line of the kernel."""
        if isinstance(dtype, numba.types.Type):
            dtype = numba.np.numpy_support.as_dtype(dtype)
        caller = sys._getframe(1)
        key = caller.f_code, caller.f_lineno, shape, np.dtype(dtype)
        with self._lock:
            if key not in self._allocations:
                self._allocations[key] = np.empty(shape, dtype)
            return self._allocations[key]


kernelapi.FakeCUDAShared = _Shared


_one_at_a_time = threading.Lock()  # a launch gives all of Python's threads a place in its grid


@contextlib.contextmanager
def launching() -> Iterator[None]:
    """Threads take turns often; overflow and division by 0 are no news, as on a GPU."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with _one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            yield
    finally:
        sys.setswitchinterval(interval)


def problem() -> str:
    """As driver.problem: none."""
    return ""


def array_in(
    base: Any, address: int, offset: int, shape: tuple[int, ...], dtype: np.dtype, owner: Any
) -> Any:
    """As driver.array_in, by NumPy's views; these keep the memory alive themselves."""
    size = math.prod(shape) * dtype.itemsize
    return FakeCUDAArray(base._ary[offset : offset + size].view(dtype).reshape(shape))
