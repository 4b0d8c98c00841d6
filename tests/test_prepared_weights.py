"""Weights that a step does not write are packed once, and again when somebody assigns them."""

from itertools import pairwise

import numpy as np
import pytest

import fastnn as fn


def floats(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def conv(**options):
    return lambda x, w: fn.ops.conv(x, w, **options)


# name: what is computed of x and the weights, x, the shape of the weights
CASES = {
    "Winograd, tiles of 4": (conv(padding="same"), floats(2, 14, 14, 20), (3, 3, 20, 24)),
    "Winograd, tiles of 2": (conv(padding="same"), floats(2, 4, 4, 20), (3, 3, 20, 24)),
    "rows": (conv(strides=2), floats(3, 9, 10, 5), (3, 2, 5, 7)),
    "rows, groups": (conv(padding="same"), floats(2, 8, 8, 6), (3, 3, 2, 9)),
    "rows, three axes": (conv(), floats(1, 5, 6, 7, 3), (2, 3, 2, 3, 4)),
    "one by one": (conv(), floats(6, 5, 5, 300), (1, 1, 300, 200)),
    "matrix product": (fn.ops.matmul, floats(140, 600), (600, 270)),
    "float64": (fn.ops.matmul, floats(140, 300).astype(np.float64), (300, 200)),
}


def calls_of(case):
    function, x, shape = CASES[case]
    w = fn.Variable(floats(*shape).astype(x.dtype), trainable=False)
    return fn.capture(lambda x: function(x, w)), lambda x: function(x, w), x, w


@pytest.mark.parametrize("case", CASES)
def test_results_have_the_bits_of_eager_calls(case):
    step, eager, x, _ = calls_of(case)
    for i in range(6):
        assert np.array_equal(step(x).numpy(), eager(x).numpy()), i
    assert "packed weights" in step.explain()


@pytest.mark.parametrize("case", CASES)
def test_assigned_weights_are_used(case):
    step, eager, x, w = calls_of(case)
    for _ in range(5):
        step(x)
    before = step(x).numpy().copy()
    changes = (
        lambda: w.assign(floats(*w.shape) * 2),
        lambda: w.assign_add(np.ones(w.shape, w.dtype)),
        lambda: fn.capture(lambda: w.assign_sub(w * 0.5))(),
    )
    for change in changes:
        change()
        now = step(x).numpy()
        assert not np.array_equal(now, before)
        assert np.array_equal(now, eager(x).numpy())
        before = now.copy()
    assert "packed weights" in step.explain()


def test_a_step_that_writes_its_weights_packs_them_itself():
    w = fn.Variable(floats(600, 270), trainable=False)

    @fn.capture
    def step(x):
        y = x @ w
        w.assign_sub(w * 0.5)
        return y

    x = floats(140, 600)
    for _ in range(6):
        expected = fn.ops.matmul(x, w).numpy()
        assert np.array_equal(step(x).numpy(), expected)
    assert "replays" in step.explain() and "packed weights" not in step.explain()


def test_a_step_that_fails_after_it_wrote_is_noticed():
    w = fn.Variable(floats(600, 270), trainable=False)
    predict = fn.capture(lambda x: fn.ops.matmul(x, w))

    @fn.capture
    def step(labels, logits):
        w.assign_sub(w * 0.5)
        return fn.ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)

    x, logits = floats(140, 600), floats(4, 3)
    for _ in range(5):
        step(np.zeros(4, np.int64), logits)
        predict(x)
    assert "replays" in step.explain() and "packed weights" in predict.explain()
    w.assign(floats(600, 270))
    before = predict(x).numpy().copy()
    with pytest.raises(ValueError, match="label"):
        step(np.full(4, 7), logits)
    after = predict(x).numpy()
    assert np.array_equal(after, fn.ops.matmul(x, w).numpy()) and not np.array_equal(after, before)


def test_predictions_follow_training():
    model = fn.Sequential([fn.Input((14, 14, 16)), fn.layers.Conv2D(16, 3, activation="relu")])
    model.add(fn.layers.Flatten())
    model.add(fn.layers.Dense(10, activation="softmax"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = floats(40, 14, 14, 16), np.arange(40) % 10
    seen = []
    for _ in range(6):
        model.fit(x, y, batch_size=20, epochs=1, verbose=0)
        predicted = model.predict(x, batch_size=20, verbose=0)
        halves = [model(x[:20]).numpy(), model(x[20:]).numpy()]
        assert np.array_equal(predicted, np.concatenate(halves))
        seen.append(predicted)
    assert all(not np.array_equal(a, b) for a, b in pairwise(seen))


@pytest.mark.parametrize("cell", ["lstm", "gru_before"])
@pytest.mark.parametrize("batch", [1, 5])
def test_recurrent_weights(batch, cell):
    """A list of weights is packed as one, and again when any of them is assigned."""
    columns = 20 * (4 if cell == "lstm" else 3)
    weights = [fn.Variable(floats(*shape) / 4) for shape in ((7, columns), (20, columns))]
    weights.append(fn.Variable(floats(columns)))
    x = floats(batch, 6, 7)

    def eager(x):
        with fn.no_grad():
            return fn.ops.rnn(x, weights, cell=cell)[0]

    step = fn.capture(eager)
    for _ in range(5):
        assert np.array_equal(step(x).numpy(), eager(x).numpy())
    assert "packed weights" in step.explain()
    for weight in weights:
        before = step(x).numpy().copy()
        weight.assign_add(np.full(weight.shape, 0.5, "float32"))
        now = step(x).numpy()
        assert not np.array_equal(now, before)
        assert np.array_equal(now, eager(x).numpy())


def test_weights_of_a_list_that_the_step_trains():
    """One of them is not trained; what is packed of all of them must follow the others."""
    kernel, recurrent = fn.Variable(floats(7, 80) / 4, trainable=False), floats(20, 80) / 4
    x = floats(5, 6, 7)

    def rate_of(weight):
        return fn.ops.sum(fn.ops.rnn(x, [kernel, weight], cell="lstm")[0] ** 2)

    def trained(wrap):
        weight = fn.Variable(recurrent)

        def step():
            loss, gradient = fn.value_and_grad(rate_of)(weight)
            weight.assign_sub(gradient * 0.01)
            return loss

        step = wrap(step)
        return [step().item() for _ in range(8)]

    assert trained(fn.capture) == trained(lambda step: step)


def test_memory_of_others_is_read_each_time():
    weights = floats(600, 270)
    w = fn._core.share_numpy(weights)
    x = floats(140, 600)
    step = fn.capture(lambda x: fn.ops.matmul(x, w))
    for _ in range(5):
        step(x)
    weights *= 2
    assert np.array_equal(step(x).numpy(), fn.ops.matmul(x, weights).numpy())


def test_a_step_that_is_timed_has_written_its_weights():
    w = fn.Variable(floats(3))
    step = fn.capture(lambda x: (w.assign_add(x), None)[1])
    for _ in range(4):
        step(floats(3))
    version, value = w._version, w.numpy().copy()
    assert " us," in step.explain()
    assert np.array_equal(w.numpy(), value)
    assert w._version > version  # another thread may have packed what they were meanwhile
