"""What an optimizer does to one element; the sources stand in reference/optimizer.py.

``constants(hyper, rate, t, product)`` gives, once for all elements, the numbers c that they share;
``step(w, g, slots.., c)`` gives the new w and slots of one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

TINY = 1e-30  # keeps a quotient of squares finite where both are 0


class Rule(NamedTuple):
    """The numbers of slots and of shared numbers, and the two functions."""

    slots: int
    shared: int
    constants: Callable
    step: Callable


def nadam_momentum(beta_1, t):
    """T. Dozat's schedule of the momentum."""
    return beta_1 * (1 - 0.5 * 0.96**t)


def lamb_constants(h, rate, t, product):
    """Shares of what is new, epsilon, and what corrects the two means."""
    return (1 - h[0], 1 - h[1], h[2], 1 / (1 - h[0] ** t), 1 / (1 - h[1] ** t))


def adafactor_constants(h, rate, t, product):
    """The share of what is new, epsilons, threshold, and the largest rate."""
    return (t ** h[0], h[1], h[2], h[3], t**-0.5)


def rules(m: Any) -> dict[str, Rule]:
    """All rules whose steps look at one element at a time, for a namespace of mathematics."""
    sqrt, raised, copysign = m.sqrt, m.pow, m.copysign
    momentum_of = m.compile(nadam_momentum)

    @m.compile
    def moved(mean, value, share):
        return mean + (value - mean) * share

    @m.compile
    def blended(mean, value, share):
        return (1 - share) * mean + share * value

    @m.compile
    def next_memory(memory, mean, square):
        return (1 - mean * mean / (square + TINY)) * memory + 1

    @m.compile
    def is_outlier(value, mean, square):
        """Whether values lie more than two standard deviations from their mean."""
        variance = square - mean * mean
        return (value - mean) * (value - mean) > 4 * (0.0 if variance < 0 else variance)

    def sgd(w, g, c):
        return (w - c[0] * g,)

    def momentum(w, g, m, c):
        m = c[1] * m - c[0] * g
        return w + m, m

    def nesterov(w, g, m, c):
        m = c[1] * m - c[0] * g
        return w + (c[1] * m - c[0] * g), m

    def adagrad(w, g, total, c):
        total = total + g * g
        return w - c[0] * g / sqrt(total + c[1]), total

    def adadelta(w, g, squares, changes, c):
        rate, rho, rest, epsilon = c
        squares = rho * squares + rest * g * g
        change = sqrt(changes + epsilon) * g / sqrt(squares + epsilon)
        return w - rate * change, squares, rho * changes + rest * change * change

    def rmsprop(w, g, v, c):
        v = c[1] * v + c[2] * g * g
        return w - c[0] * g / sqrt(v + c[3]), v

    def rmsprop_momentum(w, g, v, change, c):
        v = c[1] * v + c[2] * g * g
        change = c[4] * change + c[0] * g / sqrt(v + c[3])
        return w - change, v, change

    def rmsprop_centered(w, g, v, mean, c):
        v = c[1] * v + c[2] * g * g
        mean = c[1] * mean + c[2] * g
        return w - c[0] * g / sqrt(v - mean * mean + c[3]), v, mean

    def rmsprop_centered_momentum(w, g, v, change, mean, c):
        v = c[1] * v + c[2] * g * g
        mean = c[1] * mean + c[2] * g
        change = c[4] * change + c[0] * g / sqrt(v - mean * mean + c[3])
        return w - change, v, change, mean

    def adam(w, g, m, v, c):
        step, rest_1, rest_2, epsilon = c
        m, v = moved(m, g, rest_1), moved(v, g * g, rest_2)
        return w - step * m / (sqrt(v) + epsilon), m, v

    def amsgrad(w, g, m, v, top, c):
        step, rest_1, rest_2, epsilon = c
        m, v = moved(m, g, rest_1), moved(v, g * g, rest_2)
        top = v if (v > top) | (v != v) else top
        return w - step * m / (sqrt(top) + epsilon), m, v, top

    def adamax(w, g, m, u, c):
        step, rest_1, beta_2, epsilon = c
        m, decayed = moved(m, g, rest_1), beta_2 * u
        size = abs(g)
        u = size if (size > decayed) | (size != size) else decayed
        return w - step * m / (u + epsilon), m, u

    def nadam(w, g, m, v, c):
        rate, rest_1, rest_2, epsilon, of_mean, of_gradient, of_square = c
        m, v = moved(m, g, rest_1), moved(v, g * g, rest_2)
        ahead = of_mean * m + of_gradient * g
        return w - rate * ahead / (sqrt(v * of_square) + epsilon), m, v

    def ftrl(w, g, total, linear, c):
        rate, power, l1, l2, shrinkage, beta = c
        grown = total + g * g
        before, after = raised(total, -power), raised(grown, -power)
        linear = linear + g + 2 * shrinkage * w - (after - before) / rate * w
        cut = -l1 if linear < -l1 else (l1 if linear > l1 else linear)
        return (cut - linear) / (after / rate + 2 * l2 + beta / rate), grown, linear

    def lion(w, g, m, c):
        rate, beta_1, rest_1, beta_2, rest_2 = c
        d = m * beta_1 + g * rest_1
        step = rate if d > 0 else (-rate if d < 0 else d)
        return w - step, m * beta_2 + g * rest_2

    def schedule_free(w, g, z, v, c):
        rate, beta_1, rest_1, rest_2, epsilon, of_square, share = c
        mean = (w - rest_1 * z) / beta_1
        v = moved(v, g * g, rest_2)
        z = z - rate * g / (sqrt(v * of_square) + epsilon)
        mean = moved(mean, z, share)
        return rest_1 * z + beta_1 * mean, z, v

    def vsgd(w, g, g1, g2, h1, h2, memory, h, c):
        rate, factor, later = c
        if later != 0 and (is_outlier(g, g1, g2) | is_outlier(h, h1, h2)):
            memory = memory + 1
        share = 1 / memory
        g1, g2 = blended(g1, g, share), blended(g2, factor * g * g, share)
        h1, h2 = blended(h1, h, share), blended(h2, factor * h * h, share)
        best = h1 / (h2 + TINY) * (g1 * g1 / (g2 + TINY))
        return w - rate * best * g, g1, g2, h1, h2, next_memory(memory, g1, g2), h

    def adasecant(
        w,
        g,
        g1,
        g2,
        spread,
        likeness,
        s1,
        s2,
        a1,
        a2,
        product,
        last_g,
        last_d,
        last_step,
        memory,
        c,
    ):
        rate, first_step, most, t = c
        share = 1 / memory
        g1, g2 = blended(g1, g, share), blended(g2, g * g, share)
        spread = blended(spread, (g - last_g) * (g - g1), share)
        likeness = blended(likeness, (g - g1) * (last_g - g1), share)
        ratio = abs(spread) / (abs(likeness) + TINY)
        ratio = most if ratio > most else ratio
        direction = (g + ratio * g1) / (1 + ratio)
        change = direction - last_d
        span = memory
        if t <= 2:
            span = memory * 0 + 1
        elif is_outlier(g, g1, g2) | is_outlier(change, a1, a2):
            span = memory * 0 + 2.2
        share = 1 / span
        s1, s2 = blended(s1, last_step, share), blended(s2, last_step * last_step, share)
        a1, a2 = blended(a1, change, share), blended(a2, change * change, share)
        product = blended(product, change * last_step, share)
        if t == 1:
            sign = 1.0 if g > 0 else (-1.0 if g < 0 else g)
            step, memory = -first_step * sign, memory * 0 + 2
        else:
            secant = sqrt(s2) / sqrt(a2 + TINY) - (product - a1 * s1) / (a2 + TINY)
            step = -rate * (0.0 if secant < 0 else secant) * direction
            if a2 <= 1e-12 * g2:  # the rounding of gradients tells of no curvature
                step = copysign(last_step, -direction)
            memory = next_memory(span, s1, s2)
            memory = 1.5 if memory < 1.5 else memory
        means = g1, g2, spread, likeness, s1, s2, a1, a2, product
        return (w + step, *means, g, direction, step, memory)

    def rms_constants(h, rate, t, product):
        return (rate, h[0], 1 - h[0], h[1])

    def rms_momentum_constants(h, rate, t, product):
        return (rate, h[0], 1 - h[0], h[1], h[2])

    def adam_constants(h, rate, t, product):
        step = rate * sqrt(1 - h[1] ** t) / (1 - h[0] ** t)
        return (step, 1 - h[0], 1 - h[1], h[2])

    def nadam_constants(h, rate, t, product):
        now, following = momentum_of(h[0], t), momentum_of(h[0], t + 1)
        of_mean, of_gradient = following / (1 - product * following), (1 - now) / (1 - product)
        return (rate, 1 - h[0], 1 - h[1], h[2], of_mean, of_gradient, 1 / (1 - h[1] ** t))

    def schedule_free_constants(h, rate, t, product):
        warm = min(t / h[3], 1.0) if h[3] != 0 else 1.0
        of_square = 1 / (1 - h[1] ** t)
        return (rate * warm, h[0], 1 - h[0], 1 - h[1], h[2], of_square, 1 / t)

    return {
        "sgd": Rule(0, 1, lambda h, rate, t, product: (rate,), sgd),
        "momentum": Rule(1, 2, lambda h, rate, t, product: (rate, h[0]), momentum),
        "nesterov": Rule(1, 2, lambda h, rate, t, product: (rate, h[0]), nesterov),
        "adagrad": Rule(1, 2, lambda h, rate, t, product: (rate, h[0]), adagrad),
        "adadelta": Rule(2, 4, rms_constants, adadelta),
        "rmsprop": Rule(1, 4, rms_constants, rmsprop),
        "rmsprop_momentum": Rule(2, 5, rms_momentum_constants, rmsprop_momentum),
        "rmsprop_centered": Rule(2, 4, rms_constants, rmsprop_centered),
        "rmsprop_centered_momentum": Rule(3, 5, rms_momentum_constants, rmsprop_centered_momentum),
        "adam": Rule(2, 4, adam_constants, adam),
        "amsgrad": Rule(3, 4, adam_constants, amsgrad),
        "adamax": Rule(
            2, 4, lambda h, rate, t, product: (rate / (1 - h[0] ** t), 1 - h[0], h[1], h[2]), adamax
        ),
        "nadam": Rule(2, 7, nadam_constants, nadam),
        "ftrl": Rule(2, 6, lambda h, rate, t, product: (rate, h[0], h[1], h[2], h[3], h[4]), ftrl),
        "lion": Rule(
            1, 5, lambda h, rate, t, product: (rate, h[0], 1 - h[0], h[1], 1 - h[1]), lion
        ),
        "vsgd": Rule(
            6,
            3,
            lambda h, rate, t, product: (rate, h[0] if t == 1 else 1.0, 0.0 if t == 1 else 1.0),
            vsgd,
        ),
        "adasecant": Rule(13, 4, lambda h, rate, t, product: (rate, h[0], h[1], t), adasecant),
        "schedule_free": Rule(2, 7, schedule_free_constants, schedule_free),
    }
