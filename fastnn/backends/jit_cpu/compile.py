"""From a kernel in Python to the address of a C function.

A kernel is a function over flat pointers (``x[i]``; no bounds, no negative indices), integers and
real numbers, that does one task of many::

    @kernel
    def double(y, x, n, block, task):
        for i in range(task * block, min(n, (task + 1) * block)):
            y[i] = x[i] + x[i]

Its parameters are in this order: arrays, integers, reals, ``table`` (a pointer to any number of
integers) if it needs one, ``status`` (a pointer to code, where, value) if it may find bad values,
and ``task``. It cannot raise, print, yield or allocate memory. Numba compiles it when it is first
needed for some element types, without any flag that would change IEEE arithmetic. No two arrays of
a call may overlap unless both are only read.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from numba.core import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.registry import CPUDispatcher
from numba.extending import intrinsic

from .disk_cache import DiskCache
from .effects import PureTile
from .lines import WithLines
from .user_syntax import check

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
# debug: whatever NUMBA_DEBUGINFO says; LLVM does not take it beside the lines of `WithLines`.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "boundscheck": False, "debug": False}
_TILE = types.void(
    types.CPointer(types.voidptr),
    types.CPointer(types.int64),
    types.CPointer(types.float64),
    types.CPointer(types.int64),
    types.int64,
)


def _arguments(arrays: Sequence[Any], integers: int, reals: int, table: bool, status: bool) -> Any:
    """A function of what a tile gets: the arguments of a kernel, a tuple."""
    kinds = [types.CPointer(element) for element in arrays]
    kinds += [types.int64] * integers + [types.float64] * reals
    kinds += [types.CPointer(types.int64)] * (table + status) + [types.int64]
    result = types.BaseTuple.from_types(tuple(kinds))

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        def at(i: int, place: int) -> Any:
            return builder.gep(given[i], [context.get_constant(types.int64, place)])

        pointers = [builder.load(at(0, i)) for i in range(len(arrays))]
        values = [
            builder.bitcast(pointer, context.get_value_type(kind))
            for pointer, kind in zip(pointers, kinds)
        ]
        values += [builder.load(at(1, i)) for i in range(integers)]
        values += [builder.load(at(2, i)) for i in range(reals)]
        values += [at(1, integers)] * table + [given[3]] * status + [given[4]]
        return context.make_tuple(builder, result, values)

    @intrinsic
    def arguments(typing: Any, a: Any, i: Any, r: Any, s: Any, task: Any) -> Any:
        return result(a, i, r, s, task), generate

    return arguments


class Part(JITCodeLibrary):
    """LLVM code for kernels to link, which are optimized and become machine code as a whole."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalized = True


class Inlined(CPUDispatcher):
    """A function that becomes part of the kernels that call it.

    As theirs, its pointers do not overlap. It is optimized and becomes machine code with them only:
    a dispatcher of Numba does both for every function, which takes as long as the rest.
    compiler: of Numba's kind; options: of numba.njit, where they differ.
    """

    def __init__(
        self, function: Callable[..., Any], compiler: Any = Compiler, **options: Any
    ) -> None:
        options = {**OPTIONS, "nopython": True, **options}
        super().__init__(function, targetoptions=options, pipeline_class=compiler)
        usual = self._compiler._customize_flags

        def customize(flags: Any) -> Any:
            flags = usual(flags)
            flags.noalias = flags.forceinline = flags.no_compile = True
            flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
            return flags

        self._compiler._customize_flags = customize

    def __call__(self, *arguments: Any) -> Any:
        """From Python: as it is written there, with Python's errors."""
        return self.py_func(*arguments)

    def add_overload(self, result: Any) -> None:
        """Keeps what was compiled for some types; Numba would ask for its machine code."""
        result.library.__class__ = Part
        key = object()
        self.targetctx.insert_user_function(key, result.fndesc, [result.library])
        self.overloads[tuple(result.signature.args)] = result._replace(entry_point=key)


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """A function that kernels call. options: of `Inlined`."""
    return Inlined(function, **options)


class Kernel:
    """A kernel and what has been compiled of it.

    Args:
        function: see the module's docstring.
        name: tells it from others in the cache on disk, if it is made of other functions;
            "" if nothing does: it is not kept.
        options: of `Inlined`, of which a kernel is made.

    Raises:
        TypeError: it says what compiled code has no place for.
    """

    def __init__(
        self, function: Callable[..., None], name: str | None = None, **options: Any
    ) -> None:
        self.function = function
        self.name = f"{function.__module__}.{function.__qualname__}" if name is None else name
        self.parameters = list(inspect.signature(function).parameters)
        self.options = options
        self._tiles: dict[tuple, Any] = {}
        check(function, self.name)
        self.of_fastnn = str(function.__module__).startswith("fastnn.")
        if not self.of_fastnn:
            self.options = {"compiler": WithLines, **options}

    def check(self, arrays: int, integers: int, reals: int) -> None:
        """TypeError if its parameters are not so many, or the last is not the task."""
        if self.parameters[-1:] != ["task"]:
            raise TypeError(
                f"{self.name}: takes {self.parameters}, expected `task` as the last parameter"
            )
        given = ("table" in self.parameters) + ("status" in self.parameters) + 1
        count = arrays + integers + reals + given
        if count != len(self.parameters):
            raise TypeError(
                f"{self.name}: takes {self.parameters}, but its stage has {arrays} arrays, "
                f"{integers} integers and {reals} reals; with the task these are {count}"
            )

    def address(self, dtypes: tuple[str, ...], integers: int, reals: int) -> int:
        """The C function for arrays of those types and so many integers and reals."""
        key = (dtypes, integers, reals)
        if key not in self._tiles:
            self._tiles[key] = self._compile(*key)
        return self._tiles[key].address

    def _compile(self, dtypes: tuple[str, ...], integers: int, reals: int) -> Any:
        table, status = "table" in self.parameters, "status" in self.parameters
        elements = [ELEMENTS[dtype] for dtype in dtypes]
        function = compiled(self.function, **self.options)
        arguments = _arguments(elements, integers, reals, table, status)

        def call(arrays, integers, reals, status, task):
            function(*arguments(arrays, integers, reals, status, task))

        tile = PureTile(call, (_TILE.args, _TILE.return_type), {}, OPTIONS)
        # Of other kernels the cache cannot tell whether they have changed.
        if self.name and self.of_fastnn:
            tile._cache = DiskCache(f"{self.name}({', '.join(dtypes)}, {integers}, {reals})")
        tile.compile()
        return tile


def kernel(function: Callable[..., None]) -> Kernel:
    """Marks a function as a kernel; see the module's docstring."""
    if not inspect.isfunction(function):
        raise TypeError(f"kernel: expected a function of Python, got {function!r}")
    return Kernel(function)
