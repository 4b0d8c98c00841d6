"""Compiled kernels kept from one process to the next.

One file a compiled function, in NUMBA_CACHE_DIR or else in the user's cache folder. Its name is a
hash of all that the machine code depends on, so that nothing is ever out of date; a folder that
cannot be written, or a file that cannot be read, only means that Numba compiles again.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pathlib
import pickle
import sys
import tempfile
from typing import Any

import llvmlite
import numba
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps


def folder() -> pathlib.Path:
    """Where compiled kernels lie."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return pathlib.Path(chosen) / "fastnn"
    if sys.platform == "darwin":
        return pathlib.Path.home() / "Library" / "Caches" / "fastnn"
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "fastnn" / "kernels"


@functools.cache
def _sources() -> str:
    """A hash of everything that kernels are made of."""
    here = pathlib.Path(__file__).parent
    digest = hashlib.sha256(repr((sys.version, numba.__version__, llvmlite.__version__)).encode())
    for file in sorted([*here.glob("*.py"), *here.parent.joinpath("jit").glob("*.py")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()


class DiskCache:
    """The cache of one compiled function, in the form that numba's CFunc asks for.

    Args:
        key: names the function, its element types and, for a user's function, its code.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def _path(self, codegen: Any) -> pathlib.Path:
        text = repr((_sources(), codegen.magic_tuple(), self._key))
        return folder() / f"{hashlib.sha256(text.encode()).hexdigest()}.bin"

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """The compile result, or None."""
        target_context.refresh()
        try:
            with open(self._path(target_context.codegen()), "rb") as file:
                return CompileResult._rebuild(target_context, *pickle.load(file))
        except Exception:  # absent, cut off, of another build: compiled again
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Writes the compile result, if the folder takes it."""
        path = self._path(result.codegen)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=path.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(dumps(result._reduce()))
                os.replace(name, path)
            except BaseException:
                os.unlink(name)
                raise
        except OSError:
            pass
