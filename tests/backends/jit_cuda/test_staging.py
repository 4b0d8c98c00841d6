"""Page-locked buffers: which one a transfer gets while another's copy is not done."""

import numpy as np
import pytest

import fastnn as fn
from fastnn.backends.jit_cuda import memory
from fastnn.backends.jit_cuda.staging import PIECE, Staging


class Event:
    """Is done when the test says so, or when somebody waits for it."""

    def __init__(self):
        self.finished, self.waited = True, 0

    def record(self, stream=None):
        self.finished = False

    def query(self):
        return self.finished

    def synchronize(self):
        self.finished, self.waited = True, self.waited + 1


def staging(most=1 << 20):
    asked = []

    def ask(size):
        asked.append(size)
        return np.zeros(size, np.uint8)

    return Staging(ask, Event, most), asked


def used(ring, size):
    buffer = ring.take(size)
    buffer.done.record()
    ring.give(buffer)
    return buffer


def test_a_buffer_is_used_again_when_its_copy_is_done():
    ring, asked = staging()
    first = used(ring, 5000)
    second = used(ring, 8000)  # of the same class, but the first copy goes on
    assert second is not first
    first.done.finished = True
    assert ring.take(8192) is first
    assert asked == [8192, 8192]
    assert first.done.waited == second.done.waited == 0


def test_a_buffer_in_hand_is_nobody_elses():
    ring, _ = staging()
    assert ring.take(100) is not ring.take(100)


def test_the_oldest_copy_is_waited_for_when_there_are_too_many_bytes():
    ring, asked = staging(most=3 * 4096)
    first, second, third = (used(ring, 4096) for _ in range(3))
    assert ring.take(1) is first
    assert (first.done.waited, second.done.waited, third.done.waited) == (1, 0, 0)
    assert asked == [4096] * 3


def test_buffers_of_other_classes_make_room():
    ring, asked = staging(most=3 * 4096)
    small = [used(ring, 4096) for _ in range(3)]
    used(ring, 8192)
    assert [buffer.done.waited for buffer in small] == [1, 1, 0]
    assert ring.bytes == 3 * 4096
    assert asked == [4096] * 3 + [8192]


def test_clearing_waits_for_copies():
    ring, _ = staging()
    buffer = used(ring, 10)
    ring.clear()
    assert (buffer.done.waited, ring.bytes) == (1, 0)
    assert ring.take(10) is not buffer


@pytest.fixture
def slow(monkeypatch):
    """Transfers through a ring whose copies are done when somebody waits: only then does the
    device have the bytes, or the host."""
    pending = []

    class Late(Event):
        def record(self, stream=None):
            super().record()
            self.copies, pending[:] = list(pending), []

        def synchronize(self):
            for target, source in self.copies:
                target[:] = source
            self.copies.clear()
            super().synchronize()

    ring = Staging(lambda size: np.zeros(size, np.uint8), Late, 4 * PIECE)
    array = memory.cuda.device_array(1, np.uint8).__class__
    real = array.copy_to_device, array.copy_to_host

    def to_device(self, host, stream=None):
        if isinstance(host, np.ndarray) and host.base is not None and self.dtype == np.uint8:
            pending.append((self._ary, host))
        else:
            real[0](self, host, stream)

    def to_host(self, host=None, stream=None):
        if host is not None and host.size > memory._SMALL_READ:
            pending.append((host, self._ary))
            return host
        return real[1](self, host, stream)

    monkeypatch.setattr(memory, "staging", ring)
    monkeypatch.setattr(array, "copy_to_device", to_device)
    monkeypatch.setattr(array, "copy_to_host", to_host)
    return ring


def test_the_host_may_overwrite_what_it_has_written(slow):
    values = np.arange(100, dtype=np.uint8)
    x, y = fn.tensor(values, device="cuda"), fn.tensor(values + 100, device="cuda")
    values[:] = 0
    assert x.tolist() != list(range(100))  # the copies are not done yet
    slow.clear()
    np.testing.assert_array_equal(x.numpy(), np.arange(100))
    np.testing.assert_array_equal(y.numpy(), np.arange(100, 200))


def test_long_transfers_go_in_pieces(slow):
    values = np.random.default_rng(1).integers(0, 256, 2 * PIECE + 12345).astype(np.uint8)
    x = fn.tensor(values, device="cuda")
    slow.clear()
    fn.tensor(np.zeros_like(values))  # leaves zeros where the host reads next
    np.testing.assert_array_equal(x.numpy(), values)
    assert 0 < slow.bytes <= 4 * PIECE


def test_a_machine_without_page_locked_memory(monkeypatch):
    def refuse(*_):
        raise RuntimeError("cuMemHostAlloc: out of memory")

    monkeypatch.setattr(memory.cuda, "pinned_array", refuse)
    monkeypatch.setattr(memory, "staging", Staging(memory._page_locked, memory.new_event))
    assert fn.tensor([1.0, 2.0], device="cuda").tolist() == [1.0, 2.0]


def test_released_memory_is_that_of_transfers_too():
    fn.tensor([1.0, 2.0], device="cuda")
    assert memory.staging.bytes > 0
    fn.release_memory()
    assert memory.staging.bytes == 0
