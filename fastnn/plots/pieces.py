"""Functions made of linear pieces: what a Maxout unit of one input can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastnn.layers import Maxout
from fastnn.plots import style
from fastnn.plots.arguments import as_range
from fastnn.plots.drawing import Drawing

POINTS = 601
# (slope, value at 0) of each piece.
EXAMPLES = {
    "ReLU: the second piece is 0": ((1.0, 0.0), (0.0, 0.0)),
    "a group of two": ((-0.5, 0.5), (1.0, -0.5)),
    "a group of three": ((-1.0, -1.5), (0.2, -0.5), (1.2, -1.5)),
}


def piecewise_linear(
    units: Mapping[str, Sequence] | Maxout | None = None,
    x_range: tuple[float, float] = (-3.0, 3.0),
) -> Drawing:
    """Draws functions of one variable that Maxout units make: the largest of several lines, which
    is convex and piecewise linear. ReLU is the one of two pieces of which one is 0.

    I. Goodfellow et al., "Maxout networks" (2013).

    Args:
        units: {title: pieces}, a panel each, with a piece as (slope, value at 0); or a Maxout
            layer of one input, built, whose units get the panels; examples if None: ReLU, a group
            of two and a group of three.
        x_range: what is shown, (from, to).

    Returns:
        A Drawing; values: {title: (x, y)}, what a Maxout layer returns.

    Raises:
        ImportError: matplotlib (extra `demo`) is not installed.
        ValueError: no units, pieces that are not pairs of numbers, a layer that is not built or
            has several inputs.

    >>> import fastnn as fn
    >>> x, y = piecewise_linear({"|x|": [(1, 0), (-1, 0)]}, (-2, 2)).values["|x|"]
    >>> bool((y == abs(x)).all())
    True
    """
    if isinstance(units, Maxout):
        groups = _groups_of(units)
    else:
        groups = {title: _pieces(title, g) for title, g in (units or EXAMPLES).items()}
    x = np.linspace(*as_range("piecewise_linear", "x_range", x_range), POINTS)
    columns = min(len(groups), 3)
    rows = -(-len(groups) // columns)
    figure, grid = style.new_grid(rows, columns, (3.2 * columns + 0.3, 3 * rows), sharex=True)
    values = {}
    for ax, (title, pieces) in zip(grid.flat, groups.items()):
        y = _maxout(pieces, x)
        for i, (slope, value) in enumerate(pieces):
            label = "pieces" if i == 0 else None
            ax.plot(x, slope * x + value, "--", color=style.QUIET, linewidth=1, label=label)
        ax.plot(x, y, color=style.BLUE, linewidth=2.4, label="their maximum")
        ax.set_title(title, fontsize="medium")
        ax.set(xlabel="input x", ylabel="output", ylim=_limits(y))
        style.dress(ax)
        values[title] = (x, y)
    grid.flat[0].legend(frameon=False, fontsize=style.SMALL)
    for ax in grid.flat[len(groups) :]:
        ax.remove()
    return Drawing(figure, values)


def _pieces(title: str, given: Any) -> np.ndarray:
    pieces = np.asarray(given, np.float64)
    if pieces.ndim != 2 or pieces.shape[1] != 2 or not len(pieces):
        raise ValueError(
            f"piecewise_linear: {title!r} must be pairs (slope, value at 0), got an array of shape "
            f"{pieces.shape}"
        )
    return pieces


def _groups_of(layer: Maxout) -> dict[str, np.ndarray]:
    """{title: [pieces, 2]}: slopes and biases of a layer's units."""
    if not layer.built or layer.kernel.shape[0] != 1:
        got = f"kernel of shape {layer.kernel.shape}" if layer.built else "one that is not built"
        raise ValueError(f"piecewise_linear: the layer must be built for one input, got {got}")
    slopes = layer.kernel.numpy()[0]
    biases = np.zeros_like(slopes) if layer.bias is None else layer.bias.numpy()
    pairs = np.stack([slopes, biases], axis=-1).reshape(layer.units, layer.pieces, 2)
    return {f"unit {i}": pieces for i, pieces in enumerate(pairs)}


def _maxout(pieces: np.ndarray, x: np.ndarray) -> np.ndarray:
    layer = Maxout(1, len(pieces), dtype="float64")
    layer.build((None, 1))
    layer.set_weights([pieces[:, 0][None], pieces[:, 1]])
    return layer(x[:, None]).numpy()[:, 0]


def _limits(y: np.ndarray) -> tuple[float, float]:
    """The maximum in the middle: the pieces below it may run far down."""
    low, high = float(y.min()), float(y.max())
    height = max(high - low, 1e-3)
    return low - 0.45 * height, high + 0.1 * height
