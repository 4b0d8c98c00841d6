"""How all drawings look, and where their figures come from."""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any

# M. Okabe, K. Ito, "Color universal design" (2008): told apart by colour-blind readers too.
BLUE, RED, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
COLORS = (BLUE, RED, GREEN, PURPLE, "#e69f00", "#56b4e9", "#000000")
QUIET = "0.6"  # lines that must not draw the eye
MISSING = "0.85"  # where there is no value
VALUES = "viridis"  # colours of values, as light as they are large
SHARES = "Blues"  # colours from none to all
SMALL = 8  # points


def colors(count: int) -> list[str]:
    """`count` colours; after seven they come again."""
    return list(islice(cycle(COLORS), count))


def need_matplotlib() -> None:
    """Raises ImportError with the extra to install if matplotlib is absent."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "drawing needs matplotlib: pip install 'fastnn[demo]'", name="matplotlib"
        ) from error


def new_figure(width: float, height: float) -> Any:
    """An empty Figure of that many inches, which pyplot knows nothing of."""
    need_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def new_grid(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple:
    """A Figure of size (width, height) in inches and its axes, an array [rows, columns]."""
    figure = new_figure(*size)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def one_axes(operation: str, ax: Any, size: tuple[float, float] = (6, 4)) -> Any:
    """The Axes to draw on: the caller's, or those of a new figure.

    Raises:
        ImportError: matplotlib is absent.
        TypeError: `ax` is not an Axes of matplotlib.
    """
    need_matplotlib()
    from matplotlib.axes import Axes

    if ax is None:
        return new_figure(*size).subplots()
    if not isinstance(ax, Axes):
        raise TypeError(f"{operation}: ax must be an Axes of matplotlib, got {ax!r:.80}")
    return ax


def dress(ax: Any) -> None:
    """Axes of curves: a light grid, and no frame where there is no scale."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)


def readable_on(color: Any) -> str:
    """Black or white, whichever is read more easily on a colour (r, g, b, ...)."""
    red, green, blue = color[:3]
    return "k" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "w"
