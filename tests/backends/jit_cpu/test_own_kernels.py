"""Planners and kernels that users write: what is wrong with one is said before it runs."""

import math
import random

import numpy as np
import pytest

from .own_kernels import rising

njit = pytest.importorskip("numba", reason="Numba is not here").njit


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

    def write_table(y, n, table, task):
        y[0] = table[n]

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
        r"write_table: table\[1\] of its stage must be an integer, got 'a'": lambda y: [
            stage(kernel(write_table), [y], [3], table=[1, "a"])
        ],
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
    with pytest.raises(
        ValueError, match="Scratch: an extent of shape must not be negative, got -3"
    ):
        Scratch((-3,), "float32")
    for shape in ("abc", 3, (1.5,)):
        with pytest.raises(TypeError, match=r"Scratch: .*shape must be"):
            Scratch(shape, "float32")


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
