"""A compiler that writes the lines of a user's functions into LLVM code; see llvm_text.py."""

from __future__ import annotations

from typing import Any

from numba.core.callconv import CPUCallConv
from numba.core.cpu import CPUContext
from numba.core.debuginfo import DIBuilder
from numba.core.lowering import Lower

from .lowering import compiler_with


class _Raising(CPUCallConv):
    """Exceptions of a function know its line, also those of what is built into Numba."""

    def set_static_user_exc(
        self, builder: Any, exc: Any, exc_args: Any = None, loc: Any = None, func_name: Any = None
    ) -> None:
        lower = self.context.lower
        if builder is lower.builder:  # not that of a function of Numba's, compiled on the way
            loc, func_name = lower.loc, lower.func_ir.func_id.func_name
        super().set_static_user_exc(builder, exc, exc_args, loc, func_name)


class _Context(CPUContext):
    lower: Any  # that of the function

    @property
    def call_conv(self) -> _Raising:
        return _Raising(self)


class _Lower(Lower):
    """Marks instructions and exceptions with their lines.

    Numba does the first with its option `debug`, and then also parses the file of every function,
    its own as well, and warns about those that have none.
    """

    def init(self) -> None:
        super().init()
        self.context.__class__, self.context.lower = _Context, self
        self.debuginfo = DIBuilder(
            module=self.module,
            filepath=self.func_ir.loc.filename,
            cgctx=self.context,
            directives_only=True,
        )


WithLines = compiler_with(_Lower)
