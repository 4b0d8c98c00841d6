"""How the weights of a network are spread."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.plots import style
from fastnn.plots.arguments import check_count
from fastnn.plots.drawing import Drawing
from fastnn.utils.naming import counted

PANELS = 4  # in a row


def weight_histograms(model: Any, bins: int = 40) -> Drawing:
    """Draws a histogram of the values of each weight, a panel each.

    Args:
        model: a model or a layer with weights.
        bins: how many bars a panel has.

    Returns:
        A Drawing; values: {path of the weight in the model: (counts [bins], edges [bins + 1])}.
        Values that are not finite are in no bar; the panel says how many they are.

    Raises:
        ImportError: matplotlib (extra `demo`) is not installed.
        ValueError: no weights yet, or bins below 1.

    >>> import fastnn as fn
    >>> model = fn.Sequential([fn.Input((9,)), fn.layers.Dense(5, name="out")])
    >>> {name: int(counts.sum()) for name, (counts, _) in weight_histograms(model).values.items()}
    {'out/kernel': 45, 'out/bias': 5}
    """
    style.need_matplotlib()
    weights = [v for v in getattr(model, "weights", ()) if v.size]
    if not weights:
        raise ValueError(f"weight_histograms: {model!r:.80} has no weights (yet)")
    check_count("weight_histograms", "bins", bins, 1)
    columns = min(PANELS, len(weights))
    rows = -(-len(weights) // columns)
    figure, grid = style.new_grid(rows, columns, (2.6 * columns + 0.4, 2.1 * rows + 0.4))
    values: dict[str, tuple] = {}
    names: dict[str, int] = {}
    for ax, variable in zip(grid.flat, weights):
        numbers = variable.numpy().astype(np.float64).reshape(-1)
        finite = numbers[np.isfinite(numbers)]
        counts, edges = np.histogram(finite, bins)
        name = counted(variable.path.removeprefix(f"{model.name}/"), names)
        values[name] = (counts, edges)
        ax.stairs(counts, edges, fill=True, color=style.BLUE)
        ax.axvline(0, color=style.QUIET, linewidth=0.8)
        lost = f"\n{len(numbers) - len(finite):,} not finite" if len(finite) < len(numbers) else ""
        shape = " x ".join(map(str, variable.shape)) or "scalar"
        ax.set_title(f"{name}\n{shape}{lost}", fontsize=style.SMALL)
        ax.tick_params(labelsize=style.SMALL)
        style.dress(ax)
        ax.locator_params(axis="x", nbins=4)
        ax.locator_params(axis="y", nbins=4)
    for ax in grid.flat[len(weights) :]:
        ax.remove()
    figure.supxlabel("value", fontsize="medium")
    figure.supylabel("number of weights", fontsize="medium")
    return Drawing(figure, values)
