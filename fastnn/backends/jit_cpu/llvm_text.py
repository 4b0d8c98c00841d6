"""Where in a user's functions something happens, read from LLVM code; see lines.py."""

from __future__ import annotations

import functools
import os
import re

import numba

Place = tuple[str, int]  # a file's path and a line

_NUMBA = os.path.join(os.path.dirname(os.path.abspath(numba.__file__)), "")
_ESCAPED = re.compile(rb"\\(\\|[0-9A-F]{2})")
_MARK = re.compile(r"!dbg (!\d+)")
_LINE = re.compile(r"!DILocation\(line: (\d+), .*?scope: (!\d+)(?:, inlinedAt: (!\d+))?")
_FILE = re.compile(r"\bfile: (!\d+)")
_PATH = re.compile(r'!DIFile\(filename: "(.*?)", directory: "(.*?)"')
_DEFINED = re.compile(r'^define [^\n@]*@"?([^"(\n]+)', re.M)
_FUNCTION = re.compile(_DEFINED.pattern + r'"?\(.*?^}', re.M | re.S)
_LABEL = re.compile(r'^"?([^\s"]+)"?:(?: *; preds = (.*))?$', re.M)
_BLOCK = re.compile(r'%"?([^\s",]+)')


def of_numba(path: str) -> bool:
    """Whether a file is one of Numba's own."""
    return os.path.abspath(path).startswith(_NUMBA)


def unescaped(text: str) -> bytes:
    """The bytes of a string in LLVM code."""

    def byte(escaped: re.Match[bytes]) -> bytes:
        return b"\\" if escaped[1] == b"\\" else bytes.fromhex(escaped[1].decode())

    return _ESCAPED.sub(byte, text.encode())


class Lines:
    """The lines in LLVM code."""

    def __init__(self, code: str) -> None:
        self.code = code

    @functools.cached_property
    def _metadata(self) -> dict[str, str]:
        return dict(re.findall(r"^(!\d+) = (?:distinct )?(.*)$", self.code, re.M))

    def calls(self, callee: str) -> list[re.Match[str]]:
        """The calls of functions whose names match a pattern."""
        call = re.compile(rf'\bcall\b[^\n@]*@"?(?:{callee})\b.*')
        return list(call.finditer(self.code))

    def of_calls(self, callee: str, seen: frozenset[str] = frozenset()) -> list[Place]:
        """Where functions are called whose names match a pattern, and where those that call them.

        The latter counts for calls without a line.
        """
        places, callers = [], []
        for call in self.calls(callee):
            if place := self._place(call[0]):
                places.append(place)
            else:
                defined = _DEFINED.findall(self.code[: call.start()])
                callers.append(re.escape(defined[-1]))
        for caller in dict.fromkeys(callers):
            if caller not in seen:
                places += self.of_calls(caller, seen | {caller})
        return places

    def of_constant(self, name: str) -> list[Place]:
        """Where a constant is taken whose name matches a pattern: the instruction says so, or the
        branches that lead there, or the calls of the function.
        """
        places = []
        for function in _FUNCTION.finditer(self.code):
            if taken := self._taking(name, function[0]):
                here = [place for one in taken if (place := self._place(one))]
                places += here or self.of_calls(re.escape(function[1]))
        return places

    def _taking(self, name: str, function: str) -> list[str]:
        """The instructions of a function that take a constant, or branch to where it is taken."""
        take = re.compile(rf"^ .*@{name}\b.*$", re.M)
        parts = _LABEL.split(function)
        blocks = list(zip(parts[1::3], parts[2::3], parts[3::3]))
        branch = {label: text.rstrip("\n}").split("\n")[-1] for label, _, text in blocks}
        found = []
        for _, leading, text in blocks:
            for instruction in take.findall(text):
                if self._place(instruction):
                    found.append(instruction)
                else:
                    chosen = re.findall(rf'@{name}, %"?([^\s"]+)', instruction)  # by a phi
                    before = chosen or _BLOCK.findall(leading)
                    found += [branch[label] for label in before if label in branch]
        return found

    def _place(self, instruction: str) -> Place | None:
        """That of an instruction: the innermost line of a user's."""
        mark = _MARK.search(instruction)
        location = _LINE.match(self._metadata[mark[1]]) if mark else None
        while location:
            file = _FILE.search(self._metadata[location[2]])
            path = _PATH.match(self._metadata[file[1]]) if file else None
            if path and location[1] != "0":  # 0: of several lines
                whole = os.path.join(*(os.fsdecode(unescaped(part)) for part in (path[2], path[1])))
                if not of_numba(whole):
                    return whole, int(location[1])
            location = _LINE.match(self._metadata[location[3]]) if location[3] else None
        return None
