"""Single machine operations that Python has no word for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic

_INTEGERS = {types.float32: types.int32, types.float64: types.int64}


def _for_a_gpu(context: Any) -> bool:
    return type(context).__module__.startswith("numba.cuda")


def _of_llvm(name: str, operands: Sequence[Any]) -> Any:
    """The call of one of LLVM's functions, for numbers of one floating-point type.

    NVIDIA's compiler knows some of them only by the names of its own library.
    """
    kind = operands[0]
    if kind not in _INTEGERS or any(operand != kind for operand in operands):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        real = context.get_value_type(kind)
        function = ir.FunctionType(real, [real] * len(operands))
        full_name = f"llvm.{name}.f{kind.bitwidth}"
        if _for_a_gpu(context):
            full_name = f"__nv_{name}" + ("f" if kind.bitwidth == 32 else "")
        return builder.call(get_or_insert_function(builder.module, function, full_name), arguments)

    return kind(*operands), generate


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c with one rounding."""
    return _of_llvm("fma", (a, b, c))


@intrinsic
def floor(typing: Any, x: Any) -> Any:
    """The largest whole number that is not larger."""
    return _of_llvm("floor", (x,))


@intrinsic
def ceil(typing: Any, x: Any) -> Any:
    """The smallest whole number that is not smaller."""
    return _of_llvm("ceil", (x,))


@intrinsic
def rint(typing: Any, x: Any) -> Any:
    """The nearest whole number, the even one of two."""
    return _of_llvm("rint", (x,))


@intrinsic
def bits(typing: Any, x: Any) -> Any:
    """The bits of a floating-point number as an integer of its width."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(_INTEGERS[x]))

    return _INTEGERS[x](x), generate


@intrinsic
def from_bits(typing: Any, i: Any) -> Any:
    """The floating-point number with the bits of an int32 or int64."""
    result = {types.int32: types.float32, types.int64: types.float64}[i]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(result))

    return result(i), generate


@intrinsic
def unforeseen(typing: Any, x: Any) -> Any:
    """The same number, of which LLVM knows nothing, not even that it was the same the last time.

    A loop that calls it is not vectorized, nor is the number's part taken out of it.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _for_a_gpu(context):  # nothing is vectorized there
            return arguments[0]
        integer = context.get_value_type(_INTEGERS[x])
        number = builder.bitcast(arguments[0], integer)
        kind = ir.FunctionType(integer, [integer])
        same = builder.asm(kind, "", "=r,0", [number], side_effect=True)
        return builder.bitcast(same, context.get_value_type(x))

    return x(x), generate
