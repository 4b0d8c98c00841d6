"""A kernel grown step by step: C compiled here, each step timed on one thread."""

import ctypes
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def compiled(text: str) -> Iterator[ctypes.CDLL]:
    """C as a library, by the system's compiler."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "steps.c", Path(folder) / "steps.so"
        source.write_text(text)
        options = ["-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC"]
        command = [os.environ.get("CC", "cc"), *options, str(source), "-o", str(library)]
        subprocess.run(command, check=True)
        yield ctypes.CDLL(str(library))


def best_seconds(call: Callable[[], object], budget: float = 0.5) -> float:
    """The shortest of the runs that fit into the budget, at least one."""
    shortest, end = float("inf"), time.perf_counter() + budget
    while True:
        start = time.perf_counter()
        call()
        now = time.perf_counter()
        shortest = min(shortest, now - start)
        if now >= end:
            return shortest


def climb(
    steps: Mapping[str, tuple[Callable[[], object], str]], flops: float, on_cpu: bool = True
) -> None:
    """Prints for each step its rate, its share of the ceiling and what it gained.

    Args:
        steps: name to a call and what is new in it.
        flops: of a call.
        on_cpu: whether a call takes one thread, whose ceiling is known; a GPU's is not.
    """
    import fastnn as fn

    ceiling = fn._core.fma_ceiling() if on_cpu else None
    print(f"one thread, ceiling {ceiling / 1e9:.0f} GFLOP/s" if ceiling else "the whole GPU")
    last = None
    for name, (call, text) in steps.items():
        seconds = best_seconds(call)
        rate = flops / seconds
        share = f"{100 * rate / ceiling:5.1f} %" if ceiling else ""
        gain = f"x {last / seconds:5.2f}" if last else " " * 7
        print(f"{name:14} {rate / 1e9:7.1f} GFLOP/s {share}  {gain}  {text}")
        last = seconds
