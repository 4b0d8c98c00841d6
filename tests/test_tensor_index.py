"""x[key] of integers and slices, which is read in C."""

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
