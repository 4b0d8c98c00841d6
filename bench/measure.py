"""Timing that can be compared: engines in turn, in one process, medians, a pause in between.

Threads of OpenBLAS, OpenMP and XLA spin for milliseconds after a call; without the pause the next
engine would be timed against them.
"""

import statistics
import time
from collections.abc import Callable, Mapping

PAUSE_SECONDS = 0.3
REPETITIONS = 22  # a block; the first two are dropped
SAMPLE_SECONDS = 50e-6  # a sample lasts at least as long


def calls_per_sample(call: Callable[[], object]) -> int:
    """How often `call` must run for a sample that the clock can measure."""
    call()
    start = time.perf_counter()
    call()
    once = time.perf_counter() - start
    return max(1, int(SAMPLE_SECONDS / max(once, 1e-9)))


def interleave(
    engines: Mapping[str, Callable[[], object]], blocks: int = 3, repetitions: int = REPETITIONS
) -> dict[str, float]:
    """Median seconds of a call of each engine.

    Args:
        engines: name to a function without arguments that waits for its own result.
        blocks: how often every engine has its turn.
        repetitions: samples a turn, of which the first two are dropped.
    """
    counts = {name: calls_per_sample(call) for name, call in engines.items()}
    samples: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(blocks):
        for name, call in engines.items():
            time.sleep(PAUSE_SECONDS)
            count = counts[name]
            for repetition in range(repetitions):
                start = time.perf_counter()
                for _ in range(count):
                    call()
                elapsed = (time.perf_counter() - start) / count
                if repetition >= 2:
                    samples[name].append(elapsed)
    return {name: statistics.median(values) for name, values in samples.items()}
