"""What the simulator adds to Numba's: threads of a block take turns, integers wrap."""

import threading

import numpy as np
import pytest

from fastnn.backends.jit_cuda.cuda import cuda, kernel, launch_grid, simulated

if not simulated:
    pytest.skip("about the simulator alone", allow_module_level=True)
from numba.cuda.simulator.kernel import BlockThread

from fastnn.backends.jit_cuda import simulator

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


def threads_of_blocks():
    return [thread for thread in threading.enumerate() if isinstance(thread, BlockThread)]


@pytest.mark.parametrize("barrier", [True, False])
@pytest.mark.parametrize("place", range(THREADS))
def test_an_error_ends_threads_that_have_not_begun(place, barrier):
    ran = []

    @kernel
    def fails(y):
        ran.append(cuda.threadIdx.x)
        if cuda.threadIdx.x == place:
            y[THREADS] = 1
        if barrier:
            cuda.syncthreads()

    with pytest.raises(IndexError, match="out of bounds"):
        run(fails, np.zeros(THREADS))
    for thread in threads_of_blocks():
        thread.join(10)
    assert not threads_of_blocks()
    assert ran in ([*range(place + 1)], [*range(THREADS - 1, place - 1, -1)])


class Unlike(Exception):
    """Numba cannot make it again from a text."""

    def __init__(self, first, second):
        super().__init__(first, second)


@pytest.mark.parametrize("error", [Unlike(1, 2), SystemExit(3)])
def test_errors_that_numba_does_not_take(error):
    @kernel
    def fails(y):
        raise error

    found = []

    def launch():
        try:
            run(fails, np.zeros(THREADS))
        except BaseException as raised:
            found.append(raised)

    thread = threading.Thread(target=launch, daemon=True)
    thread.start()
    thread.join(20)
    assert found == [error]


def test_a_block_that_is_interrupted(monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    @kernel
    def waits(y):
        begun.set()
        go_on.wait(10)
        cuda.syncthreads()

    def interrupted(self):
        self._turn.release()
        begun.wait(10)
        raise KeyboardInterrupt

    unheard = []
    monkeypatch.setattr(threading, "excepthook", unheard.append)
    monkeypatch.setattr(simulator._Thread, "advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(waits, np.zeros(THREADS))
    go_on.set()
    for thread in threads_of_blocks():
        thread.join(10)
    assert not threads_of_blocks()
    assert not unheard


def test_a_launch_amid_a_launch_of_the_same_thread_is_an_error(monkeypatch):
    """As of a handler of a signal, which its thread runs while it waits for a block."""
    function, y, found = shifted(1, True), np.zeros(THREADS), []
    launches = [(shifted(0, True), 1, THREADS, cuda.to_device(y))]
    advance = simulator._Thread.advance

    def interrupted(self):
        if launches:
            with pytest.raises(RuntimeError, match="this thread is amid another one"):
                launch_grid(*launches.pop())
        advance(self)

    monkeypatch.setattr(simulator._Thread, "advance", interrupted)
    thread = threading.Thread(target=lambda: found.append(run(function, y)), daemon=True)
    thread.start()
    thread.join(20)
    assert found == [[2, 3, 4, 4]]


def test_integers_keep_their_lower_bits():
    @kernel
    def fill(y):
        y[cuda.threadIdx.x] = np.int64(2**40 + 300)

    assert run(fill, np.zeros(THREADS, np.int32)) == [300] * THREADS
    assert run(fill, np.zeros(THREADS, np.uint8)) == [44] * THREADS
