"""What a function of @elementwise may contain: values against NumPy in float64, gradients against
central differences."""

import functools
import math

import numpy as np
import pytest
from elementwise_functions import X, Y
from fresh_python import output_of
from numpy import tanh as bare_tanh

import fastnn as fn


@fn.elementwise
def first_functions(x, a=0.0, b=0.0, c=0.0, d=0.0, e=0.0, f=0.0, g=0.0, h=0.0, i=0.0, j=0.0, k=0.0):
    return (
        a * math.exp(x)
        + b * np.expm1(x)
        + c * math.log(x)
        + d * fn.ops.log1p(x)
        + e * bare_tanh(x)
        + f * fn.ops.sigmoid(x)
        + g * math.sin(x)
        + h * np.cos(x)
        + i * math.tan(x)
        + j * np.arcsin(x)
        + k * fn.ops.arctan(x)
    )


@fn.elementwise
def second_functions(
    x, a=0.0, b=0.0, c=0.0, d=0.0, e=0.0, f=0.0, g=0.0, h=0.0, i=0.0, j=0.0, k=0.0
):
    return (
        a * math.sqrt(x)
        + b * np.square(x)
        + c * abs(x)
        + d * math.erf(x)
        + e * fn.ops.softplus(x)
        + f * x**3
        + g * x**-1.5
        + h * 2.0**x
        + i * (1 - x) / (x + 2)
        + j * -x
        + k * math.acos(x) * math.sinh(x)
    )


@fn.elementwise
def of_two(x, y, a=0.0, b=0.0, c=0.0, d=0.0, e=0.0, f=0.0, g=0.0, h=0.0, i=0.0, j=0.0):
    return (
        a * (x + 2 * y)
        + b * (x - y) * y
        + c * x / y
        + d * x**y
        + e * max(x, y)
        + f * np.minimum(x, y)
        + g * math.atan2(x, y)
        + h * ((3 * x) % y)
        + i * np.where(x > y, x * y, y)
        + j * fn.ops.clip(x * y, 0.2, 0.4)
    )


FIRST = [np.exp, np.expm1, np.log, np.log1p, np.tanh, lambda x: 1 / (1 + np.exp(-x))]
FIRST += [np.sin, np.cos, np.tan, np.arcsin, np.arctan]
SECOND = [np.sqrt, np.square, np.abs, np.vectorize(math.erf), lambda x: np.log1p(np.exp(x))]
SECOND += [lambda x: x**3, lambda x: x**-1.5, lambda x: 2.0**x, lambda x: (1 - x) / (x + 2)]
SECOND += [np.negative, lambda x: np.arccos(x) * np.sinh(x)]
OF_TWO = [lambda x, y: x + 2 * y, lambda x, y: (x - y) * y, lambda x, y: x / y, lambda x, y: x**y]
OF_TWO += [np.maximum, np.minimum, np.arctan2, lambda x, y: (3 * x) % y]
OF_TWO += [lambda x, y: np.where(x > y, x * y, y), lambda x, y: np.clip(x * y, 0.2, 0.4)]
TABLES = [(first_functions, FIRST), (second_functions, SECOND), (of_two, OF_TWO)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_functions_and_operators(dtype):
    for operation, formulas in TABLES if dtype == "float64" else TABLES[:1]:
        operands = [X, Y][: 2 if operation is of_two else 1]
        given = [x.astype(dtype) for x in operands]
        for letter, formula in zip("abcdefghijk", formulas):
            y = operation(*given, **{letter: 1.0})
            assert y.dtype == dtype
            expected = formula(*(x.astype(np.float64) for x in given))
            # Each term is within some units in the last place of numbers up to 3.
            bound = 3 * 4 * np.finfo(dtype).eps
            np.testing.assert_allclose(y.numpy(), expected, rtol=bound, atol=bound, err_msg=letter)


def test_gradients_of_functions_and_operators():
    for operation, formulas in TABLES:
        operands = (X, Y) if operation is of_two else (X,)
        for letter in "abcdefghijk"[: len(formulas)]:
            function = functools.partial(operation, **{letter: 1.0})
            assert fn.gradcheck(function, operands), letter


SCALE = 3


def helper(x, *, power=2):
    result = 1
    for _ in range(power):
        result *= x
    return result


def test_branches_loops_and_other_functions():
    offset = 0.5

    @fn.elementwise
    def inner(x, slope=0.1):
        return x if x > 0 else slope * x

    @fn.elementwise
    def outer(x, y, terms=3):
        total = 0  # an integer until it meets an operand
        for i in range(terms):
            if x > i - 1:
                total += math.exp(-i * y)
            elif not y < 0:
                total -= y / (1 + i)
        return total * SCALE + helper(x, power=3) + inner(x - 0.4) - offset

    def expected(x, y, terms):
        total = sum(np.where(x > i - 1, np.exp(-i * y), -y / (1 + i)) for i in range(terms))
        return total * 3 + x**3 + np.where(x > 0.4, x - 0.4, 0.1 * (x - 0.4)) - 0.5

    for terms in (3, 1):
        y = outer(X - 0.1, Y, terms=terms)
        np.testing.assert_allclose(y.numpy(), expected(X - 0.1, Y, terms), rtol=1e-14)
    assert fn.gradcheck(outer, (X - 0.1, Y))


def test_extremes_of_three_and_powers_of_two():
    @fn.elementwise
    def mixed(x, y):
        return max(x, y, 0.5) + 2 * min(0.4, x, y) + np.exp2(x) + fn.ops.square(y)

    expected = np.maximum(np.maximum(X, Y), 0.5) + 2 * np.minimum(np.minimum(X, Y), 0.4)
    expected = expected + 2**X + Y**2
    np.testing.assert_allclose(mixed(X, Y).numpy(), expected, rtol=1e-14)
    assert fn.gradcheck(mixed, (X, Y))


@pytest.mark.parametrize("wanted", [0, 1])
def test_gradients_of_some_operands(wanted):
    x, y = X, np.full(7, 3.0)
    found = fn.grad(lambda x, y: of_two(x, y, b=1.0, a=2.0).sum(), argnums=wanted)(x, y)
    np.testing.assert_allclose(found.numpy(), [2 + y, 4 + x - 2 * y][wanted], rtol=1e-14)


def test_powers_and_logarithms_with_a_base():
    @fn.elementwise
    def several(x, y):
        return pow(x, 3) + pow(y, 0.5) + math.log(x, 2) + math.log(3, y) + math.log(x, y)

    def expected(x, y):
        return x**3 + np.sqrt(y) + np.log2(x) + np.log(3) / np.log(y) + np.log(x) / np.log(y)

    np.testing.assert_allclose(several(X, Y).numpy(), expected(X, Y), rtol=1e-14)
    assert fn.gradcheck(several, (X, Y))
    assert several(np.float32(X), np.float32(Y)).dtype == "float32"


def test_an_array_keeps_the_elements_of_the_first_call():
    table = np.array([1.0, 2.0])
    f = fn.elementwise(lambda x: x * table[1])
    assert f(X).tolist() == (2 * X).tolist()
    table[1] = 10
    assert f(X).tolist() == (2 * X).tolist()
    assert fn.grad(lambda x: f(x).sum())(X).tolist() == [2.0] * len(X)
    assert f(X.astype("f4")).tolist() == (2 * X.astype("f4")).tolist()


def test_many_conditions_on_a_repeated_number_compile():
    """In a Python of its own: where LLVM does not come to an end, that one is ended."""
    program = """if True:
        import numpy as np
        import fastnn as fn

        def many(x):
            y = 0.0
            if x > 1: y += x
            if x > 2: y += x * x
            if x > 3: y *= x
            if x < -1: y -= 1
            if x < -2: y *= 2
            if x < -3: y += x
            if y > 10: y = fn.ops.sigmoid(y)
            if y < -10: y = fn.ops.tanh(y)
            if x > 5: y = y * y
            if x > 6: y = y * y + 1
            if x > 7: y = y * y + 2
            return y

        f = fn.elementwise(lambda x, y: many(x) * y)
        g = fn.elementwise(lambda x, y: fn.ops.erfinv(x) * y)
        for h, x in ((f, 2.5), (g, 0.5)):
            slope = fn.grad(lambda a: h(a, np.ones(2)).sum())(np.full((3, 1), x))
            print(*slope.numpy().ravel().round(6))
    """
    assert output_of(program).split("\n")[:2] == ["12.0 12.0 12.0", "2.22517 2.22517 2.22517"]


def test_a_function_without_source_is_fine():
    scope = {}
    exec("def cube(x): return x ** 3", scope)
    assert fn.grad(fn.elementwise(scope["cube"]))(2.0).item() == 12.0
