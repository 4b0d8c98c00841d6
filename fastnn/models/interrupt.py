"""Ctrl-C between steps: a training step is finished before KeyboardInterrupt is raised."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class InterruptGuard:
    """Delays Ctrl-C while `busy`, so that no step is left half done.

    Outside a step (in callbacks, while data is fetched) Ctrl-C acts at once, and so does a second
    one during a step. In other threads than the main one, which never see the signal, it does
    nothing.

    >>> with InterruptGuard() as guard:
    ...     guard.busy = True
    ...     # a step
    ...     guard.busy = False
    ...     guard.check()
    """

    def __init__(self) -> None:
        self.busy = False
        self.pending: tuple | None = None
        self._previous: Any = None

    def __enter__(self) -> InterruptGuard:
        if threading.current_thread() is threading.main_thread():
            previous = signal.getsignal(signal.SIGINT)
            if callable(previous):
                self._previous = previous
                signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
        if exception[0] is None:
            self.check()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.busy and self.pending is None:
            self.pending = (number, frame)
        else:
            self._previous(number, frame)

    def check(self) -> None:
        """Passes on a Ctrl-C that came during the step."""
        if self.pending is not None:
            number, frame = self.pending
            self.pending = None
            self._previous(number, frame)
