"""Recorded steps and operations of the user's on CUDA, in the simulator."""

import math

import numpy as np
import pytest

import fastnn as fn
import fastnn.captured
from fastnn import ops

from .tensors import Reads, cuda


def test_a_recorded_step_is_replayed():
    with fn.device("cuda"):
        w = fn.Variable([1.0, 2.0])
        rate = fn.tensor([0.5, 0.5])

    @fn.capture
    def step(x):
        loss, gradient = fn.value_and_grad(lambda w: ops.sum((w - x) ** 2))(w)
        w.assign_sub(rate * gradient * 0.5)
        return loss

    found, expected, host = [], [], np.float32([1, 2])
    for i in range(6):
        x = np.float32([i, 3])
        found.append(step(cuda(x)))
        expected.append(((host - x) ** 2).sum())
        host -= 0.5 * (host - x)
    assert {loss.device for loss in found} == {"cuda"}
    np.testing.assert_allclose([loss.item() for loss in found], expected, rtol=1e-6)
    np.testing.assert_allclose(w.numpy(), host, rtol=1e-6)
    explained = step.explain()
    assert "replays" in explained
    assert "jit_cuda" in explained
    assert "native" not in explained
    np.testing.assert_allclose(w.numpy(), host, rtol=1e-6)  # what explain ran left nothing


def test_a_replay_reads_nothing():
    step = fn.capture(lambda x: ops.tanh(x @ x) + 1.0)
    x = cuda(np.eye(2, dtype="f4"))
    expected = step(x).numpy()
    reads, results = Reads(), [step(x) for _ in range(4)]
    assert int(reads) == 0
    for result in results:  # each in memory of its own
        np.testing.assert_array_equal(result.numpy(), expected)


def test_a_plan_is_of_one_device():
    step = fn.capture(lambda x: x * 2.0 + 1.0)
    for _ in range(4):
        assert step(cuda([1.0, 2.0])).tolist() == [3.0, 5.0]
        assert step(fn.tensor([1.0, 2.0])).tolist() == [3.0, 5.0]
    assert step.explain().count("replays 2 calls") == 2

    here = fn.tensor([1.0, 2.0])
    mixed = fn.capture(lambda x: (x + x, here + here))
    for _ in range(4):
        assert [y.tolist() for y in mixed(cuda([1.0, 2.0]))] == [[2.0, 4.0], [2.0, 4.0]]
    assert "binary runs on cpu and what was called before it on another" in mixed.explain()


def test_a_verified_replay(monkeypatch):
    monkeypatch.setattr(fastnn.captured, "VERIFY", True)
    with fn.device("cuda"):
        total = fn.Variable([0.0, 0.0], trainable=False)

    @fn.capture
    def step(x):
        total.assign_add(x)
        return total * 2.0

    got = [step(cuda([1.0, 2.0])).tolist() for _ in range(5)]
    assert got == [[2.0 * i, 4.0 * i] for i in range(1, 6)]
    assert "replays" in step.explain()


def test_a_captured_function_of_nothing_but_its_argument():
    step = fn.capture(lambda x: x)
    for _ in range(4):
        assert step(cuda([1.0])).device == "cuda"


def test_plans_end_when_a_state_moves():
    seed = fn.random.SeedGenerator(5)

    @fn.capture
    def draw():
        return fn.random.uniform((2,), seed=seed)

    again = fn.random.SeedGenerator(5)
    expected = [fn.random.uniform((2,), seed=again).tolist() for _ in range(7)]
    got = [draw().tolist() for _ in range(5)]
    with fn.device("cuda"):
        got.append(fn.random.uniform((2,), seed=seed).tolist())
    got.append(draw().tolist())
    assert got == expected


@fn.elementwise
def bent(x, y, slope=1.5, times=2):
    if x > 0:
        for _ in range(times):
            x = x + slope * math.tanh(x)
        return x * max(x, y)
    return np.exp(y) - slope


@fn.elementwise(gradient=lambda x, scale=3.0: 7.0 * scale)
def with_a_gradient(x, scale=3.0):
    return scale * x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_users_operation_is_that_of_the_cpu(dtype):
    x = np.linspace(-2, 2, 6).astype(dtype).reshape(2, 3)
    y = np.array([0.5, -1.0, 3.0], dtype)

    def both(x, y):
        return ops.sum(bent(x, y, slope=0.5) * with_a_gradient(x))

    expected = fn.value_and_grad(both, (0, 1))(fn.tensor(x), fn.tensor(y))
    reads = Reads()
    got = fn.value_and_grad(both, (0, 1))(cuda(x), cuda(y))
    assert int(reads) == 0
    for a, b in zip([got[0], *got[1]], [expected[0], *expected[1]]):
        assert a.device == "cuda"
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6 if dtype == "float32" else 1e-14)
    odd = bent(cuda(x)[:, ::-2], 1.0, times=3)
    np.testing.assert_allclose(odd.numpy(), bent(x[:, ::-2], 1.0, times=3).numpy(), rtol=1e-6)


def test_a_users_operation_is_replayed():
    step = fn.capture(lambda x: with_a_gradient(x, scale=2.0) + 1.0)
    for i in range(5):
        assert step(cuda([1.0 * i])).tolist() == [2.0 * i + 1]
    assert "replays" in step.explain()


def test_a_users_operation_that_cannot_be_compiled():
    @fn.elementwise
    def odd(x):
        return x.upper()

    with pytest.raises(
        TypeError, match=r"odd: cannot be compiled: .*test_device_steps\.py.*x\.upper"
    ):
        odd(cuda([1.0]))
