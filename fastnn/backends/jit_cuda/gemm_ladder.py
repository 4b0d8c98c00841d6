"""The matrix product c = a @ b, written four times: each step of the ladder changes one thing.

All take row-major a [m, k], b [k, n], c [m, n]. A GPU reads memory far more slowly than it
computes: each step reads each number less often, from ever nearer memory. The gains are those of
S. Boehm, "How to optimize a CUDA matmul kernel for cuBLAS-like performance: a worklog" (2022),
float32, m = n = k = 4092, one RTX A6000; they are not measured here. The plan, tiles of tiles in
shared memory and in registers, is also that of A. Kerr et al., "CUTLASS: fast linear algebra in
CUDA C++" (2017).

The last step is the one in use: gemm.py and conv.py give it functions that read a and b, and one
that finishes a sum, so that a convolution is this kernel too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .arrays import flat
from .cuda import compiled, cuda, kernel, launch_grid, simulated

SIDE = 2 if simulated else 16  # of the square tiles of steps 1 and 2
VECTOR = 2 if simulated else 4  # numbers that one load from shared memory may bring
PADDING = VECTOR  # of a row in shared memory: a column's numbers then lie in different banks


class Tiles(NamedTuple):
    """What a block computes, rows x columns, how deep its steps are, and what a thread computes."""

    rows: int
    columns: int
    depth: int
    own_rows: int
    own_columns: int

    @property
    def threads(self) -> int:
        return self.rows // self.own_rows * (self.columns // self.own_columns)

    def blocks(self, m: int, n: int) -> int:
        """How many tiles cover a matrix of m x n."""
        return -(-m // self.rows) * -(-n // self.columns)


LARGE = Tiles(8, 8, 2, 2, 4) if simulated else Tiles(128, 128, 8, 8, 8)
SMALL = Tiles(4, 4, 2, 2, 2) if simulated else Tiles(64, 64, 8, 4, 4)


# ---- Step 1: a thread an element -----------------------------------------------------------------
# Every thread reads a row of a and a column of b from global memory: 2 numbers for each product.
# Threads that are neighbours in a block take neighbouring columns, so that a warp's reads of b and
# writes of c fall together; with rows instead it is 6 times slower (309 against 1,987 GFLOP/s,
# 1.3 % and 8.5 % of cuBLAS).


@kernel
def _naive(c, a, b, m, n, k):
    j, i = cuda.grid(2)
    if i < m and j < n:
        total = a.dtype.type(0)
        for p in range(k):
            total += a[i, p] * b[p, j]
        c[i, j] = total


def naive(c: Any, a: Any, b: Any) -> None:
    """Step 1: one thread a result, which reads its row of a and its column of b from memory."""
    (m, k), n = a.shape, b.shape[1]
    grid = -(-n // SIDE), -(-m // SIDE)
    launch_grid(_naive, grid, (SIDE, SIDE), c, a, b, m, n, k)


# ---- Step 2: tiles in shared memory --------------------------------------------------------------
# A block brings a square tile of a and one of b into shared memory, each thread one number of each,
# and all its threads read them there: each number comes from global memory once a block, not once a
# thread. Typically 1.5 times faster (2,980 GFLOP/s, 12.8 %): now reads of shared memory are in the
# way, still 2 for each product.


@functools.cache
def _shared_tiles(dtype: type) -> Any:
    shape, zero = (SIDE, SIDE), dtype(0)

    @kernel
    def product(c, a, b, m, n, k):
        a_tile = cuda.shared.array(shape, dtype)
        b_tile = cuda.shared.array(shape, dtype)
        j, i = cuda.grid(2)
        column, row = cuda.threadIdx.x, cuda.threadIdx.y
        total = zero
        for p in range(0, k, SIDE):
            a_tile[row, column] = a[i, p + column] if i < m and p + column < k else zero
            b_tile[row, column] = b[p + row, j] if p + row < k and j < n else zero
            cuda.syncthreads()
            for q in range(SIDE):
                total += a_tile[row, q] * b_tile[q, column]
            cuda.syncthreads()  # before the next tiles are written over these
        if i < m and j < n:
            c[i, j] = total

    return product


def shared_tiles(c: Any, a: Any, b: Any) -> None:
    """Step 2: square tiles of a and b in shared memory, read there once a block."""
    (m, k), n = a.shape, b.shape[1]
    grid = -(-n // SIDE), -(-m // SIDE)
    launch_grid(_shared_tiles(a.dtype.type), grid, (SIDE, SIDE), c, a, b, m, n, k)


# ---- Step 3: tiles in registers ------------------------------------------------------------------
# A thread computes 8 x 8 elements of c: from 8 numbers of a and 8 of b it makes 64 products, so
# that it reads a quarter of a number for each. The sums are in an array of its own, whose loops the
# compiler unrolls: then the array is registers. Typically 5 times faster than step 2 (15,972
# GFLOP/s, 68.7 %).


@functools.cache
def _register_tiles(tiles: Tiles, dtype: type) -> Any:
    rows, columns, depth, own_rows, own_columns = tiles
    threads, across, zero = tiles.threads, columns // own_columns, dtype(0)
    a_shape, b_shape, sums_shape = (rows, depth), (depth, columns), (own_rows, own_columns)

    @kernel
    def product(c, a, b, m, n, k):
        a_tile = cuda.shared.array(a_shape, dtype)
        b_tile = cuda.shared.array(b_shape, dtype)
        sums = cuda.local.array(sums_shape, dtype)
        left = cuda.local.array(own_rows, dtype)
        right = cuda.local.array(own_columns, dtype)
        thread = cuda.threadIdx.x
        first_row, first_column = cuda.blockIdx.y * rows, cuda.blockIdx.x * columns
        row, column = thread // across * own_rows, thread % across * own_columns
        for r in range(own_rows):
            for s in range(own_columns):
                sums[r, s] = zero
        for p in range(0, k, depth):
            for at in range(thread, rows * depth, threads):
                r, q = at // depth, at % depth
                inside = first_row + r < m and p + q < k
                a_tile[r, q] = a[first_row + r, p + q] if inside else zero
            for at in range(thread, depth * columns, threads):
                q, s = at // columns, at % columns
                inside = p + q < k and first_column + s < n
                b_tile[q, s] = b[p + q, first_column + s] if inside else zero
            cuda.syncthreads()
            for q in range(depth):
                for r in range(own_rows):
                    left[r] = a_tile[row + r, q]
                for s in range(own_columns):
                    right[s] = b_tile[q, column + s]
                for r in range(own_rows):
                    for s in range(own_columns):
                        sums[r, s] += left[r] * right[s]
            cuda.syncthreads()
        for r in range(own_rows):
            for s in range(own_columns):
                if first_row + row + r < m and first_column + column + s < n:
                    c[first_row + row + r, first_column + column + s] = sums[r, s]

    return product


def register_tiles(c: Any, a: Any, b: Any, tiles: Tiles = LARGE) -> None:
    """Step 3: a thread computes a tile of results in registers."""
    (m, k), n = a.shape, b.shape[1]
    grid = -(-n // tiles.columns), -(-m // tiles.rows)
    launch_grid(_register_tiles(tiles, a.dtype.type), grid, tiles.threads, c, a, b, m, n, k)


# ---- Step 4: vector loads, two buffers -----------------------------------------------------------
# The tile of a lies transposed in shared memory, so that what a thread reads of either lies side by
# side, and is aligned: one instruction brings four numbers (ld.shared.v4; indices are unsigned, or
# the check for negative ones would hide from the compiler that they follow each other). A thread's
# columns come in groups of four, a group of every thread's after the other: without bank conflicts.
# Of both tiles there are two: while one step is computed, the next one is on its way from global
# memory to registers, and one barrier a step is enough. Typically 1.15 times faster (18,237
# GFLOP/s, 78.4 %); with well-chosen tiles, and tiles for warps between those of blocks and threads,
# Boehm comes to 94 %.


class Reader(NamedTuple):
    """How threads read an operand: element (i, p), i along its side of c and p along the depth.

    outer(place, matrix, i) and depth(place, p) say where i and p are, as numbers or tuples of them,
    and value(x, place, outer, depth) reads there. A thread reads several elements that lie side by
    side in memory: step(place, s) is the one after s, along the depth or else along the side.
    """

    along_depth: bool
    outer: Callable
    depth: Callable
    step: Callable
    value: Callable


def _carrier(reader: Reader, width: int, depth: int, threads: int, zero: Any) -> tuple:
    """Functions that bring a tile, width x depth, from global to shared memory by way of registers.

    place_of(thread) is the thread's first (i, p) in the tile; ``each`` is how many it brings.
    """
    each = width * depth // threads
    _, outer_of, depth_of, step, value = reader

    if reader.along_depth:
        across = depth // each

        @compiled
        def place_of(thread):
            return thread // across, thread % across * each

        @compiled
        def fetch(own, x, place, outer, i, side, p, end):
            state = depth_of(place, p)
            for q in range(each):
                own[q] = value(x, place, outer, state) if i < side and p + q < end else zero
                state = step(place, state)

        @compiled
        def put(tile, buffer, own, i, p):
            for q in range(each):
                tile[buffer, p + q, i] = own[q]
    else:
        across = width // each

        @compiled
        def place_of(thread):
            return thread % across * each, thread // across

        @compiled
        def fetch(own, x, place, outer, i, side, p, end):
            there = depth_of(place, p)
            for q in range(each):
                own[q] = value(x, place, outer, there) if i + q < side and p < end else zero
                outer = step(place, outer)

        @compiled
        def put(tile, buffer, own, i, p):
            for q in range(each):
                tile[buffer, p, i + q] = own[q]

    return each, outer_of, place_of, fetch, put


@functools.cache
def tiled_product(tiles: Tiles, left: Reader, right: Reader, finish: Any, dtype: type) -> Any:
    """The kernel of step 4, for many products at once, each in parts of the depth.

    A block computes a tile of one part of one product. ``finish(*output, slab, i, j, sum)`` takes
    the element (i, j) of slab number part * matrices + matrix; output is y, z, bias, residual,
    start, numbers and reals, which mean what they mean to ``finish``.
    """
    rows, columns, depth, own_rows, own_columns = tiles
    across, zero = columns // own_columns, dtype(0)
    group = across * VECTOR
    a_shape, b_shape = (2, depth, rows + PADDING), (2, depth, columns + PADDING)
    sums_shape = (own_rows, own_columns)
    a_each, a_outer_of, a_place_of, fetch_a, put_a = _carrier(
        left, rows, depth, tiles.threads, zero
    )
    b_each, b_outer_of, b_place_of, fetch_b, put_b = _carrier(
        right, columns, depth, tiles.threads, zero
    )
    unsigned = np.uint64

    @compiled
    def column_of(lane, s):
        """The place in the tile of a thread's column s."""
        return s // VECTOR * group + lane * VECTOR + s % VECTOR

    @kernel
    def product(a, b, a_place, b_place, extents, y, z, bias, residual, start, numbers, reals):
        a_tile = cuda.shared.array(a_shape, dtype, alignment=16)
        b_tile = cuda.shared.array(b_shape, dtype, alignment=16)
        sums = cuda.local.array(sums_shape, dtype)
        of_a = cuda.local.array(own_rows, dtype)
        of_b = cuda.local.array(own_columns, dtype)
        next_a = cuda.local.array(a_each, dtype)
        next_b = cuda.local.array(b_each, dtype)
        matrices, m, n, k, chunk = extents

        tiles_across = (n + columns - 1) // columns
        tiles_down = (m + rows - 1) // rows
        block = cuda.blockIdx.x
        slab = block // (tiles_across * tiles_down)
        first_row = block // tiles_across % tiles_down * rows
        first_column = block % tiles_across * columns
        matrix = slab % matrices
        begin = slab // matrices * chunk
        end = min(k, begin + chunk)
        thread = cuda.threadIdx.x
        row, lane = thread // across * own_rows, thread % across

        a_i, a_p = a_place_of(thread)
        b_j, b_p = b_place_of(thread)
        a_outer = a_outer_of(a_place, matrix, first_row + a_i)
        b_outer = b_outer_of(b_place, matrix, first_column + b_j)
        for r in range(own_rows):
            for s in range(own_columns):
                sums[r, s] = zero

        steps = (end - begin + depth - 1) // depth
        for step in range(steps + 1):
            if step < steps:
                p = begin + step * depth
                fetch_a(next_a, a, a_place, a_outer, first_row + a_i, m, p + a_p, end)
                fetch_b(next_b, b, b_place, b_outer, first_column + b_j, n, p + b_p, end)
            if step > 0:
                now = unsigned(1 - step % 2)
                for q in range(depth):
                    at = unsigned(q)
                    for r in range(own_rows):
                        of_a[r] = a_tile[now, at, unsigned(row + r)]
                    for s in range(own_columns):
                        of_b[s] = b_tile[now, at, unsigned(column_of(lane, s))]
                    for r in range(own_rows):
                        for s in range(own_columns):
                            sums[r, s] += of_a[r] * of_b[s]
            if step < steps:
                put_a(a_tile, step % 2, next_a, a_i, a_p)
                put_b(b_tile, step % 2, next_b, b_j, b_p)
            cuda.syncthreads()

        for r in range(own_rows):
            i = first_row + row + r
            for s in range(own_columns):
                j = first_column + column_of(lane, s)
                if i < m and j < n:
                    total = sums[r, s]
                    finish(y, z, bias, residual, start, numbers, reals, slab, i, j, total)

    return product


@compiled
def _start(place, matrix):
    """Where a matrix of the result begins in an operand whose batch is broadcast."""
    extents, strides = place[2], place[3]
    start = 0
    for axis in range(len(extents) - 1, -1, -1):
        start += matrix % extents[axis] * strides[axis]
        matrix //= extents[axis]
    return start


# A matrix that lies somewhere with strides: place is (stride of its side, stride of the depth,
# extents of the batch, strides of the batch).
_outer = compiled(lambda place, matrix, i: _start(place, matrix) + i * place[0])
_depth = compiled(lambda place, p: p * place[1])
_value = compiled(lambda x, place, outer, depth: x[outer + depth])
_next_of_side = compiled(lambda place, at: at + place[0])
_next_of_depth = compiled(lambda place, at: at + place[1])
BY_SIDE = Reader(False, _outer, _depth, _next_of_side, _value)
BY_DEPTH = Reader(True, _outer, _depth, _next_of_depth, _value)


@compiled
def _store(c, z, bias, residual, start, numbers, reals, slab, i, j, total):
    c[i * numbers[0] + j] = total


def vector_loads(c: Any, a: Any, b: Any, tiles: Tiles = LARGE) -> None:
    """Step 4: loads of four numbers at a time, two buffers of shared memory."""
    (m, k), n = a.shape, b.shape[1]
    product = tiled_product(tiles, BY_DEPTH, BY_SIDE, _store, a.dtype.type)
    operands = (flat(a), flat(b), (k, 1, (1,), (0,)), (1, n, (1,), (0,)), (1, m, n, k, k))
    output = (flat(c),) * 5
    launch_grid(product, tiles.blocks(m, n), tiles.threads, *operands, *output, (n,), (1.0,))


LADDER = (naive, shared_tiles, register_tiles, vector_loads)
