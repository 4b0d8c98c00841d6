"""Loops whose vector code does two vectors side by side.

Each step of a polynomial waits for the one before. Of a long one a processor has few elements in
flight, and waits with it, unless two are computed in turns; LLVM does that for short loops only, or
where the loop asks for it.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir as llvm
from numba.core import ir
from numba.core.lowering import Lower

from .lowering import compiler_with

_COUNT = 2


class _LoopName(llvm.MDValue):
    """What LLVM knows a loop by: metadata that refers to itself and says what is asked for."""

    def descr(self, buf: list[str]) -> None:
        wish = self.operands[0].get_reference()
        buf += ("distinct !{ ", self.get_reference(), ", ", wish, " }\n")


class _Lower(Lower):
    """Names the loops of a function."""

    def lower_inst(self, inst: Any) -> None:
        super().lower_inst(inst)
        if not isinstance(inst, ir.Jump) or self.blkmap[inst.target].terminator is None:
            return  # no way back: the target comes later
        module = self.builder.module
        wish = module.add_metadata(["llvm.loop.interleave.count", llvm.IntType(32)(_COUNT)])
        name = _LoopName(module, [wish], str(len(module.metadata)))
        self.builder.block.terminator.set_metadata("llvm.loop", name)


Interleaved = compiler_with(_Lower)  # the compiler of such functions
