"""Matrix products with epilogue and their gradients, against float64 NumPy."""

import numpy as np
import pytest
from gemm_shapes import SHAPES

import fastnn as fn
from fastnn import _core

random = np.random.default_rng(0)


def close(actual, expected, k, dtype):
    """A chain of k rounded additions: an error of k / 2 roundings of the sum of the sizes, at most;
    the random walk that it is in fact stays far below."""
    bound = (k + 4) * np.finfo(dtype).eps
    np.testing.assert_allclose(actual, expected, rtol=bound, atol=bound * 4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m", [0, 1, 13, 15, 64])
@pytest.mark.parametrize("n", [0, 1, 7, 17, 33, 65])
@pytest.mark.parametrize("k", [0, 1, 31, 300])
def test_product_with_everything_in_the_epilogue(m, n, k, dtype):
    a, b = (
        random.standard_normal((m, k)).astype(dtype),
        random.standard_normal((k, n)).astype(dtype),
    )
    bias, residual, c0 = (random.standard_normal(s).astype(dtype) for s in ((n,), (m, n), (m, n)))
    c, z = _core.gemm(
        *map(fn.tensor, (a, b, bias, residual, c0)), False, False, 0.5, 2.0, "relu", 0.0, True
    )
    expected = 0.5 * (a.astype("f8") @ b.astype("f8")) + 2.0 * c0 + bias + residual
    close(z.numpy(), expected, k + 4, dtype)
    assert np.array_equal(c.numpy(), np.maximum(z.numpy(), 0))
    fused, _ = _core.gemm(
        *map(fn.tensor, (a, b, bias, residual, c0)), False, False, 0.5, 2.0, "relu"
    )
    assert np.array_equal(fused.numpy(), c.numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m, n, k, form", SHAPES)
def test_errors_are_at_most_twice_those_of_openblas(m, n, k, form, dtype):
    trans_a, trans_b = form[0] == "T", form[1] == "T"
    wide = np.longdouble if dtype == "float64" else np.float64
    generator = np.random.default_rng([m, n, k])
    # The largest error of a few numbers is a matter of luck: of some thousands it is not. So small
    # results are drawn several times; of large ones a part is looked at.
    looked_at = 4000
    columns = np.s_[:: -(-n // max(64, looked_at // m))]
    rows = np.s_[:: -(-m // max(64, looked_at // n))]
    draws = max(1, min(looked_at // (m * n), 2_000_000 // (m * k + k * n)))
    errors: tuple[list, list] = [], []
    for _ in range(draws):
        a = generator.standard_normal((k, m) if trans_a else (m, k)).astype(dtype)
        b = generator.standard_normal((n, k) if trans_b else (k, n)).astype(dtype)
        left, right = (a.T if trans_a else a), (b.T if trans_b else b)
        exact = left[rows].astype(wide) @ right[:, columns].astype(wide)
        ours = _core.gemm(*map(fn.tensor, (a, b)), None, None, None, trans_a, trans_b)[0].numpy()
        for found, c in zip(errors, (ours, left @ right)):
            found.append(c[rows, columns] - exact)
    error, theirs = map(np.array, errors)
    assert np.abs(error).max() <= 2 * np.abs(theirs).max()
    assert np.sqrt((error**2).mean()) <= 2 * np.sqrt((theirs**2).mean())


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "gelu", "elu", "softplus"])
def test_an_activation_is_that_of_the_separate_operation(activation):
    a, b = (fn.tensor(random.standard_normal(s).astype("f4")) for s in ((20, 30), (30, 40)))
    plain, _ = _core.gemm(a, b, None, None, None)
    fused, _ = _core.gemm(a, b, None, None, None, False, False, 1.0, 0.0, activation, 0.7)
    assert np.array_equal(fused.numpy(), _core.unary(plain, activation, 0.7).numpy())


@pytest.mark.parametrize("shape", [(40, 9, 5000), (1, 300, 50), (300, 1, 50), (400, 600, 70)])
def test_the_epilogue_of_every_path(shape):
    m, n, k = shape
    operands = [random.standard_normal(s) for s in ((m, k), (k, n), (n,), (m, n), (m, n))]
    c, _ = _core.gemm(*map(fn.tensor, operands), False, False, 0.5, 2.0, "relu")
    a, b, bias, residual, c0 = operands
    expected = np.maximum(0.5 * (a @ b) + 2.0 * c0 + bias + residual, 0)
    close(c.numpy(), expected, k + 4, "float64")


def test_relu_keeps_nan():
    a, b = np.array([[np.nan, 1.0]], "f4"), np.ones((2, 20), "f4")
    c, _ = _core.gemm(*map(fn.tensor, (a, b)), None, None, None, False, False, 1.0, 0.0, "relu")
    assert np.isnan(c.numpy()).all()
    column, _ = _core.gemm(
        fn.tensor(a), fn.tensor(b[:, :1].copy()), None, None, None, False, False, 1.0, 0.0, "relu"
    )
    assert np.isnan(column.numpy()).all()


@pytest.mark.parametrize(
    "left, right",
    [((4, 5, 6), (6, 7)), ((2, 1, 5, 6), (3, 6, 7)), ((5, 6), (4, 6, 7)), ((0, 5, 6), (6, 7))],
)
def test_leading_axes_broadcast(left, right):
    a, b = random.standard_normal(left), random.standard_normal(right)
    c, _ = _core.gemm(fn.tensor(a), fn.tensor(b), None, None, None)
    close(c.numpy(), a @ b, 6, "float64")


def test_operands_are_read_through_strides():
    a, b = random.standard_normal((40, 50)), random.standard_normal((60, 70))
    # Every second row and third column; columns backwards.
    left = (fn.tensor(a), (20, 16), (100, 3), 1)
    right = (fn.tensor(b), (16, 70), (70, -1), 69)
    c, _ = _core.gemm(left, right, None, None, None)
    close(c.numpy(), a[::2, 1:49:3] @ b[:16, ::-1], 16, "float64")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("m, k, n", [(1, 1, 1), (100, 784, 50), (33, 20, 65), (600, 3, 2)])
def test_dense_backward(m, k, n, activation, dtype):
    x, w, dy = (random.standard_normal(s).astype(dtype) for s in ((m, k), (k, n), (m, n)))
    y = {
        "linear": lambda z: z,
        "relu": lambda z: np.maximum(z, 0),
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "tanh": np.tanh,
    }[activation](random.standard_normal((m, n))).astype(dtype)
    slope = {
        "linear": lambda y: np.ones_like(y),
        "relu": lambda y: y > 0,
        "sigmoid": lambda y: y * (1 - y),
        "tanh": lambda y: 1 - y * y,
    }[activation](y.astype("f8"))
    g = dy * slope
    dx, dw, db = _core.dense_backward(*map(fn.tensor, (dy, x, w, y)), activation)
    close(dx.numpy(), g @ w.T.astype("f8"), 2 * n + 8, dtype)
    close(dw.numpy(), x.T.astype("f8") @ g, 2 * m + 8, dtype)
    close(db.numpy(), g.sum(0), 2 * m + 8, dtype)


def test_dense_backward_leaves_out_what_is_not_wanted():
    x, w, dy = (fn.tensor(random.standard_normal(s)) for s in ((4, 3), (3, 2), (4, 2)))
    dx, dw, db = _core.dense_backward(dy, x, w, dy, "linear", 0.0, False, True, False)
    assert dx is None and db is None and dw.shape == (3, 2)


@pytest.mark.parametrize(
    "a, b, error, words",
    [
        ((2, 3), (4, 5), ValueError, r"gemm: B .*\(4, 5\).* 4 but A .*\(2, 3\)"),
        ((3,), (3, 5), ValueError, r"gemm: A has shape \(3,\), expected at least 2 axes"),
        ((2, 4, 3), (3, 3, 5), ValueError, "cannot be broadcast"),
    ],
)
def test_shapes_that_do_not_fit(a, b, error, words):
    with pytest.raises(error, match=words):
        _core.gemm(fn.tensor(np.ones(a)), fn.tensor(np.ones(b)), None, None, None)


def test_dtypes_that_do_not_fit():
    x, y = fn.tensor(np.ones((2, 2), "f4")), fn.tensor(np.ones((2, 2), "f8"))
    with pytest.raises(TypeError, match="gemm: B has dtype float64 but A has float32"):
        _core.gemm(x, y, None, None, None)
    with pytest.raises(ValueError, match=r"gemm: bias has shape \(2, 2\), expected \(2,\)"):
        _core.gemm(x, x, x, None, None)
