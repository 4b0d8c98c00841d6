"""Compiled kernels kept from one process to the next.

One file a compiled function, in NUMBA_CACHE_DIR or else in the user's cache folder. Its name is a
hash of all that the machine code depends on, so that nothing is ever out of date; it begins with a
hash of its contents, as LLVM takes the process down with damaged machine code. A folder that cannot
be written, or a file that cannot be read, only means that Numba compiles again.
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
from numba.core import config
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


# Settings of Numba, in the environment, that machine code depends on.
_SETTINGS = ["OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "DISABLE_INTEL_SVML", "BOUNDSCHECK"]
_SETTINGS += ["DEBUGINFO_DEFAULT", "CPU_NAME", "CPU_FEATURES"]


@functools.cache
def _sources() -> str:
    """A hash of everything that kernels are made of."""
    here = pathlib.Path(__file__).parent
    digest = hashlib.sha256(repr((sys.version, numba.__version__, llvmlite.__version__)).encode())
    for file in sorted([*here.glob("*.py"), *here.parent.joinpath("jit").glob("*.py")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _hash(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


_DIGEST = len(_hash(b""))


class DiskCache:
    """The cache of one compiled function, in the form that numba's CFunc asks for.

    Args:
        key: names the function, its element types and, for a user's function, its code.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def _full_key(self, codegen: Any) -> str:
        settings = [getattr(config, name, None) for name in _SETTINGS]
        return repr((_sources(), codegen.magic_tuple(), settings, self._key))

    def _path(self, key: str) -> pathlib.Path:
        return folder() / f"{hashlib.sha256(key.encode()).hexdigest()}.bin"

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """The compile result, or None."""
        target_context.refresh()
        try:
            key = self._full_key(target_context.codegen())
            whole = self._path(key).read_bytes()
            digest, content = whole[:_DIGEST], whole[_DIGEST:]
            if _hash(content) != digest:
                return None
            found, result = pickle.loads(content)
            # Also a file under the name of another one is none of ours.
            return CompileResult._rebuild(target_context, *result) if found == key else None
        except Exception:  # absent, of another build: compiled again
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Writes the compile result, if the folder takes it."""
        key = self._full_key(result.codegen)
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=path.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    content = dumps((key, result._reduce()))
                    file.write(_hash(content) + content)
                os.replace(name, path)
            except BaseException:
                os.unlink(name)
                raise
        except OSError:
            pass
