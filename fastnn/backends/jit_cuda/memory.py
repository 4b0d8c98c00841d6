"""Memory of the device: pieces that are kept for reuse when they are given back.

Tensors hold pieces by their addresses, arrays of scratch memory by themselves. Whatever runs on the
device runs in the order of its calls (one stream), so that a piece may be used again as soon as the
host lets go of it. Sizes are rounded up to classes of which the next is at most an eighth larger.

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
from .cuda import array_in, cuda, simulated

_SMALLEST = 512  # bytes
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
        size = _class_of(size)
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
            cuda.current_context().deallocations.clear()

    def _new(self, size: int) -> Piece:
        try:
            base = self._asked(size)
        except MemoryError:
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


def _class_of(size: int) -> int:
    step = max(_SMALLEST, 1 << max(size - 1, 0).bit_length() >> 4)
    return max(-(-size // step), 1) * step


pool = Pool(lambda size: cuda.device_array(size, np.uint8))


class _Lease:
    """A piece that goes back to the pool with the last array in it."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self._give = pool.give

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
    if simulated:
        return cuda.device_array(shape, dtype)
    size = math.prod(shape) * np.dtype(dtype).itemsize
    lease = _Lease(pool.take(size))
    return view(lease.piece, 0, shape, dtype, lease)


def to_host(array: Any, host: np.ndarray | None = None) -> np.ndarray:
    """The elements on the host, in ``host`` if given; raises what kernels have found before."""
    global transfers
    status.check()
    transfers += 1
    return array.copy_to_host(host)


def read(address: int, offset: int, memory: Any) -> None:
    """Copies bytes of a held piece to the host."""
    host = np.frombuffer(memory, np.uint8)
    to_host(held(address, offset, host.shape, "uint8"), host)


def write(address: int, offset: int, memory: Any) -> None:
    """Copies bytes of the host into a held piece."""
    host = np.frombuffer(memory, np.uint8)
    held(address, offset, host.shape, "uint8").copy_to_device(host)
