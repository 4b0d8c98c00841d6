"""What a kernel may not do: raise, print, allocate memory.

fastnn's threads run kernels without Python, and nobody there could take an exception: the outputs
would stay unwritten. LLVM's optimization removes what cannot happen, such as an error for an index
that is known to be in range; what is left is refused. With NUMBA_OPT below 2 it is removed from a
copy.
"""

from __future__ import annotations

import pickle
import re
from typing import Any

import llvmlite.binding as llvm
from numba.core import config
from numba.core.ccallback import CFunc

from .lines import Lines, Place

_ALLOCATES = "NRT_(?!Free)\\w+"
_PRINTS = "PySys_FormatStdout"
_RAISED = re.compile(r'@\.const\.pickledata\.\w+ = [^\n]* c"(.*)"')
_ESCAPED = re.compile(rb"\\([0-9A-F]{2})")


class Effect(TypeError):
    """A function would do more than compute. place: where, if that is known"""

    def __init__(self, what: str, place: Place | None) -> None:
        super().__init__(what)
        self.place = place


def _exceptions(code: str) -> list[Effect]:
    """What is raised, by the constants of which Numba makes exceptions; known lines come first."""
    found = []
    for text in _RAISED.findall(code):
        data = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), text.encode("latin-1"))
        kind, arguments, where = pickle.loads(data)
        what = ": ".join([kind.__name__, *map(str, arguments or ())])
        found.append(Effect(f"may raise {what}", where and (where[1], where[2])))
    return sorted(found, key=lambda one: (one.place is None, one.place, str(one)))


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
    code = _optimized(library)
    for callee, what in ((_PRINTS, "prints"), (_ALLOCATES, "makes an array, a list or a string")):
        if re.search(rf'\bcall\b[^\n@]*@"?{callee}\b', code):
            raise Effect(what, Lines(code).of_calls(callee))
    if exceptions := _exceptions(code):
        raise exceptions[0]


class PureTile(CFunc):
    """The C function of a kernel that only computes; compiling it raises Effect if it does not."""

    def _compile_uncached(self) -> Any:
        result = super()._compile_uncached()
        _refuse_effects(result.library)
        return result
