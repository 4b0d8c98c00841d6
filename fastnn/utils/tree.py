"""Nested structures: lists, tuples, named tuples and dicts of leaves, as inputs and outputs have.

Dictionaries are walked in sorted key order, so that equal structures have equal order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def is_nested(structure: Any) -> bool:
    """Whether a value is a container that the functions here walk into."""
    return isinstance(structure, (list, tuple, dict))


def children(structure: Any) -> list:
    """The direct members of a container, dictionaries in sorted key order."""
    if isinstance(structure, dict):
        return [structure[key] for key in sorted(structure)]
    return list(structure)


def rebuild(structure: Any, members: list) -> Any:
    """A container like ``structure`` with other members."""
    if isinstance(structure, dict):
        values = dict(zip(sorted(structure), members))
        return {key: values[key] for key in structure}
    if isinstance(structure, tuple):
        if hasattr(structure, "_fields"):
            return type(structure)(*members)
        return tuple(members)
    return list(members)


def flatten(structure: Any) -> list:
    """The leaves of a structure in order.

    >>> flatten({"b": 1, "a": [2, (3, None)]})
    [2, 3, None, 1]
    """
    if not is_nested(structure):
        return [structure]
    return [leaf for member in children(structure) for leaf in flatten(member)]


def map_structure(function: Callable, structure: Any) -> Any:
    """The structure with ``function`` applied to every leaf.

    >>> map_structure(lambda x: x + 1, {"a": [1, 2]})
    {'a': [2, 3]}
    """
    if not is_nested(structure):
        return function(structure)
    members = [map_structure(function, member) for member in children(structure)]
    return rebuild(structure, members)


def pack_sequence_as(structure: Any, leaves: list) -> Any:
    """The structure with its leaves replaced, in order; their number must agree."""
    count = len(flatten(structure))
    if count != len(leaves):
        raise ValueError(f"pack_sequence_as: the structure has {count} leaves, got {len(leaves)}")
    return _pack(structure, iter(leaves))


def _pack(structure: Any, leaves: Iterator) -> Any:
    if not is_nested(structure):
        return next(leaves)
    return rebuild(structure, [_pack(member, leaves) for member in children(structure)])
