"""Batches of sequences of similar length, so that little is spent on padding."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn.utils.integers import integer


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
        TypeError: `batch_size`, `seed` or a length is no integer.
        ValueError: `batch_size` is not positive, `seed` or a length is negative, or `lengths` is
            not a row.

    >>> bucket_by_length([5, 1, 4, 2], 2, shuffle=False)
    [array([1, 3]), array([2, 0])]
    """
    sizes = _row(lengths)
    batch_size = integer("bucket_by_length: batch_size", batch_size, least=1)
    seed = random.getrandbits(62) if seed is None else integer("bucket_by_length: seed", seed)
    order = np.arange(len(sizes))
    generator = np.random.default_rng(seed)
    if shuffle:
        generator.shuffle(order)
    order = order[np.argsort(sizes[order], kind="stable")]
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    if shuffle:
        generator.shuffle(batches)
    return batches


def _row(lengths: Any) -> np.ndarray:
    try:
        sizes = np.asarray(lengths)
    except ValueError:  # lists of different lengths
        raise ValueError("bucket_by_length: lengths must be a row, got a ragged list") from None
    if sizes.ndim != 1:
        raise ValueError(f"bucket_by_length: lengths must be a row, got shape {sizes.shape}")
    if sizes.size and sizes.dtype.kind not in "iu":
        raise TypeError(f"bucket_by_length: lengths must be integers, got {sizes.dtype}")
    if sizes.size and sizes.min() < 0:
        raise ValueError(f"bucket_by_length: lengths must not be negative, got {sizes.min()}")
    return sizes
