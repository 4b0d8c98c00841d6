"""Noise on digits and on labels, for the recipes about testing data."""

from dataclasses import replace

import numpy as np

from fastnn.recipes.digit_nets import Setting


def noisy(x: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    """x with Gaussian noise of standard deviation `sigma`, not clipped to [0, 1]."""
    draws = np.random.default_rng(seed)
    return x + draws.normal(0, sigma, x.shape).astype(x.dtype)


def with_random_labels(common: Setting, share: float) -> Setting:
    """The setting with this share of the training labels drawn anew from the other classes."""
    labels = common.digits.y_train.copy()
    draws = np.random.default_rng(common.seed)
    wrong = draws.random(len(labels)) < share
    labels[wrong] = (labels[wrong] + draws.integers(1, 10, wrong.sum())) % 10
    return replace(common, digits=replace(common.digits, y_train=labels))
