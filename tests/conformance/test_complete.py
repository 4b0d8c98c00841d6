"""Nothing is left out: every primitive has a reference, native code, and a test here."""

import pathlib
import re

import numpy as np
import pytest

from fastnn import _core
from fastnn.backends.reference import FUNCTIONS

from .operations import COUNTS, operations

# What users write has no kernels of ours, and is its own specification:
# tests/test_elementwise_functions.py.
OURS = [name for name in _core.PRIMITIVES if name != "elementwise"]


def test_every_primitive_has_a_reference():
    assert set(FUNCTIONS) == set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_every_primitive_is_native(name):
    assert _core.PRIMITIVES[name]["native"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_reference_takes_what_the_record_says(name):
    record, function = _core.PRIMITIVES[name], FUNCTIONS[name]
    function = getattr(function, "__wrapped__", function)
    code = function.__code__
    operands = [n for n, role, *_ in record["operands"] if role in ("in", "inout")]
    assert code.co_varnames[: code.co_argcount] == tuple(operands)
    keywords = code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]
    assert keywords == tuple(n for n, *_ in record["attributes"])
    assert function.__doc__


def test_every_primitive_is_checked_here():
    folder = pathlib.Path(__file__).parent
    text = "".join(file.read_text() for file in folder.glob("test_*.py"))
    checked = set(re.findall(r'check\(\s*backend,\s*"(\w+)"', text))
    checked |= set(re.findall(r'run\(backend, "(\w+)"', text))
    assert checked == set(OURS)


def test_operations_of_products_are_counted():
    assert set(COUNTS) <= set(OURS)
    a, b, y = np.ones((20, 30)), np.ones((30, 40)), np.ones((20, 40))
    assert operations("gemm", [a, b, None], [y, None]) == 20 * 30 * 40
    assert operations("binary", [a, a], [a]) == 1200
