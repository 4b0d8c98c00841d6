"""What both ways through a recurrent layer share: directions, masks, pieces of arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .arrays import clear, empty, flat
from .cuda import cuda, kernel, launch
from .elementwise import copy
from .recurrent_cells import GATES


class Direction(NamedTuple):
    """One direction: its weights, and where its steps and states are."""

    cell: str
    number: int
    units: int
    gates: int
    kept: int  # blocks of units that a step keeps for the way back
    states: int
    w: Any
    u: Any
    bias: Any
    peephole: Any
    backwards: bool

    def step_of(self, k: int, steps: int) -> int:
        """The step that is visited k-th."""
        return steps - 1 - k if self.backwards else k

    def own(self, arrays: Any) -> list:
        """The direction's arrays of a list over directions and states; none of no list."""
        first = self.number * self.states
        return list(arrays[first : first + self.states]) if arrays else [None] * self.states


def directions_of(weights: list, cell: str, directions: int, backwards: bool) -> list[Direction]:
    each = len(weights) // directions
    result = []
    for number in range(directions):
        w, u, *rest = weights[number * each : (number + 1) * each]
        peephole = rest.pop() if cell == "lstm_peephole" else None
        one = Direction(
            cell,
            number,
            units=u.shape[0],
            gates=GATES[cell],
            kept=1 if cell == "simple" else 4,
            states=2 if cell.startswith("lstm") else 1,
            w=flat(w),
            u=flat(u),
            bias=rest[0] if rest else None,
            peephole=peephole,
            backwards=backwards != bool(number),
        )
        result.append(one)
    return result


def piece(x: Any, number: int, size: int) -> Any:
    """Piece number ``number`` of a flat array, of so many elements."""
    return x[number * size : (number + 1) * size]


def set_to(to: Any, given: Any) -> None:
    """to = given, zeros if there is none."""
    if given is None:
        clear(to)
    elif to.size:
        copy(to, flat(given), dtype=str(to.dtype))


# ---- Masks ---------------------------------------------------------------------------------------


@kernel
def _mask_codes(codes, mask, batch, steps, masked, backwards, zero_masked):
    for row in range(cuda.grid(1), batch, cuda.gridsize(1)):
        begun = 0
        for k in range(steps):
            step = steps - 1 - k if backwards else k
            code = 2
            if masked and not mask[row * steps + step]:
                code = begun
            elif not zero_masked:
                begun = 1
            codes[k * batch + row] = code


def codes_of(mask: Any, batch: int, steps: int, backwards: bool, zero_masked: bool) -> Any:
    """For every step and row: 2 it counts; else the output is 1 the last one, 0 zero."""
    codes = empty(max(1, steps * batch), np.uint8)
    given = codes if mask is None else flat(mask)
    masked = mask is not None
    launch(_mask_codes, batch, codes, given, batch, steps, masked, backwards, zero_masked)
    return codes
