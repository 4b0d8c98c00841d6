"""Calls of primitives on tensors of the device: what the core asks this backend for.

The core names an operand by where it lies: (address of a piece of memory, offset in bytes, shape,
strides in elements or None if contiguous, dtype). A number that lies on the host comes with its
bytes in place of the address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from fastnn import _core, config
from fastnn.backends.jit.signatures import check_takes

from . import functions, status
from .arrays import Strided, contiguous_strides, empty, flat
from .cuda import cuda, no_capture, simulated, stream
from .graphs import Graph, no_capture_elsewhere
from .memory import held, pool, read, staging, to_host, upload, write

__all__ = [
    "Graph",
    "allocate",
    "launch",
    "read",
    "release",
    "release_memory",
    "share",
    "taken_back",
    "write",
]

allocate = pool.hold
release = pool.release
Operand = tuple[Any, int, tuple[int, ...], "tuple[int, ...] | None", str]


def launch(primitive: str, operands: list, attributes: dict) -> None:
    """Runs a primitive; ``operands`` without scratch memory, outputs first."""
    function = functions().get(primitive)
    if function is None:
        _on_host(primitive, operands, attributes)
    elif primitive == "copy":
        target, source = operands
        function(_contiguous(target), _strided(source), **attributes)
    else:
        given = [_mapped(_contiguous, operand) for operand in operands]
        try:
            function(*given, **attributes)
        except TypeError:
            check_takes(primitive, "launcher", function, given, attributes)
            raise  # it takes them: an error of its own


def share(consumer: int | None) -> None:
    """Before another library reads memory: waits for all that was launched, and raises what kernels
    have found. ``consumer`` is the stream that it reads in, as `__dlpack__` gets it; -1: it sees to
    the order itself."""
    if simulated:
        raise BufferError("__dlpack__: the memory of Numba's simulator is no GPU's")
    if consumer is not None and (not isinstance(consumer, int) or consumer in (0, False)):
        raise ValueError(f"__dlpack__: stream: expected None, -1, 1, 2 or a stream, got {consumer}")
    if consumer != -1:
        status.check()
        stream().synchronize()


def taken_back() -> None:
    """Before memory that another library has read is used again: waits for all of its streams."""
    with no_capture_elsewhere():
        cuda.synchronize()


def release_memory() -> None:
    """Gives back memory that is kept for reuse, the device's and the host's."""
    staging.clear()
    pool.clear()


def _mapped(function: Callable, operand: Any) -> Any:
    """The function of an operand, or of each of a list."""
    if isinstance(operand, list):
        return [function(item) for item in operand]
    return None if operand is None else function(operand)


@lru_cache(maxsize=1024)
def _number(value: bytes, dtype: str) -> Any:
    """A number of the host as an array [] on the device; steps use the same ones again."""
    return upload(np.frombuffer(value, dtype).reshape(()))


def _strided(operand: Operand) -> Strided:
    """The operand with its strides, in elements of all the memory that it lies in."""
    place, offset, shape, strides, dtype = operand
    if isinstance(place, bytes):
        return Strided(flat(_number(place, dtype)), 0, shape, (0,) * len(shape))
    if strides is None:
        strides = contiguous_strides(shape)
    item = np.dtype(dtype).itemsize
    base = held(place, 0, (pool.at(place).size // item,), dtype)
    return Strided(base, offset // item, shape, strides)


def _contiguous(operand: Operand) -> Any:
    """The operand as kernels take it: its own elements if they are contiguous, else a copy."""
    place, offset, shape, strides, dtype = operand
    if isinstance(place, bytes) and not shape:
        return _number(place, dtype)
    if strides is None and not isinstance(place, bytes):
        return held(place, offset, shape, dtype)
    packed = empty(shape, dtype)
    functions()["copy"](packed, _strided(operand), dtype=dtype, scale=1.0)
    return packed


# ---- what this backend lacks ---------------------------------------------------------------------


def _on_host(primitive: str, operands: list, attributes: dict) -> None:
    """Runs the primitive's reference on copies, if that is allowed."""
    if not config.allow_host_fallback:
        raise RuntimeError(
            f"{primitive}: jit_cuda has no such primitive; with "
            "fastnn.config.allow_host_fallback = True it runs on the host, which copies its "
            "operands there and the results back"
        )
    from fastnn.backends.reference import FUNCTIONS

    no_capture("a call on the host")
    written, inputs = [], []
    for (_, role, *_), operand in zip(_without_scratch(primitive), operands):
        if role != "in":
            written.append(operand)
        if role != "out":
            inputs.append(_mapped(lambda item: to_host(_contiguous(item)), operand))
    results = FUNCTIONS[primitive](*inputs, **attributes)
    results = results if len(written) > 1 else (results,)
    for operand, result in zip(written, results, strict=True):
        items = operand if isinstance(operand, list) else [operand]
        for item, value in zip(items, result if isinstance(operand, list) else [result]):
            if item is not None and value.size:  # Numba compares strides, of no elements too
                value = np.ascontiguousarray(value).reshape(item[2])
                _contiguous(item).copy_to_device(value, stream=stream())


def _without_scratch(primitive: str) -> Iterator[tuple]:
    records = _core.PRIMITIVES[primitive]["operands"]
    return (record for record in records if record[1] != "scratch")
