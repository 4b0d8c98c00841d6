"""Lines: of training over the epochs, and of anything over anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastnn.plots import style
from fastnn.plots.drawing import Drawing, drawing_on

PANELS = 3  # in a row


def lines(
    series: Mapping[str, tuple],
    xlabel: str = "",
    ylabel: str = "",
    *,
    markers: bool = False,
    yscale: str = "linear",
    ax: Any = None,
) -> Drawing:
    """Draws a line for each entry of `series`.

    Args:
        series: {label: (x, y)}, both [n] numbers; values that are not finite leave a gap.
        xlabel, ylabel: what the axes show, with units.
        markers: whether each point gets a mark.
        yscale: "linear" or "log".
        ax: the Axes to draw on; a new figure if None.

    Returns:
        A Drawing; values: {label: (x, y)} as arrays.

    Raises:
        ImportError: matplotlib (extra `demo`) is not installed.
        ValueError: no line, or x and y of different lengths.

    >>> import fastnn as fn
    >>> fn.plots.lines({"dense": ([1, 2, 5], [0.7, 0.8, 0.9])}, "seconds", "accuracy")
    <Drawing of 1 panel>
    """
    values = {}
    for label, (x, y) in series.items():
        pair = np.asarray(x), np.asarray(y)
        if pair[0].ndim != 1 or pair[0].shape != pair[1].shape:
            raise ValueError(
                f"lines: x and y of {label!r} must be [n], got shapes {pair[0].shape} and "
                f"{pair[1].shape}"
            )
        values[label] = pair
    if not values:
        raise ValueError("lines: series is empty")
    ax = style.one_axes("lines", ax)
    for (label, pair), color in zip(values.items(), style.colors(len(values))):
        ax.plot(*pair, "o-" if markers else "-", color=color, markersize=4, label=label)
    ax.set(xlabel=xlabel, ylabel=ylabel, yscale=yscale)
    style.dress(ax)
    ax.legend(frameon=False)
    return drawing_on(ax, values)


def curves(
    histories: Mapping[str, Mapping],
    metric: str = "loss",
    *,
    validation: str = "test",
    yscale: str = "linear",
    ax: Any = None,
) -> Drawing:
    """Draws one figure of several trainings over their epochs, a colour each: training data
    dashed, validation data solid.

    Args:
        histories: {label: history}; a history is what `fit` returns, or its dictionary.
        metric: the name of the figure.
        validation: what the legend calls the validation data.
        yscale: "linear" or "log".
        ax: the Axes to draw on; a new figure if None.

    Returns:
        A Drawing; values: {"LABEL, training": (epochs, values), "LABEL, test": ...}.

    Raises:
        ImportError: matplotlib (extra `demo`) is not installed.
        ValueError: no history, or one without that figure.

    >>> import fastnn as fn
    >>> logs = {"loss": [3.0, 2.0, 1.5], "val_loss": [3.1, 2.5, 2.4]}
    >>> sorted(fn.plots.curves({"Adam": logs}).values)
    ['Adam, test', 'Adam, training']
    """
    if not histories:
        raise ValueError("curves: histories is empty")
    for label, record in histories.items():
        if metric not in _logs(record):
            raise ValueError(
                f"curves: the history of {label!r} has no {metric!r}; there is "
                f"{', '.join(map(repr, _logs(record))) or 'nothing'}"
            )
    ax = style.one_axes("curves", ax)
    values: dict[str, tuple] = {}
    for (label, record), color in zip(histories.items(), style.colors(len(histories))):
        names = (f"{label}, training", f"{label}, {validation}")
        values.update(_draw_pair(ax, record, metric, names, (color, color)))
    _finish(ax, metric, len(values) > 1)
    ax.set_yscale(yscale)
    return drawing_on(ax, values)


def history(record: Any) -> Drawing:
    """Draws what `fit` returned: a panel for the loss and one for each metric, with training and
    validation in it.

    Args:
        record: the History, or its dictionary {figure: values}.

    Returns:
        A Drawing; values: {figure: (epochs, values)}, epochs counted from 1.

    Raises:
        ImportError: matplotlib (extra `demo`) is not installed.
        ValueError: there are no figures.

    >>> import fastnn as fn
    >>> fn.plots.history({"loss": [3.0, 2.0], "val_loss": [3.1, 2.5], "accuracy": [0.5, 0.7]})
    <Drawing of 2 panels>
    """
    logs = _logs(record)
    metrics = list(dict.fromkeys(name.removeprefix("val_") for name in logs))
    if not metrics:
        raise ValueError("history: there are no figures: nothing was trained")
    columns = min(PANELS, len(metrics))
    rows = -(-len(metrics) // columns)
    size = (max(5, 3.8 * columns), 3.4 * rows)
    figure, grid = style.new_grid(rows, columns, size)
    values: dict[str, tuple] = {}
    for ax, metric in zip(grid.flat, metrics):
        drawn = _draw_pair(ax, record, metric, ("training", "validation"), (style.BLUE, style.RED))
        values.update(zip((n for n in (metric, f"val_{metric}") if n in logs), drawn.values()))
        _finish(ax, metric, len(drawn) > 1)
    for ax in grid.flat[len(metrics) :]:
        ax.remove()
    return Drawing(figure, values)


def _logs(record: Any) -> dict:
    return getattr(record, "history", record)


def _draw_pair(
    ax: Any, record: Any, metric: str, labels: Sequence[str], colors: Sequence[str]
) -> dict[str, tuple]:
    """Draws a figure's training and validation values, as far as there are any."""
    drawn = {}
    names, looks = (metric, f"val_{metric}"), ("--", "-")
    for name, label, color, look in zip(names, labels, colors, looks):
        if name in _logs(record):
            values = np.asarray(_logs(record)[name], float)
            epochs = _epochs(record, name, len(values))
            mark = "o" if len(values) == 1 else None  # a line of one point cannot be seen
            found = ax.plot(epochs, values, look, color=color, marker=mark, label=label)
            for line in found[1:]:  # a metric of several figures: one entry in the legend
                line.set_label("_")
            drawn[label] = (epochs, values)
    return drawn


def _epochs(record: Any, name: str, count: int) -> np.ndarray:
    """The numbers of the epochs that have a value, counted from 1."""
    known = getattr(record, "at", {}).get(name, ())
    return np.asarray(known) if len(known) == count else np.arange(1, count + 1)


def _finish(ax: Any, metric: str, several: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set(xlabel="epoch", ylabel=metric.replace("_", " "))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    style.dress(ax)
    if several:
        ax.legend(frameon=False)
