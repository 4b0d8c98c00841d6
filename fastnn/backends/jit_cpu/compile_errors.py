"""What Numba says of a function that it cannot compile, in a sentence that names the user's line."""

from __future__ import annotations

import linecache
import os
import re
from typing import Any

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PLACE = re.compile(r'^File "(.+)", line (\d+):', re.M)
_CALL = re.compile(r"^No implementation of function .*?>>> (.*?)$", re.M | re.S)


def words(kind: Any) -> str:
    """A Numba type, or a text with such types, in words."""
    return re.sub(r"Number\(\w+, \d+\)", "number", str(kind))


def reason(name: str, error: Any) -> str:
    """What is wrong, and where: in the innermost of functions that call each other.

    name: of the operation; error: a NumbaError
    """
    text = _COLOURS.sub("", str(error))
    lines = [line.strip() for line in text.splitlines()]
    what = next(line for line in lines if line and not line.startswith("Failed in nopython"))
    if call := _CALL.search(text):
        what = f"{call[1].strip()} is not known"
    if place := _PLACE.search(text):
        file, line = os.path.abspath(place[1]), int(place[2])
    else:
        file, line = error.loc.filename, error.loc.line
    source = linecache.getline(file, line).strip()
    return f"{name}: cannot be compiled: {words(what)} ({file}, line {line}: {source})"
