"""The surface of a network's loss around its weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn.plots import style
from fastnn.plots.arguments import as_range, check_count
from fastnn.plots.drawing import Drawing
from fastnn.plots.model_loss import batches_of, check_ready, kept, mean_loss
from fastnn.plots.planes import (
    Mover,
    Plane,
    as_vector,
    plane_of_weights,
    principal_plane,
    random_plane,
)
from fastnn.plots.surfaces import Surface, draw_surface
from fastnn.plots.weight_path import WeightPath

MARGIN = 0.15  # of the picture, around a path


def loss_surface(
    model: Any,
    x: Any,
    y: Any = None,
    directions: Any = "random",
    *,
    path: WeightPath | Sequence | None = None,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    points: int = 31,
    sample_weight: Any = None,
    batch_size: int = 1024,
    seed: int = 0,
    ax: Any = None,
) -> Drawing:
    """Draws the loss over two directions through the present weights, and a training's path.

    The loss is what `evaluate` returns; the model is afterwards what it was, to the bit.

    Args:
        model: a compiled model with weights.
        x, y, sample_weight: data, as for `evaluate`.
        directions: "random": two random directions, of which each unit's part is as long as the
            unit's weights (H. Li et al., "Visualizing the loss landscape of neural nets", 2018);
            "pca": those in which the path varies most; or two single weights, each as
            (variable, index): ``[(layer.kernel, (0, 1)), (layer.bias, 0)]``.
        path: the callback WeightPath that a training had, or a list of weights like
            `model.trainable_variables`. It is projected on the plane: on random directions it
            hardly seems to move, as they have next to nothing to do with it.
        x_range, y_range: what is shown, (from, to): values of single weights, else steps along
            the directions, the present weights at 0. If None, 1 to both sides and the path;
            for "pca" the path.
        points: how many values a side: the loss is computed points x points times.
        batch_size: samples a call.
        seed: of the random directions.
        ax: the Axes to draw on; a new figure if None.

    Returns:
        A Drawing; values: a Surface, whose z is the loss.

    Raises:
        ImportError: matplotlib (extra `demo`) is not installed.
        ValueError: a model without loss or weights, a path of other weights, bad directions or
            ranges; what `evaluate` refuses.

    >>> import fastnn as fn, numpy as np
    >>> model = fn.Sequential([fn.Input((1,)), fn.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile("sgd", "mse")
    >>> x = np.linspace(-1, 1, 20)[:, None]
    >>> dense = model.layers[0]
    >>> chosen = [(dense.kernel, (0, 0)), (dense.bias, 0)]
    >>> found = fn.plots.loss_surface(model, x, 0.5 * x, chosen, points=21).values
    >>> row, column = np.unravel_index(found.z.argmin(), found.z.shape)
    >>> bool(np.isclose(found.x[column], 0.5)), bool(np.isclose(found.y[row], 0.0))
    (True, True)
    """
    style.need_matplotlib()
    check_ready("loss_surface", model)
    check_count("loss_surface", "points", points, 2)
    variables = model.trainable_variables
    way = _path(path, variables)
    plane = _plane(directions, variables, way, seed)
    projected = None if way is None else plane.project(way)
    reach = 0.0 if isinstance(directions, str) and directions == "pca" else 1.0
    xs, ys = (
        np.linspace(*_extent(name, given, plane.center[axis], reach, projected, axis), points)
        for axis, (name, given) in enumerate((("x_range", x_range), ("y_range", y_range)))
    )
    batches = batches_of(x, y, sample_weight, batch_size)
    ax = style.one_axes("loss_surface", ax, (6.4, 5))
    drawn = Surface(
        xs,
        ys,
        _losses(model, batches, plane, xs, ys),
        {} if projected is None else {"path": projected},
    )
    xlabel, ylabel = (label.removeprefix(f"{model.name}/") for label in plane.labels)
    return draw_surface("loss_surface", ax, drawn, xlabel, ylabel, "loss")


def _losses(
    model: Any, batches: list[tuple], plane: Plane, xs: np.ndarray, ys: np.ndarray
) -> np.ndarray:
    """[len(ys), len(xs)]: the loss at points of a plane."""
    losses = np.empty((len(ys), len(xs)))
    mover = Mover(model.trainable_variables, plane)
    with kept(model):
        loss = mean_loss(model, batches)
        for i, y in enumerate(ys):
            row = mover.row(y)
            for j, x in enumerate(xs):
                mover.move(row, x)
                losses[i, j] = loss()
    return losses


def _path(path: Any, variables: Sequence) -> np.ndarray | None:
    """[k, n] weights of a path."""
    if path is None:
        return None
    steps = path.weights if isinstance(path, WeightPath) else path
    shapes = [v.shape for v in variables]
    for number, arrays in enumerate(steps):
        found = [np.shape(a) for a in arrays]
        if found != shapes:
            raise ValueError(
                f"loss_surface: path: point {number} has weights of shapes {found}, the model's "
                f"are {shapes}"
            )
    if not len(steps):
        raise ValueError("loss_surface: path has no points: give the callback to fit first")
    return np.stack([as_vector(arrays) for arrays in steps])


def _plane(directions: Any, variables: Sequence, way: np.ndarray | None, seed: int) -> Plane:
    if isinstance(directions, str):
        if directions == "random":
            return random_plane(variables, seed)
        if directions == "pca":
            if way is None:
                raise ValueError("loss_surface: directions 'pca' need a path")
            return principal_plane(variables, way)
    if not isinstance(directions, (list, tuple)) or len(directions) != 2:
        raise ValueError(
            "loss_surface: directions must be 'random', 'pca' or two pairs (variable, index), got "
            f"{directions!r:.80}"
        )
    return plane_of_weights(variables, directions)


def _extent(
    name: str, given: Any, center: float, reach: float, path: np.ndarray | None, axis: int
) -> tuple[float, float]:
    """From where to where the picture goes."""
    if given is not None:
        return as_range("loss_surface", name, given)
    low, high = center - reach, center + reach
    if path is not None:
        margin = MARGIN * np.ptp([*path[:, axis], center])
        low = min(low, path[:, axis].min() - margin)
        high = max(high, path[:, axis].max() + margin)
    return float(low), float(high)
