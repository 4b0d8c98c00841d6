"""A function of two variables as a coloured surface, with descents on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.plots import style
from fastnn.plots.arguments import as_range, check_count
from fastnn.plots.drawing import Drawing, drawing_on

LEVELS = 24  # colours
MOST_DOTS = 80  # steps of a path that can be told apart
ON_COLORS = ("#ffffff", style.RED, "#000000", "#f5c4e0", style.GREEN, "#e69f00", "#56b4e9")


@dataclass(frozen=True)
class Surface:
    """What is drawn.

    Attributes:
        x, y: [columns], [rows], where the function was evaluated.
        z: [rows, columns], its values.
        paths: {label: [steps, 2]}, the points x, y of each path.
    """

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    paths: dict[str, np.ndarray]


def surface(
    f: Callable,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    paths: Sequence | Mapping[str, Any] = (),
    *,
    points: int = 121,
    xlabel: str = "x",
    ylabel: str = "y",
    value: str = "f(x, y)",
    ax: Any = None,
) -> Drawing:
    """Draws a function of two variables, and descents on it from their starts to their ends.

    Args:
        f: a function of (x, y), arrays [points, points], that returns its values as an array or
            Tensor of that shape.
        x_range, y_range: what is shown, (from, to).
        paths: arrays [steps, 2] of points x, y, a colour each; {label: path} gives them names.
        points: how many values a side; f is evaluated at points x points.
        xlabel, ylabel, value: what the axes and the colours show, with units.
        ax: the Axes to draw on; a new figure if None.

    Returns:
        A Drawing; values: a Surface. Colours are shared out so that half of the picture lies below
        the middle one; where a value is not finite it is grey.

    Raises:
        ImportError: matplotlib (extra `demo`) is not installed.
        ValueError: ranges, paths, or values of f that are not as said.

    >>> import fastnn as fn, numpy as np
    >>> def bowl(x, y):
    ...     return x**2 + 4 * y**2
    >>> descent = [(0.8**n * 2, -(0.2**n)) for n in range(20)]
    >>> fn.plots.surface(bowl, (-3, 3), (-2, 2), {"descent": descent}).values.z.shape
    (121, 121)
    """
    check_count("surface", "points", points, 2)
    x, y = (
        np.linspace(*as_range("surface", name, given), points)
        for name, given in (("x_range", x_range), ("y_range", y_range))
    )
    named = as_paths("surface", paths)
    ax = style.one_axes("surface", ax, (6.4, 5))
    grid = np.meshgrid(x, y)
    z = np.asarray(f(*grid))
    if z.shape not in ((points, points), ()) or z.dtype.kind not in "biuf":
        raise ValueError(
            f"surface: f must return numbers of shape {(points, points)} for x and y of that shape "
            f"(np.vectorize makes such a function of one of numbers), got {z.dtype} of shape "
            f"{z.shape}"
        )
    z = np.broadcast_to(z.astype(np.float64), (points, points))
    return draw_surface("surface", ax, Surface(x, y, z, named), xlabel, ylabel, value)


def as_paths(operation: str, paths: Sequence | Mapping[str, Any]) -> dict[str, np.ndarray]:
    """{label: [steps, 2]} from what a caller gave; paths without names are numbered from 0."""
    named = paths.items() if isinstance(paths, Mapping) else enumerate(paths)
    found = {}
    for label, path in named:
        array = np.asarray(path, np.float64)
        if array.ndim != 2 or array.shape[1] != 2 or not len(array):
            raise ValueError(
                f"{operation}: path {label!r} must be points [steps, 2], got shape {array.shape}"
            )
        found[str(label)] = array
    return found


def draw_surface(
    operation: str, ax: Any, drawn: Surface, xlabel: str, ylabel: str, value: str
) -> Drawing:
    """Draws values that were computed, with their paths."""
    z = np.ma.masked_invalid(drawn.z)
    if not z.count():
        raise ValueError(f"{operation}: {value} is nowhere finite")
    from matplotlib.colors import BoundaryNorm
    from matplotlib.ticker import FuncFormatter

    levels = _levels(z.compressed())
    norm = BoundaryNorm(levels, 256)
    ax.set_facecolor(style.MISSING)
    shades = ax.contourf(drawn.x, drawn.y, z, levels, norm=norm, cmap=style.VALUES)
    ax.contour(drawn.x, drawn.y, z, levels, colors="k", linewidths=0.3, alpha=0.35)
    marks: Any = {"ticks": levels[:: LEVELS // 6], "format": FuncFormatter(_short)}
    ax.figure.colorbar(shades, ax=ax, label=value, **marks)
    numbered = list(drawn.paths) == [str(i) for i in range(len(drawn.paths))]
    for (label, path), color in zip(drawn.paths.items(), _colors(len(drawn.paths))):
        _draw_path(ax, path, color, None if numbered else label)
    ax.set(
        xlim=(drawn.x[0], drawn.x[-1]),
        ylim=(drawn.y[0], drawn.y[-1]),
        xlabel=xlabel,
        ylabel=ylabel,
    )
    if drawn.paths:
        _legend(ax)
    return drawing_on(ax, drawn)


def _levels(values: np.ndarray) -> np.ndarray:
    """Bounds of the colours, from the least value to the largest, in steps that grow so that the
    median lies in the middle."""
    low, high = float(values.min()), float(values.max())
    if not low < high:
        return np.linspace(low - 0.5, low + 0.5, LEVELS + 1)
    middle = (float(np.median(values)) - low) / (high - low)
    power = float(np.clip(np.log(max(middle, 1e-9)) / np.log(0.5), 1, 6)) if middle < 1 else 1.0
    levels = low + (high - low) * np.linspace(0, 1, LEVELS + 1) ** power
    levels[-1] = high
    return levels


def _short(value: float, _: Any) -> str:
    """Three digits, as 2510 rather than 2.51e+03."""
    return f"{float(f'{value:.3g}'):g}"


def _colors(count: int) -> list[str]:
    return [ON_COLORS[i % len(ON_COLORS)] for i in range(count)]


def _draw_path(ax: Any, path: np.ndarray, color: str, label: str | None) -> None:
    from matplotlib.patheffects import Normal, withStroke

    dark = style.readable_on(_rgb(color)) == "w"
    edge = "w" if dark else "k"
    around = [withStroke(linewidth=3, foreground=edge), Normal()]
    dots = "." if len(path) <= MOST_DOTS else ""
    ax.plot(*path.T, "-", color=color, linewidth=1.4, path_effects=around, label=label)
    ax.plot(*path.T, dots, color=color, markersize=4)
    finite = path[np.isfinite(path).all(axis=1)]
    for point, mark, size in ((finite[:1], "o", 7), (finite[-1:], "*", 13)):
        ax.plot(*point.T, mark, color=color, markersize=size, markeredgecolor=edge, zorder=3)


def _rgb(color: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(color)


def _legend(ax: Any) -> None:
    from matplotlib.lines import Line2D

    handles = ax.get_legend_handles_labels()[0]
    for mark, size, label in (("o", 7, "start"), ("*", 12, "end")):
        look: Any = {"color": "w", "markeredgecolor": "k", "linestyle": ""}
        handles.append(Line2D([], [], marker=mark, markersize=size, label=label, **look))
    ax.legend(handles=handles, facecolor="0.75", framealpha=0.85, fontsize=style.SMALL)
