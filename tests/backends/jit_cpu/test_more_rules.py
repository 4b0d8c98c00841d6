"""Functions of math and NumPy in users' functions, for which fastnn has no operation."""

import math

import numpy as np
import pytest

import fastnn as fn

pytest.importorskip("numba", reason="Numba is not here")

X = np.array([-7.3, -2.5, -0.4, 0.3, 1.7, 3.2, 9.3])
Y = np.array([1.5, -2.4, 0.7, -0.9, 2.0, -1.1, 3.3])
ENDS = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 1.7e308])


def of_one(x, a=0.0, b=0.0, c=0.0, d=0.0):
    return a * math.degrees(x) + b * np.radians(x) + c * np.cbrt(x) + d * (int(x) + np.trunc(x))


def of_two(x, y, a=0.0, b=0.0, c=0.0):
    return a * math.hypot(x, y) + b * math.copysign(x, y) + c * math.fmod(x, y)


CASES = [
    *[(of_one, (X,), letter, f) for letter, f in zip("abc", [np.degrees, np.radians, np.cbrt])],
    (of_one, (X,), "d", lambda x: 2 * np.trunc(x)),
    *[(of_two, (X, Y), letter, f) for letter, f in zip("abc", [np.hypot, np.copysign, np.fmod])],
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_values_and_slopes(dtype):
    operations = {f: fn.elementwise(f) for f in (of_one, of_two)}
    for function, operands, letter, formula in CASES:
        operation, constant = operations[function], {letter: 1.0}
        given = [x.astype(dtype) for x in operands]
        y = operation(*given, **constant)
        expected = formula(*(x.astype(np.float64) for x in given))
        assert y.dtype == dtype
        bound = 2 * np.spacing(np.abs(expected).astype(dtype))
        assert (np.abs(y.numpy() - expected) <= bound).all(), (function.__name__, letter)
        if dtype == "float64":
            assert fn.gradcheck(lambda *xs: operation(*xs, **constant), operands)  # noqa: B023


def test_the_ends_of_the_range():
    cbrt, hypot = fn.elementwise(lambda x: np.cbrt(x)), fn.elementwise(lambda x, y: np.hypot(x, y))
    y = cbrt(ENDS).numpy()
    np.testing.assert_allclose(y, np.cbrt(ENDS), rtol=4e-16)
    assert (np.signbit(y) == np.signbit(ENDS)).all()
    with np.errstate(all="ignore"):
        expected = np.hypot(ENDS[:, None], ENDS)
    np.testing.assert_array_equal(hypot(ENDS[:, None], ENDS).numpy(), expected)
    values = np.exp(np.random.default_rng(0).uniform(-744, 709, (2, 3000)))
    for found, exact in [
        (cbrt(values[0]).numpy(), np.cbrt(values[0].astype(np.longdouble))),
        (hypot(*values).numpy(), np.hypot(*values.astype(np.longdouble))),
    ]:
        assert (np.abs(found - exact) <= 2 * np.spacing(found)).all()


def test_slopes_where_there_is_none():
    hypot = fn.elementwise(lambda x, y: math.hypot(x, y))
    dx, dy = fn.grad(lambda x, y: hypot(x, y).sum(), argnums=(0, 1))(np.zeros(2), np.zeros(2))
    assert dx.tolist() == dy.tolist() == [0.0, 0.0]
    flat = fn.elementwise(lambda x: int(x) * x if not math.isinf(x) else 0)
    assert fn.grad(lambda x: flat(x).sum())(np.array([2.5, -2.5])).tolist() == [2.0, -2.0]
    assert flat(np.array([np.inf, -1.5])).tolist() == [0.0, 1.5]
