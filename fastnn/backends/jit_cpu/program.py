"""What a planner gets and gives: operands of a call, and the stages that compute it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any, NamedTuple

from fastnn.messages import shown
from fastnn.utils.integers import integer

from .compile import Kernel
from .compile_errors import reason
from .user_syntax import check_reference, references

# Elements that one task of an element-wise stage takes: shared out to threads from there on.
BLOCK = 16_384


SIZES = {"float32": 4, "float64": 8, "int32": 4, "int64": 8, "uint64": 8, "uint8": 1, "bool": 1}


class Operand(NamedTuple):
    """An array of the call: where it stands among them, its shape and its element type."""

    place: int
    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def reshaped(self, *shape: int) -> Operand:
        """The same elements under another shape."""
        return self._replace(shape=shape)


class Scratch:
    """Memory that stages of one program hand to each other; its values are undefined at first."""

    def __init__(self, shape: Sequence[int], dtype: str, memory: Scratch | None = None) -> None:
        if dtype not in SIZES:
            raise ValueError(f"Scratch: dtype must be one of {', '.join(SIZES)}, got {dtype!r}")
        if isinstance(shape, str) or not isinstance(shape, Iterable):
            raise TypeError(f"Scratch: shape must be a row of integers, got {shown(shape)}")
        self.shape = tuple(integer("Scratch: an extent of shape", extent) for extent in shape)
        self.dtype, self.memory = dtype, memory or self

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.size * SIZES[self.dtype]

    def reshaped(self, *shape: int) -> Scratch:
        """The same elements under another shape."""
        return Scratch(shape, self.dtype, self.memory)


Array = Operand | Scratch


class Stage(NamedTuple):
    """One kernel with its arguments, run once for each of its tasks."""

    kernel: Kernel
    arrays: Sequence[Array | None]
    integers: Sequence[int]
    reals: Sequence[float]
    table: Sequence[int]
    tasks: int

    def address(self) -> int:
        """That of the kernel, compiled for these arguments."""
        first = self.arrays[0]
        assert first is not None
        dtypes = tuple((first if a is None else a).dtype for a in self.arrays)
        return self.kernel.address(dtypes, len(self.integers), len(self.reals))


def stage(
    kernel: Kernel,
    arrays: Sequence[Array | None],
    integers: Sequence[int] = (),
    reals: Sequence[float] = (),
    table: Sequence[int] = (),
    tasks: int = 1,
) -> Stage:
    """A stage. An absent operand (None) is a null pointer of the first array's type."""
    if not isinstance(kernel, Kernel):
        raise TypeError(f"stage: expected a function marked with @kernel, got {kernel!r}")
    kernel.check(len(arrays), len(integers), len(reals))
    for i, array in enumerate(arrays):
        if not isinstance(array, Array) and (array is not None or i == 0):
            raise TypeError(
                f"{kernel.name}: array {i} of its stage must be an operand or a Scratch"
                f"{' or None' if i else ''}, got {type(array).__name__}"
            )
    for i, number in enumerate(table):  # which the core takes together with the integers
        if not isinstance(number, Integral):
            raise TypeError(
                f"{kernel.name}: table[{i}] of its stage must be an integer, got {shown(number)}"
            )
    return Stage(kernel, arrays, integers, reals, table, tasks)


def blocks(n: int, block: int = BLOCK) -> int:
    """How many tasks take n elements, `block` each."""
    return -(-n // block)


def _compiled(s: Stage) -> int:
    """The address of its kernel, or a TypeError that names the line of it that does not compile."""
    function, name = s.kernel.function, s.kernel.name
    if not s.kernel.of_fastnn:
        for path, value in references(function, name).items():
            check_reference(value, path, function, name)
    try:
        return s.address()
    except Exception as error:  # Numba's own, and others where it did not expect such a function
        raise TypeError(reason(name, error, function)) from None


def assemble(stages: Sequence[Stage], arrays: int) -> tuple[list[tuple[Any, ...]], list[int]]:
    """The stages in the form that the core takes; the call has so many arrays."""
    scratch: list[Scratch] = []

    def place_of(array: Array | None) -> int:
        if array is None:
            return -1
        if isinstance(array, Operand):
            return array.place
        if array.memory not in scratch:
            scratch.append(array.memory)
        return arrays + scratch.index(array.memory)

    assembled = []
    for s in stages:
        if s.tasks == 0:
            continue
        places = [place_of(a) for a in s.arrays]
        assembled.append((_compiled(s), s.tasks, places, [*s.integers, *s.table], list(s.reals)))
    return assembled, [s.bytes for s in scratch]
