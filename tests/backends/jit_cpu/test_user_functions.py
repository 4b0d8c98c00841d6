"""elementwise: what is compiled and kept on disk of the functions that users write."""

import json
import math
import os
import pathlib
import sys
import types

import numpy as np
import pytest
from fresh_python import output_of

import fastnn as fn

pytest.importorskip("numba", reason="Numba is not here")


def run_python(program, **environment):
    return json.loads(output_of(program, **environment))


# ---- What is kept on disk ----------------------------------------------------------------------

GLOBALS = """
import json, fastnn as fn
SCALE = {first}
def helper(x): return x * SCALE
@fn.elementwise
def f(x): return helper(x)
value = f(1.0).item()
SCALE = {then}
print(json.dumps([value, fn.grad(lambda x: f(x).sum())(1.0).item()]))
"""


def test_what_is_kept_has_the_globals_that_were_compiled(tmp_path):
    kept = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert run_python(GLOBALS.format(first=2.0, then=3.0), **kept) == [2.0, 2.0]
    assert run_python(GLOBALS.format(first=3.0, then=3.0), **kept) == [3.0, 3.0]


def test_functions_of_one_name_are_told_apart():
    a, b = (lambda x: 2 * x), (lambda x: 3 * x)

    def build(c):
        return fn.elementwise(lambda x: a(x) + b(x) + 10 * c(x))

    assert (build(a)(1.0).item(), build(b)(1.0).item()) == (25.0, 35.0)


def test_attributes_of_modules_are_read_once():
    settings = types.ModuleType("settings")
    settings.SCALE, settings.twice = 2.0, lambda x: 2 * x
    scaled = fn.elementwise(lambda x: settings.twice(x) * settings.SCALE)
    assert scaled(1.0).item() == 4.0
    settings.SCALE = 5.0
    assert fn.grad(scaled)(1.0).item() == 4.0


# ---- Functions of fastnn.ops -------------------------------------------------------------------

BEFORE_LAYERS = """
import json, sys, fastnn as fn
from fastnn.ops import tanh
@fn.elementwise
def a(x): return fn.ops.tanh(x)
first = a([1.0]).item()
assert "fastnn.layers" not in sys.modules
b = fn.elementwise(lambda x: x * fn.ops.sigmoid(x))
c = fn.elementwise(lambda x: tanh(x))
fn.layers.Dense(3, activation=b)
print(json.dumps([first, b([0.0]).item(), c([1.0]).item(), a([1.0, 1.0]).tolist()[0]]))
"""
AFTER_LAYERS = """
import json, fastnn as fn
from fastnn.ops import tanh
import fastnn.layers
c = fn.elementwise(lambda x: tanh(x) + fn.ops.tanh(x) + fn.ops.abs(x) + fn.ops.nn.relu(x))
print(json.dumps(c([1.0]).item()))
"""


def test_operations_are_known_before_and_after_layers_wrap_them():
    t = np.tanh(1.0)
    np.testing.assert_allclose(run_python(BEFORE_LAYERS), [t, 0.0, t, t], rtol=1e-6)
    np.testing.assert_allclose(run_python(AFTER_LAYERS), 2 * t + 2, rtol=1e-6)


def test_a_users_own_wrapper_is_called_itself():
    import functools

    @functools.wraps(fn.ops.tanh)
    def doubled(x):
        return 2 * x

    assert fn.elementwise(lambda x: doubled(x))(3.0).item() == 6.0


# ---- What is compiled otherwise than usual -----------------------------------------------------


def test_numbers_as_conditions():
    @fn.elementwise
    def chosen(x, y):
        first = x and 2.0
        other = x or y * 3
        return first + other if not y or x else -1.0

    x, y = np.array([0.0, 0.0, 5.0, np.nan]), np.array([0.0, 1.0, 4.0, 0.0])
    expected = [(a and 2.0) + (a or b * 3) if not b or a else -1.0 for a, b in zip(x, y)]
    np.testing.assert_array_equal(chosen(x, y).numpy(), expected)


def test_without_the_compiler_it_is_said():
    program = """
import json, fastnn as fn
try: fn.elementwise(lambda x: x)([1.0])
except RuntimeError as error: print(json.dumps(str(error)))
"""
    message = run_python(program, NUMBA_DISABLE_JIT="1")
    assert message == "<lambda>: needs Numba's compiler; NUMBA_DISABLE_JIT turns it off"


BROKEN = """
import json, fastnn as fn
messages = []
for call in (lambda: fn.elementwise(lambda x: x)([1.0]), lambda: fn.ops.exp([1.0])):
    try:
        with fn.backends.use_backend("jit_cpu"): call()
    except ImportError as error: messages.append(str(error))
print(json.dumps(messages))
"""


def test_a_numba_that_cannot_be_imported_is_named(tmp_path):
    (tmp_path / "numba.py").write_text("raise SystemError('built for another NumPy')")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    messages = run_python(BROKEN, PYTHONPATH=path)
    for name, message in zip(("elementwise", "unary"), messages, strict=True):
        assert message == (
            f"{name}: needs Numba, which is installed but cannot be imported (SystemError: built "
            "for another NumPy): pip install --force-reinstall 'fastnn[numba]'"
        )


REFUSED = """
import json, fastnn as fn
TABLE = (1.0, 2.0)
def inside(x, n=1): return TABLE[1] * x
def beyond(x, n=2): return TABLE[n] * x
try: fn.elementwise(beyond)([1.0])
except TypeError as error: print(json.dumps([fn.elementwise(inside)(3.0).item(), str(error)]))
"""


def test_effects_are_refused_where_numba_does_not_optimize():
    value, message = run_python(REFUSED, NUMBA_OPT="0")
    assert value == 6.0 and "may raise IndexError" in message


# ---- Values and slopes -------------------------------------------------------------------------


def test_values_are_the_same_with_gradients():
    @fn.elementwise
    def f(x):
        return math.sin(3 * x) * math.erf(x) + math.log1p(math.exp(-abs(x))) / (2 + math.tanh(x))

    x = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    y = f(fn.tensor(x, requires_grad=True))
    assert y.requires_grad and np.array_equal(y.numpy(), f(x).numpy())
    assert fn.gradcheck(f, x[:9].astype(np.float64))


def test_a_given_slope_of_one_operand_is_used():
    f = fn.elementwise(lambda x, scale=2.0: scale * x, gradient=lambda x, scale=2.0: 5 * x + scale)
    x = fn.tensor([1.0, -3.0], requires_grad=True)
    y = f(x, 4.0)
    y.backward(fn.tensor([1.0, 10.0]))
    assert y.tolist() == [4.0, -12.0] and x.grad.tolist() == [9.0, -110.0]


def test_an_element_does_not_see_its_neighbours():
    """Those of sin and cos that are far from 0 go another way, all at once or one by one."""
    f = fn.elementwise(lambda x, quarter=0.0: math.sin(x) if quarter == 0 else math.cos(x))
    x = np.random.default_rng(0).uniform(-9, 9, 1003).astype(np.float32)
    x[::7] *= np.float32(10.0) ** np.arange(144) % 39
    x[:4] = np.inf, -np.inf, np.nan, -0.0
    for quarter, exact in [(0.0, np.sin), (1.0, np.cos)]:
        y = f(x, quarter).numpy()
        alone = [f(x[i : i + 1], quarter).numpy()[0] for i in range(0, 1003, 11)]
        np.testing.assert_array_equal(y[::11], alone)
        with np.errstate(invalid="ignore"):
            expected = exact(x.astype(np.float64))
        bound = 2 * np.spacing(np.abs(expected[3:]).astype(np.float32))
        assert np.isnan(y[:3]).all() and (np.abs(y[3:] - expected[3:]) <= bound).all()
    assert np.signbit(f(x).numpy()[3])


# ---- The files ---------------------------------------------------------------------------------

FILES = """
import json, os, pathlib, numpy, fastnn as fn
ARRAY = numpy.ones(2)
f = fn.elementwise({function})
value = f([3.0]).tolist()
files = sorted(map(str, pathlib.Path(os.environ["NUMBA_CACHE_DIR"]).rglob("*.bin")))
print(json.dumps([value, files]))
"""


def test_what_has_no_text_is_not_kept(tmp_path):
    kept = {"NUMBA_CACHE_DIR": str(tmp_path)}
    value, files = run_python(FILES.format(function="lambda x: x + ARRAY[1]"), **kept)
    assert (value, files) == ([4.0], [])


def test_files_are_told_apart_by_settings_and_contents(tmp_path):
    kept = {"NUMBA_CACHE_DIR": str(tmp_path)}
    double, triple = (FILES.format(function=f"lambda x: x * {n}") for n in (2, 3))
    _, (first,) = run_python(double, **kept)
    _, files = run_python(triple, **kept)
    (second,) = {*files} - {first}
    a, b = pathlib.Path(first), pathlib.Path(second)
    content = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(content)
    assert run_python(double, **kept)[0] == [6.0]
    assert run_python(triple, **kept)[0] == [9.0]
    assert len(run_python(double, **kept, NUMBA_OPT="0")[1]) == 3
