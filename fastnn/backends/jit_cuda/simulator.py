"""Numba's simulator of CUDA, made fit: a thread of the GPU is a thread of Python there.

What is launched has run when the call returns; streams and events are names only.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
from numba.cuda.simulator import kernel as kernels
from numba.cuda.simulator import kernelapi
from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray


class _Shared(kernelapi.FakeCUDAShared):
    """Shared memory whose place is found without writing out the stack."""

    def array(self, shape: Any, dtype: Any, alignment: Any = None) -> Any:
        """The block's array of that line of the kernel."""
        if isinstance(dtype, numba.types.Type):
            dtype = numba.np.numpy_support.as_dtype(dtype)
        caller = sys._getframe(1)
        key = caller.f_code, caller.f_lineno, shape, np.dtype(dtype)
        if key not in self._allocations:
            self._allocations[key] = np.empty(shape, dtype)
        return self._allocations[key]


class _Thread(kernels.BlockThread):
    """A thread of a block that runs when it is let, up to the next barrier or its end."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._turn, self._pause = threading.Lock(), threading.Lock()
        self._turn.acquire()
        self._pause.acquire()
        self.ended = False

    def advance(self) -> None:
        """Lets it run, and waits for it."""
        self._turn.release()
        self._pause.acquire()

    def leave(self) -> None:
        """Ends it where it waits, be it to begin; one that runs, at its next barrier."""
        self.abort = True
        if self._turn.locked():
            self._turn.release()

    def run(self) -> None:
        self._turn.acquire()
        try:
            if not self.abort:
                super().run()
        except BaseException as error:  # one that Numba does not take, or cannot make again
            self.exception = error.__context__ or error, error.__traceback__
        finally:
            self.ended = True
            self._pause.release()

    def syncthreads(self) -> None:
        if not self.abort:
            self._pause.release()
            self._turn.acquire()
        if self.abort:
            raise RuntimeError("the block was left")


class _Block(kernels.BlockManager):
    """A block whose threads run one after another, each up to the barrier; in every second block
    the last goes first.

    So a barrier that is missing shows, whichever thread is the one that had to wait, and no time
    goes into threads that wait for each other's Python.
    """

    _backward = itertools.cycle((False, True))

    def run(self, place: Any, *arguments: Any) -> None:
        threads = [
            _Thread(lambda: self._f(*arguments), self, place, index, self._debug)
            for index in np.ndindex(*self._block_dim)
        ]
        if next(self._backward):
            threads.reverse()
        try:
            for thread in threads:
                thread.start()
            while threads:
                for thread in threads:
                    thread.advance()
                    if thread.exception:
                        raise thread.exception[0].with_traceback(thread.exception[1])
                threads = [thread for thread in threads if not thread.ended]
        finally:
            for thread in threads:
                thread.leave()


class _Whole(np.ndarray):
    """Integers that keep the lower bits of what is written to them, as on a GPU."""

    def __setitem__(self, place: Any, value: Any) -> None:
        super().__setitem__(place, np.asarray(value).astype(self.dtype))


def _in_kernel(array: FakeCUDAArray) -> np.ndarray:
    """NumPy's array itself: Numba's own costs more than what kernels do with the elements."""
    return array._ary.view(_Whole) if array._ary.dtype.kind in "iu" else array._ary


kernelapi.FakeCUDAShared = _Shared
kernels.BlockManager = _Block
kernels.FakeWithinKernelCUDAArray = _in_kernel


_one_at_a_time = threading.RLock()  # a launch gives all of Python's threads a place in its grid


@contextlib.contextmanager
def _launching() -> Iterator[None]:
    """Overflow and division by 0 are no news, as on a GPU."""
    with _one_at_a_time, warnings.catch_warnings():
        if kernels._kernel_context is not None:
            raise RuntimeError(
                "launch: the simulator runs one kernel at a time, and this thread is amid another "
                "one (a signal's handler must not launch)"
            )
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


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
