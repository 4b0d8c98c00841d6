"""fn.capture: replays that are repeated without Python, and what they ask the system for."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from captured_steps import floats, replayed, without_verification

import fastnn as fn
from fastnn import _core


def counter():
    """A step that counts its calls, and its bound call."""
    total = fn.Variable(np.zeros((), np.float32))

    @fn.capture
    def step(x):
        total.assign_add(x)

    return total, step, step.bind(np.ones((), np.float32))


@without_verification
def test_a_call_is_repeated_without_python():
    total, step, call = counter()
    made = [call.repeat(100, 60.0) for _ in range(4)]
    # Eagerly, recorded once, recorded again and then run as often as is left, replayed.
    assert made == [(None, 1), (None, 1), (None, 100), (None, 100)]
    assert total.item() == 202 and replayed(step)
    assert call.repeat(1, 60.0) == (None, 1)


@pytest.mark.parametrize("name", ["replay", "repeat"])
def test_wrong_arguments_of_a_plan_are_named(name):
    _, step, call = counter()
    for _ in range(3):
        call()
    run, rest = getattr(_core, name), (1, 60.0) if name == "repeat" else ()
    plan, x = step._last.plan, fn.tensor(np.ones((), np.float32))
    for arguments in ((None, (x,), *rest), (plan, (x,), *rest, 1)):
        with pytest.raises(TypeError, match=f"^{name}: expected a plan"):
            run(*arguments)
    with pytest.raises(TypeError, match=f"^{name}: expected a tuple of 1 Tensors"):
        run(plan, (), *rest)
    with pytest.raises(ValueError, match=f"^{name}: argument 0 is not like the one"):
        run(plan, (fn.tensor(np.ones(2, np.float32)),), *rest)
    for arguments in (("a", 60.0), (1, None)) if rest else ():
        with pytest.raises(TypeError, match=f"^{name}: expected a plan"):
            run(plan, (x,), *arguments)


@without_verification
def test_repeating_ends_in_time():
    total, _, call = counter()
    for _ in range(3):
        call()
    start = time.perf_counter()
    result, made = call.repeat(10**12, 0.05)
    assert result is None and 1 < made == total.item() - 3
    assert 0.05 <= time.perf_counter() - start < 5
    assert call.repeat(100, 0.0) == (None, 1)  # no other begins: steps may be long


def test_a_call_with_results_is_made_once():
    step = fn.capture(lambda x: x + 1)
    call = step.bind(np.float32(1))
    assert [(y.item(), made) for y, made in (call.repeat(9, 60.0) for _ in range(5))] == [
        (2, 1)
    ] * 5
    assert replayed(step)
    for arguments, error, match in (
        ((step._last.plan, call._inputs, 3, 1.0), ValueError, "repeat: the plan has results"),
        ((step._last.plan, call._inputs), TypeError, "repeat: expected a plan, a tuple of Tensors"),
    ):
        with pytest.raises(error, match=match):
            _core.repeat(*arguments)


@without_verification
def test_a_repeated_call_that_fails_leaves_what_it_did_before():
    steps = fn.Variable(np.zeros(1, np.int64))
    seen = fn.Variable(np.zeros((), np.float32))
    order = fn.tensor(np.array([0, 1, 2, 3, 99, 0]))

    @fn.capture
    def step(x):
        (row,) = _core.gather_batch([x], order, steps, 1)
        seen.assign_add(row.sum())

    call = step.bind(np.array([1, 2, 4, 8, 16], np.float32))
    assert [call.repeat(1, 60.0) for _ in range(3)] == [(None, 1)] * 3
    with pytest.raises(IndexError, match="99"):
        call.repeat(9, 60.0)
    assert seen.item() == 15


@without_verification
@pytest.mark.skipif(hasattr(_core, "write_past_end"), reason="a sanitizer's build keeps no memory")
def test_a_replay_asks_the_system_for_nothing():
    w = fn.Variable(floats(50, 50))

    @fn.capture
    def step(x):
        w.assign(fn.ops.tanh(x @ w))

    x = fn.tensor(floats(50, 50))
    for _ in range(5):
        step(x)
    before = fn.memory_stats()
    for _ in range(100):
        step(x)
    after = fn.memory_stats()
    assert after["system_requests"] == before["system_requests"]
    assert after["pool_requests"] <= before["pool_requests"] + 100  # where each of them runs


def steps_by_size():
    """A step, and arguments of which each makes a plan that takes other memory."""
    w = fn.Variable(floats(64, 64), trainable=False)

    @fn.capture
    def step(x):
        return fn.ops.tanh(x @ w) @ w.T

    return step, [fn.tensor(floats(rows, 64)) for rows in (3, 4000, 100, 2000, 1, 3000)]


@without_verification
def test_plans_share_the_memory_that_they_run_in():
    step, arguments = steps_by_size()
    before = fn.memory_stats()["in_use_bytes"]
    for _ in range(5):
        for x in arguments:
            step(x)
    plans = [part.plan for part in step._steps.values()]
    assert len(plans) == len(arguments) and min(plan.workspace_bytes() for plan in plans) > 0
    held = fn.memory_stats()["in_use_bytes"] - before
    own = sum(plan.workspace_bytes() for plan in plans)
    assert held < own  # between two runs: copies of the arguments, and weights packed


@without_verification
def test_plans_go_on_where_there_is_other_memory():
    step, arguments = steps_by_size()
    expected = [step(x).numpy() for x in arguments]
    for _ in range(3):
        for x in arguments:
            step(x)
    for turn in range(20):
        taken = [fn.tensor(floats(rows, 64)) for rows in range(1, 4000, 500)[: turn % 8]]
        if turn % 3 == 0:
            fn.release_memory()
        for x, y in zip(arguments, expected):
            np.testing.assert_array_equal(step(x).numpy(), y)
        del taken


def test_threads_with_more_shapes_than_plans_are_kept():
    step = fn.capture(lambda x: x + 1)

    def call(seed):
        sizes = np.random.default_rng(seed).integers(1, 60, 2000)
        return all(step(np.zeros(size, np.float32)).shape == (size,) for size in sizes)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            assert all(threads.map(call, range(4)))
    finally:
        sys.setswitchinterval(before)
