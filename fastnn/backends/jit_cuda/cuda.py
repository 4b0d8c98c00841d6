"""Numba's CUDA: the one file that imports it, and how kernels are launched.

A kernel's elements are shared out in strides of the whole grid, so that any grid computes the same
and its size is a matter of speed alone. In Numba's simulator (NUMBA_ENABLE_CUDASIM=1) a thread of
the GPU is a thread of Python: grids are tiny there.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib import import_module
from typing import Any

if not importlib.util.find_spec("numba_cuda"):  # Numba has a CUDA of its own, without libdevice
    raise ImportError("jit_cuda needs numba-cuda: pip install 'fastnn[cuda]'", name="numba_cuda")

from numba import cuda as _cuda

cuda: Any = _cuda  # whose types speak of the host's side alone

simulated = bool(cuda.config.ENABLE_CUDASIM)

_machine: Any = import_module(".simulator" if simulated else ".driver", __package__)
array_in, launching, problem = _machine.array_in, _machine.launching, _machine.problem

THREADS = 4 if simulated else 256  # a block's, a power of two
BLOCKS = 2 if simulated else 4096  # at most, of a launch whose threads take an element each

kernel = cuda.jit


def device(function: Callable) -> Any:
    """A function that kernels call and that uses threads or shared memory itself."""
    return cuda.jit(device=True)(function)


def compiled(function: Callable) -> Any:
    """A function that kernels call and that only computes."""
    return function if simulated else cuda.jit(device=True)(function)


def launch_grid(kernel: Any, blocks: Any, threads: Any, *arguments: Any) -> None:
    """Runs the kernel with so many blocks of so many threads (numbers, or tuples of up to 3)."""
    with launching():
        kernel[blocks, threads](*arguments)


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
