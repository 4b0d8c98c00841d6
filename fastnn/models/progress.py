"""What fit, evaluate and predict show: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

REFRESH_SECONDS = 0.1


def make_display(verbose: Any, epochs: int | None, steps: int | None) -> Display | None:
    """The display for a `verbose` argument: "auto", 0, 1, 2, or a bool.

    Raises:
        ValueError: anything else.
    """
    if verbose not in ("auto", 0, 1, 2):
        raise ValueError(f"verbose must be 'auto', 0, 1 or 2, got {verbose!r}")
    if verbose == 0:
        return None
    live = verbose != 2 and sys.stdout is not None and sys.stdout.isatty()
    return (Bar if live else Lines)(epochs, steps, header=True)


class Display:
    """A line an epoch.

    Args:
        epochs: how many there will be; None for an evaluation or a prediction.
        steps: how many an epoch has, None if nobody knows.
        header: begin each epoch with "Epoch i/n".
    """

    live = False  # whether `update` shows anything

    def __init__(self, epochs: int | None, steps: int | None, header: bool):
        self.epochs = epochs
        self.steps = steps
        self.header = header and epochs is not None
        self.began = 0.0

    def epoch_begin(self, epoch: int) -> None:
        """Before the first step."""
        if self.header:
            print(f"Epoch {epoch + 1}/{self.epochs}", flush=True)
        self.began = time.perf_counter()

    def update(self, step: int, logs: dict) -> None:
        """After a step, at most ten times a second."""

    def epoch_end(self, step: int, logs: dict) -> None:
        """After the last step, with the figures of the epoch."""
        print(self.line(step, logs), flush=True)

    def close(self) -> None:
        """At the end, also after an error."""

    def line(self, step: int, logs: dict) -> str:
        """The epoch in one line."""
        took = time.perf_counter() - self.began
        parts = [
            f"{step}/{self.steps or step}",
            duration(took),
            f"{per_step(took / max(step, 1))}",
            *figures(logs),
        ]
        return " - ".join(parts)


class Lines(Display):
    """Plain text for files, notebooks and verbose=2."""


class Bar(Display):
    """A bar with time left and figures, drawn by rich."""

    live = True

    def __init__(self, epochs: int | None, steps: int | None, header: bool):
        super().__init__(epochs, steps, header)
        self._progress: Any = None
        self._task: Any = None

    def epoch_begin(self, epoch: int) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        super().epoch_begin(epoch)
        self._progress = Progress(
            MofNCompleteColumn(),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            transient=True,
            auto_refresh=False,
        )
        self._progress.start()
        self._task = self._progress.add_task("", total=self.steps, figures="")

    def update(self, step: int, logs: dict) -> None:
        if self._progress is not None:
            text = " ".join(figures(logs))
            self._progress.update(self._task, completed=step, figures=text)
            self._progress.refresh()

    def epoch_end(self, step: int, logs: dict) -> None:
        self.close()
        super().epoch_end(step, logs)

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def ticker(display: Display | None, logs: Callable[[], dict]) -> Callable[[int], None] | None:
    """The function to call after each step, or None if there is nothing to show."""
    if display is None or not display.live:
        return None
    clock = time.perf_counter
    due = clock() + REFRESH_SECONDS

    def tick(step: int) -> None:
        nonlocal due
        now = clock()
        if now >= due:
            display.update(step, logs())
            due = clock() + REFRESH_SECONDS

    return tick


def figures(logs: dict) -> list[str]:
    """Each figure as "name: value" with four significant digits.

    >>> figures({"loss": 0.123456, "accuracy": 1.0, "learning_rate": 0.00001})
    ['loss: 0.1235', 'accuracy: 1.0000', 'learning_rate: 1.0000e-05']
    """
    shown = []
    for name, value in logs.items():
        if isinstance(value, (int, float)):
            small = value != 0 and abs(value) < 1e-3
            shown.append(f"{name}: {value:.4e}" if small else f"{name}: {value:.4f}")
        else:
            shown.append(f"{name}: {value}")
    return shown


def duration(seconds: float) -> str:
    """Seconds for people: 0.4s, 12s, 3m05s."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    if seconds < 60:
        return f"{seconds:.0f}s"
    return f"{int(seconds) // 60}m{int(seconds) % 60:02d}s"


def per_step(seconds: float) -> str:
    """The time of a step: 31us/step, 4.2ms/step."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f}us/step"
    return f"{seconds * 1e3:.1f}ms/step" if seconds < 1 else f"{seconds:.1f}s/step"
