"""Page-locked memory of the host, through which transfers go: the device reads and writes it by
itself while the host goes on.

A buffer is used again when the copy that used it is done, which an event tells; while it is not,
another buffer is taken. What all of them hold is bounded: then the oldest copy is waited for.
Source: CUDA C++ Best Practices Guide, "Pinned Memory".
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

PIECE = 1 << 22  # bytes of the largest buffer; longer transfers take several, one after the other
_SMALLEST = 1 << 12
_MOST = 1 << 26  # bytes of all buffers


class Buffer(NamedTuple):
    """Memory of the host, and the end of the last copy that used it."""

    memory: np.ndarray  # uint8
    done: Any


class Staging:
    """Buffers. ``ask`` gets page-locked memory of so many bytes, ``new_event`` an event."""

    def __init__(
        self, ask: Callable[[int], np.ndarray], new_event: Callable[[], Any], most: int = _MOST
    ) -> None:
        self._ask, self._new_event = ask, new_event
        self._most = most
        self._buffers: list[Buffer] = []  # the one used longest ago first
        self._lock = threading.Lock()
        self.bytes = 0  # of all

    def take(self, size: int) -> Buffer:
        """A buffer of at least so many bytes, PIECE at most, that no copy uses."""
        size = max(_SMALLEST, 1 << (size - 1).bit_length())
        with self._lock:
            for i, buffer in enumerate(self._buffers):
                if buffer.memory.size == size and buffer.done.query():
                    return self._buffers.pop(i)
            while self.bytes + size > self._most and self._buffers:
                oldest = self._buffers.pop(0)
                oldest.done.synchronize()
                if oldest.memory.size == size:
                    return oldest
                self.bytes -= oldest.memory.size
            buffer = Buffer(self._ask(size), self._new_event())
            self.bytes += size
            return buffer

    def give(self, buffer: Buffer) -> None:
        """Takes a buffer back, whose event was recorded after the copy that uses it."""
        with self._lock:
            self._buffers.append(buffer)

    def clear(self) -> None:
        """Lets go of all buffers, once the copies that use them are done."""
        with self._lock:
            for buffer in self._buffers:
                buffer.done.synchronize()
                self.bytes -= buffer.memory.size
            self._buffers.clear()
