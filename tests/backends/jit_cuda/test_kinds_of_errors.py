"""What is remembered of the errors that kernels report."""

import gc
import threading
import time

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops
from fastnn.backends.jit_cuda import gather, status

from .test_graphs import cuda, run_until_captured


def remember(most, monkeypatch):
    """So many kinds of errors, none of which is known yet."""
    gc.collect()
    monkeypatch.setattr(status, "_MOST", most)
    status._known.clear()
    status._older.clear()


def test_descriptions_of_errors_are_bounded(monkeypatch):
    remember(5, monkeypatch)
    table = cuda(np.ones((3, 2), "f4"))
    step = fn.capture(lambda ids: ops.take(table, ids, 0))
    run_until_captured(step, cuda(np.array([0, 2])))
    step(cuda(np.array([0, 1])))  # from elsewhere: captured for any place
    for extent in range(2, 20):
        ops.take(cuda(np.ones((extent, 1), "f4")), cuda(np.array([1])), 0)
    assert len(status._known) <= 5
    gc.collect()
    assert len(status._by_number) <= 11  # those of late, those of before, the graph's
    y = step(cuda(np.array([0, 5])))
    with pytest.raises(IndexError, match="5"):
        y.numpy()


def test_an_error_outlives_the_graph_that_found_it(monkeypatch):
    remember(3, monkeypatch)
    table = cuda(np.ones((3, 2), "f4"))
    step = fn.capture(lambda ids: ops.take(table, ids, 0))
    kept = cuda(np.array([0, 2]))
    run_until_captured(step, kept)
    step(cuda(np.array([0, 1])))  # from elsewhere: captured for any place
    for extent in range(8, 20):
        ops.take(cuda(np.ones((extent, 1), "f4")), cuda(np.array([1])), 0)
    y = step(cuda(np.array([0, 5])))
    del step
    gc.collect()
    with pytest.raises(IndexError, match="5"):
        y.numpy()


def test_an_error_that_is_noted_is_not_forgotten(monkeypatch):
    monkeypatch.setattr(status, "_MOST", 3)
    y = ops.take(cuda(np.ones((3, 2), "f4")), cuda(np.array([7])), 0)
    for extent in range(8, 20):
        ops.take(cuda(np.ones((extent, 1), "f4")), cuda(np.array([1])), 0)
    with pytest.raises(IndexError, match="7"):
        y.numpy()


def test_a_kernel_that_is_not_launched_yet(monkeypatch):
    """Its error has a description, though another thread forgets others before the launch."""
    remember(3, monkeypatch)
    launch, interruptions = gather.launch, [range(8, 12)]

    def others():
        for extent in interruptions.pop():
            ops.take(cuda(np.ones((extent, 1), "f4")), cuda(np.array([1])), 0)

    def interrupted(*arguments):
        if interruptions:
            thread = threading.Thread(target=others)
            thread.start()
            thread.join()
        launch(*arguments)

    monkeypatch.setattr(gather, "launch", interrupted)
    y = ops.take(cuda(np.ones((3, 2), "f4")), cuda(np.array([7])), 0)
    with pytest.raises(IndexError, match="7"):
        y.numpy()


def test_threads_find_the_same_kind_at_the_same_time(monkeypatch):
    remember(1024, monkeypatch)
    both_make_it = threading.Barrier(2)

    class Kind(status._Kind):
        def __init__(self, *arguments):
            both_make_it.wait(10)
            super().__init__(*arguments)

    monkeypatch.setattr(status, "_Kind", Kind)
    numbers = []
    threads = [
        threading.Thread(target=lambda: numbers.append(status.code(ValueError, "x")))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()
    assert all(number in status._by_number for number in numbers)
    assert len(numbers) == 2


def test_threads_note_errors_in_one_place(monkeypatch):
    real, made = status.cuda.to_device, []

    def slow(*arguments, **options):
        time.sleep(0.05)
        made.append(real(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(status, "_array", None)
    monkeypatch.setattr(status.cuda, "to_device", slow)
    found = []
    threads = [threading.Thread(target=lambda: found.append(status.array())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert all(one is made[0] for one in found)
    assert len(found) == 3
