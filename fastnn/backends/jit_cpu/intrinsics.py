"""Single machine operations that Python has no word for."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic

_INTEGERS = {types.float32: types.int32, types.float64: types.int64}


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c with one rounding, for three numbers of one floating-point type."""
    if a not in _INTEGERS or not a == b == c:
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = context.get_value_type(a)
        function = ir.FunctionType(kind, [kind] * 3)
        name = f"llvm.fma.f{a.bitwidth}"
        return builder.call(get_or_insert_function(builder.module, function, name), arguments)

    return a(a, b, c), generate


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
