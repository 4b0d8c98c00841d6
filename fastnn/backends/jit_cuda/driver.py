"""What Numba has for real GPUs alone: the driver, and arrays in memory allocated before."""

from __future__ import annotations

import contextlib
import ctypes
import math
from typing import Any

import numpy as np
from numba.cuda.cudadrv import driver, runtime
from numba.cuda.cudadrv.devicearray import DeviceNDArray
from numba.cuda.cudadrv.devices import get_context

launching = contextlib.nullcontext  # around each launch; the simulator needs more


def problem() -> str:
    """What is missing for this process to use a GPU; empty: nothing."""
    try:
        count, known = driver.driver.get_device_count(), driver.get_version()
    except (ImportError, driver.CudaAPIError) as error:  # Numba's own class is an ImportError
        what = " ".join(str(error).split()).rstrip(" :.")
        return f"it needs an NVIDIA GPU and its driver: {what}"
    if not count:
        return "NVIDIA's driver finds no GPU"
    toolkit = runtime.get_version()
    if known[0] < toolkit[0]:  # of one major version, all work together
        have, need = (".".join(map(str, version)) for version in (known, toolkit))
        return (
            f"NVIDIA's driver is too old: it knows CUDA {have}, the compiler that is installed "
            f"writes for {need}; update the driver, or pip install 'numba-cuda[cu{known[0]}]'"
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
