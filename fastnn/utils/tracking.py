"""Tracking: what is assigned to a layer's attributes (also in lists and dicts) belongs to it.

A ``Tracker`` files variables, layers, metrics and seed generators in the order in which they are
met. Lists, dicts and sets that are assigned become subclasses of theirs that report what is added
and removed later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, SupportsIndex

from fastnn import config


def configuration_changed() -> None:
    """Tells recorded steps that Python state they depend on has changed."""
    vars(config)["version"] += 1


class Configured:
    """An object whose attributes, and the lists, dicts and sets in them, recorded steps depend
    on."""

    def __setattr__(self, name: str, value: Any) -> None:
        configuration_changed()
        object.__setattr__(self, name, watched(value))


def watched(value: Any) -> Any:
    """A value whose containers report what is changed in them later."""
    return Tracker({}).track(value) if isinstance(value, (list, dict, set, tuple)) else value


class Tracker:
    """Files values in stores: the first store whose test holds for a value takes it.

    Args:
        stores: name -> (test, list). A value is in one list, once.
    """

    def __init__(self, stores: dict[str, tuple[Callable[[Any], bool], list]]):
        self.stores = stores
        self.locked: str | None = None  # why nothing may be added
        self.locked_stores: tuple[str, ...] = ()

    def track(self, value: Any) -> Any:
        """Files ``value`` and what it contains; returns it, containers as tracked ones."""
        kind = type(value)
        if kind is list:
            return TrackedList(value, self)
        if kind is dict:
            return TrackedDict(value, self)
        if kind is set:
            return TrackedSet(value, self)
        if isinstance(value, tuple):
            members = [self.track(member) for member in value]
            return type(value)(*members) if hasattr(value, "_fields") else kind(members)
        for name, (test, store) in self.stores.items():
            if test(value):
                self.add(name, value, store)
                break
        return value

    def add(self, name: str, value: Any, store: list) -> None:
        """Files a value in a store, unless it is in one: a test may have another answer by now."""
        if any(value is member for _, known in self.stores.values() for member in known):
            return
        if self.locked and name in self.locked_stores:
            raise ValueError(self.locked)
        store.append(value)

    def untrack(self, value: Any) -> None:
        """Forgets a value that left a container."""
        for _, store in self.stores.values():
            for index, member in enumerate(store):
                if member is value:
                    del store[index]
                    configuration_changed()
                    return


class _Watched:
    """A container that reports to recorded steps, and to its tracker what comes and goes."""

    _tracker: Tracker | None = None

    def _enter(self, value: Any) -> Any:
        configuration_changed()
        return self._tracker.track(value) if self._tracker else value

    def _leave(self, *values: Any) -> None:
        configuration_changed()
        if self._tracker:
            for value in values:
                self._tracker.untrack(value)


class TrackedList(_Watched, list):
    """A list that tracks its members."""

    def __init__(self, values: Any = (), tracker: Tracker | None = None):
        self._tracker = tracker
        super().__init__(self._enter(value) for value in values)

    def append(self, value: Any) -> None:
        super().append(self._enter(value))

    def insert(self, index: SupportsIndex, value: Any) -> None:
        super().insert(index, self._enter(value))

    def extend(self, values: Any) -> None:
        super().extend([self._enter(value) for value in values])

    def __iadd__(self, values: Any) -> TrackedList:  # type: ignore[misc]
        self.extend(values)
        return self

    def __imul__(self, count: SupportsIndex) -> TrackedList:  # type: ignore[misc]
        self[:] = list(self) * count
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        before = self[key] if isinstance(key, slice) else [self[key]]
        self._leave(*before)
        if isinstance(key, slice):
            super().__setitem__(key, [self._enter(member) for member in value])
        else:
            super().__setitem__(key, self._enter(value))

    def __delitem__(self, key: Any) -> None:
        self._leave(*(self[key] if isinstance(key, slice) else [self[key]]))
        super().__delitem__(key)

    def pop(self, index: SupportsIndex = -1) -> Any:
        value = super().pop(index)
        self._leave(value)
        return value

    def remove(self, value: Any) -> None:
        del self[self.index(value)]

    def clear(self) -> None:
        del self[:]

    def sort(self, **options: Any) -> None:
        configuration_changed()
        super().sort(**options)

    def reverse(self) -> None:
        configuration_changed()
        super().reverse()


class TrackedDict(_Watched, dict):
    """A dict that tracks its values."""

    def __init__(self, values: Any = (), tracker: Tracker | None = None):
        super().__init__()
        self._tracker = tracker
        self.update(values)

    def __setitem__(self, key: Any, value: Any) -> None:
        if key in self:
            self._leave(self[key])
        super().__setitem__(key, self._enter(value))

    def update(self, *values: Any, **named: Any) -> None:
        for key, value in dict(*values, **named).items():
            self[key] = value

    def __ior__(self, values: Any) -> TrackedDict:  # type: ignore[override,misc]
        self.update(values)
        return self

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def __delitem__(self, key: Any) -> None:
        self.pop(key)

    def pop(self, key: Any, *default: Any) -> Any:
        value = super().pop(key, *default)
        self._leave(value)
        return value

    def popitem(self) -> tuple:
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self) -> None:
        for key in list(self):
            self.pop(key)


class TrackedSet(_Watched, set):
    """A set that tracks its members (in the order in which they are added)."""

    def __init__(self, values: Any = (), tracker: Tracker | None = None):
        super().__init__()
        self._tracker = tracker
        self.update(values)

    def add(self, value: Any) -> None:
        super().add(self._enter(value))

    def update(self, *others: Any) -> None:
        for values in others:
            for value in values:
                self.add(value)

    def remove(self, value: Any) -> None:
        super().remove(value)
        self._leave(value)

    def discard(self, value: Any) -> None:
        if value in self:
            self.remove(value)

    def pop(self) -> Any:
        value = super().pop()
        self._leave(value)
        return value

    def clear(self) -> None:
        self._become(set())

    def _become(self, values: set) -> TrackedSet:
        for value in set(self) - values:
            self.remove(value)
        self.update(values - set(self))
        return self

    def intersection_update(self, *others: Any) -> None:
        self._become(self.intersection(*others))

    def difference_update(self, *others: Any) -> None:
        self._become(self.difference(*others))

    def symmetric_difference_update(self, other: Any) -> None:
        self._become(self.symmetric_difference(other))

    def __ior__(self, other: Any) -> TrackedSet:  # type: ignore[override,misc]
        return self._become(set(self) | other)

    def __iand__(self, other: Any) -> TrackedSet:  # type: ignore[override,misc]
        return self._become(set(self) & other)

    def __isub__(self, other: Any) -> TrackedSet:  # type: ignore[override,misc]
        return self._become(set(self) - other)

    def __ixor__(self, other: Any) -> TrackedSet:  # type: ignore[override,misc]
        return self._become(set(self) ^ other)
