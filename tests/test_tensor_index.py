"""x[key] of integers and slices, which is read in C, and of masks."""

import numpy as np
import pytest

import fastnn as fn


def test_integers_and_slices_of_any_size_are_read_as_numpy_reads_them():
    x = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    t = fn.tensor(x)
    big = 2**70
    for key in (-1, (1, 2), (2, slice(1, 3)), slice(None, None, -1), (slice(1, 1), 0), (0, 0, 0),
                slice(-big, big), (slice(2, None), slice(None, None, -big)), ()):  # fmt: skip
        np.testing.assert_array_equal(t[key], x[key])
    assert t[:] is t and t[()] is t
    variable = fn.Variable(x)
    row = variable[1]
    variable.assign(x + 1)
    np.testing.assert_array_equal(row, x[1])  # a copy: the variable is written in place
    for key, message in (
        (3, "getitem: index 3 is outside axis 0 of extent 3"),
        ((0, -5), "getitem: index -5 is outside axis 1 of extent 4"),
        (big, f"getitem: index {big} is outside axis 0"),
        ((0, 0, 0, 0), "getitem: too many indices for a tensor of 3 axes"),
    ):
        with pytest.raises(IndexError, match=message):
            t[key]
    with pytest.raises(ValueError, match="slice step cannot be zero"):
        t[::0]


@pytest.mark.parametrize("shape", [(5,), (4, 6), (3, 4, 5), (2, 0, 3), (0, 2)])
def test_masks_of_the_first_axes(shape):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype("float32")
    for axes in range(1, len(shape) + 1):
        mask = rng.random(shape[:axes]) < 0.4
        for given in (mask, fn.tensor(mask), mask & False, mask | True):
            there = np.asarray(given)
            y = fn.tensor(x)[given]
            slope = fn.grad(lambda x, given=given: (x[given] ** 2).sum())(fn.tensor(x))
            assert y.shape == x[there].shape
            np.testing.assert_array_equal(y, x[there])
            left = there.reshape(*there.shape, *[1] * (len(shape) - axes))
            np.testing.assert_array_equal(slope, np.where(left, 2 * x, 0))
