"""Numbers that carry their derivatives: what the parameters of a user's function are to Numba.

A Number has a value of float32 or float64 and, for each of any number of variables, its partial
derivative (forward differentiation with dual numbers: R. E. Wengert, "A simple automatic derivative
evaluation program", 1964). Arithmetic with Python's integers and floats keeps the element type, as
with Tensors. Without partial derivatives a Number is a float of that type that stays one.

In LLVM a Number is a struct, which optimization takes apart: loops over them become vector code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.core.typeconv import Conversion
from numba.extending import intrinsic, lower_builtin, lower_cast, models, register_model

PLAIN = (types.Integer, types.Float, types.Boolean)  # what becomes a Number where it meets one


class NumberType(types.Type):
    """A value and so many partial derivatives."""

    def __init__(self, element: types.Float, partials: int) -> None:
        self.element, self.partials = element, partials
        super().__init__(name=f"Number({element}, {partials})")

    def can_convert_from(self, typing: Any, other: Any) -> Conversion | None:
        return Conversion.safe if isinstance(other, PLAIN) else None


@register_model(NumberType)
class NumberModel(models.StructModel):
    """In LLVM: a struct of numbers."""

    def __init__(self, manager: Any, number: NumberType) -> None:
        members = [("value", number.element)]
        members += [(f"partial{i}", number.element) for i in range(number.partials)]
        super().__init__(manager, number, members)


def _number(context: Any, builder: Any, kind: NumberType, value: Any, partials: Sequence) -> Any:
    struct = cgutils.create_struct_proxy(kind)(context, builder)
    struct.value = value
    for i, partial in enumerate(partials):
        setattr(struct, f"partial{i}", partial)
    return struct._getvalue()


def _real(context: Any, kind: NumberType, value: float) -> Any:
    return context.get_constant(kind.element, value)


@lower_cast(types.Integer, NumberType)
@lower_cast(types.Float, NumberType)
@lower_cast(types.Boolean, NumberType)
def _from_plain(context: Any, builder: Any, given: Any, kind: NumberType, x: Any) -> Any:
    value = context.cast(builder, x, given, kind.element)
    return _number(context, builder, kind, value, [_real(context, kind, 0.0)] * kind.partials)


@lower_builtin(bool, NumberType)  # of conditions, "and", "or"
def _truth(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    zero = _real(context, signature.args[0], 0.0)
    return builder.fcmp_unordered("!=", builder.extract_value(arguments[0], 0), zero)


@intrinsic(prefer_literal=True)
def variable(typing: Any, x: Any, partials: Any, place: Any) -> Any:
    """The Number of an element that is variable `place` of so many; -1: a constant."""
    if not isinstance(partials, types.IntegerLiteral) or not isinstance(
        place, types.IntegerLiteral
    ):
        raise TypingError("partials and place must be literal")
    kind, index = NumberType(x, partials.literal_value), place.literal_value

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ones = [_real(context, kind, float(i == index)) for i in range(kind.partials)]
        return _number(context, builder, kind, arguments[0], ones)

    return kind(x, partials, place), generate


@intrinsic
def returned(typing: Any, y: Any, like: Any) -> Any:
    """What a user's function returned, as a Number of the kind of `like`."""
    if not isinstance(y, (NumberType, *PLAIN)):
        raise TypingError(f"must return one number for each element, returns {y}")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[0], y, like)

    return like(y, like), generate


@intrinsic(prefer_literal=True)
def returned_part(typing: Any, ys: Any, like: Any, place: Any, count: Any) -> Any:
    """Number `place` of so many that a user's gradient returned."""
    if not isinstance(place, types.IntegerLiteral) or not isinstance(count, types.IntegerLiteral):
        raise TypingError("place and count must be literal")
    index, n = place.literal_value, count.literal_value
    several = isinstance(ys, types.BaseTuple)
    parts = list(ys) if several else [ys]
    if len(parts) != n or not all(isinstance(part, (NumberType, *PLAIN)) for part in parts):
        expected = f"{n} numbers, a tuple" if n > 1 else "one number"
        raise TypingError(f"gradient must return {expected}, returns {ys}")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        part = builder.extract_value(arguments[0], index) if several else arguments[0]
        return context.cast(builder, part, parts[index], like)

    return like(ys, like, place, count), generate


@intrinsic
def lifted(typing: Any, x: Any, other: Any) -> Any:
    """x as a Number of the kind of `other`; as it is if it is one."""
    kind = x if isinstance(x, NumberType) else other

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[0], x, kind)

    return kind(x, other), generate


@intrinsic
def value(typing: Any, x: Any) -> Any:
    """The value of a Number; a plain number is its own."""
    if isinstance(x, PLAIN):
        return x(x), lambda context, builder, signature, arguments: arguments[0]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.extract_value(arguments[0], 0)

    return x.element(x), generate


@intrinsic(prefer_literal=True)
def partial(typing: Any, x: Any, place: Any) -> Any:
    """The derivative of a Number for variable `place`."""
    if not isinstance(place, types.IntegerLiteral):
        raise TypingError("place must be literal")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.extract_value(arguments[0], 1 + place.literal_value)

    return x.element(x, place), generate


def _scaled(builder: Any, slope: Any, derivative: Any, zero: Any) -> Any:
    # What does not depend on a variable does so with any slope, an infinite one too.
    unrelated = builder.fcmp_ordered("==", derivative, zero)
    return builder.select(unrelated, zero, builder.fmul(slope, derivative))


def _chained(y: Any, terms: Sequence[tuple[Any, NumberType]]) -> tuple[NumberType, Any]:
    """The kind of y and its code, for the types of y and of (slope, Number) pairs."""
    kind = terms[0][1]
    given = [y, *(slope for slope, _ in terms)]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        top, slopes, numbers = arguments[0], arguments[1::2], arguments[2::2]
        top, *slopes = (
            context.cast(builder, x, plain, kind.element) for x, plain in zip([top, *slopes], given)
        )
        zero: ir.Constant = _real(context, kind, 0.0)
        partials = []
        for i in range(kind.partials):
            parts = [
                _scaled(builder, slope, builder.extract_value(number, 1 + i), zero)
                for slope, number in zip(slopes, numbers)
            ]
            partials.append(parts[0] if len(parts) == 1 else builder.fadd(*parts))
        return _number(context, builder, kind, top, partials)

    return kind, generate


@intrinsic
def chain(typing: Any, y: Any, slope: Any, x: Any) -> Any:
    """The Number with value y whose derivative by the Number x is `slope`."""
    kind, generate = _chained(y, [(slope, x)])
    return kind(y, slope, x), generate


@intrinsic
def chain_two(typing: Any, y: Any, slope1: Any, x1: Any, slope2: Any, x2: Any) -> Any:
    """The same for a function of two Numbers of one kind."""
    kind, generate = _chained(y, [(slope1, x1), (slope2, x2)])
    return kind(y, slope1, x1, slope2, x2), generate
