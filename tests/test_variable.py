"""Variables: made, assigned to, copied and pickled."""

import copy
import pickle

import numpy as np
import pytest

import fastnn as fn
from fastnn import constraints, ops, regularizers


def test_variable():
    v = fn.Variable([[1.0, 2.0]], name="kernel")
    assert (v.name, v.shape, v.dtype, v.trainable, v.requires_grad) == (
        "kernel", (1, 2), "float32", True, True,
    )  # fmt: skip
    before = v.numpy()
    assert v.assign([[3, 4]]) is v
    assert v.assign_add(np.ones((1, 2))).tolist() == [[4.0, 5.0]]
    assert v.assign_sub(fn.tensor([[1.0, 1.0]])).tolist() == [[3.0, 4.0]]
    assert before.tolist() == [[1.0, 2.0]]  # a copy
    assert v.value is v and isinstance(v, fn.Tensor)


def test_variable_from_a_function():
    v = fn.Variable(lambda shape, dtype: ops.ones(shape, dtype), shape=(2, 3), dtype="float64")
    assert v.shape == (2, 3) and v.dtype == "float64"
    with pytest.raises(ValueError, match="needs a shape"):
        fn.Variable(lambda shape, dtype: 0)
    with pytest.raises(ValueError, match=r"shape is \(3,\), the value's is \(2,\)"):
        fn.Variable([1.0, 2.0], shape=(3,))


def test_variable_trainable():
    v = fn.Variable([1.0])
    v.trainable = False
    assert not v.requires_grad and not (v * 2.0).requires_grad
    v.trainable = True
    assert (v * 2.0).requires_grad
    assert not fn.Variable([1, 2]).requires_grad  # integers never


def test_variable_assign_errors():
    v = fn.Variable([1.0, 2.0], name="bias")
    with pytest.raises(ValueError, match=r"assign: bias has shape \(2,\), the value's is \(3,\)"):
        v.assign([1, 2, 3])
    with pytest.raises(ValueError, match="assign_add: bias"):
        v.assign_add(1.0)
    with pytest.raises(TypeError, match="assign: value for bias must be numbers"):
        v.assign(["a", "b"])
    assert v.tolist() == [1.0, 2.0]


def test_results_do_not_change_with_the_variable():
    v = fn.Variable([[1.0, 2.0], [3.0, 4.0]])
    results = [
        v.reshape(4), v[:], v[0], v[...], v.detach(), v.T, v + 0, ops.cast(v, "float32"),
        ops.convert_to_tensor(v),
        ops.split(v, 2)[0], v.numpy(), ops.squeeze(v), ops.transpose(v, (0, 1)), ops.flip(v, ()),
    ]  # fmt: skip
    before = [np.array(r) for r in results]
    v.assign(np.zeros((2, 2)))
    for result, kept in zip(results, before):
        np.testing.assert_array_equal(result, kept)


def test_pickle_and_deepcopy():
    t = fn.tensor([[1.0, 2.0]], requires_grad=True)
    v = fn.Variable([1, 2], trainable=False, name="count")
    for clone in (lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy, copy.copy):
        u, w = clone(t), clone(v)
        assert u.tolist() == t.tolist() and u.requires_grad and u is not t
        assert (type(w), w.name, w.trainable, w.tolist()) == (fn.Variable, "count", False, [1, 2])
        w.assign([5, 6])
        assert v.tolist() == [1, 2]


def test_a_copied_variable_keeps_what_a_layer_gave_it():
    v = fn.Variable([1.0], name="w")
    v.path, v.regularizer, v.constraint = "dense/w", regularizers.L2(0.5), constraints.NonNeg()
    for clone in (lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy, copy.copy):
        w = clone(v)
        assert (w.name, w.path, w.trainable) == ("w", "dense/w", True)
        assert w.regularizer.l2 == 0.5 and isinstance(w.constraint, constraints.NonNeg)
    plain = fn.Variable([1.0])
    assert plain.regularizer is None and plain.constraint is None
