"""The reference's movement, reduction and linear algebra against loops over single elements."""

import itertools
import math

import numpy as np
import pytest

from fastnn.backends import reference

RNG = np.random.default_rng(0)


def test_copy_casts_and_scales():
    x = np.array([-1.7, 0.0, 2.9])
    assert reference.copy(x, dtype="int32").tolist() == [-1, 0, 2]
    assert reference.copy(x, dtype="bool").tolist() == [True, False, True]
    y = reference.copy(np.array([0, 255], np.uint8), dtype="float32", scale=1 / 255)
    assert y.dtype == np.float32
    assert y.tolist() == [0, 1]
    assert reference.copy(np.array([3]), dtype="uint8", scale=2.5).tolist() == [3]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("constant", [9, 9, 1, 2, 3, 9, 9]),
        ("edge", [1, 1, 1, 2, 3, 3, 3]),
        ("reflect", [3, 2, 1, 2, 3, 2, 1]),
        ("symmetric", [2, 1, 1, 2, 3, 3, 2]),
    ],
)
def test_pad(mode, expected):
    x = np.array([[1, 2, 3]], dtype=np.int32)
    y = reference.pad(x, before=(0, 2), after=(0, 2), mode=mode, value=9)
    assert y.tolist() == [expected]
    assert y.dtype == np.int32


def test_one_hot_leaves_labels_out_of_range_off():
    y = reference.one_hot(np.array([[1, -1], [3, 0]]), depth=3, on=2, off=-1, dtype="int64")
    rows = [[[-1, 2, -1], [-1, -1, -1]], [[-1, -1, -1], [2, -1, -1]]]
    assert y.tolist() == rows
    assert y.dtype == np.int64


def test_concatenate():
    xs = [np.array([[1, 2]]), np.zeros((1, 0), int), np.array([[3]])]
    assert reference.concatenate(xs, axis=1).tolist() == [[1, 2, 3]]


def test_arange():
    y = reference.arange(start=0.5, step=0.1, count=4, dtype="float32")
    assert y.tolist() == [np.float32(0.5 + i * 0.1) for i in range(4)]
    assert reference.arange(start=5, step=-2, count=3, dtype="int32").tolist() == [5, 3, 1]


def test_gather_batch_takes_rows_and_advances():
    x, labels = np.arange(8, dtype=np.uint8).reshape(4, 2), np.arange(4)
    order, position = np.array([2, 0, 3, 1]), np.array([1])
    (images, kept), after = reference.gather_batch(
        [x, labels], order, position, rows=2, dtypes=(1, 0), scale=0.5
    )
    assert images.tolist() == [[0, 0.5], [3, 3.5]]
    assert images.dtype == np.float32
    assert kept.tolist() == [0, 3]
    assert (after.tolist(), position.tolist()) == ([3], [1])
    with pytest.raises(IndexError, match="permutation of 4"):
        reference.gather_batch([x], order, after, rows=2)


def test_gather_and_scatter_add_are_loops():
    x, indices = RNG.normal(size=(3, 5, 2)), np.array([[0, -1], [4, 0], [2, 0]])
    y = reference.gather(x, indices, axis=1)
    updates = RNG.normal(size=y.shape)
    total = np.ones_like(x)
    for i, j, k, c in np.ndindex(3, 3, 2, 2):
        assert y[i, j, k, c] == x[i, indices[j, k], c]
        total[i, indices[j, k], c] += updates[i, j, k, c]
    scattered = reference.scatter_add(np.ones_like(x), updates, indices, axis=1)
    np.testing.assert_allclose(scattered, total, rtol=1e-14)


def test_gather_refuses_what_is_out_of_range():
    x = np.arange(3.0)
    with pytest.raises(
        IndexError, match="index 3 at position 1 is out of range for axis 0 of extent 3"
    ):
        reference.gather(x, np.array([0, 3]), axis=0)
    with pytest.raises(IndexError, match="index -1"):
        reference.gather(x, np.array([-1]), axis=0, wrap=False)
    with pytest.raises(IndexError, match="index -4"):
        reference.scatter_add(x, x[:1], np.array([-4]), axis=0)


@pytest.mark.parametrize("batch_dims", [0, 1])
@pytest.mark.parametrize("depth", [1, 2])
def test_gather_nd_and_its_gradient_are_loops(batch_dims, depth):
    x = RNG.normal(size=(2, 3, 4, 2))
    limits = np.array(x.shape[batch_dims : batch_dims + depth])
    indices = RNG.integers(-limits, limits, size=(2, 5, depth))
    y = reference.gather_nd(x, indices, batch_dims=batch_dims)
    updates = RNG.normal(size=y.shape)
    total = np.zeros_like(x)
    for i, j in np.ndindex(2, 5):
        place = (i,) * batch_dims + tuple(indices[i, j])
        np.testing.assert_array_equal(y[i, j], x[place])
        total[place] += updates[i, j]
    result = reference.scatter_nd_add(np.zeros_like(x), updates, indices, batch_dims=batch_dims)
    np.testing.assert_allclose(result, total, rtol=1e-13)


def test_scatter_nd_add_without_indices_adds_everywhere():
    y = reference.scatter_nd_add(np.ones(2), np.array([[1.0, 2], [3, 4]]), np.zeros((2, 0), int))
    assert y.tolist() == [5, 7]


LISTS = {
    "sum": math.fsum,
    "mean": lambda v: math.fsum(v) / len(v),
    "max": max,
    "min": min,
    "prod": math.prod,
    "any": any,
    "all": all,
    "sum_squares": lambda v: math.fsum(x * x for x in v),
    "abs_sum": lambda v: math.fsum(abs(x) for x in v),
    "logsumexp": lambda v: math.log(math.fsum(math.exp(x) for x in v)),
}


@pytest.mark.parametrize("axes", [(), (0,), (1,), (2,), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("op", LISTS)
def test_reduce_is_a_loop(op, axes):
    x = np.round(RNG.normal(size=(3, 4, 5)) * 2) / 2 if op in ("any", "all") else None
    x = RNG.normal(size=(3, 4, 5)) if x is None else x
    kept = tuple(axis for axis in range(3) if axis not in axes)
    y = reference.reduce(x, op=op, axes=axes)
    for place in np.ndindex(*(x.shape[axis] for axis in kept)):
        index = [slice(None)] * 3
        for axis, i in zip(kept, place, strict=True):
            index[axis] = i
        expected = LISTS[op](x[tuple(index)].ravel().tolist())
        np.testing.assert_allclose(y[place], expected, rtol=1e-13, atol=1e-14)
    shape = tuple(1 if axis in axes else x.shape[axis] for axis in range(3))
    assert reference.reduce(x, op=op, axes=axes, keepdims=True).shape == shape


def test_reduce_of_nothing():
    x = np.zeros((0, 3))
    neutral = {"sum": 0, "prod": 1, "any": 0, "all": 1, "sum_squares": 0, "logsumexp": -np.inf}
    for op, value in neutral.items():
        assert reference.reduce(x, op=op, axes=(0,)).tolist() == [value] * 3
    assert np.isnan(reference.reduce(x, op="mean", axes=(0,))).all()
    with pytest.raises(ValueError, match="zero-size"):
        reference.reduce(x, op="max", axes=(0,))


def test_logsumexp_does_not_overflow():
    x = np.array([[1e4, 1e4], [-np.inf, -np.inf], [np.inf, 1], [np.nan, 1]])
    y = reference.reduce(x, op="logsumexp", axes=(1,))
    np.testing.assert_allclose(y, [1e4 + math.log(2), -np.inf, np.inf, np.nan])


def test_integer_reductions_keep_their_dtype():
    x = np.array([200, 100], dtype=np.uint8)
    assert reference.reduce(x, op="sum", axes=(0,)) == np.uint8(44)
    assert reference.reduce(x.astype("int32"), op="prod", axes=(0,)).dtype == np.int32


def test_arg_reduce_takes_the_first_and_nan():
    x = np.array([[1.0, 3, 3], [np.nan, 0, np.nan], [-1, -1, 5]])
    assert reference.arg_reduce(x, op="argmax", axis=1).tolist() == [1, 0, 2]
    assert reference.arg_reduce(x, op="argmin", axis=1).tolist() == [0, 0, 0]
    assert reference.arg_reduce(x, op="argmax", axis=1, keepdims=True).shape == (3, 1)


def test_reduce_list():
    xs = [np.array([[1.0, -4]]), np.array(2.0), np.zeros(0)]
    for op, expected in {"sum": -1, "sum_squares": 21, "abs_sum": 7, "max": 2}.items():
        assert reference.reduce_list(xs, op=op) == expected, op
    assert reference.reduce_list(xs, op="all_finite").item() is True
    assert reference.reduce_list([*xs, np.array([np.nan])], op="all_finite").item() is False


@pytest.mark.parametrize(("trans_a", "trans_b"), [*itertools.product([False, True], repeat=2)])
def test_gemm_is_three_loops(trans_a, trans_b):
    a, b = RNG.normal(size=(2, 1, 3, 4)), RNG.normal(size=(5, 4, 6))
    bias, residual, c0 = RNG.normal(size=6), *RNG.normal(size=(2, 2, 5, 3, 6))
    c, z = reference.gemm(
        np.swapaxes(a, -1, -2) if trans_a else a,
        np.swapaxes(b, -1, -2) if trans_b else b,
        *(bias, residual, c0),
        trans_a=trans_a,
        trans_b=trans_b,
        alpha=2,
        beta=0.5,
        activation="leaky_relu",
        a=0.1,
        want_preactivation=True,
    )
    assert c.shape == z.shape == (2, 5, 3, 6)
    for p, q, i, j in np.ndindex(2, 5, 3, 6):
        product = math.fsum(a[p, 0, i, k] * b[q, k, j] for k in range(4))
        total = 2 * product + 0.5 * c0[p, q, i, j] + bias[j] + residual[p, q, i, j]
        assert abs(z[p, q, i, j] - total) < 1e-13
        assert abs(c[p, q, i, j] - (total if total > 0 else 0.1 * total)) < 1e-13


@pytest.mark.parametrize("activation", ["linear", "tanh", "gelu", "elu"])
def test_dense_backward_is_the_slope_of_gemm(activation):
    x, w, b, dy = (RNG.normal(size=s) for s in ((4, 3), (3, 5), (5,), (4, 5)))

    def loss(x, w, b):
        return np.sum(dy * reference.gemm(x, w, b, activation=activation, a=1)[0])

    y, z = reference.gemm(x, w, b, activation=activation, a=1, want_preactivation=True)
    value = z if activation == "gelu" else y
    slopes = reference.dense_backward(dy, x, w, value, activation=activation, a=1)
    for place, slope in enumerate(slopes):
        for index in np.ndindex(slope.shape):
            h, ends = 1e-5, []
            for sign in (1, -1):
                moved = [x.copy(), w.copy(), b.copy()]
                moved[place][index] += sign * h
                ends.append(loss(*moved))
            assert abs((ends[0] - ends[1]) / (2 * h) - slope[index]) < 1e-8
    assert reference.dense_backward(dy, x, w, value, want_dx=False)[0] is None
