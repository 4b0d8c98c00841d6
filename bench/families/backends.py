"""The primitives that every backend has, on each of them: C++, Numba, NumPy."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import fastnn as fn
from bench.backend_calls import CALLS
from bench.row import JIT, Engine, Row
from fastnn import _core


def given(operand: Any) -> Any:
    """An operand as the core takes it; what is made for each call stays what makes it."""
    if callable(operand):
        return operand
    if isinstance(operand, list):
        return [given(part) for part in operand]
    return operand if operand is None else _core.from_numpy(operand)


def on(backend: str, primitive: str, attributes: tuple, *data: Any) -> Engine:
    """The call on a backend, which has computed once: Numba has compiled."""
    tensors = [given(operand) for operand in data]
    function = getattr(_core, primitive)

    def call() -> list:
        with fn.use_backend(backend):
            operands = (given(t()) if callable(t) else t for t in tensors)
            results = function(*operands, *attributes)
        flat = results if isinstance(results, tuple) else (results,)
        parts = [part for r in flat for part in (r if isinstance(r, list) else [r])]
        return [part for part in parts if part is not None]

    call()
    return Engine(call)


def rows() -> Iterator[Row]:
    """One a call, in the engines that are its backends."""
    for name, (primitive, operands, attributes) in CALLS.items():
        engines = {
            label: partial(on, backend, primitive, attributes)
            for label, backend in (("fastnn", "native"), (JIT, "jit_cpu"), ("NumPy", "reference"))
        }
        yield Row(name, operands, engines, tolerance=1e-4)
