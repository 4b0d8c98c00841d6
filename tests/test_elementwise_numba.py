"""@elementwise: how it uses Numba, and what is kept on disk."""

import json
import sys

import pytest
from fresh_python import output_of

import fastnn as fn

pytest.importorskip("numba", reason="elementwise needs Numba")


def test_without_numba_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ImportError, match=r"pip install 'fastnn\[numba\]'"):
        fn.elementwise(lambda x: x)


def test_importing_fastnn_does_not_import_numba():
    assert "False" in output_of("import sys, fastnn; print('numba' in sys.modules)")


def test_compiled_functions_are_kept_on_disk(tmp_path):
    program = """
import json, fastnn as fn
from fastnn.backends.jit_cpu import disk_cache
kept = []
load = disk_cache.DiskCache.load_overload
disk_cache.DiskCache.load_overload = lambda *a: kept.append(load(*a)) or kept[-1]
FACTOR = 3
def helper(x): return x * 5
@fn.elementwise
def f(x): return helper(x) * FACTOR + 7
print(json.dumps([f(2.0).item(), kept[-1] is not None]))
"""
    results = []
    for _ in range(2):
        results.append(json.loads(output_of(program, NUMBA_CACHE_DIR=str(tmp_path))))
    assert results == [[37, False], [37, True]]


FINGERPRINTED = """
import math, numpy
FACTOR = 3
def helper(x, power=2): return x ** power
def outer():
    offset = 7
    def function(x):
        for i in range(5):
            x = helper(x) * FACTOR + offset - math.exp(i)
        return x
    return function
"""


def test_fingerprints_tell_what_a_function_does():
    from fastnn.backends.jit_cpu.user_code import compilable

    def of(text):
        scope = {}
        exec(text, scope)
        return compilable(scope["outer"](), "function").fingerprint

    first = of(FINGERPRINTED)
    assert of(FINGERPRINTED) == of("\n\n" + FINGERPRINTED) == first
    changes = ["= 3", "= 4"], ["power=2", "power=3"], ["** power", "* power"], ["7", "8"]
    changes += ["range(5)", "range(6)"], ["math.exp", "math.log"], ["* FACTOR", "/ FACTOR"]
    changes += ["FACTOR = 3", "FACTOR = 3.0"], ["helper(x)", "helper(i)"]
    others = {of(FINGERPRINTED.replace(*change)) for change in changes}
    assert len(others - {first}) == len(changes)
    # An array has no text that tells all of it.
    assert of(FINGERPRINTED.replace("= 3", "= numpy.ones(3)[0]")) is not None
    assert of(FINGERPRINTED.replace("= 3", "= numpy.ones(3)")) is None
