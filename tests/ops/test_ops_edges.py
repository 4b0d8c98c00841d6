"""What random comparison with NumPy and Keras found: ends of dtypes and ranks, bad arguments."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops

INT64_MIN = -(2**63)


def same(found, expected, dtype=None):
    found = found.numpy()
    assert dtype is None or found.dtype == dtype
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize(("shift", "shape"), [(3, (3,)), (0, (3,)), (1, (1, 3)), (0, (0, 2))])
def test_a_roll_that_moves_nothing_is_a_tensor_of_its_own(shift, shape):
    v = fn.Variable(np.ones(shape, np.float32))
    rolled = ops.roll(v, shift, axis=0)
    assert rolled is not v and v.requires_grad
    v.assign(np.zeros(shape, np.float32))
    same(rolled, np.ones(shape))
    for _ in range(2):
        same(fn.grad(lambda w: (ops.roll(w, shift, axis=0) * 2).sum())(v), np.full(shape, 2.0))


@pytest.mark.parametrize(
    ("name", "data", "dtype"),
    [
        ("sum", np.array([2**31 - 1, 1], np.int32), "int64"),
        ("sum", np.array([2**24, 1, 1, 1, 1], np.float32), "float64"),
        ("sum", np.array([1.5, 1.5]), "int64"),
        ("prod", np.array([1e30, 1e30], np.float32), "float64"),
        ("mean", np.array([3e38, 3e38], np.float32), "float64"),
        ("var", np.array([1e30, -1e30], np.float32), "float64"),
    ],
)
def test_reductions_compute_in_the_dtype_that_is_asked_for(name, data, dtype):
    found = getattr(fn.tensor(data), name)(dtype=dtype)
    expected = getattr(data, name)(dtype=dtype)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.numpy(), expected, 1e-15)


def test_any_and_all_take_a_dtype_for_their_result():
    assert fn.tensor([0.5, 0.0]).any(dtype="int32").item() == 1


def test_tile_and_kron_up_to_the_rank_that_tensors_have():
    x = np.arange(8, dtype=np.float32).reshape(2, 1, 2, 1, 2)
    same(ops.tile(x, (2, 2, 3, 2, 1)), np.tile(x, (2, 2, 3, 2, 1)))
    same(ops.tile(x, (2, 2, 2, 2, 2, 2, 2, 2)), np.tile(x, (2,) * 8))
    same(ops.kron(x, x + 1), np.kron(x, x + 1))
    same(ops.kron(x, [[1.0, 2.0]]), np.kron(x, [[1.0, 2.0]]))
    y = np.arange(6, dtype=np.float32).reshape(1, 2, 1, 1, 1, 3, 1, 1)
    same(ops.kron(y, y), np.kron(y, y))
    for axis in (0, 1, 5, 7):
        same(ops.repeat(y, 2, axis), np.repeat(y, 2, axis))
    weight = np.random.default_rng(0).random((4, 2, 4, 2, 4))
    slope = fn.grad(lambda x: (ops.tile(x, (2,) * 5) * weight).sum())(x.astype(np.float64))
    parts = weight.reshape(2, 2, 2, 1, 2, 2, 2, 1, 2, 2)
    np.testing.assert_allclose(slope.numpy(), parts.sum((0, 2, 4, 6, 8)))


def test_logsumexp_where_infinity_is_the_largest():
    for x, expected in (
        ([np.inf, 5.0], [np.nan, 0]),
        ([-np.inf, -np.inf], [0, 0]),
        ([-np.inf, 1.0], [0, 1]),
    ):
        slope = fn.grad(ops.logsumexp)(np.array(x)).numpy()
        np.testing.assert_array_equal(slope, expected)


def test_pad_keeps_every_digit_and_refuses_what_the_dtype_does_not_hold():
    for dtype, value in (("int64", 2**53 + 1), ("int64", 2**63 - 1), ("int32", -(2**31))):
        x = np.array([1, -5], dtype)
        same(ops.pad(x, 1, constant_values=value), np.pad(x, 1, constant_values=value), dtype)
    with pytest.raises(OverflowError, match="pad: constant_values is 1099511627776, which does no"):
        ops.pad([1, 2], 1, constant_values=2**40)
    same(ops.pad(np.array([1, 2]), 1, "edge", constant_values=2**53 + 1), [1, 1, 2, 2])
    same(ops.pad(np.array([1]), (0, 1), constant_values=np.array(2**53 + 1)), [1, 2**53 + 1])
    same(ops.pad(np.array([1]), (0, 1), constant_values=7.5), [1, 7])
    with pytest.raises(ValueError, match=r"pad: pad_width .* does not fit 2 axes"):
        ops.pad(np.ones((2, 3)), ((1,), (1, 2)))
    with pytest.raises(TypeError, match=r"pad: pad_width must be integers, got 1\.7"):
        ops.pad([1, 2], 1.7)


def test_unravel_index_of_large_shapes():
    parts = ops.unravel_index([2**33, -1], (2**40,))
    same(parts[0], [2**33, 2**40 - 1], "int64")
    parts = ops.unravel_index([7, 5], (2, 4))
    same(parts[0], [1, 1], "int32")
    same(parts[1], [3, 1], "int32")
    with pytest.raises(OverflowError, match=r"unravel_index: shape .* has more elements"):
        ops.unravel_index([0], (2**40, 2**40))


def test_fmod_at_the_ends():
    a = np.array([7, 1, -7, INT64_MIN, INT64_MIN, 2**63 - 1, -3])
    b = np.array([INT64_MIN, INT64_MIN, INT64_MIN, 3, INT64_MIN, -2, 3])
    same(ops.fmod(a, b), np.fmod(a, b))
    x = np.array([-0.0, 0.0, -6.0, 5.5, -5.5, np.inf, -1.0])
    y = np.array([1.0, -1.0, 3.0, -2.0, 2.0, 2.0, np.inf])
    with np.errstate(invalid="ignore"):
        expected = np.fmod(x, y)
    found = ops.fmod(x, y).numpy()
    np.testing.assert_array_equal(found, expected)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found)[known], np.signbit(expected)[known])
    same(ops.fmod(True, True), 0, "int32")


def test_integers_stay_integers():
    large = np.array([2**53 + 1, -(2**62)])
    same(ops.nan_to_num(large), large, "int64")
    same(ops.round(large, 2), large, "int64")
    for data in ([123456789, 15, -25], [100000, 10**9, 149999], [2**31 - 1, -(2**31)]):
        for decimals in (-1, -5, -9):
            x = np.array(data, np.int64)
            same(ops.round(x, decimals), np.round(x, decimals), "int64")
    v = fn.Variable(np.array([1, 2], np.int32), trainable=False)
    kept = [ops.nan_to_num(v), ops.round(v, 2)]
    v.assign([7, 8])
    assert [x.tolist() for x in kept] == [[1, 2]] * 2
    same(ops.linspace(-1, 1, 4, dtype="int32"), [-1, -1, 0, 1], "int32")
    for data in ([], [0]):
        same(ops.max(np.array(data, np.int32), initial=1.5), 1, "int32")
    numbers, step = ops.linspace(0, 10, 4, dtype="int32", retstep=True)
    same(numbers, [0, 3, 6, 10], "int32")
    assert step.item() == pytest.approx(10 / 3)
    same(ops.fmod(np.uint8([7]), np.uint8([3])), [1], "uint8")


def test_of_nothing():
    with np.errstate(all="ignore"):
        same(ops.var([1.0, 2.0], ddof=3), np.inf)
        assert np.isnan(ops.corrcoef(np.ones((2, 0))).numpy()).all()
    assert ops.view(fn.tensor(5.0), "int32").shape == ()


def test_numbers_of_numpy_as_arguments():
    assert ops.norm([3.0, 4.0], ord=np.int64(3)).item() == pytest.approx(91 ** (1 / 3))
    same(ops.average(np.ones((2, 3)), axis=np.int64(1), weights=np.ones(3)), np.ones(2))
    for axes in (np.int64(1), np.array([1, 0])):
        found = ops.tensordot(np.ones((2, 3)), np.ones((3, 2)), axes=axes)
        same(found, np.full((2, 2), 3.0))
    assert fn.random.randint((2,), 0, fn.tensor(3)).shape == (2,)
    assert fn.random.permutation(np.array(3)).shape == (3,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.meshgrid([1], [2], indexing="foo"), ValueError, "meshgrid: indexing is 'foo'"),
        (lambda: fn.random.randint((2,), 0.5, 2), TypeError, "randint: minval must be an integer"),
        (lambda: fn.random.randint((2,), 0, 2.7), TypeError, "randint: maxval must be an integer"),
        (lambda: fn.random.permutation(2.7), TypeError, "permutation: n must be an integer"),
        (lambda: ops.tile([1, 2], -1), ValueError, "tile: repeats must not be negative, got"),
        (lambda: ops.eye(-1), ValueError, "eye: N must not be negative, got -1"),
        (lambda: ops.eye("a"), TypeError, "eye: N must be an integer, got 'a'"),
        (lambda: ops.clip([1], "a", None), TypeError, "clip: x_min must be numbers"),
        (lambda: ops.roll([1, 2, 3], 1.5), TypeError, "roll: shift must be integers, got 1.5"),
        (lambda: ops.roll(np.arange(100), 1.5), TypeError, "roll: shift must be integers"),
        (lambda: ops.take([1], [0], axis="a"), TypeError, "take: axis must be an integer, got 'a'"),
        (lambda: ops.clip([1.0], "a", None), TypeError, "clip: x_min must be numbers"),
        (lambda: ops.einsum(5, [1.0]), TypeError, "einsum: subscripts must be a string, got 5"),
        (lambda: ops.transpose([[1]], 5), ValueError, "transpose: axis 5 is outside"),
        (lambda: ops.stack(5), TypeError, "stack: x must be a list of tensors"),
        (lambda: ops.split([1, 2], None), TypeError, "split: indices_or_sections must be an integ"),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message.replace(".", r"\.")):
        call()
