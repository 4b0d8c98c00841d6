"""A compiler of Numba's kind that writes LLVM code in a way of its own."""

from __future__ import annotations

from typing import Any

from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.lowering import Lower
from numba.core.typed_passes import BaseNativeLowering, NativeLowering


def compiler_with(lower: type[Lower]) -> type[CompilerBase]:
    """Numba's compiler, but for its last step: that is done by `lower`."""

    @register_pass(mutates_CFG=True, analysis_only=False)
    class Lowering(BaseNativeLowering):
        _name = f"{lower.__module__}.{lower.__qualname__}"

        @property
        def lowering_class(self) -> Any:
            return lower

    class Compiler(CompilerBase):
        def define_pipelines(self) -> list[Any]:
            passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
            passes.passes = [
                (Lowering if one is NativeLowering else one, text) for one, text in passes.passes
            ]
            passes.finalize()
            return [passes]

    return Compiler
