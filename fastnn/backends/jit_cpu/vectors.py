"""Vectors of eight numbers that live in registers: what a tile of a matrix product is made of.

LLVM maps eight float32 to one AVX register, two NEON registers or half an AVX-512 one, and eight
float64 to twice as many. The loops of other kernels need no such thing: LLVM vectorises them.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic, models, register_model

LANES = 8


class VectorType(types.Type):
    """Eight numbers of one floating-point type."""

    def __init__(self, element: types.Float) -> None:
        self.element = element
        super().__init__(name=f"vector({element})")


@register_model(VectorType)
class VectorModel(models.PrimitiveModel):
    """In LLVM: a vector."""

    def __init__(self, manager: Any, vector: VectorType) -> None:
        element = manager.lookup(vector.element).get_value_type()
        super().__init__(manager, vector, ir.VectorType(element, LANES))


def _address(context: Any, builder: Any, pointer: Any, index: Any, element: Any) -> Any:
    place = builder.gep(pointer, [index])
    vector = ir.VectorType(context.get_value_type(element), LANES)
    return builder.bitcast(place, vector.as_pointer())


@intrinsic
def load(typing: Any, pointer: Any, index: Any) -> Any:
    """The eight elements from pointer[index] on."""
    element = pointer.dtype

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _address(context, builder, arguments[0], arguments[1], element)
        return builder.load(place, align=element.bitwidth // 8)

    return VectorType(element)(pointer, types.int64), generate


@intrinsic
def store(typing: Any, pointer: Any, index: Any, vector: Any) -> Any:
    """Writes a vector to pointer[index] and on."""
    element = pointer.dtype

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _address(context, builder, arguments[0], arguments[1], element)
        builder.store(arguments[2], place, align=element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(pointer, types.int64, vector), generate


@intrinsic
def zeros(typing: Any, pointer: Any) -> Any:
    """Eight zeros of the type that the pointer points to."""
    vector = VectorType(pointer.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(context.get_value_type(vector), None)

    return vector(pointer), generate


@intrinsic
def splat(typing: Any, number: Any) -> Any:
    """Eight times the same number."""
    vector = VectorType(number)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = context.get_value_type(vector)
        undefined = ir.Constant(kind, ir.Undefined)
        one = builder.insert_element(undefined, arguments[0], ir.IntType(32)(0))
        same = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(one, undefined, same)

    return vector(number), generate


@intrinsic
def multiply_add(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, lane by lane, each with one rounding."""
    if not (isinstance(a, VectorType) and a == b == c):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = context.get_value_type(a)
        name = f"llvm.fma.v{LANES}f{a.element.bitwidth}"
        function = ir.FunctionType(kind, [kind] * 3)
        return builder.call(get_or_insert_function(builder.module, function, name), arguments)

    return a(a, b, c), generate
