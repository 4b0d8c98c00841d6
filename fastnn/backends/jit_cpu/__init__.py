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
    PLANNERS[primitive] = planner
    _core.forget_programs()


def _operand(value: Any) -> Any:
    if isinstance(value, list):
        return [Operand(*item) for item in value]
    return value and Operand(*value)


def plan(primitive: str, arrays: int, operands: list, attributes: dict) -> Any:
    """What the core asks: the program of a kind of call, or None."""
    planner = PLANNERS.get(primitive)
    stages = planner and planner(*map(_operand, operands), **attributes)
    if stages is None:
        return None
    if not isinstance(stages, list) or not all(isinstance(s, Stage) for s in stages):
        raise TypeError(
            f"{primitive}: its planner must return a list of what `stage` returns, or None, "
            f"got {stages!r}"
        )
    return assemble(stages, arrays)
