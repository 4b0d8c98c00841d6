"""Operations on numbers that are far away, or nothing at all: what once went wrong."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops

INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize("shift", [0.0, 5e6, 2.0**24, 1e8])
def test_sparsemax_does_not_depend_on_a_shift(shift):
    x = np.array([shift + 2, shift], np.float32)
    low, high = (x.astype(np.float64) - x[1]).tolist()[::-1]
    expected = [1, 0] if high - low >= 1 else [(1 + high - low) / 2, (1 - high + low) / 2]
    assert ops.sparsemax(x).tolist() == expected
    assert np.isnan(ops.sparsemax(np.array([NAN, 1], np.float32)).numpy()).all()


def test_places_far_away_stay_in_their_image():
    draws = np.random.default_rng(0)
    x = np.stack([np.full((3, 3, 1), 1.0), np.full((3, 3, 1), 100.0)]).astype(np.float32)
    for shift in draws.uniform(1e7, 1e8, 50):
        transform = np.array([[1, 0, shift, 0, 1, 0, 0, 0]] * 2, np.float32)
        y = ops.image.affine_transform(x, transform, "bilinear", "wrap").numpy()
        assert (y[0] == 1).all() and (y[1] == 100).all()


@pytest.mark.parametrize(("place", "value"), [(0.49999997, 0.0), (0.5, 10.0), (1.4999999, 10.0)])
def test_the_nearest_pixel(place, value):
    x, places = np.array([0, 10, 20], np.float32), np.array([[place]], np.float32)
    assert ops.image.map_coordinates(x, places, 0).tolist() == [value]


def test_a_mask_that_is_added_is_refused():
    q = np.ones((1, 1, 1, 2), np.float32)
    mask = np.array([[[[0.0]]]], np.float32)
    with pytest.raises(TypeError, match="mask has dtype float32, expected bool"):
        ops.dot_product_attention(q, q, q, mask=mask)


def test_any_byte_of_a_mask_that_is_not_zero_is_seen():
    draws = np.random.default_rng(0)
    q, k, v = (draws.normal(size=(1, 3, 1, 4)) for _ in range(3))
    seen = np.array([2, 0, 2], np.uint8).view(bool).reshape(1, 1, 1, 3)
    result = ops.dot_product_attention(q, k, v, mask=seen).numpy()
    plain = ops.dot_product_attention(q, k, v, mask=[[[[True, False, True]]]]).numpy()
    np.testing.assert_array_equal(result, plain)


def test_the_middle_of_the_largest_numbers():
    x = np.array([-3e38, 3e38], np.float32)
    assert ops.median(x).item() == 0
    assert ops.quantile(np.array([1.0, INF]), 0.0).item() == 1
    assert ops.median(np.array([INF, INF])).item() == INF


@pytest.mark.parametrize("target", [-1, 2])
def test_targets_that_are_no_classes(target):
    with pytest.raises(IndexError, match=f"in_top_k: targets hold {target}, expected classes 0"):
        ops.in_top_k([target], [[0.1, 0.9]], 1)


def test_infinity_among_what_is_not_nan():
    with np.errstate(invalid="ignore"):
        assert np.isnan(ops.nanvar([INF, 1.0, NAN]).item()) and np.isnan(np.nanvar([INF, 1, NAN]))
    x = np.array([[NAN, -INF, -INF], [NAN, NAN, NAN], [NAN, 1, 2]])
    assert ops.nanargmax(x, axis=1).tolist() == [1, -1, 2]
    assert ops.nanargmin(-x, axis=1).tolist() == [1, -1, 2]


def test_the_slope_of_arcsinh_far_out():
    x = fn.Variable(np.array([1e30, -1e30, 1.0], np.float32))
    slope = fn.grad(lambda x: ops.sum(ops.arcsinh(x)))(x).numpy()
    np.testing.assert_allclose(slope, [1e-30, 1e-30, 0.5**0.5], rtol=1e-6)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: ops.sort(x, axis=1),
        lambda x: ops.top_k(x, 0)[0],
        lambda x: ops.moments(x, 1)[1],
        lambda x: ops.mean(x, 1),
        lambda x: ops.var(x, 1),
    ],
)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_gradients_of_nothing(function, shape):
    x = fn.Variable(np.zeros(shape))
    assert fn.grad(lambda x: ops.sum(function(x)))(x).shape == shape


def test_small_matters():
    assert ops.saturate_cast(300.7, "uint8").item() == 255
    assert ops.cumsum(np.array([200, 100], np.int32), dtype="int64").dtype == "int64"
    with pytest.raises(ValueError, match="unique: size is -1"):
        ops.unique([1, 2], size=-1)
    with pytest.raises(ValueError, match="unique: x has no elements"):
        ops.unique(np.zeros(0), size=2)
    with pytest.raises(ValueError, match="unique: axis"):
        ops.unique([1, 2], axis=5)


def slopes(operation, x1, x2):
    gradients = fn.grad(lambda x1, x2: operation(x1, x2).sum(), argnums=(0, 1))(x1, x2)
    return [gradient.tolist() for gradient in gradients]


def test_the_slope_of_a_power_of_0_is_0():
    x = np.array([INF, -INF, NAN, 0.0, -0.0, 2.0])
    assert slopes(ops.power, x, np.zeros(6))[0] == [0] * 6


@pytest.mark.parametrize("scale", [2.0**-1070, 1.0, 2.0**1000])
def test_slopes_of_a_length_of_small_and_large_numbers(scale):
    x1, x2 = np.array([[3.0, 0.0, -1.0], [4.0, 2.0, 0.0]]) * scale
    assert slopes(ops.hypot, x1, x2) == [[0.6, 0, -1], [0.8, 1, 0]]


def test_a_length_is_infinite_beside_nan_too():
    x1, x2 = np.array([NAN, -INF, NAN, INF]), np.array([-INF, NAN, 1.0, 0.0])
    np.testing.assert_array_equal(ops.hypot(x1, x2), np.hypot(x1, x2))


COMPARISONS = {
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
}
BEYOND = [-1, 256, 300, 2**31, -(2**31) - 1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**30]


@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64"])
def test_integers_beyond_the_dtype_are_compared_by_value(dtype, name):
    """As Python compares them, element by element."""
    limits = (0, 1) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    values = np.array([[0, 1, limits[0], limits[1]]], dtype)
    x, compare, there = fn.tensor(values), getattr(ops, name), COMPARISONS[name]
    for number in BEYOND:
        for found, expected in (
            (compare(x, number), there(values.astype(object), number)),
            (compare(number, x), there(number, values.astype(object))),
        ):
            assert (found.dtype, found.shape) == ("bool", values.shape)
            np.testing.assert_array_equal(found, expected.astype(bool))
        np.testing.assert_array_equal(compare(values, number), compare(x, number))
        assert compare(1, number).item() == bool(there(1, number))


def test_operators_with_integers_beyond_the_dtype():
    x = fn.tensor([0, 255], "uint8")
    results = (x == 300, x != 300, x < 300, x <= -1, x > -1, x >= 300, np.less(300, x))
    assert [y.tolist() for y in results] == [[v, v] for v in (0, 1, 1, 0, 1, 0, 0)]
    assert (fn.ops.zeros((0, 3), "int32") < 2**40).shape == (0, 3)
    with pytest.raises(OverflowError, match="maximum: x2 is 300, which does not fit uint8"):
        ops.maximum(x, 300)


def test_floats_and_integers_beyond_int64():
    x = fn.tensor([1.0, INF, NAN], "float32")
    for number in (2**63, 2**64 - 1, -(2**63) - 1, 10**30):
        close = np.float32(number)
        for operation, expected in ((ops.less, np.less), (ops.greater, np.greater)):
            np.testing.assert_array_equal(operation(x, number), expected(x.numpy(), close))
        np.testing.assert_array_equal(x + number, x.numpy() + close)
        np.testing.assert_array_equal(ops.maximum(number, x), np.maximum(close, x.numpy()))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_recorded_comparisons_with_integers_beyond_the_dtype(dtype):
    @fn.capture
    def step(x):
        return x == 10**30, x < 10**30, x >= 10**30

    for _ in range(5):
        same, below, above = step(np.arange(3).astype(dtype))
        assert below.numpy().all() and not (same.numpy() | above.numpy()).any()
    assert "replays" in step.explain()
