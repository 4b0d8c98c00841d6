"""Runs a launcher of jit_cuda and holds what it writes against the reference in float64.

A launcher is called directly, past the dispatcher: operands go to the device, which in the
simulator is Python, outputs come back. tools/compile_cuda.py compiles the same calls for a GPU.
"""

import zlib
from dataclasses import dataclass, field

import numpy as np

from fastnn import _core
from fastnn.backends.jit_cuda import FUNCTIONS, status
from fastnn.backends.jit_cuda.cuda import cuda
from fastnn.backends.reference import FUNCTIONS as REFERENCE


@dataclass
class Case:
    """A call: operands without outputs, in the primitive's order, and its attributes."""

    name: str
    operands: list
    attributes: dict = field(default_factory=dict)
    ulps: float = 8  # of the result, or of 1 where that is larger
    wide: bool = True  # expected values are computed in float64

    def __str__(self):
        settings = [f"{k}={v}" for k, v in self.attributes.items()]
        return "-".join([self.name, *settings, *_kinds(self.operands)])[:90]


def _kinds(operands):
    return [f"{x.dtype}{list(x.shape)}" for x in operands if isinstance(x, np.ndarray)]


def generator(*seed):
    """A random generator that depends on the case only."""
    return np.random.default_rng(zlib.crc32(repr(seed).encode()))


def mapped(function, value):
    """The function of an operand, or of each of a list."""
    if isinstance(value, (list, tuple)):
        return [mapped(function, item) for item in value]
    return None if value is None else function(value)


def _widened(x):
    return x.astype(np.float64) if x.dtype == np.float32 else x


def specified(case, widen):
    """What the reference returns: outputs, then new values of what is changed."""
    operands = mapped(_widened, case.operands) if widen else case.operands
    result = REFERENCE[case.name](*operands, **case.attributes)
    return list(result) if isinstance(result, tuple) else [result]


def all_operands(case, to_device):
    """Operands as a launcher gets them, and those among them that it writes."""
    given, written = [], []
    inputs = iter(mapped(lambda x: to_device(np.array(x, order="C")), case.operands))
    outputs = iter(specified(case, widen=False))

    def blank(like):  # numbers that no kernel would write
        return to_device(np.full(np.shape(like), 113).astype(np.asarray(like).dtype))

    for _, role, *_ in _core.PRIMITIVES[case.name]["operands"]:
        if role == "scratch":
            continue
        value = mapped(blank, next(outputs)) if role == "out" else next(inputs, None)
        given.append(value)
        if role in ("out", "inout"):
            written.append(value)
    return given, written


def _compare(got, expected, ulps):
    if expected is None:
        return
    if isinstance(expected, list):
        for one, other in zip(got, expected, strict=True):
            _compare(one, other, ulps)
        return
    got, expected = got.copy_to_host(), np.asarray(expected)
    assert got.shape == expected.shape
    if got.dtype.kind != "f":
        np.testing.assert_array_equal(got, expected.astype(got.dtype))
        return
    bound = ulps * np.finfo(got.dtype).eps
    np.testing.assert_allclose(got, expected, rtol=bound, atol=bound)


def _unchanged(got, given):
    if isinstance(given, (list, tuple)):
        for one, other in zip(got, given, strict=True):
            _unchanged(one, other)
    elif given is not None:
        np.testing.assert_array_equal(got.copy_to_host(), given)


def check(case):
    """The launcher writes what the reference says, and into nothing that is only read."""
    operands, written = all_operands(case, cuda.to_device)
    FUNCTIONS[case.name](*operands, **case.attributes)
    status.check()
    expected = specified(case, case.wide)
    for got, value in zip(written, expected, strict=False):
        _compare(got, value, case.ulps)
    given = iter(case.operands)
    roles = [role for _, role, *_ in _core.PRIMITIVES[case.name]["operands"] if role != "scratch"]
    for role, operand in zip(roles, operands, strict=True):
        value = None if role == "out" else next(given, None)
        if role == "in":
            _unchanged(operand, value)
