"""Numba's CUDA: the one file that imports it, and how kernels are launched.

A kernel's elements are shared out in strides of the whole grid, so that any grid computes the same
and its size is a matter of speed alone. In Numba's simulator (NUMBA_ENABLE_CUDASIM=1) a thread of
the GPU is a thread of Python: grids are tiny there.

All launches and copies of all threads go into one stream, in the order of their calls. It waits for
what other libraries put into CUDA's default stream, and that for it. While a thread captures a
graph (graphs.py), its launches go into the graph instead.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

if not importlib.util.find_spec("numba_cuda"):  # Numba has a CUDA of its own, without libdevice
    raise ImportError("jit_cuda needs numba-cuda: pip install 'fastnn[cuda]'", name="numba_cuda")

from numba import cuda as _cuda

cuda: Any = _cuda  # whose types speak of the host's side alone

simulated = bool(cuda.config.ENABLE_CUDASIM)

_machine: Any = import_module(".simulator" if simulated else ".driver", __package__)
array_in, new_event, problem = _machine.array_in, _machine.new_event, _machine.problem
Capture = _machine.Capture

THREADS = 4 if simulated else 256  # a block's, a power of two
BLOCKS = 2 if simulated else 4096  # at most, of a launch whose threads take an element each

kernel = cuda.jit


def device(function: Callable) -> Any:
    """A function that kernels call and that uses threads or shared memory itself."""
    return cuda.jit(device=True)(function)


def compiled(function: Callable) -> Any:
    """A function that kernels call and that only computes."""
    return function if simulated else cuda.jit(device=True)(function)


class _Thread(threading.local):
    capture: Any = None  # the graph that this thread captures


_thread = _Thread()
_own_stream: Any = None
_making = threading.Lock()


def capturing() -> Any:
    """The graph that this thread captures; None: it launches."""
    return _thread.capture


def capture_into(graph: Any) -> None:
    """Makes this thread's launches part of a graph (None: of none)."""
    _thread.capture = graph


def stream() -> Any:
    """Where this thread's launches and copies go."""
    global _own_stream
    if _thread.capture is not None:
        return _thread.capture.stream
    if _own_stream is None:
        with _making:
            _own_stream = _own_stream or _machine.new_stream()
    return _own_stream


def no_capture(what: str) -> None:
    """Raises RuntimeError if this thread captures a graph, which cannot do again what comes now."""
    if _thread.capture is not None:
        raise RuntimeError(f"a graph cannot hold {what}")


def launch_grid(kernel: Any, blocks: Any, threads: Any, *arguments: Any) -> None:
    """Runs the kernel with so many blocks of so many threads (numbers, or tuples of up to 3)."""
    _machine.launch(kernel, blocks, threads, stream(), arguments)


def launch(kernel: Any, count: int, *arguments: Any) -> None:
    """Runs the kernel for ``count`` elements, a thread each; they stride if there are too many."""
    if count > 0:
        blocks = min(BLOCKS, -(-count // THREADS))
        launch_grid(kernel, blocks, min(THREADS, count) if simulated else THREADS, *arguments)


def launch_rows(kernel: Any, rows: int, width: int, *arguments: Any) -> None:
    """Runs the kernel with a block for each of the rows, of no more threads than a row needs."""
    threads = 1 if simulated else 32
    while threads < min(width, THREADS):
        threads *= 2
    if rows > 0:
        launch_grid(kernel, rows, threads, *arguments)
