"""fn.capture: what is replayed has the bits of eager calls, and what cannot be stays eager."""

import threading
import time
import warnings

import numpy as np
import pytest

import fastnn as fn
from fastnn import _core, captured

RNG = np.random.default_rng(0)
without_verification = pytest.mark.skipif(
    captured.VERIFY, reason="verification runs every step eagerly too"
)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def calls_of(step, *arguments, times=4):
    """Results of so many calls, as bytes."""
    return [np.asarray(step(*arguments)).tobytes() for _ in range(times)]


def replayed(step):
    return "replays" in step.explain()


def reason(step):
    return step.explain()


def test_a_replay_has_the_bits_of_the_eager_function():
    w = fn.Variable(floats(20, 30))

    def function(x):
        return fn.ops.softmax(fn.ops.tanh(x @ w) * 0.5)

    step = fn.capture(function)
    with fn.no_grad():
        for i in range(6):
            x = floats(7, 20)
            assert np.array_equal(step(x).numpy(), function(fn.tensor(x)).numpy()), i
    assert replayed(step)


def test_variables_are_read_and_written_where_they_are():
    total = fn.Variable(np.zeros(3, np.float32))

    @fn.capture
    def add(x):
        total.assign_add(x * 2.0)

    for i in range(1, 7):
        add(np.ones(3, np.float32))
        assert total.numpy().tolist() == [2.0 * i] * 3
    total.assign(np.zeros(3))
    add(np.ones(3, np.float32))
    assert total.numpy().tolist() == [2.0] * 3
    assert replayed(add)


def test_results_are_new_tensors_each_time():
    step = fn.capture(lambda x: x + 1.0)
    results = [step(np.full(4, i, np.float32)) for i in range(8)]
    assert [r.numpy()[0] for r in results] == [i + 1.0 for i in range(8)]


def test_structures_views_arguments_and_variables_come_back():
    v = fn.Variable(np.arange(3.0))

    @fn.capture
    def step(pair, flag, text):
        a, b = pair
        y = a * b
        return {"y": y, "again": (y.reshape((6,)), b, a.reshape((3, 2)), v, None, text, flag)}

    a, b = floats(2, 3), floats(2, 3)
    for _ in range(5):
        result = step([a, b], True, "name")
        y, again = result["y"], result["again"]
        np.testing.assert_array_equal(y.numpy(), a * b)
        np.testing.assert_array_equal(again[0].numpy(), (a * b).ravel())
        np.testing.assert_array_equal(again[1].numpy(), b)
        np.testing.assert_array_equal(again[2].numpy(), a.reshape(3, 2))
        assert again[3] is v and again[4:] == (None, "name", True)
    assert replayed(step)


def test_softmax_outputs_keep_their_logits():
    step = fn.capture(lambda x: fn.ops.softmax(x))
    x = floats(4, 5)
    for _ in range(5):
        y = step(x)
    assert replayed(step)
    np.testing.assert_array_equal(y._logits.numpy(), x)


def test_each_signature_has_a_plan_and_the_oldest_goes():
    step = fn.capture(lambda x, n: x * float(n))
    for n in range(10):
        for _ in range(4):
            assert step(np.ones(2, np.float32), n).numpy()[0] == n
    assert step.explain().count("replays") == 8
    for rows in (3, 5):
        for _ in range(4):
            assert step(np.ones(rows, np.float32), 2).shape == (rows,)


def test_python_floats_become_tensors():
    step = fn.capture(lambda x, rate: x * rate)
    for rate in (0.5, 1.5, 2.5, 3.5, 4.5):
        assert step(np.ones(2, np.float32), rate).numpy()[0] == rate
    assert replayed(step)


def test_random_numbers_move_on_as_in_eager_calls():
    def draws(wrap):
        generator = fn.random.SeedGenerator(3)
        step = wrap(lambda x: x + fn.random.normal((4,), seed=generator))
        return calls_of(step, fn.tensor(floats(4) * 0), times=6)

    assert draws(fn.capture) == draws(lambda f: f)
    assert len(set(draws(fn.capture))) == 6


def test_an_argument_is_told_from_what_the_function_closes_over():
    t = fn.tensor(floats(3))
    step = fn.capture(lambda x: x + t)
    for _ in range(4):
        step(t)
    other = floats(3)
    np.testing.assert_array_equal(step(other).numpy(), other + t.numpy())


def test_one_tensor_may_be_two_arguments():
    step = fn.capture(lambda a, b: a - b)
    t = fn.tensor(floats(3))
    for _ in range(4):
        assert not step(t, t).numpy().any()
    a, b = floats(3), floats(3)
    np.testing.assert_array_equal(step(a, b).numpy(), a - b)


# ---- what is refused, and computed eagerly -------------------------------------------------------


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
    assert "test_captured.py" in reason(step)


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


def test_a_variable_made_inside_starts_anew_each_time():
    @fn.capture
    def step(x):
        v = fn.Variable(np.zeros(2, np.float32))
        v.assign_add(x)
        return v * 1.0 - 0.0

    with fn.no_grad():
        for _ in range(6):
            assert step(np.ones(2, np.float32)).numpy()[0] == 1
    assert replayed(step)


def test_results_with_gradients_stay_eager_and_differentiable():
    w = fn.Variable(floats(3))
    step = fn.capture(lambda x: (w * x).sum())
    for _ in range(6):
        w.grad = None
        step(np.ones(3, np.float32)).backward()
        assert w.grad.numpy().tolist() == [1, 1, 1]
    assert "requires a gradient" in reason(step)


def test_gradients_inside_are_replayed():
    w = fn.Variable(floats(4, 2))
    x, y = floats(8, 4), floats(8, 2)

    def function(x, y):
        return fn.value_and_grad(lambda w: ((x @ w - y) ** 2).mean())(w)

    step = fn.capture(function)
    for _ in range(5):
        loss, gradient = step(x, y)
        expected = function(fn.tensor(x), fn.tensor(y))
        assert loss.item() == expected[0].item()
        np.testing.assert_array_equal(gradient.numpy(), expected[1].numpy())
    assert replayed(step)


def test_the_reference_backend_stays_eager():
    step = fn.capture(lambda x: fn.ops.exp(x))
    x = floats(3)
    for _ in range(5):
        step(x)
    with fn.use_backend("reference"):
        for _ in range(5):
            np.testing.assert_allclose(step(x).numpy(), np.exp(x), rtol=1e-6)
        assert "reference backend" in reason(step)


# ---- calls within and beside each other ----------------------------------------------------------


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


@without_verification
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
    assert after["pool_requests"] == before["pool_requests"]


def test_explain_tells_calls_shapes_and_times():
    step = fn.capture(lambda a, b: fn.ops.matmul(a, b))
    assert "has not been called" in step.explain()
    step(floats(5, 6), floats(6, 7))
    assert "called once" in step.explain()
    for _ in range(3):
        step(floats(5, 6), floats(6, 7))
    text = step.explain()
    assert "gemm" in text and "C[5, 7]" in text and "420" in text and "test_captured.py" in text


def test_results_that_nobody_reads_are_not_computed():
    @fn.capture
    def step(x):
        fn.ops.exp(x)
        return x + 1.0

    for _ in range(4):
        step(floats(3))
    assert "unary" not in step.explain() and "binary" in step.explain()


def test_arrays_of_other_kinds_are_parts_of_the_signature():
    step = fn.capture(lambda x, how: how(x))
    for how in (fn.ops.exp, fn.ops.sin, fn.ops.exp):
        for _ in range(4):
            x = floats(3)
            np.testing.assert_array_equal(step(x, how).numpy(), how(fn.tensor(x)).numpy())


def test_a_loss_checks_its_targets_in_replays_too():
    loss = fn.losses.MeanSquaredError()
    step = fn.capture(lambda y, p: loss(y, p))
    y, p = floats(4, 2), floats(4, 2)
    for _ in range(5):
        assert step(y, p).item() == loss(y, p).item()
    assert replayed(step)
    y[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"loss: y_true holds NaN, first at index \(2, 1\)"):
        step(y, p)


def test_logits_that_an_argument_carries_are_arguments_too():
    def function(p, y):
        return fn.losses.categorical_crossentropy(y, p)

    step = fn.capture(function)
    y = np.array([[1.0, 0.0]], np.float32)
    for scale in (1.0, 50.0, 100.0, 150.0, 200.0, 300.0):
        p = fn.ops.softmax(fn.tensor(np.array([[-scale, 0.0]], np.float32)))
        assert step(p, y).item() == function(p, y).item()
    assert replayed(step)


def test_trainable_may_be_switched():
    w = fn.Variable(np.ones(2, np.float32))
    step = fn.capture(lambda x: fn.value_and_grad(lambda x: (w * x).sum())(x)[0])
    for _ in range(4):
        step(floats(2))
    version = fn.config.version
    w.trainable = False
    assert fn.config.version != version


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


def test_methods_may_be_captured():
    class Scale:
        def __init__(self, factor):
            self.factor = factor

        @fn.capture
        def scaled(self, x):
            return x * self.factor

    scales = Scale(2.0), Scale(3.0)
    for _ in range(5):
        assert [s.scaled(np.ones(2, np.float32)).numpy()[0] for s in scales] == [2, 3]
    assert Scale.scaled.explain().count("replays") == 2


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="capture: expected a function, got int"):
        fn.capture(5)


def test_a_step_whose_calls_fail_by_now_is_explained_without_times_and_keeps_its_state():
    total, row = fn.Variable(np.zeros(1)), fn.Variable(np.zeros(1, np.int64))
    table, x = fn.tensor(np.arange(4.0)), np.ones(1)

    @fn.capture
    def step(x):
        total.assign_add(x)
        value = fn.ops.take(table, row)
        row.assign_add([1])
        return value

    for _ in range(3):
        step(x)
    assert " replays 5 calls in " in step.explain()
    step(x)
    first, heads, *rows, reason = step.explain().splitlines()
    assert " replays 5 calls, with " in first
    assert reason.startswith("not timed: a call fails by now: gather: index 4 at position 0")
    place = heads.index(" us ") + 1
    assert [row[place : place + 2] for row in rows] == ["- "] * 5
    assert (total.item(), row.item()) == (4.0, 4)


def test_a_step_on_the_rows_of_a_data_set_is_explained_without_times():
    model = fn.Sequential([fn.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(floats(64, 3), floats(64, 2), epochs=2, verbose=0)
    first, *_, reason = model._records.steps["training step on rows"][1].explain().splitlines()
    assert " us" not in first and reason == "not timed: a data set is not kept for that"
