"""The tape: backward, at NaN and ties, against PyTorch; errors."""

import numpy as np
import pytest
from autograd_cases import leaf

import fastnn as fn
from fastnn import _core, ops


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


def test_another_output_is_one_of_an_operation():
    """What the tape knows of an operation whose second result nobody computed."""
    x = leaf(2.0)
    y = _core.record((ops.exp(x).detach(), None), lambda node, gradients: gradients[1], (), x)
    z = _core.other_output(y[0], 1)
    assert (z._node, z._output_index, z.item()) == (y[0]._node, 1, y[0].item())
    z.backward()
    assert x.grad.item() == 1
    for arguments in ((x, 0), (y[0], 2), (y[0], -1), (y[0],), (2.0, 0), (y[0], "1")):
        with pytest.raises(TypeError):
            _core.other_output(*arguments)


def test_a_rule_that_is_called_by_hand():
    y = fn.tensor([1.0, 2.0], requires_grad=True).mean()
    for arguments in ((y._node, 5.0), (y._node,), (5.0, y)):
        with pytest.raises(TypeError, match="spread_rule: expected a Node and a Tensor"):
            y._node.rule(*arguments)
    assert y._node.rule(y._node, fn.tensor(4.0)).tolist() == [2.0, 2.0]
