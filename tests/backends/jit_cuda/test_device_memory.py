"""The memory of a device goes back, and is used again."""

import gc

import numpy as np
import pytest

import fastnn as fn
import fastnn.captured
from fastnn.backends.jit_cuda import memory

from .tensors import cuda


def test_memory_goes_back_and_is_used_again():
    x = cuda(np.zeros(1000, "f4"))
    in_use = memory.pool.in_use
    del x
    assert memory.pool.in_use < in_use
    cached = memory.pool.cached
    y = cuda(np.ones(1001, "f4"))  # of the same class
    assert memory.pool.in_use == in_use
    assert memory.pool.cached < cached
    del y
    fn.release_memory()
    assert memory.pool.cached == 0


class _Full(Exception):
    code = 2  # as Numba's error of the driver has it


def _small_device(limit, error):
    """A pool on a device of so many bytes."""
    taken = []

    def ask(size):
        taken[:] = [ref for ref in taken if ref() is not None]
        if sum(ref().nbytes for ref in taken) + size > limit:
            raise error
        array = memory.cuda.device_array(size, np.uint8)
        import weakref

        taken.append(weakref.ref(array))
        return array

    return memory.Pool(ask)


@pytest.mark.parametrize("error", [MemoryError(), _Full()])
def test_a_full_device_is_a_memory_error(error):
    pool = _small_device(4096, error)
    first = pool.hold(2048)
    pool.release(pool.hold(1024))  # is kept, and makes room when it is needed
    second = pool.hold(2048)
    with pytest.raises(MemoryError, match="cuda: out of memory: asked for 512 bytes, 4096 are in"):
        pool.hold(512)
    pool.release(first)
    assert pool.hold(1024)
    assert pool.at(second).size == 2048


def test_a_failing_call_gives_its_outputs_back(monkeypatch):
    gc.collect()  # what other tests left
    x, before = cuda(np.zeros(8, "f4")), memory.pool.in_use
    with monkeypatch.context() as patch:
        patch.setattr(memory.pool, "_ask", _small_device(0, MemoryError())._ask)
        memory.pool.clear()
        with pytest.raises(MemoryError, match="cuda: out of memory"):
            x + x
    assert memory.pool.in_use == before
    np.testing.assert_array_equal((x + x).numpy(), np.zeros(8))


def test_other_errors_of_the_device_stay_what_they_are():
    def ask(size):
        raise OSError("the device is gone")

    with pytest.raises(OSError, match="gone"):
        memory.Pool(ask).take(1)
