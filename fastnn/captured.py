"""Steps that are recorded once and then run again without Python."""

from __future__ import annotations

import functools
import gc
import os
import sys
import threading
import warnings
import weakref
from collections.abc import Callable
from time import perf_counter
from types import MethodType
from typing import Any, Protocol

import numpy as np

from fastnn import _core, config
from fastnn.context import context
from fastnn.signature import Results, described, with_inputs
from fastnn.tensor import Tensor

MOST_PLANS = 8  # of one function
MOST_FAILURES = 2  # of recordings: a first one may find caches to fill
_settings = vars(config)  # looked up at every call, faster than config.version
_mode, _replay = _core.mode, _core.replay
VERIFY = os.environ.get("FASTNN_VERIFY_PLAN", "0") not in ("", "0")


class _Running(threading.local):
    steps: tuple[Step, ...] = ()  # that Python runs in this thread, the outermost first


_running = _Running()


def before_replay(function: Callable[[], Any], what: str) -> bool:
    """Has the host call `function` before each run of the steps that run now: what it assigns to
    Variables is what they read. Returns whether it was called so before this run; if not, the
    caller calls it, and nothing is made of this recording. `what` says why."""
    steps = _running.steps
    ready = bool(steps) and function in steps[0].host_calls
    for step in steps:
        if function not in step.host_calls:
            step.host_calls.append(function)
    if not ready:
        _core.keep_eager(what)
    return ready


def capture(function: Callable) -> Captured:
    """A function that runs as `function` does, without Python after its first calls.

    Like `jax.jit`, it reads Python values (attributes, globals, numbers that Python computes)
    while it records; what it does in Python happens then, and not in later calls. State belongs
    into Variables. Unlike `jax.jit` it compiles nothing: the same kernels run in the same order,
    with the same bits.

    The first call with arguments of certain shapes runs eagerly, the next two are recorded, and if
    they agree, later ones replay what was noted. A step that cannot be replayed (it reads values
    on the host, keeps tensors beyond the call, or makes other calls each time) goes on eagerly,
    and `explain` says why.

    Args:
        function: takes and returns structures (lists, tuples, dictionaries) of Tensors and arrays.
            Python floats become scalar Tensors. Other arguments (integers, strings, None, any
            object) are part of what is recorded. With an argument or a result that requires a
            gradient, it stays eager.

    Raises:
        TypeError: `function` cannot be called.

    >>> import fastnn as fn, numpy as np
    >>> w = fn.Variable(np.ones(3, np.float32))
    >>> @fn.capture
    ... def step(x, rate):
    ...     loss, gradient = fn.value_and_grad(lambda w: ((w - x) ** 2).sum())(w)
    ...     w.assign_sub(rate * gradient)
    ...     return loss
    >>> [round(step(np.zeros(3, np.float32), 0.25).item(), 4) for _ in range(5)]
    [3.0, 0.75, 0.1875, 0.0469, 0.0117]
    """
    if not callable(function):
        raise TypeError(f"capture: expected a function, got {type(function).__name__}")
    return Captured(function)


class Captured:
    """What `capture` returns: a function with the plans made of it."""

    # Whether a recording works on copies of the arguments: else what the function reaches by
    # another way than its arguments could be taken for one of them.
    isolated = True

    def __init__(self, function: Callable, name: str | None = None):
        functools.update_wrapper(self, function, updated=())
        self.function = function
        self.name = str(name or getattr(function, "__name__", type(function).__name__))
        self._steps: dict[Any, Step] = {}
        self._last: Step | None = None  # the most recently used
        self._version = config.version

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.bind(*args, **kwargs)()

    def bind(self, *args: Any, **kwargs: Any) -> Call:
        """The call with these arguments, to be made many times."""
        inputs: list[Tensor] = []
        keys, given = described(args, inputs)
        named, given_named = described(kwargs, inputs) if kwargs else (None, kwargs)
        return BoundCall(self, (keys, named), (given, given_named), tuple(inputs))

    def step_for(self, signature: Any, mode: tuple) -> Step:
        """The state of a signature; the least recently used one makes room for a new one."""
        version = config.version
        if self._version != version:  # what Python objects say has changed
            self._steps.clear()
            self._version = version
        key = (signature, mode, version)  # a thread may put back what another has dropped
        step = self._steps.get(key)
        if step is not None and step is self._last:
            return step
        if step is None:
            step = Step(self.name)
        else:
            self._steps.pop(key, None)  # another thread may have been here, as below
        self._steps[key] = self._last = step
        for oldest in list(self._steps)[:-MOST_PLANS]:
            self._steps.pop(oldest, None)
        return step

    def explain(self) -> str:
        """What is replayed, and what is not and why.

        For each signature: the calls with shapes, bytes that they read and write, operations, the
        time that each takes (the least of 20 runs with the arguments of the last recording, in
        microseconds; without times, why there are none) and their backend; or the reason why it
        runs eagerly.

        The runs write what the step writes, and put it back: what was computed from it before can
        not be differentiated after.
        """
        texts = [step.explain() for step in list(self._steps.values())]
        return "\n\n".join(texts) or f"{self.name} has not been called"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> str | tuple:
        name = getattr(self, "__qualname__", "")
        found: Any = sys.modules.get(getattr(self, "__module__", ""))
        for part in name.split("."):
            found = getattr(found, part, None)
        # As a function is: by name, where `capture` is a decorator and the name is this object's.
        return name if found is self else (type(self), (self.function, self.name))


class Call(Protocol):
    """A call with certain arguments, to be made many times."""

    def __call__(self) -> Any:
        """What the function returns."""

    def repeat(self, times: int, seconds: float) -> tuple[Any, int]:
        """Makes the call so many times, or fewer: none but the first begins when so many seconds
        have gone by.

        Returns:
            What the last call returned, and how many were made.
        """


class BoundCall:
    """The `Call` of a captured function: what may run without Python, a plan that returns nothing,
    is repeated without it."""

    __slots__ = ("_captured", "_given", "_inputs", "_known", "_signature")

    def __init__(self, captured: Captured, signature: Any, given: Any, inputs: tuple):
        self._captured = captured
        self._signature = signature
        self._given = given
        self._inputs = inputs
        # The step, and for which version, mode and training: one object, as threads share the call.
        self._known: Any = (-1, -1, None, None)

    def _step(self) -> Step:
        version, mode, training, step = self._known
        if version != _settings["version"] or mode != _mode() or training is not context.training:
            version, mode, training = _settings["version"], _mode(), context.training
            step = self._captured.step_for(self._signature, (mode, training))
            self._known = (version, mode, training, step)
        return step

    def __call__(self) -> Any:
        step = self._step()
        if step.plan is None or VERIFY:
            return step.advance(self._compute, self._inputs, self._captured.isolated)
        for function in step.host_calls:
            function()
        results = _replay(step.plan, self._inputs)
        if results:
            return step.output(results)
        return self._compute(self._inputs) if results is None else step.output(())

    def repeat(self, times: int, seconds: float) -> tuple[Any, int]:
        start = perf_counter()
        result = self()
        step = self._step()
        if times == 1 or result is not None or step.plan is None or VERIFY or step.host_calls:
            return result, 1
        left = seconds - (perf_counter() - start)
        return None, 1 + _core.repeat(step.plan, self._inputs, times - 1, left)

    def _compute(self, inputs: tuple) -> Any:
        args, kwargs = with_inputs(self._given, iter(inputs))
        return self._captured.function(*args, **kwargs)


class Step:
    """One signature of a captured function: how far it is on its way to a plan, and the plan."""

    def __init__(self, name: str):
        self.name = name
        self.plan: _core.Plan | None = None
        self.reason = "it was called once so far"
        self.host_calls: list[Callable[[], Any]] = []  # see `before_replay`
        self._calls = 0
        self._failures = 0
        self._trace: _core.Trace | None = None
        self._results: Results | None = None
        self._example: tuple | None = None  # the copies that the last recording worked on
        self._turn: dict[str, object] = {}  # "of" the call that records
        _steps.add(self)

    def advance(self, compute: Callable, inputs: tuple, isolated: bool) -> Any:
        """A call while there is no plan, or to verify it."""
        for function in self.host_calls:
            function()
        outer = _running.steps
        _running.steps = (*outer, self)
        try:
            return self._advanced(compute, inputs, isolated)
        finally:
            _running.steps = outer

    def _advanced(self, compute: Callable, inputs: tuple, isolated: bool) -> Any:
        self._calls += 1
        if self._calls == 1 or self._failures > MOST_FAILURES or _core.is_recording():
            return compute(inputs)
        if isolated and _core.is_grad_enabled() and any(x.requires_grad for x in inputs):
            self.reason = "an argument requires a gradient"
            return compute(inputs)
        me, turn = object(), self._turn
        try:  # not a lock: a signal may raise between taking it and here
            if turn.setdefault("of", me) is not me:  # another thread records
                return compute(inputs)
            if self.plan is not None:  # to be verified, or just made by another thread
                return self._verified(self.plan, compute, inputs) if VERIFY else compute(inputs)
            if isolated:
                inputs = tuple(_core.copy(x, x.dtype) for x in inputs)
            recording = _core.Recording()
            result = _recorded(recording, compute, inputs)
            self._take(recording, inputs, result, isolated)
            return result
        finally:
            if turn == {"of": me}:
                turn.clear()

    def forget_other_threads(self) -> None:
        """In a forked child, where a thread that recorded is not."""
        self._turn = {}

    def output(self, results: tuple) -> Any:
        """What the step returns, from the results of a replay."""
        return self._results.built(results)  # type: ignore[union-attr]  # there is a plan

    def _take(self, recording: _core.Recording, inputs: tuple, result: Any, isolated: bool) -> None:
        """A recording more: the first one is kept, the second one makes the plan."""
        found = Results(result)
        try:
            if found.problem:
                raise ValueError(found.problem)
            try:
                trace = _core.trace(recording, inputs, found.tensors)
            except ValueError:
                gc.collect()  # cycles of Python objects keep tensors for a while
                trace = _core.trace(recording, inputs, found.tensors)
        except ValueError as refusal:
            self._fail(str(refusal))
            return
        self._example, found.tensors = inputs if isolated else None, ()
        first, known = self._trace, self._results
        self._trace, self._results = trace, found
        if first is None:
            self.reason = "it was recorded once so far"
            return
        try:
            if known != found:
                raise ValueError("it returned other things than the call before")
            self.plan, self.reason = _core.make_plan(first, trace), ""
            self._trace = None
        except ValueError as refusal:
            self._fail(str(refusal), True)

    def _fail(self, reason: str, warn: bool = False) -> None:
        self.reason = reason
        self._failures += 1
        if self._failures > MOST_FAILURES:
            self._trace = self._results = None
            self._example = None
            if warn:
                warnings.warn(
                    f"{self.name} is computed eagerly, since two recordings of it differ: {reason}",
                    stacklevel=6,
                )

    def _verified(self, plan: _core.Plan, compute: Callable, inputs: tuple) -> Any:
        """An eager call whose bits a replay must give again (FASTNN_VERIFY_PLAN=1)."""
        before = plan.state()
        recording = _core.Recording()
        result = _recorded(recording, compute, inputs)
        found = plan.verify(recording, inputs, before)
        if found:
            raise RuntimeError(f"{self.name}: a replay differs from the eager step: {found}")
        return result

    def explain(self) -> str:
        """A table of the plan's calls, or why there is none."""
        if self.plan is None:
            return f"{self.name} runs eagerly: {self.reason}"
        calls = self.plan.calls()
        times, untimed = self._times(self.plan)
        taken = [f"{seconds * 1e6:.2f}" for seconds in times] or ["-"] * len(calls)
        rows = [("call", "shapes", "bytes", "flops", "us", "backend", "line")]
        for (name, operands, operations, line, backend), time in zip(calls, taken):
            shapes = " ".join(f"{what}{list(shape)}" for what, _, shape in operands)
            size = sum(
                np.dtype(dtype).itemsize * np.prod(shape, dtype=int) for _, dtype, shape in operands
            )
            rows.append((name, shapes, f"{size}", f"{operations:.0f}", time, backend, line))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        table = "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            for row in rows
        )
        total = f" in {sum(times) * 1e6:.1f} us" if times else ""
        prepared = self.plan.prepared_bytes()
        packed = f" and {prepared} of packed weights" if prepared else ""
        return (
            f"{self.name} replays {len(calls)} calls{total}, "
            f"with {self.plan.workspace_bytes()} bytes to compute in{packed}\n{table}{untimed}"
        )

    def _times(self, plan: _core.Plan) -> tuple[list[float], str]:
        """Seconds that each call takes; or none, and a line for below the table that says why."""
        if self._example is None:
            return [], "\nnot timed: a data set is not kept for that"
        try:
            return plan.profile(self._example, 20), ""
        except (IndexError, ValueError) as error:  # of what Variables hold by now
            return [], f"\nnot timed: a call fails by now: {error}"


_steps: weakref.WeakSet[Step] = weakref.WeakSet()


def _forget_other_threads() -> None:
    for step in _steps:
        step.forget_other_threads()


os.register_at_fork(after_in_child=_forget_other_threads)


def _recorded(recording: _core.Recording, compute: Callable, inputs: tuple) -> Any:
    try:
        recording.start()
        return compute(inputs)
    finally:
        recording.stop()
