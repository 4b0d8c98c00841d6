"""@elementwise: slopes of branches, at NaN and infinities, and those that a gradient of one's own
gives."""

import math
from fractions import Fraction

import numpy as np
import pytest

import fastnn as fn

pytest.importorskip("numba", reason="elementwise needs Numba")


def test_a_branch_gives_its_own_slope():
    @fn.elementwise
    def kinked(x):
        return x * x if x > 1 else 3

    x = fn.tensor([0.5, 2.0], requires_grad=True)
    y = kinked(x)
    y.sum().backward()
    assert y.tolist() == [3.0, 4.0] and x.grad.tolist() == [0.0, 4.0]


def test_what_does_not_depend_on_an_operand_has_no_slope_of_infinity():
    @fn.elementwise
    def sum_of(x, y):
        return x + math.sqrt(y)

    x, y = np.ones(2), np.array([0.0, 4.0])
    dx, dy = fn.grad(lambda x, y: sum_of(x, y).sum(), argnums=(0, 1))(x, y)
    assert dx.tolist() == [1.0, 1.0] and dy.tolist() == [math.inf, 0.25]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("angle", [fn.ops.arctan2, fn.elementwise(lambda y, x: math.atan2(y, x))])
def test_the_slope_of_an_angle_of_small_and_large_numbers(angle, dtype):
    def slopes(y, x):
        gradients = fn.grad(lambda y, x: angle(y, x).sum(), argnums=(0, 1))(y, x)
        return np.array([gradient.numpy() for gradient in gradients])

    unit, small, large = np.finfo(dtype).eps, np.finfo(dtype).tiny, np.finfo(dtype).max
    y = np.array([3 * small, 0, large / 4, large, small, small, 1e-3], dtype)
    x = np.array([4 * small, small, large / 3, -large, large, -1, small], dtype)
    expected = [
        [float(part / (a * a + b * b)) for part in (b, -a)]
        for a, b in zip(map(Fraction, y.tolist()), map(Fraction, x.tolist()))
    ]
    expected = np.array(expected, dtype).T
    np.testing.assert_allclose(slopes(y, x), expected, rtol=4 * unit, atol=small * unit)
    y, x = np.array([[np.inf, 1, np.nan, 0], [1, -np.inf, 1, 0]], dtype)
    infinitely_far = [[0, np.nan], [np.nan, 0]]
    np.testing.assert_array_equal(slopes(y, x), np.c_[infinitely_far, np.full((2, 2), np.nan)])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_slopes_of_a_power_of_endless_numbers_are_those_of_operations(dtype):
    numbers = np.array([0, -0.0, 0.5, -2, 3, np.inf, -np.inf, np.nan, np.finfo(dtype).max], dtype)
    x, y = map(np.ravel, np.meshgrid(numbers, numbers))

    def slopes(power):
        return fn.grad(lambda x, y: power(x, y).sum(), argnums=(0, 1))(x, y)

    for ours, expected in zip(slopes(fn.elementwise(lambda x, y: x**y)), slopes(fn.ops.power)):
        np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_slopes_of_two_operands_at_nan_are_those_of_operations():
    x = np.array([math.nan, 1.0, math.nan, -2.0, -2.0, 0.0, 0.0, 2.0])
    y = np.array([1.0, math.nan, math.nan, 2.0, 0.5, -1.0, 2.0, 2.0])
    for ours, theirs in [
        (lambda x, y: x**y, fn.ops.power),
        (lambda x, y: max(x, y), fn.ops.maximum),
        (lambda x, y: min(x, y), fn.ops.minimum),
    ]:
        found, expected = (
            [d.numpy() for d in fn.grad(lambda *xs, f=f: f(*xs).sum(), argnums=(0, 1))(x, y)]
            for f in (fn.elementwise(ours), theirs)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_slopes_at_nan_are_those_of_operations():
    x = np.array([math.nan, -4.0, -3.0, -1.0, 0.25, 3.0, 4.0])
    for ours, theirs in [
        (fn.elementwise(lambda x: fn.ops.relu(x)), fn.ops.relu),
        (fn.elementwise(lambda x: fn.ops.clip(x, -1.0, 0.5)), lambda x: fn.ops.clip(x, -1.0, 0.5)),
        (fn.elementwise(lambda x: fn.ops.hard_silu(x)), fn.ops.hard_silu),
        (fn.elementwise(lambda x: fn.ops.hard_sigmoid(x)), fn.ops.hard_sigmoid),
    ]:
        found, expected = (fn.grad(lambda x, f=f: f(x).sum())(x).numpy() for f in (ours, theirs))
        assert math.isnan(ours(x).numpy()[0])
        np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_a_given_gradient_is_used():
    def thrice(x, y, scale=2.0):
        return 3 * y, scale  # neither is right

    @fn.elementwise(gradient=thrice)
    def product(x, y, scale=2.0):
        return scale * x * y

    both = fn.grad(lambda x, y: product(x, y, scale=5.0).sum(), argnums=(0, 1))
    dx, dy = both(np.array([1.0, 2.0]), np.array([[4.0], [8.0]]))
    assert dx.tolist() == [36.0, 36.0] and dy.tolist() == [[10.0], [10.0]]
    assert product(3.0, 4.0).item() == 24.0


def test_a_gradient_of_the_wrong_length_is_refused():
    one = fn.elementwise(lambda x, y: x * y, gradient=lambda x, y: y)
    with pytest.raises(TypeError, match="gradient must return 2 numbers, a tuple, returns number"):
        fn.grad(lambda x: one(x, x).sum())(np.ones(2))
