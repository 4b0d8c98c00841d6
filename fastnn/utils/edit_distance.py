"""How many characters have to change: edit distances of many pairs of texts at once."""

from collections.abc import Sequence

import numpy as np


def edit_distances(left: Sequence[Sequence], right: Sequence[Sequence]) -> np.ndarray:
    """The least numbers of insertions, deletions and substitutions that make left[i] of right[i].

    Args:
        left, right: equally many texts, or sequences of integers.

    Returns:
        int64 [pairs].

    Raises:
        ValueError: not equally many.

    Source: R. Wagner, M. Fischer, "The string-to-string correction problem", Journal of the ACM
    (1974); a row of their table is made at once, for all pairs.

    >>> edit_distances(["kitten", "abc"], ["sitting", ""])
    array([3, 3])
    """
    if len(left) != len(right):
        raise ValueError(f"edit_distances: left has {len(left)} entries, right has {len(right)}")
    if not len(left):
        return np.zeros(0, np.int64)
    a, b = _padded(left, -1), _padded(right, -2)
    lengths = np.array([len(x) for x in left]), np.array([len(x) for x in right])
    places = np.arange(b.shape[1] + 1)
    row = np.repeat(places[None], len(left), axis=0)  # from nothing to the beginnings of b
    pairs = np.arange(len(left))
    distances = row[pairs, lengths[1]]  # where a is empty
    for i in range(a.shape[1]):
        after = row + 1  # a[i] goes
        np.minimum(after[:, 1:], row[:, :-1] + (b != a[:, i : i + 1]), out=after[:, 1:])
        # b[j] comes: the least of what stands to the left and the steps from there
        row = np.minimum.accumulate(after - places, axis=1) + places
        ends = lengths[0] == i + 1
        distances[ends] = row[ends, lengths[1][ends]]
    return distances


def _padded(rows: Sequence[Sequence], value: int) -> np.ndarray:
    table = np.full((len(rows), max(map(len, rows))), value, np.int64)
    for target, row in zip(table, rows):
        target[: len(row)] = [ord(x) for x in row] if isinstance(row, str) else row
    return table
