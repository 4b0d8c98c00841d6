"""Products against NumPy in float64."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops

rng = np.random.default_rng(8)


def normal(*shape):
    return rng.normal(size=shape)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3, 4), (4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4, 5)),
        ((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (6, 4, 5)), ((2, 3, 4), (4,)), ((4,), (2, 4, 5)),
        ((0, 4), (4, 5)), ((3, 0), (0, 5)), ((2, 0, 4), (4, 5)), ((1, 1), (1, 1)),
    ],
)  # fmt: skip
def test_matmul(a, b):
    a, b = normal(*a), normal(*b)
    expected = np.matmul(a, b)
    result = fn.tensor(a) @ fn.tensor(b)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-13)
    if a.ndim and b.ndim:
        np.testing.assert_allclose(ops.dot(a, b) if b.ndim < 3 else expected, expected, atol=1e-13)


def test_matmul_of_integers_is_exact():
    a, b = rng.integers(-1000, 1000, (3, 40)), rng.integers(-1000, 1000, (40, 2))
    result = ops.matmul(a, b)
    assert result.dtype == "int64"
    np.testing.assert_array_equal(result, a @ b)
    assert ops.matmul([[True, True]], [[True], [True]]).tolist() == [[2]]


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_matmul_of_integers_wraps_as_numpy_does(dtype):
    a = rng.integers(0, np.iinfo(dtype).max // 2**8 + 200, (3, 40)).astype(dtype)
    result = ops.matmul(a, a.T)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, a @ a.T)


def test_matmul_of_mixed_dtypes():
    assert ops.matmul(np.ones((2, 2), "float32"), np.ones((2, 2), "float64")).dtype == "float64"
    assert ops.matmul(np.ones((2, 2), "float32"), np.ones((2, 2), "int64")).dtype == "float32"


def test_products_over_axes():
    a, b, c = normal(2, 3, 4), normal(4, 3, 5), normal(5, 4, 6)
    np.testing.assert_allclose(
        ops.tensordot(a, b, ([2, 1], [0, 1])), np.tensordot(a, b, ([2, 1], [0, 1])), rtol=1e-12
    )
    np.testing.assert_allclose(ops.tensordot(a, c, (2, 1)), np.tensordot(a, c, (2, 1)), rtol=1e-12)
    np.testing.assert_allclose(ops.tensordot(a, b, 0), np.tensordot(a, b, 0), rtol=1e-12)
    np.testing.assert_allclose(ops.tensordot(a, a, 3), np.tensordot(a, a, 3), rtol=1e-12)
    np.testing.assert_allclose(ops.dot(a, c), np.dot(a, c), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(ops.inner(a, a[0]), np.inner(a, a[0]), rtol=1e-12)
    np.testing.assert_allclose(ops.outer(a, b), np.outer(a, b), rtol=1e-12)
    np.testing.assert_allclose(ops.vdot(a, a), np.vdot(a, a), rtol=1e-12)
    assert ops.dot(2.0, [3.0]).tolist() == [6.0]


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,jk", [(2, 3), (3, 4)]), ("ij->ji", [(2, 3)]),
        ("ij->", [(2, 3)]), ("ij->j", [(2, 3)]), ("i,i->i", [(3,), (3,)]),
        ("i,j->ij", [(3,), (2,)]),
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]), ("bthd,bshd->bhts", [(2, 3, 4, 5), (2, 6, 4, 5)]),
        ("...ij,jk->...ik", [(2, 5, 3, 4), (4, 6)]), ("...i,...i->...", [(2, 3, 4), (3, 4)]),
        ("ab,bc,cd->ad", [(2, 3), (3, 4), (4, 5)]), ("ab,b,cb->ac", [(2, 3), (3,), (4, 3)]),
        ("ij,kl->jl", [(2, 3), (4, 5)]), ("...->...", [(2, 3)]),
        ("i...,i...->...", [(3, 2), (3, 2)]),
        ("ij , jk -> ki", [(2, 3), (3, 4)]),
    ],
)  # fmt: skip
def test_einsum(subscripts, shapes):
    operands = [normal(*shape) for shape in shapes]
    expected = np.einsum(subscripts, *operands)
    result = ops.einsum(subscripts, *operands)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "sigmoid", "gelu", "softplus"])
@pytest.mark.parametrize("shape", [(6,), (3, 6), (2, 3, 6), (0, 6)])
def test_dense(activation, shape):
    x, kernel, bias = normal(*shape), normal(6, 4), normal(4)
    plain = fn.tensor(x @ kernel + bias)
    functions = {"linear": lambda v: v, "gelu": lambda v: ops.gelu(v, approximate=False)}
    expected = functions.get(activation, getattr(ops, activation, None))(plain)
    result = ops.dense(x, kernel, bias, activation)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-13)


def test_dense_of_mixed_dtypes():
    assert ops.dense([[1, 2]], [[1.0], [1.0]]).dtype == "float32"
    assert ops.dense(np.ones((1, 2)), [[1.0], [1.0]], [0.5]).dtype == "float64"


def test_dense_asks_only_for_the_gradients_needed():
    x, kernel = fn.tensor(normal(3, 4)), fn.Variable(normal(4, 2))
    y = ops.dense(x, kernel, None, "relu")
    assert y._node.needs == (False, True, False)
    y.sum().backward()
    np.testing.assert_allclose(kernel.grad, np.asarray(x).T @ (np.asarray(y) > 0), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.matmul(2.0, [1.0]), ValueError, "a scalar has no rows"),
        (lambda: ops.matmul(normal(2, 3), normal(4)), ValueError, "must fit the only one of x2"),
        (lambda: ops.matmul(normal(2, 3, 4), normal(3, 4, 5)), ValueError, "broadcast|batch"),
        (lambda: ops.dense(normal(2, 3), normal(3)), ValueError, "kernel has shape .3,., expected"),
        (lambda: ops.dense(2.0, normal(3, 2)), ValueError, "the input's is a scalar"),
        (lambda: ops.dense(normal(2, 3), normal(3, 2), normal(3)), ValueError, "bias has shape"),
        (lambda: ops.dense(normal(2, 3), normal(3, 2), None, "softmax"), ValueError, "'softmax'"),
        (lambda: ops.tensordot(normal(2, 3), normal(2, 3), 1), ValueError, "differ along axes 1"),
        (lambda: ops.tensordot(normal(2, 3), normal(2, 3), 3), ValueError, "axes is 3"),
        (lambda: ops.einsum("ij,jk", normal(2, 3)), ValueError, "names 2 operands, 1 are given"),
        (lambda: ops.einsum("ijk", normal(2, 3)), ValueError, "does not fit shape"),
        (lambda: ops.einsum("ii->i", normal(2, 2)), NotImplementedError, "diagonal"),
        (lambda: ops.einsum("ij->k", normal(2, 2)), ValueError, "unknown"),
        (lambda: ops.einsum("ij,jk->ik", normal(2, 3), normal(4, 5)), ValueError, "label 'j'"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
