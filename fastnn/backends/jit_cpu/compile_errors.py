"""What Numba says of a function that it cannot compile: a sentence that names the user's line."""

from __future__ import annotations

import linecache
import os
import re

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PLACE = re.compile(r'^File "(.+)", line (\d+):', re.M)
_CALL = re.compile(r"^No implementation of function .*?>>> (.*?)$", re.M | re.S)
_ATTRIBUTE = re.compile(r"Unknown attribute '(\w+)' of type Module\(<module '([\w.]+)'")
_RAISED = re.compile(r"^ *\w+Error: (.+?)\s+raised from ", re.M | re.S)


def _what(text: str) -> str:
    if attribute := _ATTRIBUTE.search(text):
        return f"{attribute[2]}.{attribute[1]} is not known for numbers"
    if raised := _RAISED.search(text):
        return raised[1]
    if call := _CALL.search(text):
        return f"{call[1].strip()} is not known"
    lines = [line.strip() for line in text.splitlines()]
    said = (line for line in lines if line and not line.startswith("Failed in nopython"))
    return next(said, "Numba does not know it")


def reason(name: str, error: Exception, where: str) -> str:
    """What is wrong, and where: in the innermost of functions that call each other.

    name: of the operation; error: of Numba; where: the function stands, if nothing better is known
    """
    text = re.sub(r"Number\(\w+, \d+\)", "number", _COLOURS.sub("", str(error)))
    what = _what(text)
    if "must return" in what:
        return f"{name}: {what}"
    if place := _PLACE.search(text):
        file, line = os.path.abspath(place[1]), int(place[2])
    elif loc := getattr(error, "loc", None):
        file, line = loc.filename, loc.line
    else:
        return f"{name}: cannot be compiled: {what} ({where})"
    source = linecache.getline(file, line).strip()
    return f"{name}: cannot be compiled: {what} ({file}, line {line}: {source})"
