"""Runs a primitive on a backend and holds what it returns against the specification.

The specification is the reference function in float64. It is called directly, past the dispatcher,
on the very numbers that the backend gets. (tests/backends tests the reference itself.)
"""

import contextlib
import importlib.util
import os
import zlib
from dataclasses import dataclass

import gpu
import hypothesis
import numpy as np
import pytest

import fastnn
from fastnn import _core
from fastnn.backends import device, use_backend
from fastnn.backends.reference import FUNCTIONS

from .operations import skip_if_too_many

TARGET = _core.targets()["chosen"]
BACKENDS = {f"native-{TARGET}": "native", "reference": "reference"}
if importlib.util.find_spec("numba"):  # an emulated processor has none
    BACKENDS["jit_cpu"] = "jit_cpu"
if not gpu.missing():
    BACKENDS["jit_cuda"] = "jit_cuda"
FLOATS = ("float32", "float64")
INTEGERS = ("int32", "int64", "uint8")

# Tails around every vector width, primes, nothing, no axes.
LENGTHS = (0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 257)
SHAPES = [(), *((n,) for n in LENGTHS), (3, 17), (17, 3), (2, 3, 5), (4, 0, 3), (1, 1, 7)]

# How `hypothesis` draws shapes here: few, and always the same ones.
drawn = hypothesis.settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.filter_too_much] if gpu.simulated() else [],
)


def some_of(cases, backend):
    """Of many cases, those that a backend runs.

    The reference runs every third, as it is what the others are compared with. Each kernel of
    jit_cpu takes a third of a second to compile, so it runs a tenth of many cases, in runs of
    twenty that mostly share a kernel, half of few, and none of float64, whose kernels have the
    same source: with FASTNN_ALL_ROWS=1 in the environment it runs all. jit_cuda runs all, if it is
    asked to by `pytest -m gpu`: it has a quick suite of its own. In the simulator `check` skips
    calls that compute much.
    """
    if backend in ("native", "jit_cuda"):
        return cases
    if backend == "reference":
        return cases if len(cases) < 60 else cases[::3]
    if os.environ.get("FASTNN_ALL_ROWS") == "1":
        return cases
    if len(cases) >= 60:
        cases = [case for i, case in enumerate(cases) if i // 20 % 10 == 0]
    kept = [case for case in cases if "float64" not in case]
    return kept[::2] if 4 < len(cases) < 60 else kept


def rows(cases, backends=BACKENDS):
    """Every case on every backend; ids name backend and target, as in native-avx2-add-float32."""
    cases = list(cases)
    return [
        pytest.param(
            backend,
            *case,
            id="-".join([label, *map(str, case)]),
            marks=[pytest.mark.gpu] if backend == "jit_cuda" else [],
        )
        for label, backend in BACKENDS.items()
        if label in backends
        for case in some_of(cases, backend)
    ]


def rows_without_jit(cases):
    """`rows` of a primitive that jit_cpu leaves to the reference."""
    return rows(cases, [label for label, backend in BACKENDS.items() if backend != "jit_cpu"])


@contextlib.contextmanager
def chosen(backend):
    """Calls run on the backend; jit_cuda is that of a device, where tensors are made meanwhile.

    What jit_cuda has no kernel for runs on the host, as users can allow it to.
    """
    if backend == "jit_cuda":
        with device("cuda"), pytest.MonkeyPatch.context() as patch:
            patch.setattr(fastnn.config, "allow_host_fallback", True)
            yield
    else:
        with use_backend(backend):
            yield


def generator(*seed):
    """A random generator that depends on the case only."""
    return np.random.default_rng(zlib.crc32(repr(seed).encode()))


@dataclass
class Strided:
    """An operand that is read through strides: (tensor, shape, strides, offset), in elements."""

    base: np.ndarray
    shape: tuple
    strides: tuple
    offset: int

    def array(self):
        item = self.base.itemsize
        strides = [stride * item for stride in self.strides]
        return np.lib.stride_tricks.as_strided(self.base[self.offset :], self.shape, strides)

    def operand(self):
        return (_core.from_numpy(self.base), self.shape, self.strides, self.offset)


def _contiguous_strides(shape):
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * max(shape[axis + 1], 1)
    return strides


def _laid_out(x, strides, offset):
    """x in a block of other numbers, its elements where strides and offset say."""
    ends = [(n - 1) * s for n, s in zip(x.shape, strides, strict=True)] if x.size else []
    low, high = sum(min(end, 0) for end in ends), sum(max(end, 0) for end in ends)
    base = np.full(offset + high - low + 3, 99).astype(x.dtype)
    view = Strided(base, x.shape, tuple(strides), offset - low)
    view.array()[...] = x
    return view


LAYOUTS = {
    "transposed": lambda x: _laid_out(x, _contiguous_strides(x.shape[::-1])[::-1], 0),
    "stepped": lambda x: _laid_out(x, [2 * s for s in _contiguous_strides(x.shape)], 1),
    "reversed": lambda x: _laid_out(x, [-s for s in _contiguous_strides(x.shape)], 0),
    "shifted": lambda x: _laid_out(x, _contiguous_strides(x.shape), 5),
    "repeated": lambda x: _repeated(x),
}


def _repeated(x):
    """The first element of the first axis, again and again (stride 0)."""
    first = _laid_out(x[:1], _contiguous_strides(x.shape), 2)
    return Strided(first.base, x.shape, (0, *first.strides[1:]), first.offset)


def _given(value):
    if isinstance(value, list):
        return [_given(item) for item in value]
    if isinstance(value, Strided):
        return value.operand()
    return value if value is None else _core.from_numpy(np.asarray(value))


def _arrays(value, dtype=None):
    """The same operand for NumPy; floating point in float64 if asked."""
    if isinstance(value, list):
        return [_arrays(item, dtype) for item in value]
    value = value.array() if isinstance(value, Strided) else value
    widen = dtype and value is not None and value.dtype.kind == "f"
    return value.astype(dtype) if widen else value


def _flat(results):
    """One list of arrays from a result, a tuple of results, lists in it; None stays."""
    results = results if isinstance(results, tuple) else (results,)
    flat = []
    for result in results:
        flat.extend(result if isinstance(result, list) else [result])
    return flat


def run(backend, primitive, operands, *attributes):
    """What ``primitive`` returns on ``backend``, then its inout operands afterwards, as arrays."""
    record = _core.PRIMITIVES[primitive]["operands"]
    roles = [role for _, role, *_ in record if role in ("in", "inout")]
    with chosen(backend):
        given = [_given(operand) for operand in operands]
        results = getattr(_core, primitive)(*given, *attributes)
    outputs = any(role == "out" for _, role, *_ in record)
    results = _flat(results) if outputs else []
    for role, operand in zip(roles, given, strict=True):
        if role == "inout":
            results.extend(operand if isinstance(operand, list) else [operand])
    if not results:
        given[0].numpy()  # a GPU tells what it has found when the host reads
    return [None if result is None else np.array(result.numpy()) for result in results]


def specified(primitive, operands, *attributes, wide=True):
    """What the reference function returns, in float64 or in the operands' own dtypes."""
    record = _core.PRIMITIVES[primitive]["attributes"]
    keywords = {}
    for (name, kind, *_), value in zip(record, attributes, strict=False):
        widen = wide and kind == "dtype" and value in FLOATS
        keywords[name] = "float64" if widen else value
    dtype = np.float64 if wide else None
    return _flat(FUNCTIONS[primitive](*[_arrays(o, dtype) for o in operands], **keywords))


def assert_within(result, expected, bound, what=""):
    """abs(result - expected) <= bound, element by element; NaN and infinity in the same places."""
    with np.errstate(over="ignore"):
        rounded = np.asarray(expected).astype(result.dtype)
    if result.dtype.kind != "f":
        np.testing.assert_array_equal(result, rounded, err_msg=what)
        return
    same = (result == rounded) | (np.isnan(result) & np.isnan(rounded))
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(result.astype(np.float64) - np.asarray(expected, dtype=np.float64))
        wrong = ~same & ~(error <= bound)
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0])
        pytest.fail(
            f"{what}: {int(wrong.sum())} of {result.size} elements are wrong, first {place}: "
            f"{result[place]!r}, expected {expected[place]!r} within "
            f"{np.broadcast_to(bound, result.shape)[place]!r}",
            pytrace=False,
        )


def roundings(n):
    """How often a sum of n terms is rounded at most, each time by eps / 2 of its magnitudes.

    Chains are at most 256 long, and their sums are added in pairs or, in products, one by one
    (csrc/core/summation_order.h); NumPy's chains of contiguous elements are shorter.
    """
    return min(n, 256 + n // 256)


def check(backend, primitive, operands, *attributes, bound=None, wide=True):
    """Runs a call and compares shapes, dtypes and values; returns what it returned.

    ``bound(i, expected, eps)`` is the largest error allowed in result i (eps: that of the dtype);
    None: results are the specification's, rounded. ``wide=False``: the specification in the
    operands' own dtype (random numbers, whose draws depend on it).
    """
    narrow = specified(primitive, operands, *attributes, wide=False)
    if backend == "jit_cuda" and gpu.simulated():
        skip_if_too_many(primitive, operands, narrow)
    results = run(backend, primitive, operands, *attributes)
    expectation = specified(primitive, operands, *attributes) if wide else narrow
    assert len(results) == len(narrow)
    for i, (result, declared, expected) in enumerate(
        zip(results, narrow, expectation, strict=True)
    ):
        what = f"{primitive}{attributes} result {i}"
        if declared is None:
            assert result is None, what
            continue
        assert (result.shape, result.dtype) == (declared.shape, declared.dtype), what
        eps = np.finfo(result.dtype).eps if result.dtype.kind == "f" else 0
        limit = 0 if bound is None else bound(i, expected, eps)
        assert_within(result, expected, limit, what)
    return results


def ulps(count, expected, eps):
    """``count`` units in the last place of the expected value (subnormal numbers: of the least)."""
    dtype = np.float32 if eps > 1e-8 else np.float64
    with np.errstate(over="ignore", invalid="ignore"):
        magnitude = np.minimum(np.abs(expected), np.finfo(dtype).max).astype(dtype)
        return count * np.spacing(magnitude).astype(np.float64)
