"""elementwise: what functions that users write may do, and what is said of those that cannot."""

import math
import os
import re

import numpy as np
import pytest
from fresh_python import output_of

import fastnn as fn

pytest.importorskip("numba", reason="Numba is not here")

# ---- What compiled code may do -----------------------------------------------------------------

TABLE, NUMBERS, ARRAY = (1.0, 2.0, 4.0), [1.0, 2.0], np.array([1.0, 2.0, 4.0])


def of_tuple(x, n=3):
    return TABLE[n] * x


def of_array(x, n=-4):
    return ARRAY[n] * x


def of_bytes(x, n=5):
    y = 2 * x
    return b"abc"[n] * y


def of_list(x):
    return NUMBERS[1] * x


def by_step(x, step=0):
    for _ in range(0, 10, step):
        x += 1
    return x


def out_of_one_of_two(x, n=3):
    y = x
    for i in range(3):
        y += TABLE[i]
    return y * TABLE[n]


def new_array(x):
    return np.zeros(3)[1] + x


def calls_new_array(x):
    y = 2 * x
    return new_array(y)


def popping(x):
    y = 2 * x
    numbers = [1.0, 2.0]
    return numbers.pop() * y


def joining(x, n=3):
    text = "ab"
    for _ in range(n):
        text = text + "c"
    return len(text) * x


def finding(x):
    return "abc".index("z") + x


def power_of_a_constant(x, n=-1, base=0.0):
    y = x + base
    return y + base**n


def calls_a_power(x, n=-1, base=0.0):
    y = x - base
    return power_of_a_constant(y, n, base)


def dividing(x, n=0):
    y = x
    return y + (1j / n).real


def ordering(x, n=3):  # by code of Numba's that is not inlined
    y = x
    return y + np.argsort(ARRAY)[n]


def elsewhere(folder, name):
    """A function in a file with a name that LLVM writes with escapes."""
    source = "def of_tuple(x, n=3):\n    return x + (1.0, 2.0)[n]\n"
    source += "def new(x):\n    return x + np.zeros(2)[0]\n"
    path = folder / name
    path.write_text(source)
    names = {"np": np}
    exec(compile(source, str(path), "exec"), names)
    return names


IN_A_STRING: dict = {"np": np}
exec("def new_ones(x):\n    y = 2 * x\n    return np.ones(3)[2] * y", IN_A_STRING)
new_ones = IN_A_STRING["new_ones"]
a_lambda = lambda x: np.zeros(3)[0] * x  # noqa: E731


def printing(x):
    print(x > 0)
    return x


MAKES = "makes an array, a list, a string or another object"
DIVIDES = "may raise ZeroDivisionError: division by zero"
NOT_ALLOWED = {  # with the line, counted from the first of the function that does it
    of_tuple: (of_tuple, 1, "may raise IndexError: tuple index out of range"),
    of_array: (of_array, 1, "may raise IndexError: index is out of bounds"),
    of_bytes: (of_bytes, 2, "may raise IndexError: index is out of bounds"),
    of_list: (of_list, 1, "reads NUMBERS, a list"),
    out_of_one_of_two: (out_of_one_of_two, 4, "may raise IndexError: tuple index out of range"),
    by_step: (by_step, 1, r"may raise ValueError: range\(\) arg 3 must not be zero"),
    new_array: (new_array, 1, MAKES),
    calls_new_array: (new_array, 1, MAKES),
    popping: (popping, 2, MAKES),
    joining: (joining, 3, MAKES),
    new_ones: (new_ones, 2, MAKES),
    a_lambda: (a_lambda, 0, MAKES),
    finding: (finding, 1, "may raise ValueError: substring not found"),
    power_of_a_constant: (power_of_a_constant, 2, DIVIDES),
    calls_a_power: (power_of_a_constant, 2, DIVIDES),
    dividing: (dividing, 2, "may raise ZeroDivisionError: complex division by zero"),
    ordering: (ordering, 2, MAKES),
    printing: (printing, 1, "prints"),
}


@pytest.mark.parametrize("function", NOT_ALLOWED, ids=lambda function: function.__name__)
def test_what_could_raise_is_refused(function, capfd):
    operation = fn.elementwise(function)
    inner, below, what = NOT_ALLOWED[function]
    code = inner.__code__
    place = rf"\({os.path.basename(code.co_filename)}:{code.co_firstlineno + below}(: .+)?\)"
    for _ in range(2):
        with pytest.raises(TypeError, match=f"^{function.__name__}: {what} {place}, "):
            operation([1.0, 2.0])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["mön.py", 'a"b.py', "back\\slash.py", "back\\41.py", "a b.py"])
def test_places_in_files_with_any_name(name, tmp_path):
    functions = elsewhere(tmp_path, name)
    for function, line in (("of_tuple", 2), ("new", 4)):
        with pytest.raises(TypeError) as raised:
            fn.elementwise(functions[function])([1.0])
        assert f" ({name}:{line}: return x + " in str(raised.value)


def test_places_in_lines_of_any_number():
    for line in (34, 91, 92, 93):  # whose bytes LLVM writes with escapes
        names: dict = {}
        exec("\n" * (line - 2) + "def of_tuple(x, n=3):\n    return x + (1.0, 2.0)[n]", names)
        with pytest.raises(TypeError, match=rf"out of range \(<string>:{line}\), which"):
            fn.elementwise(names["of_tuple"])([1.0])


def test_arithmetic_of_constants_is_fine():
    @fn.elementwise
    def of_constants(x, slope=0.5, n=3):
        for i in range(n):
            x += slope**i + slope**2 + i**2 + 2**i + i // 2 + i % 3 + 1 / (i + 1) + slope % 0.3
        return x + 7 // n

    expected = of_constants.scalar_function(1.0)
    np.testing.assert_allclose(of_constants(np.array([1.0])).numpy(), expected, rtol=1e-14)


def test_a_variable_of_its_own_may_change_in_a_function_inside():
    @fn.elementwise
    def twice(x):
        total = x

        def add(more):
            nonlocal total
            total = total + more
            return total

        return add(1.0) + total

    assert twice([2.0]).tolist() == [6.0]


def test_indices_within_bounds_are_fine():
    assert fn.elementwise(of_tuple)([1.0], n=2).tolist() == [4.0]
    assert fn.elementwise(of_array)([1.0], n=-1).tolist() == [4.0]

    @fn.elementwise
    def polynomial(x):
        y = 0
        for i in range(len(TABLE)):
            y = y * x + TABLE[i]
        for c in TABLE:
            y = y * x + c
        return y

    expected = np.polyval([1, 2, 4, 1, 2, 4], 3.0)
    assert polynomial(3.0).item() == expected
    assert fn.gradcheck(polynomial, np.array([0.5, 2.0]))


# ---- What cannot be compiled -------------------------------------------------------------------


def missing(x):
    y = 2 * x
    return math.nothing(y)


def calls_missing(x):
    y = 2 * x
    return missing(y)


def unpacking(x):
    y = x
    a, b = TABLE
    return y + a + b


def one_or_another(x, n=1):
    y = x
    if n > 0:
        y = (1, 2)
    return y


def importing(x):
    import math

    return math.exp(x)


def counting(x):
    global CALLS
    CALLS = 1
    return x


def opening(x):
    with open("file"):
        return x


def unknown(x):
    return x.conjugate()


def of_gelu(x):
    return fn.ops.gelu(x)


def of_relu(x):
    return fn.activations.relu(x)


def of_factorial(x):
    return x + math.factorial(3)


HERE = r"\(test_refused_functions.py:\d+\)"
NOT_KNOWN = {
    of_gelu: f"of_gelu: fn.ops.gelu is a function of tensors, not of numbers {HERE}",
    of_relu: f"of_relu: fn.activations.relu is a function of tensors, not of numbers {HERE}",
    of_factorial: r"of_factorial: cannot be compiled: .*math.factorial is not known.*:\d+",
    importing: f"importing: imports {HERE}",
    counting: f"counting: changes a global {HERE}",
    opening: f"opening: has a with statement {HERE}",
    unknown: r"unknown: cannot be compiled: .*\(test_refused_functions.py:\d+",
}


@pytest.mark.parametrize("function", NOT_KNOWN, ids=lambda function: function.__name__)
def test_what_cannot_be_compiled_names_the_line(function):
    with pytest.raises(TypeError, match=NOT_KNOWN[function]):
        fn.elementwise(function)([1.0])


def closures():
    numbers, known = [1.0, 2.0], {1.0, 2.0}

    def of_own_list(x):
        return numbers[1] * x

    def of_own_set(x):
        return len(known) * x

    return of_own_list, of_own_set


NESTED = ((1.0, [2.0]), 3.0)


def of_nested(x):
    return NESTED[0][1][0] * x


def looking(x):
    return 1.0 if x in {1.0, 2.0} else 0.0


def interpolating(x):
    return np.interp(x, [0.0, 1.0], [0.0, 1.0])


def stacking(x):
    return np.array([x, x])[0]


def dotting(x):
    return np.dot(x, x)


def drawing(x):
    return x + fn.random.normal(())


def naming(x):
    return (y := 2 * x) + y


def deleting(x):
    y = 2 * x
    del y
    return x


def generating(x):
    return sum(i * x for i in range(3))


def starring(x):
    y = 2 * x
    a, *b = x, y
    return a + b[0]


def writing(x):
    return x + len(f"{x}")


def telling(x):
    return x + len(str(x))


def counts_its_calls():
    calls = 0

    def of_calls(x):
        nonlocal calls
        calls = calls + 1
        return calls * x

    return of_calls


SOURCES = (1.0, np.random.default_rng(0))


def from_a_tuple(x):
    return x + SOURCES[1].random()


LINE = r"\(test_refused_functions.py:{}{}\)"
IN_PLAIN_WORDS = {  # with the line, counted from the function's first, and what stands there
    closures()[0]: (1, f"reads numbers, a list {LINE}, expected a tuple or an array of constants"),
    closures()[1]: (1, f"reads known, a set {LINE}, expected a tuple or an array of constants"),
    of_nested: (1, f"reads NESTED, a tuple with a list {LINE}, expected a tuple or .*"),
    looking: (1, f"makes a set {LINE}, which cannot be compiled"),
    interpolating: (1, rf"cannot be compiled: interp\(number, list, list\) is not known {LINE}"),
    stacking: (1, rf"cannot be compiled: array\(list\) is not known {LINE}"),
    dotting: (1, rf"cannot be compiled: dot\(number, number\) is not known {LINE}"),
    drawing: (1, f"fn.random.normal draws random numbers {LINE}, which .*"),
    naming: (1, rf"cannot be compiled: .*\(:= needs a line of its own\) {LINE}"),
    missing: (2, f"cannot be compiled: module 'math' has no attribute 'nothing' {LINE}"),
    unpacking: (2, f"cannot be compiled: a tuple has another length: expected 2, got 3 {LINE}"),
    one_or_another: (
        4,
        "cannot be compiled: a value is a number on one way and "
        rf"a tuple \(int, int\) on another {LINE}",
    ),
    deleting: (2, f"deletes a variable {LINE}, which cannot be compiled"),
    generating: (1, f"yields or has a generator expression {LINE}, which cannot be compiled"),
    starring: (2, rf"cannot be compiled: UNPACK_EX is not known {LINE}"),
    writing: (1, f"makes a string {LINE}, which cannot be compiled"),
    telling: (1, f"makes a string {LINE}, which cannot be compiled"),
    counts_its_calls(): (2, f"changes a variable of the function around it {LINE}, which .*"),
    from_a_tuple: (1, f"SOURCES draws random numbers {LINE}, which .*"),
}


@pytest.mark.parametrize("function", IN_PLAIN_WORDS, ids=lambda function: function.__name__)
def test_a_message_is_one_line_and_the_only_one(function):
    below, message = IN_PLAIN_WORDS[function]
    message = message.format(function.__code__.co_firstlineno + below, "(: .+)?")
    with pytest.raises(TypeError) as raised:
        fn.elementwise(function)([1.0])
    assert re.fullmatch(f"{function.__name__}: {message}", str(raised.value))
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


BEGIN = "<lambda>: cannot be compiled:"
WITHOUT_SCIPY = """
import sys; sys.modules["scipy"] = None
import numpy as np, fastnn as fn
for f in (lambda x: np.linalg.norm(x), lambda x: np.dot(x, x)):
    try: fn.elementwise(f)([1.0])
    except TypeError as error: print(error)
"""


def test_an_attribute_that_a_called_function_misses_and_a_name():
    line = missing.__code__.co_firstlineno + 2
    with pytest.raises(TypeError, match=rf"'nothing' \(test_refused_functions.py:{line}\)"):
        fn.elementwise(calls_missing)([1.0])
    names: dict = {}
    exec("def f(x):\n    y = x\n    return y + nothing", names)
    with pytest.raises(NameError, match=r"f: name 'nothing' is not defined \(<string>:3\)"):
        fn.elementwise(names["f"])([1.0])


def test_what_is_not_known_for_numbers_does_not_ask_for_scipy():
    norm, dot = output_of(WITHOUT_SCIPY).splitlines()
    assert norm == f"{BEGIN} linear algebra is not known for numbers (<string>:4)"
    assert dot == f"{BEGIN} dot(number, number) is not known (<string>:4)"
