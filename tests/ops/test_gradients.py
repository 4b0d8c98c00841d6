"""Every differentiable operation against central differences in float64.

An operation that has no row in tests/gradient_rows.py fails, and so does a gradient rule that no
row reaches.
"""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest
from gradient_rows import ROWS, X, Y
from more_gradient_rows import EXTRA
from operations_without_gradient import CONSTANT

from fastnn import gradcheck, ops
from fastnn.tensor import Tensor, tensor

CASES = [
    pytest.param(function, inputs, id=f"{name}-{i}")
    for name, rows in {**ROWS, **EXTRA}.items()
    for i, (function, *inputs) in enumerate(rows)
]


@pytest.mark.parametrize(("function", "inputs"), CASES)
def test_gradient(function, inputs):
    assert gradcheck(function, inputs, atol=1e-7, rtol=1e-6)


def test_every_operation_has_a_row():
    public = {
        name for name, value in vars(ops).items() if callable(value) and not name.startswith("_")
    }
    public = {name for name in public if not inspect.isclass(getattr(ops, name))}
    assert public == set(ROWS) | CONSTANT | {"cast"}
    assert not set(ROWS) & CONSTANT


def test_every_op_code_with_a_derivative_has_an_operation():
    from fastnn import _core

    names = {"neg": "negative", "asin": "arcsin", "acos": "arccos", "atan": "arctan"}
    names |= {"abs": "absolute", "gelu_tanh": "gelu", "linear": "dense"}
    for op, (reads, _) in _core.UNARY.items():
        if reads != "z":
            assert names.get(op, op) in ROWS


def rules_of(function, inputs):
    """The gradient rules in the graph of a row."""
    tensors = [tensor(x, requires_grad=np.asarray(x).dtype.kind == "f") for x in inputs]
    results = function(*tensors)
    todo = [t._node for t in (results if isinstance(results, (tuple, list)) else [results])]
    seen = {}
    while todo:
        node = todo.pop()
        if node is not None and node.sequence not in seen:
            seen[node.sequence] = node.rule
            todo.extend(parent[0] for parent in node.parents if isinstance(parent, tuple))
    return set(seen.values())


def in_float32(x):
    return ops.cast(x, "float32")


def test_cast_casts_the_gradient_back():
    x = tensor(X, requires_grad=True)
    in_float32(x).backward(np.float32(Y))
    assert x.grad.dtype == "float64"
    np.testing.assert_array_equal(x.grad, np.float32(Y).astype(np.float64))


def test_every_rule_is_reached_by_a_row():
    reached = rules_of(in_float32, [X])
    for case in CASES:
        reached |= rules_of(*case.values)
    for info in pkgutil.iter_modules(ops.__path__):
        module = importlib.import_module(f"fastnn.ops.{info.name}")
        for name, rule in vars(module).items():
            elsewhere = name in ("unary_rule", "_to_rule")  # it makes rules; tested with devices
            if name.endswith("_rule") and not elsewhere and inspect.isfunction(rule):
                assert rule in reached, f"{module.__name__}.{name}"


def test_gradcheck_names_the_input_and_index():
    def wrong(x, y):
        return x * y + (y * y).detach()

    with pytest.raises(AssertionError, match=r"input 1 at index \(0, 2\)") as caught:
        gradcheck(wrong, (X, np.array([[0.0, 0.0, 0.5]])))
    assert "central differences" in str(caught.value)


def test_gradcheck_refuses_float32_outputs():
    with pytest.raises(TypeError, match="float64"):
        gradcheck(lambda x: ops.cast(x, "float32"), X)


def test_integers_get_no_gradient():
    y = ops.take(tensor([1.0, 2.0], requires_grad=True), tensor([0]))
    assert isinstance(y, Tensor) and y._node.needs == (True,)
