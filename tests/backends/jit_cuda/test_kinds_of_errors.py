"""What is remembered of the errors that kernels report."""

import gc
import threading
import time

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops
from fastnn.backends.jit_cuda import status

from .test_graphs import cuda, run_until_captured


def remember(most, monkeypatch):
    """So many kinds of errors, none of which is known yet."""
    gc.collect()
    monkeypatch.setattr(status, "_MOST", most)
    monkeypatch.setattr(status, "_kept", 0, raising=False)
    status._known.clear()


def test_descriptions_of_errors_are_bounded(monkeypatch):
    remember(5, monkeypatch)
    table = cuda(np.ones((3, 2), "f4"))
    step = fn.capture(lambda ids: ops.take(table, ids, 0))
    run_until_captured(step, cuda(np.array([0, 2])))
    step(cuda(np.array([0, 1])))  # from elsewhere: captured for any place
    for extent in range(2, 20):
        ops.take(cuda(np.ones((extent, 1), "f4")), cuda(np.array([1])), 0)
    assert len(status._known) <= 6  # the graph's is kept
    gc.collect()
    assert len(status._by_number) <= 6
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
