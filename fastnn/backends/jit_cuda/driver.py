"""What Numba has for real GPUs alone, and what it lacks: the driver's own functions.

Sources: the documentation of CUDA's driver API, "Stream Management" and "Graph Management"
(https://docs.nvidia.com/cuda/cuda-driver-api/); the CUDA C++ Programming Guide, "CUDA Graphs".
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
from numba import cuda
from numba.core.errors import NumbaPerformanceWarning
from numba.cuda.cudadrv import driver, nvvm, runtime
from numba.cuda.cudadrv.devicearray import DeviceNDArray
from numba.cuda.cudadrv.devices import get_context

_OLDEST, _NEWEST = 12, 13  # of CUDA's major versions for which numba-cuda has an extra


def toolkit_problem(known: int = _NEWEST) -> str:
    """What is missing for kernels to be compiled, by a driver of that CUDA; empty: nothing."""
    try:
        nvvm.NVVM()
        runtime.get_version()
    except (ImportError, RuntimeError) as error:
        major = min(max(known, _OLDEST), _NEWEST)
        return (
            "the compiler of the CUDA toolkit (NVRTC, NVVM) is not installed: "
            f"pip install 'numba-cuda[cu{major}]' ({str(error).splitlines()[0]})"
        )
    return ""


def problem() -> str:
    """What is missing for this process to use a GPU; empty: nothing."""
    try:
        count, known = driver.driver.get_device_count(), driver.get_version()
    except (ImportError, driver.CudaAPIError) as error:  # Numba's own class is an ImportError
        what = " ".join(str(error).split()).rstrip(" :.")
        return f"it needs an NVIDIA GPU and its driver: {what}"
    if not count:
        return "NVIDIA's driver finds no GPU"
    if missing := toolkit_problem(known[0]):
        return missing
    toolkit = runtime.get_version()
    if known[0] < toolkit[0]:  # of one major version, all work together
        have, need = (".".join(map(str, version)) for version in (known, toolkit))
        older = f", or pip install 'numba-cuda[cu{known[0]}]'" if known[0] >= _OLDEST else ""
        return (
            f"NVIDIA's driver is too old: it knows CUDA {have}, the compiler that is installed "
            f"writes for {need}; update the driver{older}"
        )
    return ""


def array_in(
    base: Any, address: int, offset: int, shape: tuple[int, ...], dtype: np.dtype, owner: Any
) -> Any:
    """The contiguous array that begins so many bytes after ``address``, that of ``base``.

    ``owner`` lives as long as it and what is cut out of it.
    """
    strides, step = [], dtype.itemsize
    for extent in reversed(shape):
        strides.append(step)
        step *= extent
    size = math.prod(shape) * dtype.itemsize
    place = ctypes.c_void_p(address + offset)
    pointer = driver.MemoryPointer(get_context(), place, size, owner=owner)
    return DeviceNDArray(shape, tuple(reversed(strides)), dtype, gpu_data=pointer)


# ---- launches ------------------------------------------------------------------------------------

_WAITS_FOR_DEFAULT, _WAITS_FOR_NONE = 0, 1  # CU_STREAM_DEFAULT, CU_STREAM_NON_BLOCKING


def new_stream(flags: int = _WAITS_FOR_DEFAULT) -> Any:
    """A stream that lives as long as the process; one that waits for CUDA's default stream."""
    get_context()  # makes it the thread's own, which functions of the driver need
    return cuda.external_stream(int(driver.driver.cuStreamCreate(flags)))


def new_event() -> Any:
    """An event with record, query and synchronize."""
    return cuda.event(timing=False)


@lru_cache(maxsize=4096)  # Numba keeps 128, of all kernels together
def _configured(kernel: Any, blocks: Any, threads: Any, stream: Any) -> Any:
    with warnings.catch_warnings():  # Numba finds small grids worth a warning each
        warnings.simplefilter("ignore", NumbaPerformanceWarning)
        return kernel.configure(blocks, threads, stream)


def launch(kernel: Any, blocks: Any, threads: Any, stream: Any, arguments: tuple) -> None:
    """Puts a run of the kernel into the stream."""
    _configured(kernel, blocks, threads, stream)(*arguments)


# ---- graphs --------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _capture_stream() -> Any:
    """Nothing runs in it. As it does not wait for CUDA's default stream, other threads may go on
    using that during a capture."""
    return new_stream(_WAITS_FOR_NONE)


class Capture:
    """From now on `stream` keeps what is launched in it instead of running it; one at a time."""

    def __init__(self) -> None:
        self.stream = _capture_stream()
        # Relaxed: memory may be allocated meanwhile, which is no part of the graph.
        mode = driver.binding.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
        self._no_cleanup = get_context().deallocations.disable()  # which would wait for the device
        driver.driver.cuStreamBeginCapture(self.stream.handle, mode)
        self._no_cleanup.__enter__()

    def end(self, wanted: bool) -> Executable | None:
        """What was captured, to be launched; None if it is not wanted. Raises if it is no use."""
        self._no_cleanup.__exit__(None, None, None)
        try:
            graph = driver.driver.cuStreamEndCapture(self.stream.handle)
        except Exception:
            if wanted:
                raise
            return None  # the call that made it invalid has said so
        try:
            return Executable(driver.driver.cuGraphInstantiate(graph, 0)) if wanted else None
        finally:
            driver.driver.cuGraphDestroy(graph)


class Executable:
    """A captured graph: all its launches as one. Pointers are those of the capture."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._destroy = driver.driver.cuGraphExecDestroy

    def launch(self, stream: Any) -> None:
        """Puts a run into the stream."""
        get_context()
        driver.driver.cuGraphLaunch(self._handle, stream.handle)

    def __del__(self) -> None:
        # If it runs still, the driver frees it when that has ended. Errors are those of launches,
        # which come again, or of a process that ends.
        with contextlib.suppress(Exception):
            self._destroy(self._handle)
