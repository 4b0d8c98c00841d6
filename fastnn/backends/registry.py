"""Which backend runs a primitive.

``native`` is the C++ module itself. ``jit_cpu`` has its kernels in Numba (extra ``numba``).
``reference`` (NumPy) is the specification, and what runs where another lacks a primitive, unless
FASTNN_STRICT_BACKEND=1 makes that an error. FASTNN_BACKEND names the backend that threads start
with.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping

from fastnn import _core

_names = ["native"]


def backends() -> tuple[str, ...]:
    """The names that `use_backend` takes.

    >>> backends()[:3]
    ('native', 'reference', 'jit_cpu')
    """
    return tuple(_names)


def backend() -> str:
    """The name of the backend that runs this thread's primitives.

    >>> backend()
    'native'
    """
    return _core.get_backend()


def register_backend(name: str, load: Callable[[], Mapping[str, Callable]]) -> None:
    """Adds a backend. ``load`` is called when it is first used and returns its functions.

    A function is named by its primitive and looks like that of fastnn.backends.reference. What a
    backend lacks runs on the reference backend.
    """
    _core.register_backend(name, load)
    if name not in _names:
        _names.append(name)


def _known(setting: str, name: str) -> str:
    if name not in _names:
        known = " or ".join(_names)
        raise ValueError(f"{setting}: there is no backend {name!r}, expected {known}")
    if name == "jit_cpu" and not importlib.util.find_spec("numba"):
        raise ImportError(f"{setting}: jit_cpu needs Numba: pip install 'fastnn[numba]'")
    return name


class use_backend:
    """Makes this thread run its primitives on the backend ``name``.

    From the call on; as a context manager, until the block ends. ValueError for an unknown name,
    ImportError for jit_cpu without Numba.

    >>> with use_backend("reference"):
    ...     backend()
    'reference'
    """

    def __init__(self, name: str) -> None:
        _known("use_backend", name)
        self._before = _core.get_backend()
        _core.set_backend(name)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        _core.set_backend(self._before)


def _load_reference() -> Mapping[str, Callable]:
    from .reference import FUNCTIONS

    return FUNCTIONS


def _plan_jit(primitive: str, arrays: int, operands: list, attributes: dict) -> object:
    if not importlib.util.find_spec("numba"):
        return None  # the reference takes its place
    try:
        import numba  # noqa: F401
    except Exception as error:  # not ImportError alone: of a broken install it may be anything
        raise ImportError(
            f"{primitive}: needs Numba, which is installed but cannot be imported "
            f"({type(error).__name__}: {error}): "
            "pip install --force-reinstall 'fastnn[numba]'",
            name="numba",
        ) from error
    from .jit_cpu import plan

    return plan(primitive, arrays, operands, attributes)


register_backend("reference", _load_reference)
_core.register_planner("jit_cpu", _plan_jit)
_names.append("jit_cpu")
try:
    _core.set_default_backend(_known("FASTNN_BACKEND", os.environ.get("FASTNN_BACKEND", "native")))
except ValueError as error:
    raise ImportError(str(error)) from None
_strict = os.environ.get("FASTNN_STRICT_BACKEND") or "0"
if _strict not in ("0", "1"):
    raise ImportError(f"FASTNN_STRICT_BACKEND: expected 0 or 1, got {_strict!r}")
_core.set_strict_backend(_strict == "1")
