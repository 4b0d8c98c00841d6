"""Recorded steps where a process of their own is needed: verification, fork, resident memory."""

import os
import sys

import pytest

from fastnn import _core

START = """
import os, sys
import numpy as np
import fastnn as fn
x = np.arange(12, dtype=np.float32).reshape(3, 4)
w = fn.Variable(np.ones((4, 2), np.float32))
"""


@pytest.fixture
def run(run_python):
    return lambda code, **variables: run_python(START + code, check=False, **variables)


def test_verification_finds_a_step_that_python_changes(run):
    code = """
count = [0]
@fn.capture
def step(x):
    count[0] += 1
    factor = 1.0 if count[0] < 6 else 2.0
    with fn.no_grad():
        return fn.ops.tanh(x @ w) * factor
for i in range(8):
    print(step(x).numpy()[0, 0])
"""
    plain = run(code, FASTNN_VERIFY_PLAN="0")
    assert plain.returncode == 0, plain.stderr
    assert len(set(plain.stdout.split())) == 1  # the replay knows nothing of `factor`
    verified = run(code, FASTNN_VERIFY_PLAN="1")
    assert verified.returncode != 0
    assert "RuntimeError: step: a replay differs from the eager step: " in verified.stderr
    assert "binary, differs in y" in verified.stderr


@pytest.mark.parametrize(
    ("around", "name"), [("inner(x) + 1.0", "outer"), ("fn.tensor(inner(x).numpy())", "inner")]
)
def test_verification_reaches_a_step_within_a_step(run, around, name):
    code = f"""
count = [0]
def changing(x):
    count[0] += 1
    return x * (1.0 if count[0] < 12 else 2.0)
inner = fn.capture(changing)
inner.name = "inner"
outer = fn.capture(lambda x: {around})
outer.name = "outer"
for i in range(16):
    outer(x)
"""
    assert run(code, FASTNN_VERIFY_PLAN="0").returncode == 0
    verified = run(code, FASTNN_VERIFY_PLAN="1")
    assert f"RuntimeError: {name}: a replay differs from the eager step: " in verified.stderr


@pytest.mark.parametrize(
    ("later", "told"),
    [
        ("fn.ops.relu(x)", "call 0 of the eager step is unary, of the recorded one row_norm"),
        ("fn.ops.layer_normalization(x, gamma)", "row_norm, with another number of arrays"),
    ],
)
def test_verification_tells_of_as_many_other_calls(run, later, told):
    code = f"""
changed = []
@fn.capture
def step(x):
    return {later} if changed else fn.ops.layer_normalization(x)
x = fn.tensor(np.zeros((1, 2), "float32"))
gamma = fn.tensor(np.ones(2, "float32"))
for i in range(8):
    step(x)
changed.append(True)
step(x)
"""
    verified = run(code, FASTNN_VERIFY_PLAN="1")
    assert told in verified.stderr, verified.stderr


def test_verification_is_silent_about_a_sound_step(run):
    result = run(
        """
generator = fn.random.SeedGenerator(1)
@fn.capture
def step(x):
    w.assign_add(fn.random.normal(w.shape, seed=generator))
    with fn.no_grad():
        return fn.ops.softmax(x @ w)
values = [step(x).numpy().sum() for _ in range(8)]
assert "replays" in step.explain()
""",
        FASTNN_VERIFY_PLAN="1",
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_replays(run):
    result = run("""
step = fn.capture(lambda x: fn.ops.tanh(x @ w))
with fn.no_grad():
    for _ in range(5):
        expected = step(x).numpy().tobytes()
    child = os.fork()
    if child == 0:
        os._exit(0 if step(x).numpy().tobytes() == expected else 1)
    pid, status = os.waitpid(child, 0)
assert status == 0, status
assert step(x).shape == (3, 2)
""")
    assert result.returncode == 0, result.stderr


FORK_AMID = """
import signal, threading, time
def check(amid, works, times):
    threading.Thread(target=amid, daemon=True).start()
    for _ in range(times):
        time.sleep(0.03)
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            os._exit(0 if works() else 1)
        pid, status = os.waitpid(child, 0)
        assert status == 0, status
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_forked_amid_repetitions_replays(run):
    code = """
total = fn.Variable(np.zeros((1, 1), np.float32))
@fn.capture
def step(x):
    total.assign_add((x @ x)[:1, :1])  # hardly any time passes outside the product
call = step.bind(np.ones((800, 800), np.float32))
for _ in range(4):
    call()
def works():
    total.assign(np.zeros((1, 1), np.float32))
    return call.repeat(2, 60.0) == (None, 2) and total.item() == 1600
check(lambda: call.repeat(10**9, 1e9), works, 5)
"""
    result = run(FORK_AMID + code, FASTNN_VERIFY_PLAN="0")
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_forked_amid_replays_has_no_half_packed_weights(run):
    code = """
weights = fn.Variable(np.ones((1200, 1200), np.float32))
rows = fn.tensor(np.ones((16, 1200), np.float32))  # few: packing takes about as long as the product
@fn.capture
def step(x):
    with fn.no_grad():
        return x @ weights
for _ in range(4):
    step(rows)
plan = step._last.plan
assert plan.prepared_bytes()
def compute():
    while True:
        weights.assign(1.0 - weights)
        step(rows)
def works():
    replayed = fn._core.replay(plan, (rows,))
    return replayed is not None and np.array_equal(replayed[0], rows @ weights)
check(compute, works, 30)
"""
    result = run(FORK_AMID + code, FASTNN_VERIFY_PLAN="0")
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_forked_amid_a_recording_makes_its_own(run):
    result = run("""
import threading
begun, go_on, waits = threading.Event(), threading.Event(), False
@fn.capture
def step(x):
    if waits:
        begun.set()
        go_on.wait()
    return fn.ops.tanh(x @ w)
with fn.no_grad():
    step(x)
    waits = True
    def record():
        with fn.no_grad():
            step(x)
    recorder = threading.Thread(target=record)
    recorder.start()
    begun.wait()
    waits = False
    child = os.fork()
    if child == 0:
        for _ in range(3):
            step(x)
        os._exit("replays" not in step.explain())
    pid, status = os.waitpid(child, 0)
    assert status == 0, status
    assert "eagerly" in step.explain()
    go_on.set()
    recorder.join()
    step(x)
assert "replays" in step.explain()
""")
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.skipif(hasattr(_core, "write_past_end"), reason="a sanitizer's build keeps no memory")
def test_many_predictions_leave_resident_memory_flat(run):
    result = run("""
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
model = fn.Sequential([fn.Input((4,)), fn.layers.Dense(8, activation="relu"), fn.layers.Dense(2)])
for _ in range(300):
    model.predict(x, verbose=0)
before = resident()
for _ in range(3000):
    model.predict(x, verbose=0)
assert resident() - before < 300_000, resident() - before
""")
    assert result.returncode == 0, result.stderr
