"""Indices and labels in a Variable that another thread assigns to while they are used.

What comes out is then anybody's guess, but nothing outside of the operands is read or written: an
index far beyond all memory would end the process.
"""

from __future__ import annotations

import pytest

SETUP = """
import sys, threading, time
import numpy as np
from fastnn import Variable, _core
sys.setswitchinterval(1e-5)
n = 100_000
def both(shape):
    return [_core.from_numpy(np.full(shape, index)) for index in (0, 1 << 44)]
numbers = Variable(np.zeros(n, np.int64), trainable=False)
tuples = Variable(np.zeros((n, 1), np.int64), trainable=False)
position = Variable(np.zeros(1, np.int64), trainable=False)
updates, few = (_core.from_numpy(np.ones((rows, 8), np.float32)) for rows in (n, 16))
done = threading.Event()
def assign(variable):
    good, bad = both(variable.shape)
    while not done.is_set():
        _core.assign(variable, good)
        _core.assign(variable, bad)
def race(variable, use):
    thread = threading.Thread(target=assign, args=(variable,))
    thread.start()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        try:
            use()
        except (IndexError, ValueError):
            pass
    done.set()
    thread.join()
"""

USES = {
    "gather": "numbers, lambda: _core.gather(few, numbers, 0)",
    "scatter_add": "numbers, lambda: _core.scatter_add(few, updates, numbers, 0)",
    "gather_nd": "tuples, lambda: _core.gather_nd(few, tuples)",
    "scatter_nd_add": "tuples, lambda: _core.scatter_nd_add(few, updates, tuples)",
    "gather_batch": "numbers, lambda: (position.assign([0]), "
    "_core.gather_batch([few], numbers, position, n))",
    "cross_entropy": "numbers, lambda: _core.cross_entropy(updates, numbers, None)",
}


@pytest.mark.parametrize("name", USES)
def test_numbers_that_change_stay_within_bounds(run_python, name):
    run_python(f"{SETUP}\nrace({USES[name]})")
