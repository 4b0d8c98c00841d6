"""What the simulator adds to Numba's: threads of a block take turns, integers wrap."""

import numpy as np
import pytest

from fastnn.backends.jit_cuda.cuda import cuda, kernel, launch_grid, simulated

pytestmark = pytest.mark.skipif(not simulated, reason="about the simulator alone")
THREADS = 4


def shifted(step, barrier):
    """A kernel that writes to y what the thread ``step`` further has put into shared memory."""

    @kernel
    def shift(y):
        shared = cuda.shared.array(THREADS, np.int64)
        thread = cuda.threadIdx.x
        shared[thread] = 0
        cuda.syncthreads()
        shared[thread] = thread + 1
        if barrier:
            cuda.syncthreads()
        y[thread] = shared[min(max(thread + step, 0), THREADS - 1)]

    return shift


def run(function, y):
    y = cuda.to_device(y)
    launch_grid(function, 1, THREADS, y)
    return y.copy_to_host().tolist()


@pytest.mark.parametrize("step", [1, -1])
def test_a_missing_barrier_shows(step):
    expected = [2, 3, 4, 4] if step > 0 else [1, 1, 2, 3]
    for barrier in (True, False):
        results = [run(shifted(step, barrier), np.zeros(THREADS)) for _ in range(2)]
        assert (results == [expected, expected]) == barrier


def test_an_error_ends_a_block_whose_threads_wait():
    @kernel
    def fails(y):
        if cuda.threadIdx.x == 2:
            y[THREADS] = 1
        cuda.syncthreads()
        y[cuda.threadIdx.x] = 1

    with pytest.raises(IndexError, match="out of bounds"):
        run(fails, np.zeros(THREADS))
    assert run(shifted(0, True), np.zeros(THREADS)) == [1, 2, 3, 4]


def test_integers_keep_their_lower_bits():
    @kernel
    def fill(y):
        y[cuda.threadIdx.x] = np.int64(2**40 + 300)

    assert run(fill, np.zeros(THREADS, np.int32)) == [300] * THREADS
    assert run(fill, np.zeros(THREADS, np.uint8)) == [44] * THREADS
