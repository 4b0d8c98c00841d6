"""Ranges beyond what doubles count exactly, and what creation refuses."""

import numpy as np
import pytest

from fastnn import ops

INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    "bounds",
    [
        (2**53, 2**53 + 4, 1),
        (2**53 + 4, 2**53, -1),
        (2**53 + 1, 2**53 + 12, 3),
        (-(2**53), 2**53, 2**52 + 1),  # i * step is no double, start and step are
        (-(2**63), 2**63 - 1, 2**61 + 1),
        (2**63 - 3, 2**63, 1),  # stop itself does not fit
        (2**62, 0, -(2**60) - 1),
        (5, 2**70, 2**70),
        (2**60, 2**60, 1),
    ],
)
def test_arange_of_wide_integers_is_exact(bounds):
    y = ops.arange(*bounds, dtype="int64")
    assert y.dtype == "int64" and y.tolist() == list(range(*bounds))


def test_arange_of_wide_numpy_integers_and_tensors():
    assert ops.arange(np.int64(2**53 + 1), np.int64(2**53 + 3)).tolist() == [2**53 + 1, 2**53 + 2]
    start = ops.arange(2**53 + 1, 2**53 + 2, dtype="int64")[0]
    assert ops.arange(start, 2**53 + 3).tolist() == [2**53 + 1, 2**53 + 2]
    assert ops.arange(7, 2**60, 2**60, dtype="uint8").tolist() == [7]


@pytest.mark.parametrize(
    "arguments",
    [
        (NAN,),
        (INF,),
        (0, -INF, -1),
        (0, 1, NAN),
        (0, 1, INF),
        (0, 1e30),
        (0, 1e300, 1e-300),
        (2**70,),
        (0, 10**400, 1, "float32"),
        (10**400, 10**400 + 1, 1, "float32"),
        (2**60, 0, -1, "int64"),
    ],
)
def test_arange_refuses_what_is_no_range(arguments):
    with pytest.raises(ValueError, match=r"arange: start .* make no number of elements"):
        ops.arange(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2**63 - 1, 2**63 + 1, 1, "int64"), f"arange: {2**63} does not fit int64"),
        ((2**40, 2**40 + 2), f"arange: {2**40} does not fit int32"),
        ((257, 0, -1, "uint8"), "arange: 257 does not fit uint8"),
    ],
)
def test_arange_refuses_integers_beyond_the_dtype(arguments, message):
    with pytest.raises(OverflowError, match=message):
        ops.arange(*arguments)


def test_linspace_refuses_a_num_that_is_no_count():
    with pytest.raises(ValueError, match="linspace: num must not be negative, got -3"):
        ops.linspace(0, 1, num=-3)
    with pytest.raises(TypeError, match=r"linspace: num must be an integer, got 2\.5"):
        ops.linspace(0, 1, num=2.5)


@pytest.mark.parametrize("name", ["zeros", "ones", "empty"])
def test_a_negative_extent(name):
    with pytest.raises(ValueError, match=rf"{name}: shape \(-1, 2\) has a negative extent"):
        getattr(ops, name)((-1, 2))


@pytest.mark.parametrize("value", [1, np.ones(())])
def test_a_negative_extent_of_full(value):
    with pytest.raises(ValueError, match=r"full: shape \(-1,\) has a negative extent"):
        ops.full(-1, value)


def test_full_keeps_the_sign_of_zero():
    for value in (-0.0, np.float64(-0.0), 0.0, 0):
        signs = np.signbit(value)
        assert (np.signbit(ops.full((2,), value, "float32")) == signs).all()
        assert (np.signbit(ops.full_like([1.0, 2.0], value)) == signs).all()
