"""The rules of Go: stones, liberties, captures and ko."""

from __future__ import annotations

from array import array
from functools import lru_cache

import numpy as np


class IllegalMove(ValueError):
    """A move on a stone, a suicide, or one that takes a ko back at once."""


@lru_cache
def neighbours(size: int) -> tuple[tuple[int, ...], ...]:
    """For each point of a board the two to four points next to it."""
    result = []
    for point in range(size * size):
        row, column = divmod(point, size)
        around = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
        inside = [(r, c) for r, c in around if 0 <= r < size and 0 <= c < size]
        result.append(tuple(r * size + c for r, c in inside))
    return tuple(result)


class Board:
    """A board on which stones are played and captured.

    Only what a move touches is looked at: the groups beside it are flooded until their first
    liberty. Ko is the simple rule, a single stone that has just taken a single stone may not be
    taken back at once; repetitions over longer cycles are not forbidden.

    Args:
        size: rows and columns.

    Attributes:
        stones: 1 (black), -1 (white) or 0 for each point ``row * size + column``.
        ko: ``(colour, point)`` that is forbidden for the next move, or None.

    >>> board = Board(3)
    >>> for colour, point in [(1, 1), (-1, 0), (1, 3)]:   # white in the corner is surrounded
    ...     captured = board.play(colour, point)
    >>> captured
    [0]
    >>> board.array()
    array([[0, 1, 0],
           [1, 0, 0],
           [0, 0, 0]], dtype=int8)
    """

    def __init__(self, size: int = 19):
        if size < 2:
            raise ValueError(f"Board: size must be at least 2, got {size}")
        self.size = size
        self.stones = array("b", bytes(size * size))
        self.ko: tuple[int, int] | None = None
        self._around = neighbours(size)

    def array(self) -> np.ndarray:
        """The stones as int8 of shape ``(size, size)``, a copy."""
        return np.array(self.stones, np.int8).reshape(self.size, self.size)

    def put(self, colour: int, point: int) -> None:
        """Sets a point without playing: a handicap stone, or 0 to remove one."""
        self.stones[point] = colour

    def play(self, colour: int, point: int | None) -> list[int]:
        """Plays a stone and removes what it captures.

        Args:
            colour: 1 (black) or -1 (white).
            point: ``row * size + column``; None passes.

        Returns:
            The points of the captured stones.

        Raises:
            IllegalMove: the point has a stone, the stone would be without liberties (suicide), or
                it would take a ko back at once. The board is as before.
            ValueError: the colour or the point does not exist.
        """
        stones = self.stones
        if colour not in (1, -1):
            raise ValueError(f"play: colour must be 1 or -1, got {colour!r}")
        if point is None:
            self.ko = None
            return []
        if not 0 <= point < len(stones):
            raise ValueError(f"play: {point} is no point of a board of size {self.size}")
        if stones[point]:
            raise IllegalMove(f"{self._name(point)} has a stone")
        if self.ko == (colour, point):
            raise IllegalMove(f"{self._name(point)} takes a ko back at once")
        stones[point] = colour
        captured: list[int] = []
        free = False
        for near in self._around[point]:
            stone = stones[near]
            if not stone:
                free = True
            elif stone != colour:
                dead = self._dead(near)
                for taken in dead:
                    stones[taken] = 0
                captured += dead
        if not (free or captured) and self._dead(point):
            stones[point] = 0
            raise IllegalMove(f"{self._name(point)} would be suicide")
        self.ko = None
        if len(captured) == 1 and not free and self._is_single(point):
            self.ko = (-colour, captured[0])
        return captured

    def _dead(self, point: int) -> list[int]:
        """The stones of a point's group if it has no liberty, else none."""
        stones, around = self.stones, self._around
        colour = stones[point]
        group, seen = [point], {point}
        for member in group:
            for near in around[member]:
                stone = stones[near]
                if not stone:
                    return []
                if stone == colour and near not in seen:
                    seen.add(near)
                    group.append(near)
        return group

    def _is_single(self, point: int) -> bool:
        """Whether a stone has no other of its colour beside it."""
        colour = self.stones[point]
        return all(self.stones[near] != colour for near in self._around[point])

    def _name(self, point: int) -> str:
        row, column = divmod(point, self.size)
        return f"row {row}, column {column}"
