"""Planners and kernels that users write: what is wrong with one is said before it runs."""

import math
import random

import numpy as np
import pytest
from fresh_python import output_of

import fastnn as fn
from fastnn.backends import use_backend

njit = pytest.importorskip("numba", reason="Numba is not here").njit


@pytest.fixture
def planner():
    """Sets the planner of `unary`, for the test."""
    from fastnn.backends import jit_cpu

    usual = jit_cpu.PLANNERS["unary"]
    yield lambda planner: jit_cpu.set_planner("unary", planner)
    jit_cpu.set_planner("unary", usual)


def rising(x):
    with use_backend("jit_cpu"):
        return fn.ops.exp(x)


def test_another_planner_is_asked_for_a_kind_of_call_that_was_planned(planner):
    rising(np.zeros(5))
    asked = []
    planner(lambda *operands, **attributes: asked.append(1))  # None: left to the reference
    assert rising(np.zeros(5)).tolist() == [1.0] * 5
    assert asked == [1]


def test_mistakes_of_a_planner(planner):
    from fastnn.backends.jit_cpu.compile import kernel
    from fastnn.backends.jit_cpu.program import stage

    def write(y, n, task):
        for i in range(n):
            y[i] = n

    def task_first(task, y, n):
        write(y, n, task)

    own = kernel(write)
    mistakes = {
        r"task_first: takes \['task', 'y', 'n'\], expected `task` as the last": lambda y: [
            stage(kernel(task_first), [y], [3])
        ],
        r"unary: its planner: array 77, expected -1 to 1": lambda y: [
            stage(own, [y], [3]),
            stage(own, [y._replace(place=77)], [3]),
        ],
        r"unary: its planner: -1 tasks, expected 0 or more": lambda y: [
            stage(own, [y], [3], tasks=-1)
        ],
        r"unary: its planner: integers has 5\.5": lambda y: [stage(own, [y], [5.5])],
        r"unary: its planner: integers has 1180591620717411303424": lambda y: [
            stage(own, [y], [2**70])
        ],
        r"write: takes \['y', 'n', 'task'\], but its stage has 1 arrays, 2 integers and 0 reals; "
        r"with the task these are 4": lambda y: [stage(own, [y], [3, 4])],
        r"must return a list of what `stage` returns": lambda y: stage(own, [y], [3]),
        r"stage: expected a function marked with @kernel, got <function": lambda y: [
            stage(write, [y], [3])
        ],
        r"write: array 0 of its stage must be an operand or a Scratch, got ndarray": lambda y: [
            stage(own, [np.zeros(3)], [3])
        ],
        r"unary: its planner has no stage that takes y, which would stay unwritten": lambda y: [],
    }
    for message, stages in mistakes.items():
        planner(lambda y, x, stages=stages, **attributes: stages(y))
        with pytest.raises((TypeError, ValueError), match=message):
            rising(np.zeros(3))


def test_a_planner_with_other_parameters(planner):
    planner(lambda y, **attributes: None)
    expected = r"unary: its planner must take \(y, x, \*, op, a, b\): too many positional arguments"
    with pytest.raises(TypeError, match=expected):
        rising(np.zeros(3))
    planner(lambda y, x, op: None)
    with pytest.raises(TypeError, match=r"\(y, x, \*, op, a, b\): got an unexpected .* 'a'"):
        rising(np.zeros(3))


def test_a_planner_whose_parameters_nobody_knows(planner):
    planner(max)
    with pytest.raises(TypeError, match=r"unary: its planner must take \(y, x, .*: no signature"):
        rising(np.zeros(3))


def test_only_functions_are_kernels_and_only_known_types_are_in_scratch():
    from fastnn.backends.jit_cpu.compile import kernel
    from fastnn.backends.jit_cpu.program import Scratch

    for no_function in (3, "kernel", max):
        with pytest.raises(TypeError, match="kernel: expected a function of Python, got"):
            kernel(no_function)
    with pytest.raises(ValueError, match=r"Scratch: dtype must be one of .*, got 'float16'"):
        Scratch((3,), "float16")


def test_a_planner_needs_a_primitive():
    from fastnn.backends.jit_cpu import set_planner

    with pytest.raises(ValueError, match="set_planner: there is no primitive 'nonsense'"):
        set_planner("nonsense", lambda y, x: None)
    with pytest.raises(TypeError, match="set_planner: planner must be a function, got list"):
        set_planner("unary", [])


def test_nothing_is_written_where_nothing_is(planner):
    planner(lambda y, x, **attributes: [])
    assert rising(np.zeros((0, 3))).shape == (0, 3)


def adds_text(y, x, task):
    y[0] = x[0] + "a"


def asks_for_a_shape(y, x, task):
    y[0] = x.shape[0]


def calls_nothing(y, x, task):
    y[0] = nothing(x[0])  # noqa: F821


def has_no_such_function(y, x, task):
    y[0] = math.nothing(x[0])


def stores_text(y, x, task):
    y[0] = "a"


def stores_a_complex_number(y, x, task):
    z = x[0]
    y[0] = z * 1j


NOT_COMPILED = {
    adds_text: (1, ': y[0] = x[0] + "a"', "add(float, str) is not known"),
    asks_for_a_shape: (1, ": y[0] = x.shape[0]", "a float pointer has no attribute 'shape'"),
    has_no_such_function: (1, "", "module 'math' has no attribute 'nothing'"),
    stores_text: (1, ': y[0] = "a"', "a str cannot become a float"),
    stores_a_complex_number: (2, ": y[0] = z * 1j", "a complex cannot become a float"),
}


@pytest.mark.parametrize("function", NOT_COMPILED)
def test_a_kernel_that_does_not_compile(planner, function):
    from fastnn.backends.jit_cpu.compile import kernel
    from fastnn.backends.jit_cpu.program import stage

    planner(lambda y, x, **attributes: [stage(kernel(function), [y, x])])
    below, source, reason = NOT_COMPILED[function]
    line = function.__code__.co_firstlineno + below
    with pytest.raises(TypeError) as raised:
        rising(np.zeros(3, np.float32))
    assert str(raised.value) == (
        f"{__name__}.{function.__name__}: cannot be compiled: {reason} "
        f"(test_own_kernels.py:{line}{source})"
    )


def test_a_name_that_a_kernel_misses(planner):
    from fastnn.backends.jit_cpu.compile import kernel
    from fastnn.backends.jit_cpu.program import stage

    planner(lambda y, x, **attributes: [stage(kernel(calls_nothing), [y, x])])
    place = rf"\(test_own_kernels.py:{calls_nothing.__code__.co_firstlineno + 1}\)"
    with pytest.raises(NameError, match=rf"name 'nothing' is not defined {place}"):
        rising(np.zeros(3))


def test_a_kernel_of_no_module(planner):
    from fastnn.backends.jit_cpu.compile import kernel
    from fastnn.backends.jit_cpu.program import stage

    names: dict = {}
    exec("def fills(y, task):\n    y[0] = 7", names)
    assert names["fills"].__module__ in (None, "builtins")
    names["fills"].__module__ = None
    planner(lambda y, x, **attributes: [stage(kernel(names["fills"]), [y])])
    assert rising(np.zeros(1)).tolist() == [7]


LIST, DICT, NESTED = [1.0, 2.0], {1: 2.0}, ((1.0, [2.0]), 3.0)


def closure():
    kept = {1.0, 2.0}

    def reads_its_own_set(y, x, task):
        y[0] = len(kept)

    return reads_its_own_set


def reads_a_list(y, x, task):
    y[0] = LIST[1]


def reads_a_dict(y, x, task):
    y[0] = DICT[1]


def reads_a_list_in_tuples(y, x, task):
    y[0] = NESTED[0][1][0]


NO_CONSTANTS = {
    closure(): "kept, a set",
    reads_a_list: "LIST, a list",
    reads_a_dict: "DICT, a dict",
    reads_a_list_in_tuples: "NESTED, a tuple with a list",
}


@pytest.mark.parametrize("function", NO_CONSTANTS)
def test_a_kernel_that_reads_what_may_change(planner, function):
    from fastnn.backends.jit_cpu.compile import kernel
    from fastnn.backends.jit_cpu.program import stage

    planner(lambda y, x, **attributes: [stage(kernel(function), [y, x])])
    name, line = f"{__name__}.{function.__qualname__}", function.__code__.co_firstlineno + 1
    with pytest.raises(TypeError) as raised:
        rising(np.zeros(3, np.float32))
    assert str(raised.value) == (
        f"{name}: reads {NO_CONSTANTS[function]} (test_own_kernels.py:{line}), "
        "expected a tuple or an array of constants"
    )


GENERATOR = np.random.default_rng(0)


def draws(y, x, task):
    y[0] = random.random()


def draws_of_a_generator(y, x, task):
    y[0] = GENERATOR.random()


DRAWS = {draws: "random.random", draws_of_a_generator: "GENERATOR"}


@pytest.mark.parametrize("function", DRAWS)
def test_a_kernel_that_draws_random_numbers(planner, function):
    from fastnn.backends.jit_cpu.compile import kernel
    from fastnn.backends.jit_cpu.program import stage

    planner(lambda y, x, **attributes: [stage(kernel(function), [y, x])])
    place = rf"\(test_own_kernels.py:{function.__code__.co_firstlineno + 1}\)"
    with pytest.raises(TypeError, match=rf"{DRAWS[function]} draws random numbers {place}, which"):
        rising(np.zeros(3, np.float32))


def test_a_kernel_called_as_python_says_which_index_is_out_of_range():
    from fastnn.backends.jit_cpu.compile import kernel
    from fastnn.backends.jit_cpu.softmax import row_sum

    add_up = row_sum("float32")

    def one_too_many(y, x, n, task):
        for i in range(n + 1):
            y[i] = add_up(x, 0, n)

    y, x = np.zeros(9, np.float32), np.arange(8, dtype=np.float32)
    kernel(one_too_many).function(y, x, 8, 0)
    assert y.tolist() == [28] * 9
    with pytest.raises(IndexError, match="index 8 is out of bounds"):
        kernel(one_too_many).function(y[:8], x, 8, 0)


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
HERE = r"\(test_own_kernels.py:{}\)"
MADE = {  # lines below the first
    raises: (2, f"raises or asserts {HERE}, for which there is no place in compiled loops"),
    prints: (1, f"prints {HERE}, which compiled loops cannot do"),
    looks_in_a_set: (1, f"makes a set {HERE}, which cannot be compiled"),
    yields: (1, f"yields or has a generator expression {HERE}, which cannot be compiled"),
}
STANDS = r"\(test_own_kernels.py:{}: .+\), which compiled loops cannot do"
COMPILED = {  # the line below the first of a function
    of_tuple: (of_tuple, 1, f"may raise IndexError: tuple index out of range {STANDS}"),
    calls_what_prints: (calls_what_prints, 1, f"prints {STANDS}"),
    calls_what_raises: (root.py_func, 3, f"may raise ValueError: n is negative {STANDS}"),
    allocates: (allocates, 2, f"{MAKES} {STANDS}"),
    calls_what_allocates: (calls_what_allocates, 2, f"{MAKES} {STANDS}"),
    draws_by_another_name: (draws_by_another_name, 2, f"draws random numbers {STANDS}"),
    calls_what_draws: (calls_what_draws, 2, f"draws random numbers {STANDS}"),
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
