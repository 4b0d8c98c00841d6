"""Loops that ask LLVM for two vectors side by side get them."""

import re

import pytest

pytest.importorskip("numba", reason="Numba is not here")


def vector_operations(**options):
    """How many a loop over a long polynomial has, of the widest vectors: what is left over at the
    end may have narrower ones."""
    from fastnn.backends.jit_cpu.compile import Kernel
    from fastnn.backends.jit_cpu.elementary import exp32

    def rising(y, x, n, task):
        for i in range(n):
            y[i] = exp32(x[i])

    tile = Kernel(rising, "", **options)._compile(("float32", "float32"), 1, 0)
    lanes = [
        int(width)
        for width in re.findall(r"= f(?:mul|add|sub) .*<(\d+) x float>", tile.inspect_llvm())
    ]
    return lanes.count(max(lanes))


def test_an_interleaved_loop_has_twice_the_operations():
    from fastnn.backends.jit_cpu.interleave import Interleaved

    once = vector_operations()
    assert vector_operations(compiler=Interleaved) == 2 * once
