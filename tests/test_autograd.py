"""The tape: backward, gradients, grad, value_and_grad, no_grad; speed, memory, errors."""

import gc
import sys
import weakref

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops
from fastnn.autograd import gradients


def leaf(data, dtype="float64"):
    return fn.tensor(data, dtype=dtype, requires_grad=True)


def network():
    """Variables of a small network and its loss as a function of nothing."""
    rng = np.random.default_rng(0)
    x = fn.tensor(rng.normal(size=(8, 5)))
    labels = fn.tensor(rng.integers(0, 3, 8))
    w1, b1 = fn.Variable(rng.normal(size=(5, 6)), name="w1"), fn.Variable(np.zeros(6), name="b1")
    w2, b2 = fn.Variable(rng.normal(size=(6, 3)), name="w2"), fn.Variable(np.zeros(3), name="b2")

    def loss():
        logits = ops.dense(ops.dense(x, w1, b1, "relu"), w2, b2)
        return ops.mean(ops.sparse_categorical_crossentropy(labels, logits, from_logits=True))

    return [w1, b1, w2, b2], loss


# ---- backward ------------------------------------------------------------------------------------


def test_backward_accumulates_into_leaves():
    x = leaf([1.0, 2.0])
    (x * x).sum().backward()
    (x * 3.0).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]
    x.grad = None
    assert x.grad is None


def test_backward_reaches_trainable_variables_only():
    trained, frozen = fn.Variable([2.0]), fn.Variable([3.0], trainable=False)
    (trained * frozen).sum().backward()
    assert trained.grad.tolist() == [3.0]
    assert frozen.grad is None


def test_a_tensor_used_twice_gets_the_sum():
    x = leaf(3.0)
    y = x * x
    (y * y + y).backward()
    assert x.grad.item() == 4 * 27 + 6


def test_gradient_of_a_broadcast_operand_is_summed_back():
    x, row, number = leaf(np.ones((4, 3))), leaf(np.ones((1, 3))), leaf(2.0)
    (x * row * number).sum().backward()
    assert row.grad.tolist() == [[8.0, 8.0, 8.0]]
    assert number.grad.item() == 12.0
    assert x.grad.shape == (4, 3)


def test_gradient_argument():
    x = leaf([[1.0, 2.0]])
    y = x * 2.0
    y.backward([[1.0, 10.0]])
    assert x.grad.tolist() == [[2.0, 20.0]]
    with pytest.raises(ValueError, match=r"gradient has shape \(2,\), expected .*\(1, 2\)"):
        (x * 2.0).backward(np.ones(2))
    with pytest.raises(TypeError, match="gradient has dtype float32"):
        (x * 2.0).backward(fn.tensor([[1.0, 1.0]]))


def test_backward_of_several_elements_needs_a_gradient():
    with pytest.raises(RuntimeError, match=r"shape \(2,\) is not a scalar"):
        (leaf([1.0, 2.0]) * 2.0).backward()


def test_backward_without_a_graph():
    with pytest.raises(RuntimeError, match="depends on nothing that requires a gradient"):
        fn.tensor([1.0]).sum().backward()


def test_backward_of_a_leaf():
    x = leaf(2.0)
    x.backward()
    x.backward(np.float64(4.0))
    assert x.grad.item() == 5.0


def test_second_backward_is_an_error():
    x = leaf([1.0, 2.0])
    y = (x + x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="freed by an earlier backward"):
        y.backward()
    z = ops.exp(x)
    z.sum().backward()
    with pytest.raises(RuntimeError, match="freed by an earlier backward"):
        (z * 2.0).sum().backward()
    assert np.allclose(x.grad, 2 + np.exp([1.0, 2.0]))


def test_variable_written_after_it_was_saved():
    w = fn.Variable([2.0], name="kernel")
    y = (w * w).sum()
    w.assign([5.0])
    with pytest.raises(RuntimeError, match="kernel was written in place"):
        y.backward()


def test_several_outputs_some_unused():
    x = leaf(np.arange(6.0))
    (ops.split(x, 3)[2] * 2.0).sum().backward()
    assert x.grad.tolist() == [0, 0, 0, 0, 2, 2]


def test_non_float_results_need_no_gradient():
    x = leaf([1.0, 3.0])
    assert not (x > 2.0).requires_grad
    assert not ops.argmax(x).requires_grad
    assert not ops.cast(x, "int32").requires_grad


def test_requires_grad_of_integers_is_an_error():
    with pytest.raises(TypeError, match="floating-point"):
        fn.tensor([1, 2], requires_grad=True)


def test_detach_cuts():
    x = leaf([2.0])
    (x * x.detach()).sum().backward()
    assert x.grad.tolist() == [2.0]
    assert not x.detach().requires_grad


def test_a_failing_rule_leaves_grad_mode_and_gradients_alone():
    x = leaf([2.0])
    (x * 1.0).sum().backward()
    y = fn._core.record((x * 2.0).detach(), lambda node, gradient: 1 / 0, None, x)
    with pytest.raises(ZeroDivisionError):
        (y.sum() + x.sum()).backward()
    assert x.grad.tolist() == [1.0]
    assert fn._core.is_grad_enabled()


# ---- NaN and ties --------------------------------------------------------------------------------


def test_nan_flows_through():
    x = leaf([np.nan, 1.0])
    (x * x).sum().backward()
    assert np.isnan(x.grad.numpy()[0]) and x.grad.numpy()[1] == 2.0
    assert np.isnan(ops.max(leaf([np.nan, 1.0])).item())
    assert np.isnan(ops.maximum(leaf([np.nan]), 1.0).item())


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: ops.max(x), [0.0, 0.5, 0.5]),
        (lambda x: ops.min(x - 3 * ops.cast(x > 1, "float64")), [0.0, 0.5, 0.5]),
        (lambda x: ops.maximum(x, 2.0).sum(), [0.0, 0.5, 0.5]),
        (lambda x: ops.minimum(x, 2.0).sum(), [1.0, 0.5, 0.5]),
        (lambda x: ops.clip(x, 1.0, 2.0).sum(), [1.0, 1.0, 1.0]),
        (lambda x: ops.relu(x - 2.0).sum(), [0.0, 0.0, 0.0]),
        (lambda x: ops.absolute(x - 2.0).sum(), [-1.0, 0.0, 0.0]),
        (lambda x: ops.norm(x - 2.0, axis=0) * 0.0 + ops.norm((x - 2.0)[1:]), [0.0, 0.0, 0.0]),
    ],
)
def test_ties(function, expected):
    x = leaf([1.0, 2.0, 2.0])
    function(x).backward()
    assert x.grad.tolist() == expected


def test_power_at_zero():
    x, y = leaf([0.0, 0.0, 0.0]), leaf([0.0, 1.0, 2.0])
    ops.power(x, y).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0]
    assert y.grad.tolist() == [0.0, 0.0, 0.0]


def test_logsumexp_of_infinities():
    x = leaf([[-np.inf, -np.inf], [-np.inf, 0.0]])
    y = ops.logsumexp(x, axis=1)
    assert y.tolist() == [-np.inf, 0.0]
    y.sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0], [0.0, 1.0]]


# ---- functions -----------------------------------------------------------------------------------


def test_gradients_matches_backward_and_leaves_grad_alone():
    variables, loss = network()
    found = gradients(loss(), variables)
    assert all(v.grad is None for v in variables)
    loss().backward()
    for variable, gradient in zip(variables, found):
        np.testing.assert_array_equal(variable.grad, gradient)


def test_gradients_of_what_the_loss_does_not_depend_on_is_none():
    variables, loss = network()
    other = fn.Variable([1.0])
    assert gradients(loss(), [other, variables[1]])[0] is None


def test_gradients_may_be_written_in_place():
    w = fn.Variable(2.0)
    (first,) = gradients(w + 0.0, [w])
    fn._core.scatter_add(
        fn._core.reshape(first, (1,)), fn.tensor([1.0]), fn.tensor([0]), 0
    )  # shares memory with what backward began with
    assert gradients(w + 0.0, [w])[0].item() == 1.0


def test_grad_of_arrays_and_numbers():
    assert fn.grad(lambda x: x * x * x)(2.0).item() == 12.0
    assert fn.grad(lambda x: (x * x).sum())(np.array([1.0, 3.0])).tolist() == [2.0, 6.0]


def test_grad_argnums():
    def f(x, y):
        return (x * y).sum()

    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert fn.grad(f, 1)(x, y).tolist() == [1.0, 2.0]
    first, second = fn.grad(f, (0, -1))(x, y)
    assert (first.tolist(), second.tolist()) == ([3.0, 4.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="argnums has 2"):
        fn.grad(f, 2)(x, y)


def test_value_and_grad_of_structures():
    def f(parameters, x):
        return (parameters["w"] * x + parameters["list"][0] * parameters["list"][1][0]).sum()

    parameters = {"w": np.ones(2), "list": [np.ones(2), (np.full(2, 3.0), None)]}
    value, found = fn.value_and_grad(f)(parameters, np.array([2.0, 5.0]))
    assert value.item() == 13.0 and not value.requires_grad
    assert found["w"].tolist() == [2.0, 5.0]
    assert found["list"][0].tolist() == [3.0, 3.0]
    assert found["list"][1][0].tolist() == [1.0, 1.0] and found["list"][1][1] is None


def test_value_and_grad_of_variables():
    variables, loss = network()
    _, found = fn.value_and_grad(lambda parameters: loss())(variables)
    for ours, theirs in zip(found, gradients(loss(), variables)):
        np.testing.assert_array_equal(ours, theirs)


def test_value_and_grad_of_a_frozen_variable():
    w = fn.Variable([3.0], trainable=False)
    assert fn.grad(lambda w: (w * w).sum())(w).tolist() == [6.0]
    assert not w.requires_grad and not w.trainable


def test_value_and_grad_has_aux():
    (value, aux), found = fn.value_and_grad(lambda x: ((x * x).sum(), {"y": x + 1}), has_aux=True)(
        np.array([2.0])
    )
    assert (value.item(), aux["y"].item(), found.item()) == (4.0, 3.0, 4.0)
    assert not aux["y"].requires_grad


def test_grad_of_an_unused_argument_is_zero():
    assert (
        fn.grad(lambda x, y: ops.sum(x), 1)(np.ones(2), np.ones((2, 3))).tolist() == [[0.0] * 3] * 2
    )
    assert fn.grad(lambda x: ops.sum(fn.tensor([1.0])))(np.ones(2)).tolist() == [0.0, 0.0]


def test_grad_errors():
    with pytest.raises(TypeError, match=r"scalar Tensor, got shape \(2,\)"):
        fn.grad(lambda x: x)(np.ones(2))
    with pytest.raises(TypeError, match="scalar Tensor, got float"):
        fn.grad(lambda x: 1.0)(np.ones(2))
    with pytest.raises(TypeError, match="argument 0 has dtype int64"):
        fn.grad(lambda x: x.sum())(np.arange(3))


def test_gradients_of_gradients_are_refused():
    square = fn.grad(lambda x: x * x)
    with pytest.raises(RuntimeError, match="gradients of gradients are not supported"):
        fn.grad(square)(2.0)


def test_grad_inside_no_grad():
    with fn.no_grad():
        assert fn.grad(lambda x: x * x)(3.0).item() == 6.0
        assert not fn._core.is_grad_enabled()


def test_no_grad():
    x = leaf(1.0)
    with fn.no_grad() as context:
        with context:
            assert not (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad

    @fn.no_grad()
    def called(y):
        """Doc."""
        return y * 2

    @fn.no_grad
    def bare(y):
        return y * 2

    assert not called(x).requires_grad and not bare(x).requires_grad
    assert called.__doc__ == "Doc."
    with pytest.raises(ZeroDivisionError), fn.no_grad():
        1 / 0  # noqa: B018
    assert (x * 2).requires_grad


# ---- depth, memory, reference counts -------------------------------------------------------------


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


def test_threads_have_a_grad_mode_of_their_own():
    import threading

    seen = []
    with fn.no_grad():
        thread = threading.Thread(target=lambda: seen.append(fn._core.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


@pytest.mark.parity
def test_a_network_against_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    arrays = [rng.normal(size=s) for s in ((16, 12), (12, 9), (9,), (9, 4), (4,))]
    labels = rng.integers(0, 4, 16)
    ours = [leaf(a) for a in arrays]
    x, w1, b1, w2, b2 = ours
    hidden = ops.gelu(ops.tanh(x @ w1 + b1), approximate=False)
    loss = ops.mean(ops.sparse_categorical_crossentropy(labels, hidden @ w2 + b2, True))
    (loss + ops.logsumexp(ops.var(hidden, 0)) + ops.norm(w1)).backward()
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    x, w1, b1, w2, b2 = theirs
    hidden = torch.nn.functional.gelu(torch.tanh(x @ w1 + b1))
    loss = torch.nn.functional.cross_entropy(hidden @ w2 + b2, torch.tensor(labels))
    (loss + torch.logsumexp(hidden.var(0, correction=0), 0) + torch.linalg.norm(w1)).backward()
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a.grad, b.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (lambda g: (g, g), RuntimeError, "returned 2 gradients for 1 operands"),
        (lambda g: 1.0, TypeError, "returned float, expected a Tensor"),
    ],
)
def test_a_rule_that_returns_nonsense(returned, error, message):
    x = leaf([2.0])
    y = fn._core.record((x * 2.0).detach(), lambda node, gradient: returned(gradient), None, x)
    with pytest.raises(error, match=message):
        y.backward()
