"""Keras 3's update rules as loops over given gradients, in the precision of the arrays.

Each returns the weights after all steps.
"""

from __future__ import annotations

import numpy as np


def sgd(w, gradients, rate=0.01, momentum=0.0, nesterov=False):
    m = np.zeros_like(w)
    for g in gradients:
        m = momentum * m - rate * g
        w = w + (momentum * m - rate * g if nesterov else m)
    return w


def adagrad(w, gradients, rate=0.001, start=0.1, epsilon=1e-7):
    total = start
    for g in gradients:
        total = total + g**2
        w = w - rate * g / np.sqrt(total + epsilon)
    return w


def adadelta(w, gradients, rate=0.001, rho=0.95, epsilon=1e-7):
    squares = changes = np.zeros_like(w)
    for g in gradients:
        squares = rho * squares + (1 - rho) * g**2
        change = -np.sqrt(changes + epsilon) / np.sqrt(squares + epsilon) * g
        changes = rho * changes + (1 - rho) * change**2
        w = w + rate * change
    return w


def rmsprop(w, gradients, rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    v, mean, m = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for g in gradients:
        v = rho * v + (1 - rho) * g**2
        mean = rho * mean + (1 - rho) * g
        m = momentum * m + rate * g / np.sqrt(v - centered * mean**2 + epsilon)
        w = w - m
    return w


def adam(
    w,
    gradients,
    rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-7,
    amsgrad=False,
    decay=0.0,
):
    m, v, top = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        w = w - w * decay * rate
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        top = np.maximum(top, v) if amsgrad else v
        alpha = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w = w - alpha * m / (np.sqrt(top) + epsilon)
    return w


def adamax(w, gradients, rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m, u = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        u = np.where(beta_2 * u > abs(g), beta_2 * u, abs(g))
        w = w - rate * m / ((1 - beta_1**t) * (u + epsilon))
    return w


def nadam(w, gradients, rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    u = beta_1 * (1 - 0.5 * 0.96 ** np.arange(1, len(gradients) + 2))  # u[t - 1] is that of step t
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        ahead = u[t] * m / (1 - u[: t + 1].prod()) + (1 - u[t - 1]) * g / (1 - u[:t].prod())
        w = w - rate * ahead / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    return w


def ftrl(w, gradients, rate=0.001, power=-0.5, start=0.1, l1=0.0, l2=0.0, shrinkage=0.0, beta=0.0):
    total, linear = np.full_like(w, start), np.zeros_like(w)
    for g in gradients:
        before, total = total, total + g**2
        linear = linear + g + 2 * shrinkage * w - w * (total**-power - before**-power) / rate
        quadratic = total**-power / rate + 2 * (l2 + beta / (2 * rate))
        w = np.where(abs(linear) <= l1, 0, (l1 * np.sign(linear) - linear) / quadratic)
    return w


def lion(w, gradients, rate=0.001, beta_1=0.9, beta_2=0.99):
    m = np.zeros_like(w)
    for g in gradients:
        w = w - rate * np.sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g
    return w


def lamb(w, gradients, rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        u = m / (1 - beta_1**t) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        w = w - rate * np.linalg.norm(w) / np.linalg.norm(u) * u
    return w


def adafactor(w, gradients, rate=0.001, power=-0.8, epsilon_1=1e-30, epsilon_2=1e-3, limit=1.0):
    def rms(x):
        return np.sqrt(np.mean(x**2))

    rows = columns = v = 0.0
    for t, g in enumerate(gradients, 1):
        kept, squares = 1 - t**power, g**2 + epsilon_1
        if w.ndim == 2:
            rows = kept * rows + (1 - kept) * squares.mean(1)
            columns = kept * columns + (1 - kept) * squares.mean(0)
            v = np.outer(rows, columns) / rows.mean()
        else:
            v = kept * v + (1 - kept) * squares
        u = g / np.sqrt(v)
        u = u / max(1, rms(u) / limit)
        w = w - max(epsilon_2, rms(w)) * min(rate, t**-0.5) * u
    return w


def muon(
    w,
    gradients,
    rate=0.001,
    adams=(0.9, 0.999, 0.004, 1e-7, 1.0),
    decay=0.004,
    polynomial=(3.4445, -4.7750, 2.0315),
    momentum=0.95,
    rounds=5,
    nesterov=True,
    rms=0.2,
):
    if w.ndim != 2:
        beta_1, beta_2, decay, epsilon, ratio = adams
        # The decay follows the whole rate, Adam's step a share of it.
        return adam(w, gradients, rate * ratio, beta_1, beta_2, epsilon, False, decay / ratio)
    a, b, c = polynomial
    m = np.zeros_like(w)
    for g in gradients:
        w = w - w * decay * rate
        m = momentum * m + g
        d = g + momentum * m if nesterov else m
        # The iteration acts on singular values alone.
        left, sizes, right = np.linalg.svd(d, full_matrices=False)
        sizes = sizes / (np.linalg.norm(d) + 1e-7)
        for _ in range(rounds):
            sizes = a * sizes + b * sizes**3 + c * sizes**5
        factor = 1 if rms is None else rms * np.sqrt(max(w.shape))
        w = w - rate * factor * (left * sizes) @ right
    return w


def schedule_free(w, gradients, rate=0.0025, beta_1=0.9, beta_2=0.999, epsilon=1e-8, warmup=0):
    x = z = w
    v = np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        now = rate * min(1, t / warmup) if warmup else rate
        v = beta_2 * v + (1 - beta_2) * g**2
        z = z - now * g / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        x = (1 - 1 / t) * x + z / t
    return (1 - beta_1) * z + beta_1 * x


def _outlier(value, mean, square):
    return abs(value - mean) > 2 * np.sqrt(np.maximum(square - mean**2, 0))


def vsgd(w, gradients, rate=1.0, slow_start=10.0):
    """`gradients` are functions of the weights."""
    g1, g2, h1, h2, memory = (np.zeros_like(w) for _ in range(5))
    for t, gradient in enumerate(gradients):
        g = gradient(w)
        shift = g if t == 0 else g1
        h = abs((gradient(w + shift) - g) / shift)
        if t:
            memory = memory + (_outlier(g, g1, g2) | _outlier(h, h1, h2))
        k = 1 / memory if t else 1.0
        first = 1 if t else slow_start
        g1, g2 = g1 + k * (g - g1), g2 + k * (first * g**2 - g2)
        h1, h2 = h1 + k * (h - h1), h2 + k * (first * h**2 - h2)
        memory = (1 - g1**2 / g2) * (memory if t else 1) + 1
        w = w - rate * h1 / h2 * g1**2 / g2 * g
    return w


def adasecant(w, gradients, rate=1.0, first_step=0.001, most=1.8):
    """`gradients` are functions of the weights."""
    g = gradients[0](w)
    step, d, old = -first_step * np.sign(g), g, g
    g1, g2, above, below = g, g**2, np.zeros_like(g), np.zeros_like(g)
    w, memory = w + step, 2.0
    s1 = s2 = a1 = a2 = product = np.zeros_like(g)
    for t, gradient in enumerate(gradients[1:]):
        g, k = gradient(w), 1 / memory
        g1, g2 = g1 + k * (g - g1), g2 + k * (g**2 - g2)
        above = above + k * ((g - old) * (g - g1) - above)
        below = below + k * ((g - g1) * (old - g1) - below)
        c = np.minimum(abs(above) / (abs(below) + 1e-30), most)
        new = (g + c * g1) / (1 + c)
        a, d, old = new - d, new, g
        k = np.where(_outlier(g, g1, g2) | _outlier(a, a1, a2), 1 / 2.2, k) if t else 1.0
        s1, s2 = s1 + k * (step - s1), s2 + k * (step**2 - s2)
        a1, a2 = a1 + k * (a - a1), a2 + k * (a**2 - a2)
        product = product + k * (a * step - product)
        secant = np.sqrt(s2 / a2) - (product - a1 * s1) / a2
        step = -rate * np.maximum(secant, 0) * d
        memory = np.maximum((1 - s1**2 / s2) / k + 1, 1.5)
        w = w + step
    return w
