"""fn.capture: what explain tells of a step."""

import numpy as np
from captured_steps import floats

import fastnn as fn


def test_explain_tells_calls_shapes_and_times():
    step = fn.capture(lambda a, b: fn.ops.matmul(a, b))
    assert "has not been called" in step.explain()
    step(floats(5, 6), floats(6, 7))
    assert "called once" in step.explain()
    for _ in range(3):
        step(floats(5, 6), floats(6, 7))
    text = step.explain()
    assert "gemm" in text and "C[5, 7]" in text and "420" in text and "_explained.py" in text


def test_results_that_nobody_reads_are_not_computed():
    @fn.capture
    def step(x):
        fn.ops.exp(x)
        return x + 1.0

    for _ in range(4):
        step(floats(3))
    assert "unary" not in step.explain() and "binary" in step.explain()


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
