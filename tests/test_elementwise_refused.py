"""@elementwise: definitions that are refused, and the place that an error names."""

import math
import random

import numpy as np
import pytest
from elementwise_functions import X

import fastnn as fn


def of_many():
    scope = {}
    exec(f"def of_many(x, {', '.join(f'c{i}=1.0' for i in range(17))}): return x", scope)
    return scope["of_many"]


def two_results(x):
    return x, x


def text(x):
    return "a"


def of_tensors(x):
    y = x * 2
    return fn.ops.matmul(y, y)


def asserting(x):
    assert x > 0
    return x


def recursive(x):
    return recursive(x - 1) if x > 0 else x


def deep(x):
    return 1 + shallow(x)


def shallow(x):
    return x + "a"


def to_cents(x):
    return round(x, 2)


def mixed(x):
    return x and "b"


def trying(x):
    try:
        return 1 / x
    except ZeroDivisionError:
        return 0.0


def method(x):
    return x.sum() | 1


def bits(x):
    return x | 1


def narrowed(x):
    return np.float32(x)


def immense(x):
    return 10**400 * x


def immense_product(x):
    return x + 3**80 * 10


REFUSED = {
    two_results: r"two_results: must return one number .*, returns a tuple of number",
    text: "text: must return one number for each element",
    of_tensors: r"of_tensors: fn.ops.matmul is a function of tensors, .* \(.*_refused.py:\d+",
    asserting: r"asserting: raises or asserts \(.*_refused.py:\d+\)",
    recursive: "recursive: recursive calls itself",
    to_cents: r"to_cents: .* round\(x, decimals\) is not known .* \(.*_refused.py:",
    mixed: r"mixed: .* a value is a number on one way and a str on another \(.*_refused.py:",
    trying: r"trying: has a try statement \(.*_refused.py:\d+\), which cannot be compiled",
    method: r"method: .* a number has no attribute 'sum' \(.*_refused.py:\d+: return x.sum",
    bits: r"bits: .*: or_\(number, int\) is not known \(.*_refused.py:",
    immense: r"immense: .* more than 128 bits \(.*_refused.py:\d+\), which does not fit int64",
    immense_product: r"immense_product: .* more than 128 bits \(.*_refused.py:\d+\), which",
    narrowed: r"narrowed: .* float32\(number\) is not known \(.*_refused.py:",
    deep: r"deep: cannot be compiled: add\(.*number.*\) is not known .*: return x \+ .a.\)",
}


@pytest.mark.parametrize("function", REFUSED, ids=lambda function: function.__name__)
def test_what_cannot_be_compiled_is_named(function):
    with pytest.raises(TypeError, match=REFUSED[function]):
        fn.elementwise(function)(fn.tensor([1.0]))


DRAWN = np.random.default_rng(0)


@pytest.mark.parametrize(
    "function, what",
    [
        (lambda x: x * np.random.rand(), "np.random.rand"),  # noqa: NPY002
        (lambda x: x * random.random(), "random.random"),
        (lambda x: x * DRAWN.random(), "DRAWN"),
    ],
)
def test_random_numbers_are_refused(function, what):
    with pytest.raises(TypeError, match=f"{what} draws random numbers .*_refused.py:\\d"):
        fn.elementwise(function)(X)


def test_names_that_are_not_there_are_named():
    @fn.elementwise
    def unknown(x):
        return x + not_there  # noqa: F821

    with pytest.raises(NameError, match=r"unknown: name 'not_there' is not defined \(test_elem"):
        unknown(1.0)


@pytest.mark.parametrize(
    ("define", "message"),
    [
        (lambda: fn.elementwise(math.exp), "function must be a Python function, got builtin"),
        (lambda: fn.elementwise(lambda *xs: 0), r"<lambda> takes \*xs, expected parameters with"),
        (lambda: fn.elementwise(lambda: 0), "<lambda> has no operand"),
        (lambda: fn.elementwise(lambda x, how="a": x), "has how='a', expected a number"),
        (lambda: fn.elementwise(None), "function must be a Python function, got NoneType"),
        (lambda: fn.elementwise(lambda x, *, y: x), r"<lambda> has the operand y after \*"),
        (
            lambda: fn.elementwise(of_many()),
            "of_many has 17 constants of type float, .* most 16",
        ),
        (
            lambda: fn.elementwise(lambda x, a=1.0: x, gradient=lambda x: 1.0),
            r"gradient of <lambda> must have its parameters, \(x, a\), got \(x\)",
        ),
    ],
)
def test_definitions_are_checked(define, message):
    with pytest.raises(TypeError, match=message):
        define()
