"""Batches of similar length."""

from itertools import pairwise

import numpy as np
import pytest

import fastnn as fn
from fastnn.text import bucket_by_length

LENGTHS = np.random.default_rng(0).integers(1, 20, 101)


@pytest.mark.parametrize("shuffle", [True, False])
def test_each_sequence_once_and_little_padding(shuffle):
    batches = bucket_by_length(LENGTHS, 8, shuffle)
    assert sorted(np.concatenate(batches)) == list(range(101))
    assert sorted(map(len, batches)) == [5] + [8] * 12
    ranges = sorted((LENGTHS[b].min(), LENGTHS[b].max()) for b in batches)
    assert all(before[1] <= after[0] for before, after in pairwise(ranges))
    longest = [int(LENGTHS[b].max()) for b in batches]
    assert (longest == sorted(longest)) is not shuffle


def test_the_order_follows_the_seed():
    def once(seed=None):
        return np.concatenate(bucket_by_length(LENGTHS, 8, seed=seed)).tolist()

    assert once(3) == once(3) != once(4)
    fn.utils.set_random_seed(5)
    first, second = once(), once()
    fn.utils.set_random_seed(5)
    assert [once(), once()] == [first, second] and first != second


def test_refusals():
    assert bucket_by_length([], 4) == []
    for size in (2.0, "2", None):
        with pytest.raises(TypeError, match="bucket_by_length: batch_size must be an integer"):
            bucket_by_length([1, 2], size)
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        bucket_by_length(LENGTHS, 0)
    with pytest.raises(ValueError, match=r"lengths must be a row, got shape \(1, 2\)"):
        bucket_by_length([[1, 2]], 4)
    with pytest.raises(ValueError, match="lengths must be a row, got a ragged list"):
        bucket_by_length([[1], [1, 2]], 4)
    with pytest.raises(ValueError, match="lengths must not be negative, got -1"):
        bucket_by_length([1, -1], 4)
    for lengths in (["a", "b"], [1, float("nan")]):
        with pytest.raises(TypeError, match="bucket_by_length: lengths must be integers, got"):
            bucket_by_length(lengths, 4)
    with pytest.raises(TypeError, match="bucket_by_length: seed must be an integer, got 'x'"):
        bucket_by_length([1, 2], 4, seed="x")
    with pytest.raises(ValueError, match="bucket_by_length: seed must not be negative, got -1"):
        bucket_by_length([1, 2], 4, seed=-1)
