"""fn.capture: what is replayed has the bits of eager calls."""

import numpy as np
import pytest
from captured_steps import calls_of, floats, replayed

import fastnn as fn


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
