"""What an optimizer does to one element; the sources stand in reference/optimizer.py.

``constants(hyper, rate, t, product)`` gives, once a task, the numbers c that all elements share;
``step(w, g, slots.., c)`` gives the new w and slots of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from .compile import compiled


class Rule(NamedTuple):
    """The numbers of slots and of shared numbers, and the two functions."""

    slots: int
    shared: int
    constants: Callable
    step: Callable


@compiled
def _moved(mean, value, share):
    return mean + (value - mean) * share


def _sgd(w, g, c):
    return (w - c[0] * g,)


def _momentum(w, g, m, c):
    m = c[1] * m - c[0] * g
    return w + m, m


def _nesterov(w, g, m, c):
    m = c[1] * m - c[0] * g
    return w + (c[1] * m - c[0] * g), m


def _adagrad(w, g, total, c):
    total = total + g * g
    return w - c[0] * g / math.sqrt(total + c[1]), total


def _adadelta(w, g, squares, changes, c):
    rate, rho, rest, epsilon = c
    squares = rho * squares + rest * g * g
    change = math.sqrt(changes + epsilon) * g / math.sqrt(squares + epsilon)
    return w - rate * change, squares, rho * changes + rest * change * change


def _rmsprop(w, g, v, c):
    v = c[1] * v + c[2] * g * g
    return w - c[0] * g / math.sqrt(v + c[3]), v


def _rmsprop_momentum(w, g, v, change, c):
    v = c[1] * v + c[2] * g * g
    change = c[4] * change + c[0] * g / math.sqrt(v + c[3])
    return w - change, v, change


def _rmsprop_centered(w, g, v, mean, c):
    v = c[1] * v + c[2] * g * g
    mean = c[1] * mean + c[2] * g
    return w - c[0] * g / math.sqrt(v - mean * mean + c[3]), v, mean


def _rmsprop_centered_momentum(w, g, v, change, mean, c):
    v = c[1] * v + c[2] * g * g
    mean = c[1] * mean + c[2] * g
    change = c[4] * change + c[0] * g / math.sqrt(v - mean * mean + c[3])
    return w - change, v, change, mean


def _adam(w, g, m, v, c):
    step, rest_1, rest_2, epsilon = c
    m, v = _moved(m, g, rest_1), _moved(v, g * g, rest_2)
    return w - step * m / (math.sqrt(v) + epsilon), m, v


def _amsgrad(w, g, m, v, top, c):
    step, rest_1, rest_2, epsilon = c
    m, v = _moved(m, g, rest_1), _moved(v, g * g, rest_2)
    top = v if (v > top) | (v != v) else top
    return w - step * m / (math.sqrt(top) + epsilon), m, v, top


def _adamax(w, g, m, u, c):
    step, rest_1, beta_2, epsilon = c
    m, decayed = _moved(m, g, rest_1), beta_2 * u
    size = abs(g)
    u = size if (size > decayed) | (size != size) else decayed
    return w - step * m / (u + epsilon), m, u


def _nadam(w, g, m, v, c):
    rate, rest_1, rest_2, epsilon, of_mean, of_gradient, of_square = c
    m, v = _moved(m, g, rest_1), _moved(v, g * g, rest_2)
    ahead = of_mean * m + of_gradient * g
    return w - rate * ahead / (math.sqrt(v * of_square) + epsilon), m, v


def _ftrl(w, g, total, linear, c):
    rate, power, l1, l2, shrinkage, beta = c
    grown = total + g * g
    before, after = math.pow(total, -power), math.pow(grown, -power)
    linear = linear + g + 2 * shrinkage * w - (after - before) / rate * w
    cut = -l1 if linear < -l1 else (l1 if linear > l1 else linear)
    return (cut - linear) / (after / rate + 2 * l2 + beta / rate), grown, linear


def _lion(w, g, m, c):
    rate, beta_1, rest_1, beta_2, rest_2 = c
    d = m * beta_1 + g * rest_1
    step = rate if d > 0 else (-rate if d < 0 else d)
    return w - step, m * beta_2 + g * rest_2


def _schedule_free(w, g, z, v, c):
    rate, beta_1, rest_1, rest_2, epsilon, of_square, share = c
    mean = (w - rest_1 * z) / beta_1
    v = _moved(v, g * g, rest_2)
    z = z - rate * g / (math.sqrt(v * of_square) + epsilon)
    mean = _moved(mean, z, share)
    return rest_1 * z + beta_1 * mean, z, v


def _rms_constants(h, rate, t, product):
    return (rate, h[0], 1 - h[0], h[1])


def _rms_momentum_constants(h, rate, t, product):
    return (rate, h[0], 1 - h[0], h[1], h[2])


def _adam_constants(h, rate, t, product):
    step = rate * math.sqrt(1 - h[1] ** t) / (1 - h[0] ** t)
    return (step, 1 - h[0], 1 - h[1], h[2])


def _nadam_constants(h, rate, t, product):
    now, following = nadam_momentum(h[0], t), nadam_momentum(h[0], t + 1)
    of_mean, of_gradient = following / (1 - product * following), (1 - now) / (1 - product)
    return (rate, 1 - h[0], 1 - h[1], h[2], of_mean, of_gradient, 1 / (1 - h[1] ** t))


def _schedule_free_constants(h, rate, t, product):
    warm = min(t / h[3], 1.0) if h[3] != 0 else 1.0
    of_square = 1 / (1 - h[1] ** t)
    return (rate * warm, h[0], 1 - h[0], 1 - h[1], h[2], of_square, 1 / t)


@compiled
def nadam_momentum(beta_1, t):
    """T. Dozat's schedule of the momentum."""
    return beta_1 * (1 - 0.5 * 0.96**t)


RULES = {
    "sgd": Rule(0, 1, lambda h, rate, t, product: (rate,), _sgd),
    "momentum": Rule(1, 2, lambda h, rate, t, product: (rate, h[0]), _momentum),
    "nesterov": Rule(1, 2, lambda h, rate, t, product: (rate, h[0]), _nesterov),
    "adagrad": Rule(1, 2, lambda h, rate, t, product: (rate, h[0]), _adagrad),
    "adadelta": Rule(2, 4, _rms_constants, _adadelta),
    "rmsprop": Rule(1, 4, _rms_constants, _rmsprop),
    "rmsprop_momentum": Rule(2, 5, _rms_momentum_constants, _rmsprop_momentum),
    "rmsprop_centered": Rule(2, 4, _rms_constants, _rmsprop_centered),
    "rmsprop_centered_momentum": Rule(3, 5, _rms_momentum_constants, _rmsprop_centered_momentum),
    "adam": Rule(2, 4, _adam_constants, _adam),
    "amsgrad": Rule(3, 4, _adam_constants, _amsgrad),
    "adamax": Rule(
        2, 4, lambda h, rate, t, product: (rate / (1 - h[0] ** t), 1 - h[0], h[1], h[2]), _adamax
    ),
    "nadam": Rule(2, 7, _nadam_constants, _nadam),
    "ftrl": Rule(2, 6, lambda h, rate, t, product: (rate, h[0], h[1], h[2], h[3], h[4]), _ftrl),
    "lion": Rule(1, 5, lambda h, rate, t, product: (rate, h[0], 1 - h[0], h[1], 1 - h[1]), _lion),
    "schedule_free": Rule(2, 7, _schedule_free_constants, _schedule_free),
}
