"""sum, mean, max, min, any, all, reshape, transpose and @ as the C type has them: against NumPy,
and their gradients against those of the same formula over axes given in another way."""

import sys

import numpy as np
import pytest

import fastnn as fn
from fastnn import _core, ops

AXES = [None, 0, -1, (0, 2), (-1, 0), (), (2, 1, 0), [0, 1], np.int64(1), (np.int32(1), -1)]
OPS = ["sum", "mean", "max", "min", "any", "all"]


def values(dtype):
    whole = np.random.default_rng(0).integers(-3, 4, (3, 4, 5))
    return (np.abs(whole) if dtype == "uint8" else whole).astype(dtype)


def numpy_axis(axis):
    return tuple(axis) if isinstance(axis, list) else axis


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "bool"])
@pytest.mark.parametrize("op", OPS)
def test_reductions(op, dtype, axis, keepdims):
    x = values(dtype)
    expected = getattr(np, op)(x.astype("float64"), axis=numpy_axis(axis), keepdims=keepdims)
    for found in (
        getattr(fn.tensor(x), op)(axis, keepdims=keepdims),
        getattr(fn.tensor(x), op)(keepdims=keepdims, axis=axis),
        getattr(ops, op)(x, axis, keepdims),
        getattr(ops, op)(fn.tensor(x), axis, keepdims),
    ):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("op", ["sum", "mean", "max", "min"])
def test_numpy_calls_the_method(op):
    x = fn.tensor(values("float32"), requires_grad=True)
    y = getattr(np, op)(x, axis=1)
    assert isinstance(y, fn.Tensor) and y.requires_grad
    np.testing.assert_allclose(y.numpy(), getattr(np, op)(values("float32"), axis=1), rtol=1e-6)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 1, (0, -1), [2]], ids=str)
@pytest.mark.parametrize("op", ["sum", "mean", "max", "min"])
def test_gradients(op, axis, keepdims):
    x = np.random.default_rng(1).standard_normal((3, 4, 5))
    assert fn.gradcheck(lambda t: getattr(t, op)(axis, keepdims=keepdims), x)


def test_equal_extremes_share_the_gradient():
    x = fn.tensor([[1.0, 2.0, 2.0]], requires_grad=True)
    x.max().backward()
    assert x.grad.tolist() == [[0.0, 0.5, 0.5]]


def test_arguments_beyond_axis_and_keepdims():
    x = fn.tensor(values("float32"))
    assert x.sum(0, dtype="float64").dtype == "float64"
    assert x.sum(0, None, None, True).shape == (1, 4, 5)
    assert x.max(initial=100.0).item() == 100.0
    with pytest.raises(TypeError, match="sum: tensors are immutable"):
        x.sum(out=np.zeros(()))
    with pytest.raises(TypeError, match="unexpected keyword argument 'places'"):
        x.sum(places=0)
    with pytest.raises(TypeError, match="sum: axis must be an integer, got 'rows'"):
        x.sum("rows")
    with pytest.raises(ValueError, match="mean: axis 3 is outside a tensor of 3 axes"):
        x.mean(3)
    with pytest.raises(ValueError, match=r"max: an axis is given twice in \(0, -3\)"):
        x.max((0, -3))
    with pytest.raises(ValueError, match="min: axis 10000000000000000000000 is outside"):
        x.min(10**22)


def test_extremes_of_nothing():
    x = fn.tensor(np.zeros((0, 3), "float32"), requires_grad=True)
    with pytest.raises(ValueError, match="max: an axis of shape"):
        x.max()
    with pytest.raises(ValueError, match="min: an axis of shape"):
        x.min(0)
    assert x.max(1).shape == (0,)
    assert x.sum(0).tolist() == [0.0, 0.0, 0.0]
    x.max(1).sum().backward()
    assert x.grad.shape == (0, 3)


def test_reshape_method():
    x = fn.tensor(np.arange(6.0), requires_grad=True)
    for y in (x.reshape(2, 3), x.reshape((2, 3)), x.reshape([2, -1]), x.reshape(2, np.int64(3))):
        np.testing.assert_array_equal(y.numpy(), np.arange(6.0).reshape(2, 3))
    assert x.reshape(1, 6).reshape(-1).shape == (6,) and fn.tensor([5.0]).reshape(()).shape == ()
    (x.reshape(2, 3) * np.arange(6.0).reshape(2, 3)).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    with pytest.raises(TypeError, match="reshape: tensors are row-major"):
        x.reshape(2, 3, order="F")
    with pytest.raises(ValueError, match=r"shape \(6,\) does not fit shape \(4, -1\)"):
        x.reshape(4, -1)
    with pytest.raises(TypeError, match="reshape: shape must be integers"):
        x.reshape(2.0, 3)
    with pytest.raises(ValueError):
        x.reshape((1,) * 9)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (100, 10), (2, 3, 4), (0, 2)], ids=str)
def test_transposed(shape):
    x = np.random.default_rng(0).standard_normal(shape).astype("float32")
    t = fn.tensor(x, requires_grad=True)
    for y in (t.T, t.transpose(), ops.transpose(t), ops.transpose(x)):
        np.testing.assert_array_equal(y.numpy(), x.T)
    weights = np.random.default_rng(1).standard_normal(x.T.shape).astype("float32")
    (t.T * weights).sum().backward()
    np.testing.assert_array_equal(t.grad.numpy(), weights.T)
    assert t.transpose(tuple(range(len(shape)))).shape == shape


def test_a_variable_is_copied():
    v = fn.Variable(np.ones(3, "float32"))
    views = v.T, v.reshape(3, 1), v.reshape(3)
    v.assign(np.zeros(3))
    assert all(view.sum().item() == 3.0 for view in views)


def test_broadcast_operators_record():
    a = fn.tensor(np.full((3, 2), 2.0), requires_grad=True)
    b = fn.tensor(np.full(2, 5.0), requires_grad=True)
    (a * b - b / a).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), np.full((3, 2), 5 + 5 / 4))
    np.testing.assert_allclose(b.grad.numpy(), np.full(2, 3 * (2 - 1 / 2)))
    with pytest.raises(ValueError, match="cannot be broadcast"):
        a + fn.tensor(np.ones(3))


def test_references_stay_level():
    x = fn.tensor(np.ones((4, 4), "float32"), requires_grad=True)
    axis, shape = (0,), (2, 8)
    kept = [x, axis, shape, None, True, ops.sum]

    def run():
        for _ in range(50):
            x.sum(axis), x.max(axis, keepdims=True), x.mean(), x.any(1), x.T, x @ x
            x.reshape(shape), x.transpose(), ops.sum(x, axis), x + x, x[1:3]
            for bad in (lambda: x.sum(9), lambda: x.reshape(7), lambda: x @ x[:2]):
                with pytest.raises(ValueError):
                    bad()

    run()
    before, blocks = [sys.getrefcount(item) for item in kept], _core.memory_stats()["in_use_bytes"]
    run()
    after = [sys.getrefcount(item) for item in kept]
    assert all(abs(a - b) < 40 for a, b in zip(before, after)), (before, after)
    assert _core.memory_stats()["in_use_bytes"] == blocks


def test_other_backends_compute_them():
    x = values("float32")
    with fn.use_backend("reference"):
        t = fn.tensor(x)
        np.testing.assert_allclose(t.sum((0, 1)).numpy(), x.sum((0, 1)), rtol=1e-6)
        np.testing.assert_array_equal(t[0].T.numpy(), x[0].T)
        np.testing.assert_allclose((t[0] @ t[1].T).numpy(), x[0] @ x[1].T, rtol=1e-6)
