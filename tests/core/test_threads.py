"""The team of threads under a real computation: a product of matrices that is worth waking it."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from fastnn import _core, runtime

SETUP = """
import os, threading, time, numpy
before = set(os.listdir("/proc/self/task"))
from fastnn import _core, runtime
def new_threads():
    return len(set(os.listdir("/proc/self/task")) - before)
rng = numpy.random.default_rng(0)
a, b = (_core.from_numpy(rng.standard_normal((512, 512), dtype="float32")) for _ in "ab")
def product():
    return _core.gemm(a, b, None, None, None)[0].numpy().tobytes()
def the_worker():
    (worker,) = set(os.listdir("/proc/self/task")) - before
    return int(worker)
def of_worker(file):
    with open(f"/proc/self/task/{the_worker()}/{file}") as lines:
        return lines.read().split()
def wait_until_it_sleeps():
    end = time.monotonic() + 30
    while of_worker("stat")[2] != "S":
        assert time.monotonic() < end
        time.sleep(0.001)
def fork(works):
    child = os.fork()
    if child == 0:
        import signal
        signal.alarm(30)
        os._exit(0 if works() else 1)
    assert works()
    pid, status = os.waitpid(child, 0)
    assert status == 0, status
"""


@pytest.fixture
def run(run_python):
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    return lambda code: run_python(SETUP + code)


def test_team_is_hired_on_need_and_kept(run):
    run("""
runtime.set_num_threads(1)
alone = product()
assert new_threads() == 0
runtime.set_num_threads(3)
assert new_threads() == 0
for _ in range(5):
    assert product() == alone
assert new_threads() == 2
with runtime.num_threads(1):
    assert product() == alone
""")


def test_no_processor_time_once_idle(run):
    run("""
time.sleep(0.3)  # NumPy's own threads spin for a while after they are made
runtime.set_num_threads(2)
product()
time.sleep(0.01)
start = time.process_time()
time.sleep(0.5)
spent = time.process_time() - start
assert spent < 0.005, spent
""")


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_several_python_threads_get_the_same_bits(threads):
    rng = np.random.default_rng(1)
    a, b = (_core.from_numpy(rng.standard_normal((300, 400), dtype="float32")) for _ in "ab")
    with runtime.num_threads(1):
        expected = _product(a, b)
    wrong = []

    def work():
        with runtime.num_threads(threads):
            wrong.extend(1 for _ in range(30) if _product(a, b) != expected)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def _product(a, b):
    return _core.gemm(a, b, None, None, None, False, True)[0].numpy().tobytes()


def test_fork_before_and_after_use(run):
    run("""
runtime.set_num_threads(3)
expected = []
def works():
    return not expected or product() == expected[0]
fork(lambda: bool(product()))   # before any use here
expected.append(product())
for _ in range(5):
    fork(works)                 # the child hires a team of its own, the parent keeps its
""")


def test_fork_while_other_threads_compute(run):
    run("""
runtime.set_num_threads(3)
expected = product()
stop, wrong, rounds = False, [], [0, 0]
def compute(i):
    while not stop:
        wrong.extend([1] if product() != expected else [])
        rounds[i] += 1
threads = [threading.Thread(target=compute, args=(i,)) for i in range(2)]
for thread in threads:
    thread.start()
for _ in range(10):
    fork(lambda: product() == expected)
seen, end = list(rounds), time.monotonic() + 30
while min(rounds[0] - seen[0], rounds[1] - seen[1]) < 2 and time.monotonic() < end:
    time.sleep(0.01)
stop = True
assert min(rounds[0] - seen[0], rounds[1] - seen[1]) >= 2, "they do not go on"
for thread in threads:
    thread.join()
assert not wrong
""")


def test_exit_while_a_thread_computes(run):
    run("""
runtime.set_num_threads(3)
def compute():
    while True:
        product()
thread = threading.Thread(target=compute, daemon=True)
thread.start()
time.sleep(0.05)
assert thread.is_alive()
""")


@pytest.mark.skipif(_core.usable_processors() < 2, reason="one processor")
def test_two_threads_share_the_work(run):
    run("""
def seconds(task):
    with open(f"/proc/self/task/{task}/schedstat") as file:
        return int(file.read().split()[0]) / 1e9
runtime.set_num_threads(2)
product()
caller, worker = threading.get_native_id(), the_worker()
share, end = 0, time.monotonic() + 30
while share < 0.25 and time.monotonic() < end:  # other programs may want the processors too
    start = [seconds(task) for task in (caller, worker)]
    for _ in range(100):
        _core.gemm(a, b, None, None, None)
    mine, other = (seconds(task) - begin for task, begin in zip((caller, worker), start))
    share = other / mine
assert share >= 0.25
""")


@pytest.mark.skipif(_core.usable_processors() < 2, reason="one processor")
def test_a_woken_worker_is_kept_off_the_callers_processor(run):
    run("""
allowed = os.sched_getaffinity(0)
runtime.set_num_threads(2)
product()
for cpu in sorted(allowed)[:2]:
    os.sched_setaffinity(0, {cpu})  # brings the caller there, and leaves it
    os.sched_setaffinity(0, allowed)
    wait_until_it_sleeps()
    product()
    kept = os.sched_getaffinity(the_worker())
    assert len(kept) == len(allowed) - 1 and kept < allowed, kept
""")


@pytest.mark.skipif(_core.usable_processors() < 2, reason="one processor")
def test_few_short_tasks_leave_a_sleeper_asleep(run):
    run("""
runtime.set_num_threads(2)
product()
def wakes(work):
    wait_until_it_sleeps()
    given = of_worker("schedstat")[2]  # how often it has been given a processor
    work()
    return of_worker("schedstat")[2] != given
x, one = (_core.from_numpy(numpy.ones(n, "f")) for n in ((3 << 14,), ()))
def short_tasks():
    for _ in range(20):
        _core.scale_list([x], one)
# What another process interrupts is not short and rightly wakes it, or ends before it wakes.
assert not all(wakes(short_tasks) for _ in range(200))
assert any(wakes(product) for _ in range(200))
""")


@pytest.mark.skipif(_core.usable_processors() < 2, reason="one processor")
def test_a_word_goes_from_thread_to_thread_and_back(run):
    run("""
runtime.set_num_threads(1)
assert _core.round_trip() == 0  # there is no other
runtime.set_num_threads(2)
assert _core.round_trip() > 5e-9  # no processor is faster
""")
