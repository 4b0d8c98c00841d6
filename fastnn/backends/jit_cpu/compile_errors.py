"""What Numba says of a function that it cannot compile: a sentence that names the user's line."""

from __future__ import annotations

import linecache
import os
import re
from collections.abc import Callable

from .compile import Kernel
from .effects import Effect
from .user_syntax import at, place, reading

_CALLER = os.path.abspath(Kernel.address.__code__.co_filename)  # its lines are no user's
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PLACE = re.compile(r'^File "(.+)", line (\d+):', re.M)
_LOWERED = re.compile(r"^During: lowering .* at (.+) \((\d+)\)$", re.M)
_RAISED_FROM = re.compile(r"\bRaised from (.+) \((\d+)\)$", re.M)
_CALL = re.compile(r"^No implementation of function .*?>>> (?!<)(.*?)$", re.M | re.S)
_ATTRIBUTE = re.compile(r"Unknown attribute '(\w+)' of type Module\(<module '([\w.]+)'")
_RAISED = re.compile(r"^ *\w+Error: (.+)\s+raised from ", re.M)
_RAISED_HERE = re.compile(_RAISED.pattern + re.escape(os.path.dirname(_CALLER)), re.M)

# Numba's words, and what a user knows them as.
_WORDS = [
    (r"Number\(\w+, \d+\)", "number"),
    (r"Casting (\w+) to (\w+) directly is unsupported\.", r"\2(\1) is not known"),
    (r"(Optional|Omitted)Type\(([^()]+)\)", r"\2 or None"),
    (r"Literal\[(\w+)\]\(.*?\)", r"\1"),
    (r"list\(\w+\)<iv=.*?>", "list"),
    (r"\b(int|float|complex)\d+\b(?!\()", r"\1"),  # a type that is not called
    (r"Uni\w*Tuple\((\w+) x \d+\)", r"a tuple of \1"),
    (r"Tuple\(([^()]*)\)", r"a tuple (\1)"),
    (r"Cannot cast (\w+) to (\w+): .*", r"a \1 cannot become a \2"),
    (r"\('wrong tuple length for .*', '(.+)'\)", r"a tuple has another length: \1"),
    (r"\b(\w+)\*", r"\1 pointer"),
    (r"\bunicode_type\b", "str"),
    (r"\bnone\b", "None"),
    (r"Unknown attribute ('\w+') of type (\w+(?: pointer)?)", r"a \2 has no attribute \1"),
    (r"Cannot unify (.+) and (.+) for .*", r"a value is a \1 on one way and a \2 on another"),
    (r"\ba (a|None)\b", r"\1"),
    (r"Untyped global name ('\w+'): .*", r"\1 is not known for numbers"),
    (r"Use of unsupported opcode \((\w+)\) found", r"\1 is not known"),
    (r"\.?\.? Raised from .*", ""),
    (r"scipy \S+ is required for (.*)", r"\1 is not known for numbers"),
    (r"Type of variable '\$.*", "the type of a value is not known (:= needs a line of its own)"),
    (r"Type of variable ('\w+') cannot be determined.*", r"the type of \1 is not known"),
]


def _in_plain_words(what: str) -> str:
    for theirs, ours in _WORDS:
        what = re.sub(theirs, ours, what)
    return what


def _what(text: str) -> str:
    if attribute := _ATTRIBUTE.search(text):
        return f"{attribute[2]}.{attribute[1]} is not known for numbers"
    if raised := _RAISED_HERE.search(text):
        return raised[1]
    if call := _CALL.search(text):
        return f"{call[1].strip()} is not known"
    if raised := _RAISED.search(text):
        return raised[1]
    lines = [line.strip() for line in text.splitlines()]
    said = (line for line in lines if line and not line.startswith("Failed in nopython"))
    return next(said, "Numba does not know it")


def _line(file: str, line: int) -> str:
    """A line, and what stands there."""
    source = linecache.getline(file, line).strip()
    return f"{at(file, line)}: {source}" if source else at(file, line)


def reason(name: str, error: Exception, function: Callable) -> str:
    """What is wrong, and where: in the innermost of functions that call each other.

    name: of the operation; error: of Numba
    """
    if isinstance(error, Effect):
        stands = _line(*error.place) if error.place else place(function)
        return f"{name}: {error} ({stands}), which compiled loops cannot do"
    text = _COLOURS.sub("", str(error))
    what = _in_plain_words(_what(text))
    if "must return" in what:
        return f"{name}: {what}"
    found = [*_PLACE.findall(text), *_LOWERED.findall(text), *_RAISED_FROM.findall(text)]
    places = [(os.path.abspath(file), int(line)) for file, line in found]
    if loc := getattr(error, "loc", None):
        places.append((os.path.abspath(loc.filename), loc.line))
    users = [one for one in places if one[0] != _CALLER]
    if users:
        where = _line(*users[0])
    elif isinstance(error, AttributeError):  # of a module
        where = reading(function, error.obj, error.name) or place(function)
    else:
        where = place(function)
    return f"{name}: cannot be compiled: {what} ({where})"
