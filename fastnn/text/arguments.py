"""Arguments that are rows of something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")


def items_of(values: Iterable[Item], expected: str) -> Iterator[Item]:
    """An iterator over an argument. `expected` begins the TypeError for what is not iterable; an
    error that comes later, of the caller's own generator, is the caller's."""
    try:
        return iter(values)
    except TypeError:
        raise TypeError(f"{expected}, got {type(values).__name__}") from None


def row_of(name: str, values: Any, kind: str = "a row of str") -> list:
    """The items of an argument, which has an order, and is no text, whose items are its letters.

    name: as in "bleu: truth", with which the TypeError begins; kind: what it expects.
    """
    expected = f"{name} must be {kind}"
    if isinstance(values, (str, bytes, set, frozenset)):
        raise TypeError(f"{expected}, got one {type(values).__name__}")
    return list(items_of(values, expected))


def texts_of(name: str, values: Any, kind: str = "a row of str") -> list[str]:
    """The same, of which each item is a str."""
    texts = row_of(name, values, kind)
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"{name}[{place}] must be a str, got {type(text).__name__}")
    return texts
