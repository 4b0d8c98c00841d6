"""Memory of the device: pieces that are kept for reuse when they are given back.

Tensors hold pieces by their addresses, arrays of scratch memory by themselves. Whatever runs on the
device runs in the order of its calls (one stream), so that a piece may be used again as soon as the
host lets go of it. Sizes are rounded up to classes of which the next is at most an eighth larger.
Scratch memory that a graph was captured with stays the graph's.

In Numba's simulator the memory is the host's, but its addresses are numbers that no memory has: who
takes one for the host's crashes there as with a GPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from . import status
from .cuda import array_in, capturing, cuda, new_event, no_capture, simulated, stream
from .staging import PIECE, Staging

_SMALLEST = 512  # bytes
_SMALL_READ = 1 << 16  # bytes that are read without page-locked memory
_NOWHERE = 1 << 62  # no address of the host has this bit and not the one above it
_OUT_OF_MEMORY = 2  # CUDA_ERROR_OUT_OF_MEMORY

transfers = 0  # of tensors' elements from the device to the host, so far


class Piece(NamedTuple):
    """So much memory of the device."""

    address: int
    size: int
    base: Any  # Numba's array of its bytes


class Pool:
    """Pieces in use and free ones. ``ask`` gets an array of so many bytes from the device."""

    def __init__(self, ask: Callable[[int], Any]) -> None:
        self._ask = ask
        self._free: dict[int, list[Piece]] = {}
        self._held: dict[int, Piece] = {}
        self._next = _NOWHERE
        self.in_use = 0  # bytes
        self.cached = 0

    def take(self, size: int) -> Piece:
        """A piece of at least so many bytes; MemoryError if there are none."""
        size = class_of(size)
        try:
            piece = self._free.get(size, []).pop()
            self.cached -= size
        except IndexError:
            piece = self._new(size)
        self.in_use += size
        return piece

    def give(self, piece: Piece) -> None:
        """Takes a piece back."""
        self.in_use -= piece.size
        self.cached += piece.size
        self._free.setdefault(piece.size, []).append(piece)

    def hold(self, size: int) -> int:
        """The address of a piece that is kept until it is released."""
        piece = self.take(size)
        self._held[piece.address] = piece
        return piece.address

    def at(self, address: int) -> Piece:
        """The held piece that begins there."""
        return self._held[address]

    def release(self, address: int) -> None:
        """Gives back the held piece that begins there."""
        self.give(self._held.pop(address))

    def clear(self) -> None:
        """Gives free pieces back to the device."""
        held.cache_clear()
        self._free.clear()
        self.cached = 0
        if not simulated:  # Numba frees memory when enough has gathered
            stream().synchronize()
            cuda.current_context().deallocations.clear()

    def _new(self, size: int) -> Piece:
        try:
            base = self._asked(size)
        except MemoryError:
            if capturing():  # nothing can be given back; the step goes on without a graph
                raise
            self.clear()
            base = self._asked(size)
        if not simulated:
            return Piece(base.device_ctypes_pointer.value, size, base)
        self._next += size
        return Piece(self._next - size, size, base)

    def _asked(self, size: int) -> Any:
        try:
            return self._ask(size)
        except Exception as error:
            if getattr(error, "code", None) != _OUT_OF_MEMORY and type(error) is not MemoryError:
                raise
            raise MemoryError(
                f"cuda: out of memory: asked for {size} bytes, {self.in_use} are in use"
            ) from error


def class_of(size: int) -> int:
    """The bytes of the piece that is given out for so many."""
    step = max(_SMALLEST, 1 << max(size - 1, 0).bit_length() >> 4)
    return max(-(-size // step), 1) * step


pool = Pool(lambda size: cuda.device_array(size, np.uint8))


class _Lease:
    """A piece that goes back to where it came from with the last array in it."""

    def __init__(self, source: Any, size: int) -> None:
        self.piece = source.take(size)
        self._give = source.give

    def __del__(self) -> None:
        self._give(self.piece)


def view(piece: Piece, offset: int, shape: tuple[int, ...], dtype: Any, owner: Any = None) -> Any:
    """The contiguous array that begins so many bytes into a piece; it keeps ``owner`` alive."""
    return array_in(piece.base, piece.address, offset, shape, np.dtype(dtype), owner or piece.base)


@lru_cache(maxsize=4096)
def held(address: int, offset: int, shape: tuple[int, ...], dtype: str) -> Any:
    """The array in the piece of a tensor that begins at ``address``.

    Steps use the same addresses again and again, as the pool gives them out.
    """
    return view(pool.at(address), offset, shape, dtype)


def scratch(shape: tuple[int, ...], dtype: Any) -> Any:
    """An array whose elements are not set, in memory that is taken back when it is gone."""
    lease = _Lease(capturing() or pool, math.prod(shape) * np.dtype(dtype).itemsize)
    return view(lease.piece, 0, shape, dtype, lease)


# ---- transfers -----------------------------------------------------------------------------------


def _page_locked(size: int) -> np.ndarray:
    try:
        return cuda.pinned_array(size, np.uint8)
    except Exception:  # there is no more: from other memory it is slower
        return np.empty(size, np.uint8)


staging = Staging(_page_locked, new_event)


def upload(array: np.ndarray) -> Any:
    """A new array on the device, for what stays there: tables, numbers."""
    lease = _Lease(pool, array.nbytes)
    _send(lease.piece, 0, np.ascontiguousarray(array).reshape(-1).view(np.uint8))
    return view(lease.piece, 0, array.shape, array.dtype, lease)


def to_host(array: Any) -> np.ndarray:
    """The elements in new memory of the host; raises what kernels have found before."""
    _before_read()
    host = array.copy_to_host(stream=stream())
    stream().synchronize()
    return host


def _before_read() -> None:
    global transfers
    no_capture("a read by the host")
    status.check()
    transfers += 1


def read(address: int, offset: int, memory: Any) -> None:
    """Copies bytes of a held piece to the host; raises what kernels have found before."""
    _before_read()
    piece, host = pool.at(address), np.frombuffer(memory, np.uint8)
    if host.size <= _SMALL_READ:
        view(piece, offset, host.shape, np.uint8).copy_to_host(host, stream=stream())
        stream().synchronize()
        return
    under_way: list = []  # the device fills a buffer while the host empties the one before
    for start in range(0, host.size, PIECE):
        part = host[start : start + PIECE]
        buffer = staging.take(part.size)
        source = view(piece, offset + start, part.shape, np.uint8)
        source.copy_to_host(buffer.memory[: part.size], stream=stream())
        buffer.done.record(stream())
        under_way.append((part, buffer))
        if len(under_way) > 1:
            _empty(*under_way.pop(0))
    _empty(*under_way.pop())


def _empty(part: np.ndarray, buffer: Any) -> None:
    buffer.done.synchronize()
    part[:] = buffer.memory[: part.size]
    staging.give(buffer)


def write(address: int, offset: int, memory: Any) -> None:
    """Copies bytes of the host into a held piece; they may change as soon as this returns."""
    _send(pool.at(address), offset, np.frombuffer(memory, np.uint8))


def _send(piece: Piece, offset: int, host: np.ndarray) -> None:
    no_capture("a copy from the host")
    for start in range(0, host.size, PIECE):
        part = host[start : start + PIECE]
        buffer = staging.take(part.size)
        try:
            buffer.memory[: part.size] = part
            target = view(piece, offset + start, part.shape, np.uint8)
            target.copy_to_device(buffer.memory[: part.size], stream=stream())
            buffer.done.record(stream())
        finally:
            staging.give(buffer)


def copy_within(target: tuple[int, int], source: tuple[int, int], size: int) -> None:
    """Copies so many bytes between held pieces, each told as (address, offset)."""
    to, fro = (held(*place, (size,), "uint8") for place in (target, source))
    to.copy_to_device(fro, stream=stream())
