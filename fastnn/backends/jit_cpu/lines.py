"""Where in a user's functions something happens: lines, written into LLVM code and read from it."""

from __future__ import annotations

import re
from typing import Any

from numba.core.callconv import CPUCallConv
from numba.core.cpu import CPUContext
from numba.core.debuginfo import DIBuilder
from numba.core.lowering import Lower

from .lowering import compiler_with

Place = tuple[str, int]  # a file's path and a line

_LINE = re.compile(r"!DILocation\(line: (\d+), .*?scope: (!\d+)")
_FILE = re.compile(r"\bfile: (!\d+)")
_PATH = re.compile(r'!DIFile\(filename: "(.*?)", directory: "(.*?)"')


class _Raising(CPUCallConv):
    """Exceptions of a function know its line, also those of what is built into Numba."""

    def set_static_user_exc(
        self, builder: Any, exc: Any, exc_args: Any = None, loc: Any = None, func_name: Any = None
    ) -> None:
        lower = self.context.lower
        if builder is lower.builder:  # not that of a function of Numba's, compiled on the way
            loc, func_name = loc or lower.loc, lower.func_ir.func_id.func_name
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


class Lines:
    """The lines in LLVM code."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._metadata = dict(re.findall(r"^(!\d+) = (?:distinct )?(.*)$", code, re.M))

    def of_calls(self, callee: str, seen: frozenset[str] = frozenset()) -> Place | None:
        """Where a function is called whose name matches a pattern, or one that calls it."""
        calls = re.compile(rf'^.*\bcall\b[^\n@]*@"?(?:{callee})\b.*$', re.M)
        found = list(calls.finditer(self._code))
        for call in found:
            if mark := re.search(r"!dbg (!\d+)", call[0]):
                return self._place(mark[1])
        for call in found:
            defined = re.findall(r'^define [^\n@]*@"?([^"(]+)', self._code[: call.start()], re.M)
            caller = re.escape(defined[-1])
            if caller not in seen and (place := self.of_calls(caller, seen | {caller})):
                return place
        return None

    def _place(self, mark: str) -> Place | None:
        location = _LINE.match(self._metadata[mark])
        scope = _FILE.search(self._metadata[location[2]]) if location else None
        path = _PATH.match(self._metadata[scope[1]]) if scope else None
        if not location or not path or location[1] == "0":  # 0: of several lines
            return None
        return f"{path[2]}/{path[1]}", int(location[1])
