"""fn.capture: what cannot be replayed stays eager, and its reason is told."""

import warnings

import numpy as np
import pytest
from captured_steps import calls_of, floats, reason

import fastnn as fn


def test_host_reads_stay_eager():
    for read in (
        lambda y: y.numpy(),
        lambda y: y.sum().item(),
        lambda y: float(y.sum()),
        lambda y: bool(y.sum() > 0),
        np.asarray,
        np.from_dlpack,
    ):
        step = fn.capture(lambda x, read=read: x * fn.ops.sum(fn.tensor(np.array(read(x)))))
        x = floats(3)
        for _ in range(6):
            step(x)
        assert "reads values" in reason(step)


def test_a_value_that_decides_is_read_each_time():
    step = fn.capture(lambda x: x * 2.0 if x.sum() > 0 else x * 3.0)
    for sign in (1, -1, 1, -1, 1, -1):
        x = np.full(2, sign, np.float32)
        assert step(x).numpy()[0] == (2 if sign > 0 else -3)


def test_state_in_a_rebound_name_stays_eager():
    state = fn.tensor(np.zeros(2, np.float32))

    @fn.capture
    def step(x):
        nonlocal state
        state = state + x
        return state.detach() * 1.0

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(1, 8):
            assert step(np.ones(2, np.float32)).numpy()[0] == i
    assert "kept beyond the step" in reason(step) or "in a Variable" in reason(step)


def test_an_escaped_tensor_stays_eager_and_keeps_its_values():
    kept = []

    @fn.capture
    def step(x):
        kept.append(x * 2.0)
        return x + 1.0

    for i in range(7):
        step(np.full(2, i, np.float32))
    assert [t.numpy()[0] for t in kept] == [2.0 * i for i in range(7)]
    assert "made by binary is kept beyond the step" in reason(step)
    assert "test_captured_eager.py" in reason(step)


def test_numbers_that_python_computes_each_time_warn_once_and_stay_eager():
    count = [0]

    @fn.capture
    def step(x):
        count[0] += 1
        return x * float(count[0])

    with pytest.warns(UserWarning, match=r"two recordings of it differ: binary.*values.*captured"):
        results = [step(np.ones(2, np.float32)).numpy()[0] for _ in range(8)]
    assert results == list(range(1, 9))


def test_another_path_through_the_function_stays_eager():
    count = [0]

    @fn.capture
    def step(x):
        count[0] += 1
        return fn.ops.exp(x) if count[0] % 2 else fn.ops.sin(x)

    x = floats(5)
    with pytest.warns(UserWarning, match="unary has other attributes"):
        results = calls_of(step, x, times=8)
    assert results == [results[0], results[1]] * 4


def test_results_with_gradients_stay_eager_and_differentiable():
    w = fn.Variable(floats(3))
    step = fn.capture(lambda x: (w * x).sum())
    for _ in range(6):
        w.grad = None
        step(np.ones(3, np.float32)).backward()
        assert w.grad.numpy().tolist() == [1, 1, 1]
    assert "requires a gradient" in reason(step)


def test_arguments_that_require_a_gradient_stay_eager_and_get_it():
    doubled = fn.capture(lambda x: x * 2.0)
    squared = fn.capture(lambda x: ((x * x).sum().backward(), None)[1])
    x = fn.tensor(floats(3), requires_grad=True)
    for _ in range(6):
        x.grad = None
        doubled(x).sum().backward()
        assert x.grad.numpy().tolist() == [2, 2, 2]
        x.grad = None
        squared(x)
        np.testing.assert_array_equal(x.grad.numpy(), 2 * x.numpy())
    assert "an argument requires a gradient" in reason(doubled)
    with fn.no_grad():
        calls_of(doubled, x)
    assert "replays" in reason(doubled)


def test_the_reference_backend_stays_eager():
    step = fn.capture(lambda x: fn.ops.exp(x))
    x = floats(3)
    for _ in range(5):
        step(x)
    with fn.use_backend("reference"):
        for _ in range(5):
            np.testing.assert_allclose(step(x).numpy(), np.exp(x), rtol=1e-6)
        assert "reference backend" in reason(step)
