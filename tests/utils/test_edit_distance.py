"""Edit distances beside the recursion that defines them."""

import random
from functools import cache

import numpy as np
import pytest

from fastnn.utils import edit_distances


def by_definition(a, b):
    @cache
    def distance(i, j):
        if i == 0 or j == 0:
            return i + j
        changed = distance(i - 1, j - 1) + (a[i - 1] != b[j - 1])
        return min(distance(i - 1, j) + 1, distance(i, j - 1) + 1, changed)

    return distance(len(a), len(b))


def test_it_is_the_recursion():
    draw = random.Random(0)
    left, right = (
        ["".join(draw.choices("abc", k=draw.randrange(9))) for _ in range(300)] for _ in range(2)
    )
    expected = [by_definition(a, b) for a, b in zip(left, right)]
    assert edit_distances(left, right).tolist() == expected
    assert 0 in expected and max(expected) >= 6


def test_texts_of_any_alphabet_and_numbers():
    assert edit_distances(["機器學習", "é"], ["機器", "e"]).tolist() == [2, 1]
    assert edit_distances([[1, 2, 3], np.array([7])], [[2, 3], []]).tolist() == [1, 1]


def test_nothing():
    assert edit_distances([], []).shape == (0,)
    assert edit_distances(["", ""], ["", "ab"]).tolist() == [0, 2]


def test_pairs_must_be_pairs():
    with pytest.raises(ValueError, match="left has 1 entries, right has 2"):
        edit_distances(["a"], ["a", "b"])
