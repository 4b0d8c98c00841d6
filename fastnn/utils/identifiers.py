"""What the `get` functions of losses, metrics and optimizers share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastnn.utils.naming import to_snake_case
from fastnn.utils.serialization import deserialize_keras_object, find_by_name


def known_names(classes: Iterable[type], others: Mapping[str, Any] | None = None) -> dict:
    """Classes by name and in snake case; `others` (functions, short names) go first.

    >>> sorted(known_names([dict], {"d": dict}))
    ['d', 'dict']
    """
    known = {}
    for cls in classes:
        known[to_snake_case(cls.__name__)] = cls
        known[cls.__name__] = cls
    return {**known, **(others or {})}


def resolve(identifier: Any, known: Mapping[str, Any], kind: str) -> Any:
    """The object that a name, a configuration, a class or the object itself means.

    Classes are instantiated, functions are returned.

    Raises:
        ValueError: an unknown name; the message lists the known ones.
        TypeError: something that cannot be one of this kind.
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        identifier = deserialize_keras_object(identifier)
    if isinstance(identifier, str):
        identifier = find_by_name(identifier, dict(known), kind)
    if isinstance(identifier, type):
        return identifier()
    if callable(identifier) or hasattr(identifier, "get_config"):
        return identifier
    raise TypeError(
        f"{kind}: expected a name, an object or a configuration, "
        f"got {identifier!r} of type {type(identifier).__name__}"
    )
