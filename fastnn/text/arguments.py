"""Arguments that are rows of something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def items_of(values: Iterable[Item], expected: str) -> Iterator[Item]:
    """An iterator over an argument. `expected` begins the TypeError for what is not iterable; an
    error that comes later, of the caller's own generator, is the caller's."""
    try:
        return iter(values)
    except TypeError:
        raise TypeError(f"{expected}, got {type(values).__name__}") from None
