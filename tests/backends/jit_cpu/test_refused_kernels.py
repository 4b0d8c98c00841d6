"""What no kernel may do, and what is said of one that might do it."""

import math
import random

import numpy as np
import pytest
from fresh_python import output_of

from .own_kernels import positive, rising

njit = pytest.importorskip("numba", reason="Numba is not here").njit


def raises(y, x, n, task):
    if n < 0:
        raise ValueError("n")
    y[0] = n


def prints(y, x, n, task):
    print(n)
    y[0] = n


def yields(y, x, n, task):
    y[0] = yield n


def looks_in_a_set(y, x, n, task):
    y[0] = n in {1, 2}


def of_tuple(y, x, n, task):
    y[0] = (1.0, 2.0)[n]


def calls_what_prints(y, x, n, task):
    y[0] = printed(n)


@njit
def inverse(n):
    if n == 0:
        raise ValueError("n is 0")
    return 1 / n


def tuple_after_what_raises(y, x, n, task):
    y[0] = (1.0, 2.0)[n]
    y[0] += inverse(n)


def calls_what_raises(y, x, n, task):
    y[0] = root(n)


def allocates(y, x, n, task):
    y[0] = x[0]
    y[0] += np.zeros(n)[n - 1]


def draws_by_another_name(y, x, n, task):
    source = np.random
    y[0] = source.random()


def calls_what_draws(y, x, n, task):
    y[0] = n
    y[0] += drawn()


def calls_what_allocates(y, x, n, task):
    y[0] = n
    y[0] += last_of(n)


def calls_what_makes_a_set(y, x, n, task):
    y[0] = among(x[0])


def calls_what_draws_as_python_does(y, x, n, task):
    y[0] = drawn_as_python_does(n)


def calls_what_tells_values(y, x, n, task):
    y[0] = checked(n)


def calls_what_tells_a_text_of_values(y, x, n, task):
    y[0] = checked_text(n)


def calls_what_tells_constants(y, x, n, task):
    y[0] = checked_constants(n)


asserted = njit(positive)


def calls_what_asserts(y, x, n, task):
    y[0] = asserted(n)


def calls_what_says_much(y, x, n, task):
    y[0] = of_two_lines(n)


def power(y, x, n, task):
    z = x[0] ** 3
    y[0] = z**n


def reciprocal_power(y, x, n, task):
    y[0] = x[0] ** 3
    y[0] += x[0] ** -2


def powers_of_two_types(y, x, n, task):
    y[0] = np.float64(n) ** 3
    y[0] += x[0] ** -2


def range_then_tuple(y, x, n, task):
    for i in range(0, 9, n):
        y[i] = x[i]
    y[0] = (1.0, 2.0)[n]


def tuple_then_what_raises(y, x, n, task):
    y[0] = (1.0, 2.0)[n]
    y[0] += root(n)


def prints_on_every_way(y, x, n, task):  # LLVM makes one call of two, which is in no line
    if n > 3:
        y[0] = printed(n)
    else:
        y[0] = printed(n)
    y[0] += printed(n)


def index_in_a_helper(y, x, n, task):
    for i in range(n):
        y[i] = at_index(i)


@njit
def drawn():
    return np.random.rand()  # noqa: NPY002 (Numba has it)


@njit
def among(number):
    return number in {1.0, 2.0}


@njit
def drawn_as_python_does(n):
    random.seed(n)
    return random.gauss(0.0, 1.0)


@njit
def of_two_lines(n):
    if n < 0:
        raise ValueError("one\ntwo")
    return n


@njit
def checked(n):
    if n < 0:
        raise ValueError("n is", n)
    return n


@njit
def checked_text(n):
    if n < 0:
        raise ValueError(f"n is {n}")
    return n


@njit
def checked_constants(n):
    if n < 0:
        raise ValueError("n is below", 0)
    return n


@njit
def last_of(n):
    return np.zeros(n)[n - 1]


@njit(boundscheck=True)
def at_index(i):
    return ARRAY[i]


@njit
def printed(n):
    print("n")
    return n


@njit
def root(n):
    if n < 0:
        raise ValueError("n is negative")
    return math.sqrt(n)


ARRAY = np.array([1.0, 2.0])
MAKES = "makes an array, a list, a string or another object"
HERE = r"\(test_refused_kernels.py:{}\)"
MADE = {  # lines below the first
    raises: (2, f"raises or asserts {HERE}, for which there is no place in compiled loops"),
    prints: (1, f"prints {HERE}, which compiled loops cannot do"),
    looks_in_a_set: (1, f"makes a set {HERE}, which cannot be compiled"),
    yields: (1, f"yields or has a generator expression {HERE}, which cannot be compiled"),
}
STANDS = r"\(test_refused_kernels.py:{}: .+\), which compiled loops cannot do"
COMPILED = {  # the line below the first of a function
    of_tuple: (of_tuple, 1, f"may raise IndexError: tuple index out of range {STANDS}"),
    calls_what_prints: (calls_what_prints, 1, f"prints {STANDS}"),
    calls_what_raises: (root.py_func, 3, f"may raise ValueError: n is negative {STANDS}"),
    allocates: (allocates, 2, f"{MAKES} {STANDS}"),
    calls_what_allocates: (calls_what_allocates, 2, f"{MAKES} {STANDS}"),
    draws_by_another_name: (draws_by_another_name, 2, f"draws random numbers {STANDS}"),
    calls_what_draws: (calls_what_draws, 2, f"draws random numbers {STANDS}"),
    calls_what_makes_a_set: (calls_what_makes_a_set, 1, f"{MAKES} {STANDS}"),
    calls_what_draws_as_python_does: (
        calls_what_draws_as_python_does,
        1,
        f"draws random numbers {STANDS}",
    ),
    calls_what_tells_values: (checked.py_func, 3, rf"may raise ValueError: n is, \.\.\. {STANDS}"),
    calls_what_tells_a_text_of_values: (
        checked_text.py_func,
        3,
        rf"may raise ValueError: \.\.\. {STANDS}",
    ),
    calls_what_tells_constants: (
        checked_constants.py_func,
        3,
        f"may raise ValueError: n is below, 0 {STANDS}",
    ),
    calls_what_asserts: (
        positive,
        2,
        "may raise AssertionError: n is not positive "
        r"\(own_kernels.py:{}: assert n > 0, \(\), which compiled loops cannot do",
    ),
    calls_what_says_much: (of_two_lines.py_func, 3, f"may raise ValueError: one {STANDS}"),
    power: (power, 2, f"may raise OverflowError {STANDS}"),
    reciprocal_power: (
        reciprocal_power,
        2,
        f"may raise ZeroDivisionError: division by zero {STANDS}",
    ),
    powers_of_two_types: (powers_of_two_types, 2, f"may raise ZeroDivisionError: .* {STANDS}"),
    range_then_tuple: (range_then_tuple, 1, f"may raise ValueError: .* {STANDS}"),
    tuple_then_what_raises: (tuple_then_what_raises, 1, f"may raise IndexError: .* {STANDS}"),
    tuple_after_what_raises: (inverse.py_func, 3, f"may raise ValueError: n is 0 {STANDS}"),
    prints_on_every_way: (prints_on_every_way, 5, f"prints {STANDS}"),
    index_in_a_helper: (index_in_a_helper, 2, f"may raise IndexError: index is .* {STANDS}"),
}


@pytest.mark.parametrize("function", MADE)
def test_what_no_kernel_can_do_is_refused_when_it_is_made(function):
    from fastnn.backends.jit_cpu.compile import kernel

    below, message = MADE[function]
    line = function.__code__.co_firstlineno + below
    with pytest.raises(TypeError, match=rf"\.{function.__name__}: {message.format(line)}"):
        kernel(function)


@pytest.mark.parametrize("function", COMPILED)
def test_what_a_kernel_might_do_is_refused_when_it_is_compiled(planner, function, capfd):
    from fastnn.backends.jit_cpu.compile import kernel
    from fastnn.backends.jit_cpu.program import stage

    planner(lambda y, x, **attributes: [stage(kernel(function), [y, x], [1])])
    inner, below, message = COMPILED[function]
    message = message.format(inner.__code__.co_firstlineno + below)
    for _ in range(2):
        with pytest.raises(TypeError, match=rf"\.{function.__name__}: {message}"):
            rising(np.zeros(3, np.float32))
    assert capfd.readouterr() == ("", "")


OF_A_KERNEL = """
import numpy as np, fastnn as fn
from fastnn.backends import jit_cpu, use_backend
from fastnn.backends.jit_cpu.compile import kernel
from fastnn.backends.jit_cpu.program import stage

def twice(y, x, task):
    y[0] = 2 * x[0]

def new(y, x, task):
    y[0] = 2 * x[0]
    y[0] += np.zeros(3)[1]

for function in (twice, new):
    planner = lambda y, x, **attributes: [stage(kernel(function), [y, x])]
    jit_cpu.set_planner("unary", planner)
    try:
        with use_backend("jit_cpu"): print(fn.ops.exp(np.ones(1)).tolist())
    except TypeError as error: print(error)
"""


def test_numba_s_own_debugging_changes_nothing():
    plain, debugging = (output_of(OF_A_KERNEL, NUMBA_DEBUGINFO=on) for on in "01")
    assert plain == debugging
    assert plain.splitlines() == [
        "[2.0]",
        f"__main__.new: {MAKES} (<string>:12), which compiled loops cannot do",
    ]
