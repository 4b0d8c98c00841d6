"""Errors that kernels find: noted on the device, raised at the next read by the host.

A kernel notes (code, where, value) of the first error that comes; the code stands for a call of
``describe(where, value, *parameters)``, which words the exception.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from .cuda import cuda, device

_described: dict[tuple, int] = {}  # (describe, *parameters) -> code


@functools.cache
def array() -> Any:
    """Where errors are noted: int64 [3] on the device, zeros as long as there are none."""
    return cuda.to_device(np.zeros(3, np.int64))


def code(describe: Callable[..., Exception], *parameters: Any) -> int:
    """The number, from 1 on, under which kernels report this kind of error of this kind of call."""
    return _described.setdefault((describe, *parameters), len(_described) + 1)


@device
def report(status, code, where, value):
    """Notes an error, unless there is one already."""
    if cuda.atomic.compare_and_swap(status, 0, code) == 0:
        status[1] = where
        status[2] = value


def check() -> None:
    """Raises the error that was noted, if there is one, and forgets it; waits for the device."""
    if not _described:
        return
    noted = array().copy_to_host()
    if not noted[0]:
        return
    array().copy_to_device(np.zeros(3, np.int64))
    number, where, value = noted.tolist()
    describe, *parameters = list(_described)[number - 1]
    raise describe(where, value, *parameters)


def real(value: int) -> float:
    """The float64 of those bits."""
    return struct.unpack("d", struct.pack("q", value))[0]
