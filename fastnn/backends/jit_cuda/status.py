"""Errors that kernels find: noted on the device, raised at the next read by the host.

A kernel notes (code, where, value) of the first error that comes; the code stands for a call of
``describe(where, value, *parameters)``, which words the exception. So many kinds of calls are
remembered that were asked for last; a graph keeps those that it was captured with.
"""

from __future__ import annotations

import itertools
import struct
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .cuda import capturing, cuda, device, no_capture, stream

_MOST = 1024  # kinds of errors asked for until older ones are forgotten, but for those of graphs
_NONE = np.zeros(3, np.int64)


class _Kind:
    """A kind of error of a kind of call, and the number that kernels report it under."""

    __slots__ = ("__weakref__", "describe", "number", "parameters")

    def __init__(self, number: int, describe: Callable[..., Exception], parameters: tuple) -> None:
        self.number, self.describe, self.parameters = number, describe, parameters


_known: dict[Any, _Kind] = {}  # (describe, *parameters) -> its kind; asked for of late
_older: dict[Any, _Kind] = {}  # those of before
_by_number: weakref.WeakValueDictionary[int, _Kind] = weakref.WeakValueDictionary()
_numbers = itertools.count(1)
_forgetting = threading.RLock()

_array: Any = None
_making = threading.Lock()  # of two arrays one would never be read


def array() -> Any:
    """Where errors are noted: int64 [3] on the device, zeros as long as there are none."""
    global _array
    if _array is None:
        no_capture("a copy from the host")
        with _making:
            if _array is None:
                _array = cuda.to_device(_NONE, stream=stream())
    return _array


def code(describe: Callable[..., Exception], *parameters: Any) -> int:
    """The number, from 1 on, under which kernels report this kind of error of this kind of call."""
    key = (describe, *parameters)
    kind = _known.get(key)
    if kind is None:
        if len(_known) >= _MOST and not capturing():
            _forget()
        kind = _older.get(key)
        if kind is None:
            kind = _Kind(next(_numbers), describe, parameters)
            _by_number[kind.number] = kind
        kind = _known.setdefault(key, kind)  # another thread may have been faster
    if graph := capturing():
        graph.keep(kind)
    return kind.number


def keep(kinds: Iterable[_Kind]) -> None:
    """Keeps kinds for a while that nothing else does: what reports them may not have ended."""
    for kind in kinds:
        _known[kind] = kind  # not in the place of another of its key


def _forget() -> None:
    """Lets go of kinds that nobody has asked for since the last time, but for an error that is
    noted: what was launched with them has ended. With others a kernel may be launched just now."""
    global _known, _older
    with _forgetting:
        if len(_known) < _MOST:  # another thread has been faster
            return
        noted = _by_number.get(_noted()[0])
        _known, _older = {}, _known
        if noted:
            keep([noted])


@device
def report(status, code, where, value):
    """Notes an error, unless there is one already."""
    if cuda.atomic.compare_and_swap(status, 0, code) == 0:
        status[1] = where
        status[2] = value


def _noted() -> list[int]:
    """The error that is noted: code, where, value; waits for the device."""
    noted = array().copy_to_host(stream=stream())
    stream().synchronize()
    return noted.tolist()


def check() -> None:
    """Raises the error that was noted, if there is one, and forgets it; waits for the device."""
    if not _by_number:
        return
    number, where, value = _noted()
    if not number:
        return
    array().copy_to_device(_NONE, stream=stream())
    kind = _by_number[number]
    raise kind.describe(where, value, *kind.parameters)


def real(value: int) -> float:
    """The float64 of those bits."""
    return struct.unpack("d", struct.pack("q", value))[0]
