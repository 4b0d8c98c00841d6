"""Batches of sequences of similar length, so that little is spent on padding."""

from __future__ import annotations

import operator
import random
from collections.abc import Sequence
from typing import Any

import numpy as np


def bucket_by_length(
    lengths: Sequence[int] | np.ndarray,
    batch_size: int,
    shuffle: bool = True,
    seed: int | None = None,
) -> list[np.ndarray]:
    """Deals sequences out into batches of similar length, for one pass over them.

    Args:
        lengths: the length of each sequence.
        batch_size: how many sequences a batch has; the last one may have fewer.
        shuffle: whether equal lengths are in random order, and the batches too; else the batches
            go from short to long.
        seed: of that order; None: drawn from Python's ``random`` (`fn.utils.set_random_seed`).

    Returns:
        list of int64 arrays of indices; each sequence is in one of them.

    Raises:
        TypeError: `batch_size` is no integer.
        ValueError: `batch_size` is not positive, or `lengths` is not a row.

    >>> bucket_by_length([5, 1, 4, 2], 2, shuffle=False)
    [array([1, 3]), array([2, 0])]
    """
    sizes: Any = np.asarray(lengths)
    if sizes.ndim != 1:
        raise ValueError(f"bucket_by_length: lengths must be a row, got shape {sizes.shape}")
    try:
        batch_size = operator.index(batch_size)
    except TypeError:
        raise TypeError(
            f"bucket_by_length: batch_size must be an integer, got {batch_size!r}"
        ) from None
    if batch_size < 1:
        raise ValueError(f"bucket_by_length: batch_size must be at least 1, got {batch_size}")
    order = np.arange(len(sizes))
    generator = np.random.default_rng(random.getrandbits(62) if seed is None else seed)
    if shuffle:
        generator.shuffle(order)
    order = order[np.argsort(sizes[order], kind="stable")]
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    if shuffle:
        generator.shuffle(batches)
    return batches
