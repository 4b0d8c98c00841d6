"""One seed for everything random."""

from __future__ import annotations

import random

import numpy as np


def set_random_seed(seed: int) -> None:
    """Seeds Python's ``random``, NumPy's global generator and the engine's.

    Layers, initializers and seed generators made without a seed draw theirs from Python's
    ``random``, so the same program gives the same numbers from here on.

    Args:
        seed: an integer from 0 to 2**32 - 1.

    >>> set_random_seed(1337)
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ValueError(
            f"set_random_seed: seed must be an integer from 0 to 2**32 - 1, got {seed!r}"
        )
    from fastnn import random as engine

    engine.seed_global_generator(int(seed))  # first: making the generator draws from `random`
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002 (what users' code draws from)
