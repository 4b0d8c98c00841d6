"""gradients, grad, value_and_grad and no_grad."""

import numpy as np
import pytest
from autograd_cases import leaf, network

import fastnn as fn
from fastnn import ops
from fastnn.autograd import gradients


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


def test_threads_have_a_grad_mode_of_their_own():
    import threading

    seen = []
    with fn.no_grad():
        thread = threading.Thread(target=lambda: seen.append(fn._core.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]
