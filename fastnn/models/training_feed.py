"""Epochs cut from passes over data, with or without a fixed number of steps."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

from fastnn.models.training_data import ArrayData, IterableData
from fastnn.tensor import Tensor

# Steps, and how many times each is to be taken.
Runs = Iterator[tuple[Any, int]]
Calls = Callable[[ArrayData | IterableData, Tensor | None], Runs]


class Feed:
    """Steps epoch by epoch, with or without a fixed number of steps an epoch.

    Args:
        data: the batches of a pass.
        steps: batches an epoch; None: a pass is an epoch. With a number, passes follow each other
            across epochs.
        order: makes the permutation of a new pass; None: in order.
        anew: whether each epoch begins with the data's first batch, and ends with its last.
    """

    def __init__(
        self,
        data: ArrayData | IterableData,
        steps: int | None = None,
        order: Callable[[], Tensor | None] | None = None,
        anew: bool = False,
    ):
        self.data = data
        self.limit = steps
        self.order = order
        self.anew = anew
        self.exhausted = False
        self._running: Runs | None = None
        self._rest: tuple[Any, int] | None = None  # of a run that went beyond an epoch

    @property
    def steps(self) -> int | None:
        """The number of steps of an epoch, None if nobody knows."""
        return self.data.steps if self.limit is None else self.limit

    def epoch(self, calls: Calls) -> Runs:
        """The steps of the next epoch, as functions without arguments, and how often each is taken.

        calls: makes them of the data and of the order of a pass
        """
        if self.anew:
            self._running = self._rest = None
        return self._pass(calls) if self.limit is None else self._limited(self.limit, calls)

    @property
    def is_renewable(self) -> bool:
        """Whether the data can be gone over again."""
        return getattr(self.data, "renewable", True)

    def _pass(self, calls: Calls) -> Runs:
        return calls(self.data, self.order() if self.order is not None else None)

    def _limited(self, limit: int, calls: Calls) -> Runs:
        step = 0
        while step < limit:
            run = self._next(calls)
            if run is None:
                self.exhausted = True
                warnings.warn(
                    f"the data ran out after {step} of {limit} steps"
                    + ("" if self.anew else " of an epoch: an iterator must yield all epochs'"),
                    stacklevel=2,
                )
                return
            call, times = run
            now = min(times, limit - step)
            self._rest = (call, times - now) if now < times else None
            step += now
            yield call, now

    def _next(self, calls: Calls) -> tuple[Any, int] | None:
        """What is left of a run, or the next one of the running pass or of a new one; None at the
        end of a generator."""
        if self._rest is not None:
            return self._rest
        if self._running is not None:
            run = next(self._running, None)
            if run is not None or self.anew or not self.is_renewable:
                return run
        self._running = self._pass(calls)
        return next(self._running, None)


class NoBatches(ValueError):
    """Data that yielded nothing."""
