"""fn.capture: calls within and beside each other, on threads, and calls that fail."""

import threading

import numpy as np
import pytest
from captured_steps import calls_of, floats, replayed, without_verification

import fastnn as fn
from fastnn import _core


def test_a_captured_function_in_another_is_part_of_it():
    inner = fn.capture(lambda x: x * 2.0)
    outer = fn.capture(lambda x: inner(x) + 1.0)
    for i in range(8):
        assert outer(np.full(2, i, np.float32)).numpy()[0] == 2 * i + 1
    assert replayed(outer)


def test_an_exception_leaves_everything_as_eager_does():
    step = fn.capture(lambda x, i: fn.ops.take(x, i, axis=0))
    x = floats(4, 2)
    for _ in range(4):
        step(x, np.array([0, 3]))
    assert replayed(step)
    with pytest.raises(IndexError) as replay:
        step(x, np.array([0, 4]))
    with pytest.raises(IndexError) as eager:
        fn.ops.take(x, np.array([0, 4]), axis=0)
    assert str(replay.value) == str(eager.value)
    np.testing.assert_array_equal(step(x, np.array([1, 2])).numpy(), x[[1, 2]])


def test_an_exception_while_recording_ends_the_recording():
    fails = [False]

    @fn.capture
    def step(x):
        if fails[0]:
            raise KeyError("here")
        return x + 1.0

    step(np.ones(2))
    fails[0] = True
    for _ in range(2):
        with pytest.raises(KeyError, match="here"):
            step(np.ones(2))
    assert not _core.is_recording()
    fails[0] = False
    for _ in range(4):
        assert step(np.ones(2)).numpy()[0] == 2
    assert replayed(step)


def test_several_threads_share_a_plan():
    w = fn.Variable(floats(64, 64))
    step = fn.capture(lambda x: fn.ops.tanh(x @ w))
    inputs = [floats(16, 64) for _ in range(4)]
    with fn.no_grad():
        expected = [fn.ops.tanh(fn.tensor(x) @ w).numpy() for x in inputs]
    wrong = []

    def work(i):
        with fn.no_grad():
            for _ in range(200):
                if not np.array_equal(step(inputs[i]).numpy(), expected[i]):
                    wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert replayed(step)


@without_verification
def test_threads_that_write_state_take_turns():
    total = fn.Variable(np.zeros(1000))
    step = fn.capture(lambda x: (total.assign_add(x), None)[1])
    for _ in range(4):
        step(np.ones(1000))
    assert replayed(step)
    threads = [
        threading.Thread(target=lambda: [step(np.ones(1000)) for _ in range(200)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(total.numpy().tolist()) == {804.0}


def test_the_number_of_threads_changes_no_bit():
    w = fn.Variable(floats(300, 200))
    step = fn.capture(lambda x: fn.ops.softmax(x @ w))
    x = floats(100, 300)
    results = set()
    with fn.no_grad():
        for threads in (1, 2, 3, 5):
            with fn.num_threads(threads):
                results.update(calls_of(step, x, times=5))
    assert len(results) == 1


def test_a_replayed_function_in_a_recording_is_part_of_it():
    w = fn.Variable(np.zeros(2, np.float32))
    inner = fn.capture(lambda x: (w.assign_add(x), x * 3.0)[1])
    ones = np.ones(2, np.float32)
    for _ in range(5):
        inner(ones)
    assert replayed(inner)
    outer = fn.capture(lambda x: inner(x) + 1.0)
    for i in range(6):
        assert outer(np.full(2, i, np.float32)).numpy()[0] == 3 * i + 1
    assert w.numpy()[0] == 5 + sum(range(6))
    assert replayed(outer)


def test_a_call_that_may_fail_fails_though_nobody_reads_its_result():
    step = fn.capture(lambda x, i: (fn.ops.take(x, i), x * 2.0)[1])
    for _ in range(4):
        step(np.ones(3, np.float32), np.array([0, 1]))
    assert replayed(step)
    with pytest.raises(IndexError):
        step(np.ones(3, np.float32), np.array([0, 99]))
