"""From a kernel in Python to the address of a C function.

A kernel is a function over flat pointers (``x[i]``; no bounds, no negative indices), integers and
real numbers, that does one task of many::

    @kernel
    def double(y, x, n, block, task):
        for i in range(task * block, min(n, (task + 1) * block)):
            y[i] = x[i] + x[i]

Its parameters are in this order: arrays, integers, reals, ``table`` (a pointer to any number of
integers) if it needs one, ``status`` (a pointer to code, where, value) if it may find bad values,
and ``task``. Numba compiles it when it is first needed for some element types, without any flag
that would change IEEE arithmetic. No two arrays of a call may overlap unless both are only read.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numba
from numba.core import types
from numba.core.ccallback import CFunc
from numba.extending import intrinsic

from .disk_cache import DiskCache

ELEMENTS = {
    "float32": types.float32,
    "float64": types.float64,
    "int32": types.int32,
    "int64": types.int64,
    "uint64": types.uint64,
    "uint8": types.uint8,
    "bool": types.uint8,
}
# Division by zero gives infinity and NaN as in NumPy; a check for it would keep loops scalar.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "boundscheck": False}
_TILE = types.void(
    types.CPointer(types.voidptr),
    types.CPointer(types.int64),
    types.CPointer(types.float64),
    types.CPointer(types.int64),
    types.int64,
)


@intrinsic
def pointer(typing: Any, address: Any, element: Any) -> Any:
    """An address as a pointer to elements of that type (a Numba type)."""
    result = types.CPointer(element.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(result))

    return result(address, element), generate


@intrinsic
def advanced(typing: Any, start: Any, count: Any) -> Any:
    """A pointer to the element `count` after the one that `start` points to."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.gep(arguments[0], [arguments[1]])

    return start(start, types.int64), generate


def compiled(function: Callable[..., Any]) -> Any:
    """A function that kernels call: as they are, its pointers do not overlap."""
    dispatcher = numba.njit(**OPTIONS, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)
    usual = dispatcher._compiler._customize_flags

    def customize(flags: Any) -> Any:
        flags = usual(flags)
        flags.noalias = True
        flags.forceinline = True
        return flags

    dispatcher._compiler._customize_flags = customize
    return dispatcher


class Kernel:
    """A kernel and what has been compiled of it.

    Args:
        function: see the module's docstring.
        name: tells it from others in the cache on disk, if it is made of other functions.
    """

    def __init__(self, function: Callable[..., None], name: str | None = None) -> None:
        self.function = function
        self.name = name or f"{function.__module__}.{function.__qualname__}"
        self.parameters = list(inspect.signature(function).parameters)
        self._tiles: dict[tuple, Any] = {}

    def address(self, dtypes: tuple[str, ...], integers: int, reals: int) -> int:
        """The C function for arrays of those types and so many integers and reals."""
        key = (dtypes, integers, reals)
        if key not in self._tiles:
            self._tiles[key] = self._compile(*key)
        return self._tiles[key].address

    def _compile(self, dtypes: tuple[str, ...], integers: int, reals: int) -> Any:
        given = [f"pointer(arrays[{i}], t{i})" for i in range(len(dtypes))]
        given += [f"integers[{i}]" for i in range(integers)]
        given += [f"reals[{i}]" for i in range(reals)]
        given += [f"advanced(integers, {integers})"] if "table" in self.parameters else []
        given += ["status"] if "status" in self.parameters else []
        given += ["task"]
        if len(given) != len(self.parameters):
            raise TypeError(f"{self.name}: takes {self.parameters}, got {given}")
        source = f"def tile(arrays, integers, reals, status, task): kernel({', '.join(given)})"
        names = {f"t{i}": ELEMENTS[dtype] for i, dtype in enumerate(dtypes)}
        names["__name__"] = __name__  # asked for when the function comes from the disk
        kernel = compiled(self.function)
        scope = {"kernel": kernel, "pointer": pointer, "advanced": advanced, **names}
        exec(source, scope)
        tile = CFunc(scope["tile"], (_TILE.args, _TILE.return_type), {}, OPTIONS)
        # Of other kernels the cache cannot tell whether they have changed.
        if self.function.__module__.startswith("fastnn."):
            tile._cache = DiskCache(f"{self.name}({', '.join(dtypes)}, {integers}, {reals})")
        tile.compile()
        return tile


def kernel(function: Callable[..., None]) -> Kernel:
    """Marks a function as a kernel; see the module's docstring."""
    return Kernel(function)
