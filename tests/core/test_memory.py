"""The memory pool as Python sees it."""

from __future__ import annotations

import gc
import sys
import threading

import numpy as np
import pytest

from fastnn import _core, runtime

MIB = 1 << 20


pooled = pytest.mark.skipif(
    runtime.memory_stats()["limit_bytes"] == 0,
    reason="built for a sanitizer: nothing is kept for reuse",
)


@pytest.fixture(autouse=True)
def no_garbage():
    """What other tests left in cycles would be freed, and counted, in the middle of one here."""
    gc.collect()


@pooled
def test_memory_is_reused():
    shape = (1237, 411)
    _core.empty(shape, "float32")  # dies at once
    before = runtime.memory_stats()
    for _ in range(10):
        _core.empty(shape, "float32")
    after = runtime.memory_stats()
    assert after["system_requests"] == before["system_requests"]
    assert after["pool_requests"] >= before["pool_requests"] + 10
    assert after["in_use_bytes"] == before["in_use_bytes"]


def test_counts():
    before = runtime.memory_stats()["in_use_bytes"]
    tensor = _core.empty((2 * MIB,), "uint8")
    held = runtime.memory_stats()
    assert held["in_use_bytes"] - before == 2 * MIB
    assert held["peak_bytes"] >= held["in_use_bytes"]
    view = tensor.numpy()
    del tensor
    assert runtime.memory_stats()["in_use_bytes"] - before == 2 * MIB  # the view is an owner
    del view
    assert runtime.memory_stats()["in_use_bytes"] == before


@pooled
def test_release_and_bound():
    tensors = [_core.empty((MIB,), "uint8") for _ in range(20)]
    del tensors
    stats = runtime.memory_stats()
    assert 20 * MIB <= stats["cached_bytes"] <= stats["limit_bytes"]
    assert stats["limit_bytes"] == max(64 * MIB, stats["peak_bytes"])
    runtime.release_memory()
    assert runtime.memory_stats()["cached_bytes"] == 0
    assert _core.empty((MIB,), "uint8").shape == (MIB,)


@pytest.mark.parametrize("elements", [1 << 44, 1 << 50, 1 << 58])
def test_too_much_memory_is_an_error_and_life_goes_on(elements):
    before = runtime.memory_stats()["in_use_bytes"]
    with pytest.raises((MemoryError, ValueError, OverflowError)):
        _core.empty((elements, 4), "float64")
    assert runtime.memory_stats()["in_use_bytes"] == before
    x = np.arange(6.0)
    np.testing.assert_array_equal(_core.from_numpy(x).numpy(), x)


def test_more_than_the_machine_has_is_a_memory_error():
    with pytest.raises(MemoryError):
        _core.empty((1 << 43,), "float32")


@pooled
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_refusal_of_the_system_is_a_memory_error(run_python):
    run_python("""
import resource
from fastnn import _core
kept = [_core.empty((1 << 20,), "uint8") for _ in range(50)]
del kept
in_use = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + (40 << 20), resource.RLIM_INFINITY))
for _ in range(3):
    try:
        _core.empty((1 << 30,), "uint8")
    except MemoryError:
        pass
    else:
        raise SystemExit("it fitted")
    assert _core.empty((60 << 20,), "uint8").size == 60 << 20  # in what was kept
""")


def test_owners_in_several_threads():
    before = runtime.memory_stats()["in_use_bytes"]
    wrong = []

    def work(seed):
        rng = np.random.default_rng(seed)
        held = []
        for i in range(300):
            x = np.full(int(rng.integers(1, 3000)), seed * 1000 + i)
            held.append((_core.from_numpy(x), seed * 1000 + i))
            if len(held) > 20:
                tensor, value = held.pop(int(rng.integers(20)))
                wrong.extend(tensor.numpy()[tensor.numpy() != value])

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert runtime.memory_stats()["in_use_bytes"] == before
