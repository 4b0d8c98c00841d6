"""Objects to JSON-able configurations and back.

Only classes of fastnn's public modules and those that the user registers or passes as
``custom_objects`` are ever made from a configuration: no module named in one is imported and no
code in one is run.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from fastnn.utils.naming import to_snake_case

# Where classes may come from, by the part of a module's name after the package.
_PUBLIC = (
    "layers",
    "models",
    "initializers",
    "regularizers",
    "constraints",
    "activations",
    "losses",
    "metrics",
    "optimizers",
    "optimizers.schedules",
    "pretraining",
    "random",
)

_registered: dict[str, Any] = {}  # registered name -> class or function
_names: dict[Any, str] = {}  # and back
_scopes = threading.local()


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable:
    """A decorator that makes a class or function loadable under ``package>name``.

    >>> @register_keras_serializable("mine")
    ... class Scale:
    ...     def get_config(self):
    ...         return {}
    >>> get_registered_name(Scale)
    'mine>Scale'
    """

    def decorate(item: Any) -> Any:
        if isinstance(item, type) and not hasattr(item, "get_config"):
            raise ValueError(
                f"register_keras_serializable: class {item.__name__} has no get_config method"
            )
        key = f"{package}>{name or item.__name__}"
        _registered[key] = item
        _names[item] = key
        return item

    return decorate


def get_registered_name(item: Any) -> str:
    """The name an object was registered under, else its own name."""
    return _names.get(item, item.__name__)


def get_registered_object(name: str, custom_objects: dict | None = None) -> Any:
    """The class or function registered or in scope under a name, or None."""
    for scope in (custom_objects or {}, *reversed(getattr(_scopes, "stack", ())), _registered):
        if name in scope:
            return scope[name]
    return None


def get_custom_objects() -> dict:
    """The dictionary of registered classes and functions, which may be changed."""
    return _registered


class CustomObjectScope:
    """Within ``with custom_object_scope({"Name": cls}):`` that class can be deserialized.

    >>> with CustomObjectScope({"Mine": int}):
    ...     get_registered_object("Mine")
    <class 'int'>
    """

    def __init__(self, custom_objects: dict | None):
        self.custom_objects = custom_objects or {}

    def __enter__(self) -> CustomObjectScope:
        if not hasattr(_scopes, "stack"):
            _scopes.stack = []
        _scopes.stack.append(self.custom_objects)
        return self

    def __exit__(self, *exception: Any) -> None:
        _scopes.stack.pop()


custom_object_scope = CustomObjectScope


class SharedObjects:
    """Within it, an object that is serialized twice becomes one object again.

    Both configurations get the same ``shared_object_id``. Scopes inside of another one are one with
    it.
    """

    def __enter__(self) -> SharedObjects:
        self._outermost = getattr(_scopes, "known", None) is None
        if self._outermost:
            _scopes.known = {}  # id of an object: (the object, its configuration, its number)
            _scopes.made = {}  # number: the object
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._outermost:
            _scopes.known = _scopes.made = None


def _mark_shared(value: Any, config: dict) -> dict:
    """Marks the configurations of an object that is met again."""
    known = getattr(_scopes, "known", None)
    if known is not None:
        _, first, number = known.setdefault(id(value), (value, config, len(known)))
        if first is not config:
            config["shared_object_id"] = first["shared_object_id"] = number
    return config


def public_module(item: Any) -> str:
    """The public module of a class or function: fastnn.layers for fastnn.layers.dense.Dense."""
    module = item.__module__ or ""
    if module.startswith("fastnn."):
        parts = module.split(".")
        for depth in (3, 2):
            if ".".join(parts[1:depth]) in _PUBLIC:
                return ".".join(parts[:depth])
    return module


def serialize_keras_object(value: Any) -> Any:
    """The JSON-able form of a plain value, array, function or object with ``get_config``.

    >>> serialize_keras_object([1, (2.5, None)])
    [1, {'class_name': '__tuple__', 'items': [2.5, None]}]
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {key: serialize_keras_object(member) for key, member in value.items()}
    if isinstance(value, tuple):
        return {
            "class_name": "__tuple__",
            "items": [serialize_keras_object(member) for member in value],
        }
    if isinstance(value, list):
        return [serialize_keras_object(member) for member in value]
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "get_config"):
        cls = type(value)
        config = {
            "module": public_module(cls),
            "class_name": cls.__name__,
            "config": _plain(value.get_config()),
            "registered_name": _names.get(cls),
        }
        return _mark_shared(value, config)
    if hasattr(value, "__array__"):
        array = np.asarray(value)
        return {
            "class_name": "__numpy__",
            "config": {"value": array.tolist(), "dtype": array.dtype.name},
        }
    if callable(value) and hasattr(value, "__name__"):
        if value.__name__ == "<lambda>":
            raise ValueError(
                "a lambda cannot be saved: define a function with a name and decorate it with "
                "fastnn.saving.register_keras_serializable()"
            )
        return {
            "module": public_module(value),
            "class_name": "function",
            "config": value.__name__,
            "registered_name": get_registered_name(value),
        }
    raise TypeError(f"cannot serialize {value!r} of type {type(value).__name__}: no get_config")


def _plain(value: Any) -> Any:
    """A configuration with Python's numbers for those of NumPy. What was serialized has none, and
    stays the dictionary that `_mark_shared` knows."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        if "class_name" in value and ("config" in value or "items" in value):
            return value
        return {_plain(key): _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return tuple(map(_plain, value)) if type(value) is tuple else value


def deserialize_keras_object(config: Any, custom_objects: dict | None = None) -> Any:
    """The value or object that ``serialize_keras_object`` described.

    Raises:
        ValueError: the class is neither fastnn's nor registered nor in ``custom_objects``.
    """
    if custom_objects:
        with CustomObjectScope(custom_objects):
            return deserialize_keras_object(config)
    if isinstance(config, list):
        return [deserialize_keras_object(member) for member in config]
    if not isinstance(config, dict):
        return config
    class_name = config.get("class_name")
    if class_name == "__tuple__":
        return tuple(deserialize_keras_object(member) for member in config["items"])
    if class_name == "__numpy__":
        return np.array(config["config"]["value"], dtype=config["config"]["dtype"])
    if not isinstance(class_name, str) or "config" not in config:
        return {key: deserialize_keras_object(member) for key, member in config.items()}
    module, inner = config.get("module"), config["config"]
    if class_name == "DTypePolicy":
        return inner["name"]
    if class_name == "function":
        return _find(config.get("registered_name") or inner, inner, module)
    cls = _find(config.get("registered_name") or class_name, class_name, module)
    if not isinstance(cls, type) or not hasattr(cls, "from_config"):
        raise ValueError(f"deserialize: {class_name!r} is not a class with from_config")
    if not isinstance(inner, dict):
        raise ValueError(f"deserialize: the configuration of {class_name!r} is not a dictionary")
    number, made = config.get("shared_object_id"), getattr(_scopes, "made", None)
    if number is None or made is None:
        return cls.from_config(inner)
    if number not in made:
        made[number] = cls.from_config(inner)
    return made[number]


def without_unset(config: dict, names: tuple[str, ...]) -> dict:
    """A configuration without arguments that only Keras has, if they are None in it."""
    return {key: value for key, value in config.items() if key not in names or value is not None}


def _find(registered_name: str, name: str, module: str | None) -> Any:
    """The class or function of a configuration."""
    found = get_registered_object(registered_name)
    if found is None:
        found = get_registered_object(name)
    if found is None:
        found = _find_public(name, module)
    if found is None:
        raise ValueError(
            f"deserialize: unknown class or function {name!r}: pass custom_objects={{{name!r}: "
            "...} or decorate it with fastnn.saving.register_keras_serializable()"
        )
    return found


def _find_public(name: str, module: str | None) -> Any:
    """A public class or function of fastnn, or None; Keras's module names mean ours."""
    parts = (module or "").split(".")
    if parts[0] not in ("fastnn", "keras") or name.startswith("_"):
        return None
    parts = [part for part in parts[1:] if part != "src"]
    for depth in (2, 1):
        if ".".join(parts[:depth]) in _PUBLIC:
            found = importlib.import_module("fastnn." + ".".join(parts[:depth]))
            break
    else:
        if parts:
            return None
        found = importlib.import_module("fastnn.models")
    item = getattr(found, name, None)
    home = getattr(item, "__module__", "") or ""
    return item if callable(item) and home.startswith("fastnn.") else None


def find_by_name(name: str, known: dict[str, Any], kind: str) -> Any:
    """A class or function by any of its names: custom ones, exact, then snake_case.

    Raises:
        ValueError: unknown; the message lists ``known`` and suggests the nearest.
    """
    found = get_registered_object(name)
    if found is None:
        found = known.get(name, known.get(to_snake_case(name)))
    if found is None:
        near = nearest(name, known)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"unknown {kind} {name!r}; known are {', '.join(sorted(known))}{hint}")
    return found


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like a wrong one, if one is, in upper or lower case.

    >>> nearest("ADAMM", ["sgd", "adam"])
    'adam'
    """
    import difflib  # takes a millisecond to import, and no right name needs it

    lower = {other.lower(): other for other in known}
    lower.update((other, other) for other in known)  # the same case first
    found = difflib.get_close_matches(name, lower, 1)
    found = found or difflib.get_close_matches(name.lower(), lower, 1)
    return lower[found[0]] if found else None
