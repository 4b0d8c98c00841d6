"""fn.capture: what other threads, and the handlers of signals, do in the middle of a call."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from captured_steps import floats, replayed, without_verification

import fastnn as fn
from fastnn import _core, captured
from fastnn.captured import before_replay
from fastnn.utils.tracking import configuration_changed


def after_so_many_native_calls(count, what):
    """A function for `sys.setprofile` that calls `what` where a signal's handler would run, too:
    when Python comes back from the native code that captured.py has called."""

    def profile(frame, event, _):
        nonlocal count
        if event == "c_return" and frame.f_code.co_filename == captured.__file__:
            count -= 1
            if count == 0:
                what()

    return profile


def test_an_interrupt_at_any_time_does_not_keep_a_step_eager():
    x, interrupted, calls = np.ones(2, np.float32), [True], 0

    def interrupt():
        interrupted.append(True)
        raise KeyboardInterrupt

    while interrupted:
        interrupted.clear()
        calls += 1
        step = fn.capture(lambda x: x * 2.0)
        bound = step.bind(x)
        kept = None
        sys.setprofile(after_so_many_native_calls(calls, interrupt))
        try:
            for _ in range(4):
                bound()
        except KeyboardInterrupt as raised:
            kept = raised  # and so all that its frames hold
        finally:
            sys.setprofile(None)
        assert not _core.is_recording(), calls
        for _ in range(5):
            assert bound().numpy()[0] == 2
        assert replayed(step), calls
        del kept
    assert calls > 20


@without_verification
def test_a_call_that_finds_a_plan_made_meanwhile_leaves_its_state_alone():
    total = fn.Variable(np.zeros(2))
    waits, goes_on, computes, ends = (threading.Event() for _ in range(4))

    def is_late():
        return threading.current_thread() is not threading.main_thread()

    def host():
        if is_late():
            waits.set()
            goes_on.wait(20)

    @fn.capture
    def step(x):
        if not before_replay(host, "a host function"):
            host()
        total.assign_add(x)
        if is_late():
            computes.set()
            ends.wait(20)

    for _ in range(2):
        step(np.ones(2))
    with ThreadPoolExecutor(1) as threads:
        late = threads.submit(step, np.ones(2))
        waits.wait(20)  # it has seen that there is no plan
        for _ in range(4):
            step(np.ones(2))
        assert replayed(step)
        goes_on.set()
        computes.wait(20)
        for _ in range(5):
            step(np.ones(2))
        ends.set()
        assert late.result() is None
    assert total.numpy().tolist() == [12, 12]


def test_threads_of_other_modes_share_a_bound_call(monkeypatch):
    call = fn.capture(lambda x: x * float(fn.get_num_threads())).bind(np.ones(2, np.float32))
    results, other, step_for = [], [], captured.Captured.step_for
    waits, goes_on = threading.Event(), threading.Event()

    def slowly(self, signature, mode):
        if threading.current_thread() in other:
            waits.set()
            goes_on.wait(20)
        return step_for(self, signature, mode)

    def with_threads(number, times=1):
        with fn.num_threads(number):
            results.extend(call().numpy()[0] for _ in range(times))

    with_threads(2, 4)
    with_threads(3, 4)
    monkeypatch.setattr(captured.Captured, "step_for", slowly)
    other.append(threading.Thread(target=with_threads, args=(2,)))
    other[0].start()
    waits.wait(20)
    with_threads(4)
    goes_on.set()
    other[0].join()
    with_threads(4, 4)
    assert results == [2] * 4 + [3] * 4 + [4] + [2] + [4] * 4


@without_verification
def test_a_setting_changed_by_another_thread_amid_a_look_for_the_plan():
    class Steps(dict):
        def get(self, key, default=None):
            found = super().get(key, default)
            if meanwhile:
                meanwhile.pop()()
            return found

    factor, meanwhile = [2.0], []
    step = fn.capture(lambda x: x * factor[0])
    one, two = floats(1), floats(2)
    for _ in range(4):
        step(one), step(two)

    def change():
        factor[0] = 3.0
        configuration_changed()
        step(two)

    step._steps = Steps(step._steps)
    meanwhile.append(change)
    step(one)
    assert not meanwhile
    for _ in range(5):
        np.testing.assert_array_equal(step(one).numpy(), one * np.float32(3))
