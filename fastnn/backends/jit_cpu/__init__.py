"""The jit_cpu backend: the primitives in Numba, for the CPU.

One file a family. In each, kernels (functions over flat pointers that do one task, see compile.py)
and one planner a primitive, of the primitive's name: it gets the operands' shapes and element types
(outputs first) and the attributes, once for each kind of call, and returns the stages. fastnn's own
threads run them, in eager calls and in recorded steps alike. A planner that returns None, or is not
here, leaves the call to the reference backend.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastnn import _core
from fastnn.backends.jit.signatures import check_takes

from . import (
    conv,
    elementwise,
    gather,
    gemm,
    movement,
    norm,
    optimizer,
    pooling,
    random,
    recurrent,
    recurrent_backward,
    reduce,
    softmax,
)
from .program import Operand, Stage, assemble

_FAMILIES = (
    *(conv, elementwise, gather, gemm, movement, norm, optimizer, pooling, random),
    *(recurrent, recurrent_backward),
    *(reduce, softmax),
)
PLANNERS: dict[str, Callable[..., Sequence[Stage] | None]] = {
    name: planner for family in _FAMILIES for name, planner in family.PLANNERS.items()
}


def _user_function(*operands: Any, **attributes: Any) -> Sequence[Stage]:
    from .user_function import elementwise  # teaches Numba a type: only where it is used

    return elementwise(*operands, **attributes)


PLANNERS["elementwise"] = _user_function


def set_planner(primitive: str, planner: Callable[..., Sequence[Stage] | None]) -> None:
    """Gives a primitive another planner, also for calls of kinds that have been planned before.

    Recorded steps keep what they have.
    """
    if primitive not in _core.PRIMITIVES:
        raise ValueError(f"set_planner: there is no primitive {primitive!r}")
    if not callable(planner):
        raise TypeError(f"set_planner: planner must be a function, got {type(planner).__name__}")
    PLANNERS[primitive] = planner
    _core.forget_programs()


def _operand(value: Any) -> Any:
    if isinstance(value, list):
        return [Operand(*item) for item in value]
    return value and Operand(*value)


def _check_writes(primitive: str, operands: list, stages: Sequence[Stage]) -> None:
    """ValueError if there are outputs, and stages for none of them."""
    outputs = {
        output.place: name
        for (name, role, *_), given in zip(_core.PRIMITIVES[primitive]["operands"], operands)
        if role == "out"
        for output in (given if isinstance(given, list) else [given])
        if output and output.size
    }
    taken = {a.place for s in stages if s.tasks for a in s.arrays if isinstance(a, Operand)}
    if outputs and taken.isdisjoint(outputs):
        raise ValueError(
            f"{primitive}: its planner has no stage that takes {' or '.join(outputs.values())}, "
            "which would stay unwritten"
        )


def plan(primitive: str, arrays: int, operands: list, attributes: dict) -> Any:
    """What the core asks: the program of a kind of call, or None."""
    planner = PLANNERS.get(primitive)
    if planner is None:
        return None
    given = [_operand(operand) for operand in operands]
    check_takes(primitive, "planner", planner, given, attributes)
    stages = planner(*given, **attributes)
    if stages is None:
        return None
    if not isinstance(stages, list) or not all(isinstance(s, Stage) for s in stages):
        raise TypeError(
            f"{primitive}: its planner must return a list of what `stage` returns, or None, "
            f"got {stages!r}"
        )
    _check_writes(primitive, given, stages)
    return assemble(stages, arrays)
