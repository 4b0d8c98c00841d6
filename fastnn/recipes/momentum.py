"""Momentum: which descents get stuck on a plateau, at a saddle point, in a local minimum?

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slides "Hard
to find optimal network parameters" ("very slow at the plateau, stuck at saddle point, stuck at
local minima") and "Momentum" ("still not guarantee reaching global minima, but give some hope").
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import ops, plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture

INFO = Info(
    lecture="II",
    slide="Momentum",
    question="Where does plain gradient descent get stuck, and who gets away?",
    minutes=0.2,
)


def plateau(x, y):
    """Flat but for a hole at the origin."""
    return 1 - ops.exp(-(x * x + y * y) / 2)


def saddle(x, y):
    """A valley along x whose floor bends down, away from the line y = 0, into two holes."""
    return x * x / 2 - y * y / 2 + y * y * y * y / 8 + 0.5


def local_minimum(x, y):
    """A shallow hole at x = -1, and behind a low ridge a deep one at x = 2."""
    return 0.25 * x * x * x * x - 0.4 * x * x * x - 0.85 * x * x + 0.3 * x + y * y / 2 + 1.4


# A function, where descents start, and the value below which one has got through.
SURFACES: dict[str, tuple[Callable, tuple[float, float], float]] = {
    "plateau": (plateau, (2.3, 1.95), 0.1),
    "saddle point": (saddle, (-2.0, 1e-5), 0.1),
    "local minimum": (local_minimum, (-2.2, 1.0), -0.5),
}
RANGE = (-3.2, 3.2)
STEPS = 150


def optimizers() -> dict:
    """{name: makes one}, at the rates that the surfaces are made for."""
    o = fn.optimizers
    return {
        "gradient descent": lambda: o.SGD(0.05),
        "momentum": lambda: o.SGD(0.05, momentum=0.9),
        "Nesterov": lambda: o.SGD(0.05, momentum=0.9, nesterov=True),
        "Adagrad": lambda: o.Adagrad(0.5),
        "RMSprop": lambda: o.RMSprop(0.05),
        "Adam": lambda: o.Adam(0.1),
    }


def descend(f: Callable, start: tuple[float, float], optimizer, steps: int) -> np.ndarray:
    """The points [steps + 1, 2] of a descent."""
    point = fn.Variable(np.array(start))
    slope = fn.grad(lambda p: f(p[0], p[1]))
    path = [point.numpy()]
    for _ in range(steps):
        optimizer.apply([slope(point)], [point])
        path.append(point.numpy())
    return np.array(path)


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Descends three surfaces with each optimizer, and draws the descents.

    Nothing is random; `epochs` is the number of steps.

    Returns:
        dict: for each surface {optimizer: the value at the end}.
    """
    folder = folder_for("momentum", out)
    ends: dict = {}
    with Table("The value at the end", ["optimizer", *SURFACES]) as table:
        paths: dict = {name: {} for name in SURFACES}
        for label, make in optimizers().items():
            row = []
            for name, (f, start, through) in SURFACES.items():
                path = descend(f, start, make(), epochs or STEPS)
                paths[name][label] = path
                end = float(f(*path[-1]))
                ends.setdefault(name, {})[label] = end
                row.append(f"{end:.3f}" + ("" if end < through else " stuck"))
            table.add(label, *row)
    for name, (f, _, _) in SURFACES.items():
        save_picture(folder / f"{name}.png", plots.surface, f, RANGE, RANGE, paths[name])
    return ends


def claims(figures: dict) -> list[Claim]:
    """Plain descent is stuck on all three, momentum on none."""
    found = []
    for name, (_, _, through) in SURFACES.items():
        found += [
            Claim(f"{name}: gradient descent", figures[name]["gradient descent"], at_least=through),
            Claim(f"{name}: momentum", figures[name]["momentum"], at_most=through),
        ]
    return found
