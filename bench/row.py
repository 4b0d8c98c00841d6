"""A row of the benchmarks: one operation on one set of data, in every engine that has it."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import fastnn as fn
from bench.measure import Call, interleave

JIT = "fastnn, jit_cpu"
PACKAGES = {
    "fastnn": "fastnn",
    JIT: "numba",
    "NumPy": "numpy",
    "PyTorch": "torch",
    "PyTorch, channels last": "torch",
    "JAX": "jax",
    "Keras on JAX": "keras",
    "scikit-learn": "sklearn",
    "plain Python": "sys",
}
ONE_THREAD = "fastnn, 1 thread"
FORWARD, ALL = "forward", "forward and gradients"  # what rows of layers compute


class Engine(NamedTuple):
    """What is timed, and what it computes if that is not what the call returns."""

    call: Call
    result: Call | None = None


def both_ways(function, dy, leaves) -> Engine:
    """Forward, then backward to all leaves: fastnn and PyTorch spell it alike."""
    for leaf in leaves:
        leaf.requires_grad = True

    def call():
        for leaf in leaves:
            leaf.grad = None
        y = function(*leaves)
        y.backward(dy)
        return y.detach(), *(leaf.grad for leaf in leaves)

    return Engine(call)


class Streams(NamedTuple):
    """The least memory traffic of a call: arrays of `size` float32 each."""

    size: int
    read: int = 0
    updated: int = 0
    written: int = 0


@dataclass(frozen=True)
class Row:
    """One operation.

    Attributes:
        data: makes the operands, the same for every engine.
        engines: name to a function of the operands that returns an Engine. A peer's package is
            imported by that function.
        flops: arithmetic of a call as float32 operations: one ceiling.
        streams: memory traffic of a call, one after the other: another. A row with neither is all
            overhead, and is held against what an addition of small NumPy arrays takes.
        tolerance: of an engine's result, as the norm of the difference to fastnn's.
        calls: of the operation in one call of an engine.
        warm: calls before those that are timed, in each turn of an engine: after turns with other
            numbers of threads a step is recorded anew, and replayed from its fourth call on.
    """

    name: str
    data: Callable[[], Sequence]
    engines: Mapping[str, Callable[..., Engine]]
    flops: float = 0
    streams: tuple[Streams, ...] = ()
    tolerance: float = 1e-5
    calls: int = 1
    warm: int = 1
    unit: str = "s"

    def names(self, wanted: Sequence[str] = tuple(PACKAGES)) -> list[str]:
        """The engines among `wanted` that this row has and this machine too."""
        return [name for name in self.engines if name in wanted and here(name)]

    def build(self, wanted: Sequence[str] = tuple(PACKAGES)) -> dict[str, Call]:
        """Calls to time. Every engine has computed once, and what fastnn computes."""
        operands = self.data()
        engines = {name: self.engines[name](*operands) for name in self.names(wanted)}
        results = {name: arrays((e.result or e.call)()) for name, e in engines.items()}
        for name, result in results.items():
            check(f"{self.name}, {name}", result, results["fastnn"], self.tolerance)
        return {name: engine.call for name, engine in engines.items()}

    def measure(
        self, wanted: Sequence[str] = tuple(PACKAGES)
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Medians of the engines and of the ceilings of the same run, in seconds of an operation.

        On more than one thread fastnn has a second turn, on one.
        """
        engines = self.build(wanted)
        rates = [fn._core.fma_ceiling()]
        around = {}
        if fn.get_num_threads() > 1:
            engines[ONE_THREAD] = engines["fastnn"]
            around[ONE_THREAD] = lambda: fn.num_threads(1)
        if self.streams:
            engines["stream"] = stream_call(self.streams)
        elif not self.flops:
            small = np.zeros((100, 10), np.float32)
            engines["overhead"] = lambda: small + small
        medians = interleave(engines, around, warm=self.warm)
        ceilings = {k: medians.pop(k) for k in ("stream", "overhead") if k in medians}
        if self.flops:
            rates.append(fn._core.fma_ceiling())
            ceilings["FMA"] = self.flops / max(rates) / self.calls
        return {name: seconds / self.calls for name, seconds in medians.items()}, ceilings


def here(engine: str) -> bool:
    """Whether an engine is installed, without importing it."""
    return importlib.util.find_spec(PACKAGES[engine]) is not None


def arrays(result: Any) -> list[np.ndarray]:
    """A result as arrays in float64."""
    parts = result if isinstance(result, (tuple, list)) else (result,)
    return [np.asarray(part, np.float64) for part in parts]


def check(what: str, found: list, expected: list, tolerance: float) -> None:
    """Raises AssertionError unless the norms of all differences are within the tolerance."""
    assert len(found) == len(expected), f"{what}: {len(found)} results, expected {len(expected)}"
    for one, other in zip(found, expected):
        assert one.shape == other.shape, f"{what}: shape {one.shape}, expected {other.shape}"
        error, size = np.linalg.norm(one - other), np.linalg.norm(other)
        assert error <= tolerance * size, f"{what}: off by {error:.2g} of {size:.2g}"


def stream_call(streams: Sequence[Streams]) -> Call:
    """Touches as much memory with hardly any arithmetic."""
    arguments = []
    for s in streams:
        tensors = [fn.tensor(np.zeros(s.size, np.float32)) for _ in range(sum(s[1:]))]
        updated = s.read + s.updated
        arguments.append((tensors[: s.read], tensors[s.read : updated], tensors[updated:]))

    def call() -> None:
        for lists in arguments:
            fn._core.stream(*lists)

    return call
