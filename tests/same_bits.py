"""Runs of one computation that must agree to the bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import fastnn
from fastnn import _core

ROOT = Path(fastnn.__file__).parents[1]  # of the package that is tested
THREADS = (1, 2, 3, 5)


def bits(*results) -> list[bytes]:
    """The bytes of Tensors (nested in tuples and lists, None left out)."""
    found = []
    for result in results:
        if isinstance(result, (tuple, list)):
            found += bits(*result)
        elif result is not None:
            found.append(np.asarray(result).tobytes())
    return found


def same_for_threads(compute) -> None:
    """compute() gives the same bytes on any number of threads."""
    seen = []
    try:
        for threads in THREADS:
            _core.set_local_threads(threads)
            seen.append(bits(compute()))
    finally:
        _core.set_local_threads(None)
    assert all(other == seen[0] for other in seen[1:])


def at_offset(array: np.ndarray, offset: int):
    """A Tensor with the values of the array, `offset` elements into its block of memory."""
    flat = np.zeros(array.size + offset, dtype=array.dtype)
    flat[offset:] = array.reshape(-1)
    return _core.reshape(_core.rows(_core.from_numpy(flat), offset, flat.size), array.shape)


def same_at_offsets(compute, *arrays: np.ndarray) -> None:
    """compute(*tensors) gives the same bytes wherever its operands lie."""
    expected = bits(compute(*[at_offset(array, 0) for array in arrays]))
    for offset in range(1, 16):
        tensors = [at_offset(array, (offset * (i + 1)) % 16) for i, array in enumerate(arrays)]
        assert bits(compute(*tensors)) == expected, offset


def on_targets(code: str, *, scalar: bool) -> dict[str, str]:
    """What the program prints on every instruction set of this processor, by its name."""
    names = [name for name in _core.targets()["available"] if scalar or name != "scalar"]
    printed = {}
    for name in names:
        environment = os.environ | {"FASTNN_ISA": name, "PYTHONPATH": str(ROOT)}
        printed[name] = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    return printed
