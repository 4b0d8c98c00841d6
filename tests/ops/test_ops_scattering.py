"""Segments, writing at positions, loops and scans, linear algebra."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops

rng = np.random.default_rng(13)
X = rng.normal(size=(5, 3))
IDS = np.array([2, 0, 2, 5, -1])
SQUARE = rng.normal(size=(2, 3, 3)) + 3 * np.eye(3)


@pytest.mark.parametrize(
    ("name", "reduce", "empty"),
    [
        ("segment_sum", np.sum, 0.0),
        ("segment_max", np.max, -np.inf),
        ("segment_min", np.min, np.inf),
        ("segment_prod", np.prod, 1.0),
    ],
)
def test_segments(name, reduce, empty):
    found = getattr(ops, name)(X, IDS, 4).numpy()
    for i in range(4):
        rows = X[i == IDS]
        np.testing.assert_allclose(found[i], reduce(rows, 0) if len(rows) else [empty] * 3)
    integers = getattr(ops, name)((X * 9).astype(int), [0, 1, 0, 1, 0])
    assert integers.dtype == "int64" and integers.shape == (2, 3)
    np.testing.assert_array_equal(integers[1], reduce((X * 9).astype(int)[1:4:2], 0))
    assert getattr(ops, name)(X[:0], []).shape == (0, 3)


def test_scatter():
    found = ops.scatter([[[0, 1]], [[1, 0]], [[0, 1]]], X[:3, None], (2, 2, 3))
    wanted = np.zeros((2, 2, 3))
    wanted[0, 1], wanted[1, 0] = X[0] + X[2], X[1]
    np.testing.assert_allclose(found, wanted)
    assert ops.scatter([[1], [1]], [2, 3], (3,)).tolist() == [0, 5, 0]


@pytest.mark.parametrize("reduction", [None, "add", "max", "min", "mul"])
def test_scatter_update(reduction):
    start, places, updates = X.copy(), [[0, 1], [-1, 2], [0, 1]], np.array([3.0, -2.0, 0.5])
    step = {
        None: lambda old, new: new,
        "add": np.add,
        "max": np.maximum,
        "min": np.minimum,
        "mul": np.multiply,
    }[reduction]
    wanted = X.copy()
    for (i, j), update in zip(places, updates):
        wanted[i, j] = step(wanted[i, j], update)
    np.testing.assert_allclose(ops.scatter_update(X, places, updates, reduction), wanted)
    np.testing.assert_array_equal(X, start)
    rows = ops.scatter_update(X, [[1], [3]], X[:2], reduction)
    np.testing.assert_allclose(rows[3], step(X[3], X[1]))
    small = ops.scatter_update(np.array([1, 200], np.uint8), [[0]], [7], reduction)
    assert small.dtype == "uint8" and small.tolist()[1] == 200


def test_blocks():
    np.testing.assert_array_equal(ops.slice(X, (1, 0), (3, -1)), X[1:4])
    wanted = X.copy()
    wanted[2:4, 1:] = [[7, 8], [9, 10]]
    np.testing.assert_array_equal(ops.slice_update(X, (2, 1), [[7, 8], [9, 10]]), wanted)
    assert ops.get_item(X, (slice(None), 1)).shape == (5,)
    assert ops.slice_update(3, [], 4).item() == 4
    assert ops.slice_update([True, True], [1], [False]).tolist() == [True, False]
    hidden = ops.slice_update([np.nan, np.inf, 1.0], [0], [5.0, np.nan])
    np.testing.assert_array_equal(hidden, [5, np.nan, 1])


def test_positions():
    assert [p.tolist() for p in ops.unravel_index([-1, 0], (2, 3))] == [[1, 0], [2, 0]]
    values, first, inverse, counts = ops.unique(
        [3, 0, -2, 3], return_index=True, return_inverse=True, return_counts=True
    )
    assert values.tolist() == [-2, 0, 3] and first.tolist() == [2, 1, 0]
    assert inverse.tolist() == [2, 1, 0, 2] and counts.tolist() == [1, 1, 2]
    assert ops.unique([3, 0, -2], size=5).tolist() == [-2, 0, 3, -2, -2]
    assert ops.unique([3, 0, -2], size=2).tolist() == [-2, 0]
    assert ops.unique([3, 0], size=3, fill_value=9).tolist() == [0, 3, 9]
    rows = ops.bincount([[1, 1], [3, 0]])
    assert rows.dtype == "int32" and rows.tolist() == [[0, 2, 0, 0], [1, 0, 0, 1]]


# ---- branches, loops, scans ----------------------------------------------------------------------


def test_branches_and_loops():
    assert ops.cond(fn.tensor(0), lambda: "yes", lambda: "no") == "no"
    branches = [lambda x: x, lambda x: x * 2, lambda x: x * 3]
    assert [ops.switch(i, branches, 5) for i in (-4, 1, 9)] == [5, 10, 15]
    assert ops.while_loop(lambda i: i < 10, lambda i: i + 1, 0) == 10
    assert ops.while_loop(lambda i: i < 10, lambda i: (i + 1,), [0], maximum_iterations=4) == [4]
    assert ops.fori_loop(2, 5, lambda i, value: value * i, 1) == 24
    with pytest.raises(ValueError, match="body returned 1 values for 2 loop_vars"):
        ops.while_loop(lambda i, j: True, lambda i, j: (i,), (0, 0))


def test_scan():
    def step(carry, x):
        carry = carry + x["a"] * x["b"]
        return carry, (carry, x["a"])

    xs = {"a": X[:, 0], "b": X[:, 1]}
    total, (sums, copied) = ops.scan(step, np.float64(0), xs)
    np.testing.assert_allclose(sums, np.cumsum(X[:, 0] * X[:, 1]))
    np.testing.assert_allclose(total, (X[:, 0] * X[:, 1]).sum())
    np.testing.assert_array_equal(copied, X[:, 0])
    _, (sums, _) = ops.scan(step, np.float64(0), xs, reverse=True)
    np.testing.assert_allclose(sums, np.cumsum((X[:, 0] * X[:, 1])[::-1])[::-1])
    assert ops.scan(lambda c, x: (c * 2, None), 1, length=3) == (8, None)
    with pytest.raises(ValueError, match="scan: xs or length"):
        ops.scan(step, 0)
    with pytest.raises(ValueError, match="length is 3, but xs have 5"):
        ops.scan(step, 0, xs, length=3)
    with pytest.raises(ValueError, match="first axis of one extent"):
        ops.scan(step, 0, {"a": X, "b": X[:2]})


def test_map_and_vectorize():
    pair = ops.map(lambda p: (p[0] + p[1], p[0]), (X, X * 2))
    np.testing.assert_allclose(pair[0], X * 3)
    np.testing.assert_allclose(ops.vectorized_map(ops.sum, X), X.sum(1))
    products = ops.vectorize(ops.dot, signature="(m,n),(n)->(m)")(SQUARE, X[:2])
    np.testing.assert_allclose(products, np.einsum("bij,bj->bi", SQUARE, X[:2]))
    scaled = ops.vectorize(lambda x, factor, by: x * factor[1] + by, excluded={1})
    np.testing.assert_allclose(scaled(X[0], [3.0, 2.0], by=X[:, :1]), X[0] * 2 + X[:, :1])
    with pytest.raises(ValueError, match="signature 'n->n' is not like"):
        ops.vectorize(ops.dot, signature="n->n")(X)
    with pytest.raises(ValueError, match="is not of 1 arguments"):
        ops.vectorize(ops.dot, signature="(n),(n)->()")(X)
    with pytest.raises(ValueError, match="map: xs have no slices"):
        ops.map(ops.sum, X[:0])


@pytest.mark.parametrize("reverse", [False, True])
def test_associative_scan(reverse):
    matrices = rng.normal(size=(4, 2, 2))
    found = ops.associative_scan(ops.matmul, matrices, reverse=reverse).numpy()
    order = [3, 2, 1, 0] if reverse else [0, 1, 2, 3]
    product = np.eye(2)
    for i in order:
        product = product @ matrices[i]
        np.testing.assert_allclose(found[i], product)
    assert ops.associative_scan(ops.add, X[:1]).shape == (1, 3)


def test_custom_gradient():
    @ops.custom_gradient
    def log1pexp(x):
        e = ops.exp(x)
        return ops.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))

    x = fn.tensor([100.0, 0.0], requires_grad=True)
    y = log1pexp(x)
    y.backward(np.float32([1.0, 2.0]))
    assert log1pexp.__name__ == "log1pexp"
    assert x.grad.tolist() == [1.0, 1.0]  # exp overflows, its own gradient would be NaN


# ---- linear algebra: what each result is, not how it is computed ---------------------------------


def test_decompositions():
    t = lambda x: np.swapaxes(x, -1, -2)  # noqa: E731
    definite = SQUARE @ t(SQUARE)
    for upper in (False, True):
        factor = ops.cholesky(definite, upper=upper).numpy()
        assert np.array_equal(factor, np.triu(factor) if upper else np.tril(factor))
        product = t(factor) @ factor if upper else factor @ t(factor)
        np.testing.assert_allclose(product, definite)
        inverse = ops.cholesky_inverse(factor, upper=upper)
        np.testing.assert_allclose(inverse @ definite, [np.eye(3)] * 2, atol=1e-12)
    for mode, columns in (("reduced", 3), ("complete", 5)):
        q, r = ops.qr(X, mode)
        assert q.shape == (5, columns)
        np.testing.assert_allclose(q @ r, X)
        np.testing.assert_allclose(q.T @ q, np.eye(columns), atol=1e-14)
    u, s, vt = ops.svd(X, full_matrices=False)
    np.testing.assert_allclose(u * s @ vt, X)
    assert ops.svd(X)[0].shape == (5, 5)
    w, v = ops.eigh(definite)
    np.testing.assert_allclose(definite @ v.numpy(), v.numpy() * w.numpy()[:, None])
    assert ops.matrix_rank(X[:, :1] * [1.0, 2.0, 3.0]).item() == 1
    assert ops.matrix_rank(SQUARE).tolist() == [3, 3]


def test_inverses_and_solutions():
    np.testing.assert_allclose(ops.inv(SQUARE) @ SQUARE, [np.eye(3)] * 2, atol=1e-14)
    np.testing.assert_allclose(SQUARE @ ops.solve(SQUARE, SQUARE[::-1]).numpy(), SQUARE[::-1])
    np.testing.assert_allclose(SQUARE[0] @ ops.solve(SQUARE[0], X[0]).numpy(), X[0])
    for lower, part in ((True, np.tril), (False, np.triu)):
        x = ops.solve_triangular(SQUARE, SQUARE, lower=lower).numpy()
        np.testing.assert_allclose(part(SQUARE) @ x, SQUARE, atol=1e-14)
    p = ops.pinv(X).numpy()
    np.testing.assert_allclose(p @ X, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(X @ p, (X @ p).T, atol=1e-14)
    residual = X @ ops.lstsq(X, np.arange(5.0)).numpy() - np.arange(5.0)
    np.testing.assert_allclose(X.T @ residual, 0, atol=1e-13)


def test_determinants():
    (a, b, c), (d, e, f), (g, h, i) = SQUARE[0]
    sarrus = a * e * i + b * f * g + c * d * h - c * e * g - b * d * i - a * f * h
    np.testing.assert_allclose(ops.det(SQUARE)[0], sarrus)
    sign, logarithm = ops.slogdet(-SQUARE[0])
    np.testing.assert_allclose(sign.item() * np.exp(logarithm.item()), -sarrus)
    np.testing.assert_allclose(ops.logdet(SQUARE[0] @ SQUARE[0].T), 2 * np.log(abs(sarrus)))
    assert ops.linalg.det is ops.det and ops.linalg.norm is ops.norm
    assert ops.inv(np.eye(2, dtype="int32")).dtype == "float32"


def test_the_gradient_of_a_singular_matrix_is_an_error():
    x = fn.tensor(np.zeros((2, 2)), requires_grad=True)
    with pytest.raises(ValueError, match="det: the gradient: singular matrix"):
        ops.det(x).backward()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.segment_sum(X, [0, 1]), ValueError, r"segment_ids has shape \(2,\)"),
        (lambda: ops.segment_max(X, [0.5] * 5), TypeError, "segment_max: segment_ids must be int"),
        (lambda: ops.segment_sum(X, IDS, -1), ValueError, "num_segments must not be negative"),
        (
            lambda: ops.scatter([[4]], [1.0], (3,)),
            IndexError,
            r"index \(4,\) is outside shape \(3,",
        ),
        (lambda: ops.scatter([[0, 0]], [1.0], (3,)), ValueError, "last axis must count 1 to 1"),
        (lambda: ops.scatter([[0]], [1.0, 2.0], (3,)), ValueError, "values has shape"),
        (lambda: ops.scatter_update(X, [[9]], X[:1]), IndexError, r"index \(9,\) is outside"),
        (lambda: ops.scatter_update(X, [[0]], X[:1], "or"), ValueError, "reduction is 'or'"),
        (
            lambda: ops.slice(X, (0, 1), (5, 3)),
            ValueError,
            "3 positions from 1 on are not in axis 1",
        ),
        (lambda: ops.slice(X, (0,), (5, 3)), ValueError, "start_indices has 1 numbers"),
        (lambda: ops.slice_update(X, (4, 0), X), ValueError, "5 positions from 4 on"),
        (lambda: ops.slice_update(X, (0, 0), X[0]), ValueError, "updates have shape"),
        (lambda: ops.select([X > 0], []), ValueError, "condlist has 1 conditions"),
        (lambda: ops.unravel_index([6], (2, 3)), IndexError, "index 6 is outside"),
        (lambda: ops.switch(0, []), ValueError, "no branches"),
        (lambda: ops.inv(X), ValueError, r"inv: x has shape \(5, 3\), expected square matrices"),
        (lambda: ops.inv(np.zeros((2, 2))), ValueError, "inv: singular matrix"),
        (lambda: ops.solve(SQUARE, X), ValueError, "solve: a has shape"),
        (lambda: ops.cholesky(-np.eye(2)), ValueError, "cholesky: matrix is not positive definite"),
        (lambda: ops.lstsq(X, X[:2]), ValueError, "lstsq: a has shape"),
        (lambda: ops.qr(X, "raw"), ValueError, "qr: mode is 'raw'"),
        (lambda: ops.qr(X[0]), ValueError, "qr: x has shape"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
