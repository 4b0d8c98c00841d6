"""A slow way that few elements need, beside a loop over vectors.

LLVM makes no vector code of a loop with a branch: it computes both sides for every element. So a
call stands in its place, of a function that LLVM is told vector variants of: `if any element is
rare: each of them by the slow way`. Their test becomes part of the loop.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, overload

_LANES = (2, 4, 8, 16)
_PURE = ("nounwind", "willreturn", "memory(none)", "speculatable")


class _Attributes(ir.values.FunctionAttributes):
    """Those that llvmlite has no names for, too."""

    def add(self, name: str) -> None:
        set.add(self, name)


def _function(module: ir.Module, name: str, kinds: Any, *attributes: str) -> tuple[Any, Any]:
    """A new function of (rare, x, y), and what writes its code."""
    function = ir.Function(module, ir.FunctionType(kinds[1], kinds), name)
    function.linkage = "weak_odr"  # is kept though nothing calls it yet
    function.attributes = _Attributes()
    for attribute in (*_PURE, *attributes):
        function.attributes.add(attribute)
    return function, ir.IRBuilder(function.append_basic_block())


def _scalar(context: Any, module: ir.Module, name: str, slow: Any, kind: types.Float) -> Any:
    """The function of one element, and its variants for vectors."""
    if name in module.globals:
        return module.globals[name]
    real, bit = context.get_value_type(kind), ir.IntType(1)
    variants = ",".join(f"_ZGV_LLVM_N{lanes}vvv_{name}({name}.{lanes})" for lanes in _LANES)
    mapping = f'"vector-function-abi-variant"="{variants}"'
    scalar, builder = _function(module, name, [bit, real, real], "noinline", mapping)
    overload = slow.overloads[(kind,)]
    context.active_code_library.add_linking_library(overload.library)
    rare, x, y = scalar.args
    with builder.if_then(rare, likely=False):
        signature = overload.signature
        _, result = context.call_internal_no_propagate(builder, overload.fndesc, signature, [x])
        builder.ret(result)
    builder.ret(y)
    for lanes in _LANES:
        _vector(module, scalar, lanes)
    return scalar


def _vector(module: ir.Module, scalar: Any, lanes: int) -> None:
    """Adds the variant for so many elements."""
    kinds = [ir.VectorType(kind, lanes) for kind in scalar.function_type.args]
    each, builder = _function(module, f"{scalar.name}.{lanes}.each", kinds, "noinline", "cold")
    y = each.args[2]
    for i in range(lanes):
        place = ir.IntType(32)(i)
        elements = [builder.extract_element(argument, place) for argument in each.args]
        y = builder.insert_element(y, builder.call(scalar, elements), place)
    builder.ret(y)
    variant, builder = _function(module, f"{scalar.name}.{lanes}", kinds, "alwaysinline")
    whole = ir.IntType(lanes)
    some = builder.icmp_unsigned("!=", builder.bitcast(variant.args[0], whole), whole(0))
    with builder.if_then(some, likely=False):
        builder.ret(builder.call(each, variant.args))
    builder.ret(variant.args[2])


def rarely(slow: Any) -> Any:
    """f(rare, x, y): slow(x) where `rare`, which is seldom so, else y. slow: compiled; pure."""

    @intrinsic
    def in_vectors(typing: Any, rare: Any, x: Any, y: Any) -> Any:
        slow.compile((x,))

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            name = f"fastnn.rarely.{slow.py_func.__name__}.{x}"
            return builder.call(_scalar(context, builder.module, name, slow, x), arguments)

        return x(types.boolean, x, x), generate

    def chosen(rare, x, y):
        raise NotImplementedError("is for compiled functions")

    @overload(chosen, target="generic", jit_options={"forceinline": True})  # GPUs branch
    def _(rare, x, y):
        return lambda rare, x, y: slow(x) if rare else y

    @overload(chosen, target="cpu", jit_options={"forceinline": True})
    def _(rare, x, y):
        return lambda rare, x, y: in_vectors(rare, x, y)

    return chosen
