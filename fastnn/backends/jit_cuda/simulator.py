"""Numba's simulator of CUDA, made fit: a thread of the GPU is a thread of Python there.

What is launched has run when the call returns; streams and events are names only.
"""

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
def _launching() -> Iterator[None]:
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


class _Owned:
    """Memory that an array shows, and who lives as long as the array."""

    def __init__(self, array: np.ndarray, owner: Any) -> None:
        self.__array_interface__ = array.__array_interface__
        self.owner = owner


def array_in(
    base: Any, address: int, offset: int, shape: tuple[int, ...], dtype: np.dtype, owner: Any
) -> Any:
    """As driver.array_in, by NumPy's views."""
    size = math.prod(shape) * dtype.itemsize
    array = base._ary[offset : offset + size].view(dtype).reshape(shape)
    return FakeCUDAArray(np.asarray(_Owned(array, (base, owner))))


class Stream:
    """What is put into it has been done. One that captures keeps the launches."""

    def __init__(self, captures: bool = False) -> None:
        self.captures = captures
        self.launches: list[tuple] = []

    def synchronize(self) -> None:
        """There is nothing to wait for."""


new_stream = Stream


class Event:
    """As Numba's."""

    def record(self, stream: Any) -> None:
        """What was put into the stream before has been done."""

    def query(self) -> bool:
        """Whether that is so."""
        return True

    def synchronize(self) -> None:
        """There is nothing to wait for."""


new_event = Event


def launch(kernel: Any, blocks: Any, threads: Any, stream: Any, arguments: tuple) -> None:
    """Runs the kernel, or keeps the launch for the graph that is captured."""
    if stream.captures:
        stream.launches.append((kernel, blocks, threads, [_as_pointers(x) for x in arguments]))
        return
    with _launching():
        kernel[blocks, threads](*arguments)


def _as_pointers(value: Any) -> Any:
    """The argument as a GPU's graph keeps it: where an array lies, which it does not keep alive."""
    if isinstance(value, FakeCUDAArray):
        return FakeCUDAArray(np.asarray(_Owned(value._ary, None)))
    return value


class Capture:
    """As driver.Capture."""

    def __init__(self) -> None:
        self.stream = Stream(captures=True)

    def end(self, wanted: bool) -> Executable | None:
        """What was captured."""
        return Executable(self.stream.launches) if wanted else None


class Executable:
    """The launches that were captured, to be run again."""

    def __init__(self, launches: list[tuple]) -> None:
        self.launches = launches

    def launch(self, stream: Stream) -> None:
        """Runs them."""
        for kernel, blocks, threads, arguments in self.launches:
            launch(kernel, blocks, threads, stream, arguments)
