"""CUDA graphs: the launches of a recorded step, captured once and then started as one.

A graph holds kernels and the values of their arguments, addresses among them. So whoever captures
one sees to it that what it reads and writes stays where it is: the core's plan for tensors, and the
graph itself for the scratch memory that kernels were given, which is its own from then on.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator
from typing import Any

from . import status
from .cuda import Capture, capture_into, no_capture, stream
from .memory import Piece, class_of, copy_within, pool

_one_at_a_time = threading.RLock()
Copy = tuple[tuple[int, int], tuple[int, int], int]  # to, from (address, offset), bytes


@contextlib.contextmanager
def no_capture_elsewhere() -> Iterator[None]:
    """For what no thread may do while another one captures: to wait for the whole device."""
    no_capture("the wait for all of the device")
    with _one_at_a_time:
        yield


class Graph:
    """What this thread launches from now on until `end` or `cancel`, none of which runs."""

    def __init__(self) -> None:
        self._free: dict[int, list[Piece]] = {}
        self._pieces: list[Piece] = []
        self._kinds: set[Any] = set()
        self._executable: Any = None
        _one_at_a_time.acquire()
        self._collects = gc.isenabled()
        gc.disable()  # what goes meanwhile might launch kernels, or wait for the device
        self._capture: Any = None
        try:
            self._capture = Capture()
            self.stream = self._capture.stream
            capture_into(self)
        except BaseException:
            self.cancel()
            raise

    def take(self, size: int) -> Piece:
        """Scratch memory of at least so many bytes."""
        free = self._free.get(class_of(size))
        if free:
            return free.pop()
        piece = pool.take(size)
        self._pieces.append(piece)
        return piece

    def give(self, piece: Piece) -> None:
        """Takes scratch memory back, for kernels that are launched later."""
        self._free.setdefault(piece.size, []).append(piece)

    def keep(self, kind: Any) -> None:
        """Keeps a description of errors that kernels of this graph report."""
        self._kinds.add(kind)

    def end(self) -> None:
        """Makes a graph of what was launched. Raises if that cannot be done."""
        self._executable = self._ended(wanted=True)

    def cancel(self) -> None:
        """Forgets what was launched."""
        self._ended(wanted=False)

    def _ended(self, wanted: bool) -> Any:
        try:
            return self._capture.end(wanted) if self._capture else None
        finally:
            self._leave()

    def _leave(self) -> None:
        capture_into(None)
        if self._collects:
            gc.enable()
        _one_at_a_time.release()

    def launch(self, before: list[Copy], after: list[Copy]) -> None:
        """Runs it, between copies of pieces of memory."""
        for copy in before:
            copy_within(*copy)
        self._executable.launch(stream())
        for copy in after:
            copy_within(*copy)

    def __del__(self) -> None:
        for piece in self._pieces:
            pool.give(piece)
        status.keep(self._kinds)
