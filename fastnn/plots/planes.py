"""Planes through the weights of a network: two directions, and where things lie on them.

H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, "Visualizing the loss landscape of neural nets",
NeurIPS 2018: filter-normalised random directions (section 4), principal directions of a path
(section 7.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastnn.tensor import Variable


def as_vector(arrays: Sequence) -> np.ndarray:
    """[n]: the elements of several arrays, one after the other, in float64."""
    return np.concatenate([np.asarray(a, np.float64).reshape(-1) for a in arrays])


@dataclass(frozen=True)
class Plane:
    """The weights origin + (x - center[0]) * directions[0] + (y - center[1]) * directions[1].

    Attributes:
        origin: [n], the present weights.
        directions: [2, n].
        center: the coordinates of the origin.
        labels: what the two axes show.
    """

    origin: np.ndarray
    directions: np.ndarray
    center: tuple[float, float] = (0.0, 0.0)
    labels: tuple[str, str] = ("1st direction", "2nd direction")

    def project(self, weights: np.ndarray) -> np.ndarray:
        """[k, 2]: the coordinates of the points of the plane next to weights [k, n]."""
        coordinates, *_ = np.linalg.lstsq(self.directions.T, (weights - self.origin).T, rcond=None)
        return coordinates.T + self.center


def random_plane(variables: Sequence[Variable], seed: int) -> Plane:
    """Two random directions, each as long as the weights, unit by unit.

    The part of a direction that belongs to one unit (the slice of a kernel's last axis) is scaled
    to the norm of that unit's weights. Weights of one axis, biases and those of normalizations,
    stay as they are.
    """
    generator = np.random.default_rng(seed)
    directions = []
    for _ in range(2):
        parts = []
        for variable in variables:
            part = np.zeros(variable.shape)
            if variable.ndim > 1:
                part = generator.standard_normal(variable.shape)
                part *= _unit_norms(variable.numpy()) / _unit_norms(part)
            parts.append(part)
        directions.append(as_vector(parts))
    both = np.stack(directions)
    if not both.any(axis=1).all():
        raise ValueError(
            "loss_surface: random directions move kernels that are not all zero, and the model has "
            "none"
        )
    labels = ("1st random direction", "2nd random direction")
    return Plane(as_vector(variables), both, labels=labels)


def _unit_norms(kernel: np.ndarray) -> np.ndarray:
    axes = tuple(range(kernel.ndim - 1))
    return np.sqrt(np.sum(np.square(kernel, dtype=np.float64), axis=axes))


def principal_plane(variables: Sequence[Variable], path: np.ndarray) -> Plane:
    """The two directions, of length 1, in which the points of a path [k, n] vary most."""
    _, spread, rows = np.linalg.svd(path - path.mean(axis=0), full_matrices=False)
    if len(spread) < 2 or not spread[1] > 1e-9 * spread[0]:
        raise ValueError(
            f"loss_surface: principal directions need a path that is not a straight line, got "
            f"{len(path)} points"
        )
    origin, directions = as_vector(variables), rows[:2]
    # A singular vector has no sign of its own: the path begins at the lower left.
    signs = np.sign(directions @ (path[0] - origin))
    directions = directions * -np.where(signs == 0, 1, signs)[:, None]
    shares = np.square(spread[:2]) / np.sum(np.square(spread))
    names = ("1st", "2nd")
    labels = [f"{n} principal direction ({s:.0%} of the path)" for n, s in zip(names, shares)]
    return Plane(origin, directions, labels=(labels[0], labels[1]))


def plane_of_weights(variables: Sequence[Variable], chosen: Sequence) -> Plane:
    """Two single weights, given as (variable, index); the coordinates are their values."""
    origin = as_vector(variables)
    directions = np.zeros((2, len(origin)))
    starts = np.cumsum([0, *(v.size for v in variables)])
    places, labels = [], []
    for direction, entry in zip(directions, chosen):
        variable, index = _chosen(entry)
        number = next((i for i, v in enumerate(variables) if v is variable), None)
        if number is None:
            raise ValueError(
                f"loss_surface: directions: {variable.path} is no trainable weight of the model"
            )
        index = index if isinstance(index, tuple) else (index,)
        try:
            offset = np.arange(variable.size).reshape(variable.shape)[index]
        except IndexError as error:
            raise ValueError(
                f"loss_surface: directions: {variable.path} of shape {variable.shape}: {error}"
            ) from None
        if np.ndim(offset):
            raise ValueError(
                f"loss_surface: directions: {variable.path}[{index}] is not a single weight of "
                f"shape {variable.shape}"
            )
        places.append(starts[number] + int(offset))
        direction[places[-1]] = 1
        labels.append(f"{variable.path}[{', '.join(map(str, index))}]")
    if places[0] == places[1]:
        raise ValueError(f"loss_surface: directions: {labels[0]} was given twice")
    center = (float(origin[places[0]]), float(origin[places[1]]))
    return Plane(origin, directions, center, (labels[0], labels[1]))


def _chosen(entry: Any) -> tuple[Variable, Any]:
    if not (
        isinstance(entry, (tuple, list)) and len(entry) == 2 and isinstance(entry[0], Variable)
    ):
        raise ValueError(
            f"loss_surface: directions must be 'random', 'pca' or two pairs (variable, index), got "
            f"{entry!r:.80}"
        )
    return entry[0], entry[1]


@dataclass
class Mover:
    """Sets the weights of a model to points of a plane. Weights in which no direction goes are
    left alone."""

    variables: Sequence[Variable]
    plane: Plane
    _moved: list[tuple[Variable, slice]] = field(init=False)

    def __post_init__(self) -> None:
        self._moved, start = [], 0
        for variable in self.variables:
            part = slice(start, start + variable.size)
            start = part.stop
            if self.plane.directions[:, part].any():
                self._moved.append((variable, part))

    def row(self, y: float) -> np.ndarray:
        """[n]: the weights at (center, y)."""
        return self.plane.origin + (y - self.plane.center[1]) * self.plane.directions[1]

    def move(self, row: np.ndarray, x: float) -> None:
        """Sets the weights to the point x of a row."""
        weights = row + (x - self.plane.center[0]) * self.plane.directions[0]
        for variable, part in self._moved:
            variable.assign(weights[part].reshape(variable.shape))
