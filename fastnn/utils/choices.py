"""Arguments that are one of a few values."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fastnn.messages import shown


def one_of(name: str, value: Any, choices: Collection) -> Any:
    """The value; `name`, as in "fit: verbose", begins the message if it is none of the choices.

    Raises:
        TypeError: of another type than all of them.
        ValueError: another value.
    """
    message = f"{name} must be {' or '.join(map(repr, choices))}, got {shown(value)}"
    if not isinstance(value, tuple({type(choice) for choice in choices})):
        raise TypeError(message)
    if value not in choices:
        raise ValueError(message)
    return value
