"""The tape: graphs that are deep or wide, what they keep in memory and what they free."""

import gc
import sys
import weakref

import numpy as np
import pytest
from autograd_cases import leaf, network

import fastnn as fn
from fastnn import ops
from fastnn.autograd import gradients


def test_a_chain_of_100000_nodes():
    """About 0.2 s; a quadratic way takes minutes, recursion ends the process."""
    x = leaf(1.0, "float32")
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0


def test_a_chain_that_is_dropped_without_backward():
    y = ops.exp(leaf(1.0))
    first = weakref.ref(y)
    for _ in range(100_000):
        y = ops.exp(y * 0.0)
    assert first() is not None
    del y  # freed one after the other: recursion would end the process
    assert first() is None


def test_a_wide_sum():
    x = leaf(2.0)
    total = x * 0.0
    for _ in range(2000):
        total = total + x * x
    total.backward()
    assert x.grad.item() == 8000.0


@pytest.mark.parametrize(
    "operation",
    [ops.exp, ops.relu, ops.sigmoid, ops.softmax, ops.logsumexp, ops.max, ops.norm, ops.elu,
     lambda x: ops.dense(x, x, None, "tanh"), lambda x: ops.dense(x, x, None, "sigmoid")],
)  # fmt: skip
def test_graphs_make_no_reference_cycles(operation):
    x = leaf(np.ones((3, 3)))
    gc.collect()
    gc.disable()
    try:
        y = operation(x)
        died = weakref.ref(y)
        del y
        assert died() is None
    finally:
        gc.enable()


def test_backward_frees_what_was_saved():
    x = leaf(np.ones(3))
    hidden = ops.exp(x) + 0.0
    saved = hidden * 2.0
    alive = weakref.ref(hidden)
    y = (saved * hidden).sum()
    del hidden, saved
    assert alive() is not None
    y.backward()
    assert alive() is None


def test_cycles_through_a_gradient_are_collected():
    x = leaf(np.ones(2))
    x.grad = x.detach() * 2.0
    holder = [x]
    y = fn._core.record(x * 1.0, lambda node, gradient: gradient, holder, x)
    holder.append(y)
    died = weakref.ref(y)
    del x, y, holder
    gc.collect()
    assert died() is None


def test_reference_counts_stay():
    variables, loss = network()
    watched = [*variables, variables[0].shape]

    def step():
        for variable, gradient in zip(variables, gradients(loss(), variables)):
            variable.assign_sub(gradient * 0.01)

    step()
    before = [sys.getrefcount(x) for x in watched]
    for _ in range(100):
        step()
    assert [sys.getrefcount(x) for x in watched] == before


def test_memory_is_flat_over_many_steps():
    variables, loss = network()

    def steps(count):
        for _ in range(count):
            for variable, gradient in zip(variables, gradients(loss(), variables)):
                variable.assign_sub(gradient * 0.01)

    steps(100)
    gc.collect()
    before = fn.memory_stats()["in_use_bytes"], len(gc.get_objects())
    steps(2000)
    gc.collect()
    assert fn.memory_stats()["in_use_bytes"] <= before[0]
    assert len(gc.get_objects()) <= before[1] + 20
