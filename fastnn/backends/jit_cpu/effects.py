"""What a kernel may not do: raise, print, draw random numbers, allocate memory.

fastnn's threads run kernels without Python, and nobody there could take an exception: the outputs
would stay unwritten. LLVM's optimization removes what cannot happen, such as an error for an index
that is known to be in range; what is left is refused. With NUMBA_OPT below 2 it is removed from a
copy.
"""

from __future__ import annotations

import linecache
import pickle
import re
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import config
from numba.core.ccallback import CFunc

from .llvm_text import Lines, Place, of_numba, unescaped

# Functions that are called, and what for.
_CALLED = {
    "PySys_FormatStdout": "prints",
    r"numba_get_(?:np|py)_random_state": "draws random numbers",  # a set has a state of its own
    r"NRT_(?!Free)\w+": "makes an array, a list, a string or another object",
}
# Numba's names end with a hash, and with a number where LLVM has linked two that are alike.
_RAISED = re.compile(r'@\.const\.pickledata\.(\w+)(?:\.\d+)? = [^\n]* c"(.*)"')
_WRITTEN = re.compile(r"\b(raise|assert)\b")
_TO_RAISE = r"\.const\.picklebuf\.{}(?:\.\d+)?"


class Effect(TypeError):
    """A function would do more than compute. place: where, if that is known"""

    def __init__(self, what: str, place: Place | None) -> None:
        super().__init__(what)
        self.place = place


def _exceptions(lines: Lines, library: Any) -> tuple[list[Effect], bool]:
    """What is raised, by the constants of which Numba makes exceptions; and whether the user wrote
    a `raise` or an `assert`."""
    found, written = [], False
    for name, text in _RAISED.findall(lines.code):
        pickled = pickle.loads(unescaped(text))
        if isinstance(pickled, str):  # that is printed
            continue
        kind, arguments, where = pickled
        said = ", ".join(map(_said, arguments or ()))
        what = f"may raise {': '.join(filter(None, (kind.__name__, said)))}".splitlines()[0]
        if where is None or of_numba(where[1]):  # Numba's Python raises, wherever it is called
            found.append(Effect(what, _taken(_TO_RAISE.format(name), lines, library)))
        else:  # also an index out of bounds, or no memory for a list
            found.append(Effect(what, where[1:]))
            of_numba_s = issubclass(kind, (IndexError, MemoryError))
            written |= not of_numba_s or bool(_WRITTEN.search(linecache.getline(*where[1:])))
    return sorted(found, key=_order_told), written


def _order_told(effect: Effect) -> tuple:
    """Known lines come first; no memory, for what an exception is to say perhaps, comes last."""
    return "may raise MemoryError" in str(effect), effect.place is None, effect.place, str(effect)


def _said(argument: Any) -> str:
    """What an exception is to say; an argument that only a call knows is a value of LLVM's."""
    return "..." if isinstance(argument, ir.Value) else str(argument)


def _taken(constant: str, lines: Lines, library: Any) -> Place | None:
    """Where a constant is taken.

    Only code that is not optimized yet has the calls that lead there, and only optimized code knows
    which of them can, but not always.
    """
    parts = [Lines(str(part._final_module)) for part in library._linking_libraries]
    possible = [place for part in parts for place in part.of_constant(constant)]
    left = lines.of_constant(constant)
    return min([one for one in left if one in possible] or possible or left, default=None)


def _optimized(library: Any) -> str:
    library._ensure_finalized()  # before, it is not optimized
    code: str = library.get_llvm_str()
    if config.OPT >= 2:
        return code
    module = llvm.parse_assembly(code)
    passes, builder = library._codegen._module_pass_manager(opt=3)
    passes.run(module, builder)
    return str(module)


def _refuse_effects(library: Any) -> None:
    lines = Lines(_optimized(library))
    exceptions, written = _exceptions(lines, library)
    if written:  # before what Numba calls to make one: memory for the values that it tells
        raise exceptions[0]
    for callee, what in _CALLED.items():
        if lines.calls(callee):
            raise Effect(what, next(iter(lines.of_calls(callee)), None))
    if exceptions:
        raise exceptions[0]


class PureTile(CFunc):
    """The C function of a kernel that only computes; compiling it raises Effect if it does not."""

    def _compile_uncached(self) -> Any:
        result = super()._compile_uncached()
        _refuse_effects(result.library)
        return result
