"""optimizer_step and scale_list.

Bounds: a rule has at most twelve operations on numbers below 2.
"""

import numpy as np
import pytest

from .harness import FLOATS, LENGTHS, check, generator, rows, ulps

RULES = {  # slots of a parameter, hyper, attributes
    "sgd": (0, [0.1], ("sgd",)),
    "momentum": (1, [0.1, 0.9], ("momentum",)),
    "nesterov": (1, [0.1, 0.9], ("momentum", True)),
    "adam": (2, [0.01, 0.9, 0.999, 1e-7], ("adam",)),
    "amsgrad": (3, [0.01, 0.9, 0.999, 1e-7], ("adam", False, True)),
}
LISTS = [
    [(7,)],
    [(), (3, 17), (0,), (65,)],
    [(n,) for n in LENGTHS],
    [(40_000,), (5,), (300, 30)],
]


@pytest.mark.parametrize(
    ("backend", "rule", "dtype", "shapes", "iterations"),
    rows(
        (rule, dtype, shapes, t)
        for rule in RULES
        for dtype in FLOATS
        for shapes in LISTS
        for t in (0, 9)
    ),
)
def test_optimizer_step(backend, rule, dtype, shapes, iterations):
    count, hyper, attributes = RULES[rule]
    random = generator(shapes, rule)

    def draw(low, high):
        return [np.asarray(random.uniform(low, high, shape)).astype(dtype) for shape in shapes]

    # First moments of both signs, second moments positive.
    slots = [x for k in range(count) for x in (draw(-1, 1) if k == 0 else draw(0.1, 1))]
    operands = [draw(-1, 1), slots, draw(-1, 1), np.array(hyper), np.array(iterations)]

    def bound(i, expected, eps):
        return 12 * eps / 2 * 2

    check(backend, "optimizer_step", operands, *attributes, bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "shapes"), rows((dtype, shapes) for dtype in FLOATS for shapes in LISTS)
)
def test_scale_list(backend, dtype, shapes):
    xs = [np.asarray(generator(s).normal(size=s)).astype(dtype) for s in shapes]

    def bound(i, expected, eps):  # the scale is rounded to the dtype
        return ulps(2, expected, eps)

    check(backend, "scale_list", [xs, np.array(0.3)], bound=bound)
    check(backend, "scale_list", [xs, np.array(0.5, "float32")], bound=bound)
