"""Passes over data, with callbacks and display: what fit, evaluate and predict are made of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.callbacks import CallbackList, ProgbarLogger
from fastnn.models.progress import make_display, ticker
from fastnn.models.training_arguments import validation_batches
from fastnn.models.training_compiled import Compiled
from fastnn.models.training_data import ArrayData, IterableData
from fastnn.models.training_feed import Feed, NoBatches
from fastnn.models.training_step import evaluation_step
from fastnn.tensor import Tensor


class Passes(Compiled):
    """What a Trainer goes over data by."""

    def _validation(
        self, data: Any, batch_size: int | None, steps: int | None
    ) -> Callable[[CallbackList], dict] | None:
        """The function that validates, or None."""
        if data is None:
            return None
        feed = Feed(validation_batches(data, batch_size, steps), steps, anew=True)
        validated = False

        def validate(hooks: CallbackList) -> dict:
            nonlocal validated
            try:
                logs = self._evaluate(feed, hooks, None)
                validated = True
                return logs
            except NoBatches as error:
                if not validated or feed.is_renewable:
                    raise ValueError(f"fit: validation_data: {error}") from error
                warnings.warn("fit: validation_data ran out of batches", stacklevel=2)
                return {}
            except ValueError as error:
                if type(error) is not ValueError:
                    raise
                raise ValueError(f"fit: validation_data: {error}") from error

        return validate

    def _evaluate(self, feed: Feed, hooks: CallbackList, display: Any) -> dict:
        begins, ends = (hooks.hooks(f"on_test_batch_{w}") for w in ("begin", "end"))
        evaluated, count = evaluation_step(self), 0

        def step(x: Any, y: Any, weight: Any) -> None:
            nonlocal count
            for hook in begins:
                hook(count, {})
            vars(self)["_step_logs"] = evaluated(x, y, weight)
            if ends:
                logs = self._logs()
                for hook in ends:
                    hook(count, logs)
            count += 1

        self.reset_metrics()
        return self._run_quietly(
            step,
            feed,
            hooks.on_test_begin,
            hooks.on_test_end,
            display,
            self._logs,
            "stop_evaluating",
        )

    def _run_quietly(
        self,
        step: Callable,
        feed: Feed,
        begin: Callable,
        end: Callable,
        display: Any,
        read: Callable[[], dict],
        stop: str,
    ) -> dict:
        """One pass that changes no weights: Ctrl-C may come at any time, and a callback may end it
        by setting the attribute `stop`."""
        vars(self)[stop] = False
        begin()
        if display is not None:
            display.epoch_begin(0)
        tick, count = ticker(display, read), 0
        try:
            for call, _ in feed.epoch(
                lambda data, _: ((partial(step, *b), 1) for b in data.batches())
            ):
                call()
                count += 1
                if tick is not None:
                    tick(count)
                if vars(self)[stop]:
                    break
            if not count:
                raise NoBatches("x yields no batches")
            logs = read()
            if display is not None:
                display.epoch_end(count, logs)
        finally:
            if display is not None:
                display.close()
        end(logs)
        return logs

    def _order(self, data: ArrayData | IterableData, shuffle: Any) -> Callable | None:
        """What draws the order of a pass: a function of the model's seed and of the number of
        passes begun so far."""
        if shuffle not in (True, False, "batch"):
            raise ValueError(f"shuffle must be True, False or 'batch', got {shuffle!r}")
        if not shuffle or not isinstance(data, ArrayData):
            return None

        def order() -> Tensor:
            state = np.array([self._shuffle_seed, self._epoch_count << 32], np.int64)
            state = _core.from_numpy(state)
            vars(self)["_epoch_count"] = self._epoch_count + 1
            if shuffle != "batch":
                return _core.random_permutation(state, data.rows)
            starts = range(0, data.rows, data.batch_size)
            parts = [
                start
                + _core.random_permutation(state, min(data.batch_size, data.rows - start)).numpy()
                for start in starts
            ]
            return _core.from_numpy(np.concatenate(parts))

        return order


def display_of(hooks: CallbackList, verbose: Any, epochs: int | None, steps: int | None) -> Any:
    """What shows the progress, unless a callback does."""
    shown = any(isinstance(callback, ProgbarLogger) for callback in hooks)
    return make_display(0 if shown else verbose, epochs, steps)
