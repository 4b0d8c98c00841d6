"""Connectionist temporal classification by its definition: a sum over every path, in float64."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np


def spelt(path, blank: int = 0) -> tuple:
    """What a path, one class a frame, spells: equal neighbours merged, then blanks dropped."""
    return tuple(label for label, _ in groupby(path) if label != blank)


def probabilities(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def labellings(logits: np.ndarray, blank: int = 0) -> dict:
    """Every labelling of one example [time, classes] with its probability."""
    time, classes = logits.shape
    p, found = probabilities(logits.astype(np.float64)), {}
    for path in product(range(classes), repeat=time):
        chance = np.prod([p[t, label] for t, label in enumerate(path)])
        found[spelt(path, blank)] = found.get(spelt(path, blank), 0) + chance
    return found


def loss(logits: np.ndarray, labels, blank: int = 0) -> float:
    """-log of the probability of the labels, infinite if no path spells them."""
    chance = labellings(logits, blank).get(tuple(int(label) for label in labels), 0)
    return -np.log(chance) if chance else np.inf
