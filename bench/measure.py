"""Timing that can be compared: engines in turn, in one process, medians, idle threads in between.

Threads of OpenBLAS and OpenMP spin for up to 0.1 s after a call; the next engine would be timed
against them.
"""

import os
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import ClassVar

BLOCKS = 5  # how often every engine has its turn
BLOCK_SECONDS = 0.02  # the least that a turn lasts
WARM_SECONDS = 0.002  # of calls before them: caches, sleeping threads
SAMPLE_SECONDS = 50e-6  # a sample lasts at least as long
SAMPLES = 3  # the fewest of a turn

Call = Callable[[], object]
STAT = Path("/proc/stat")  # Linux's: hundredths of a second of all processors, by what they did


def settle(step: float = 0.005, limit: float = 0.5) -> None:
    """Sleeps until this process has used no processor for two steps; at most `limit` seconds."""
    idle, end = 0, time.perf_counter() + limit
    while idle < 2 and time.perf_counter() < end:
        before = time.process_time()
        time.sleep(step)
        idle = idle + 1 if time.process_time() - before < step / 10 else 0


def seconds_of(call: Call, count: int) -> float:
    """Seconds a call, over `count` of them."""
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def calls_per_sample(call: Call) -> int:
    """How often `call` must run for a sample that the clock can measure."""
    call()
    return max(1, int(SAMPLE_SECONDS / max(seconds_of(call, 1), 1e-9)))


def turn(call: Call, count: int, warm: int = 1) -> list[float]:
    """Samples of one engine, after a warm-up of at least so many calls."""
    start = time.perf_counter()
    for _ in range(warm):
        call()
    while time.perf_counter() - start < WARM_SECONDS:
        call()
    samples: list[float] = []
    start = time.perf_counter()
    while len(samples) < SAMPLES or time.perf_counter() - start < BLOCK_SECONDS:
        samples.append(seconds_of(call, count))
    return samples


def interleave(
    engines: Mapping[str, Call],
    around: Mapping[str, Callable[[], AbstractContextManager]] | None = None,
    blocks: int = BLOCKS,
    warm: int = 1,
) -> dict[str, float]:
    """Median seconds of a call of each engine.

    Args:
        engines: name to a function without arguments that waits for its own result.
        around: name to a context in which that engine runs.
        blocks: how often every engine has its turn.
        warm: calls with which a turn begins, at least.
    """
    contexts = {name: (around or {}).get(name, nullcontext) for name in engines}
    samples: dict[str, list[float]] = {name: [] for name in engines}
    counts: dict[str, int] = {}
    for _ in range(blocks):
        for name, call in engines.items():
            settle()
            with contexts[name]():
                if name not in counts:
                    counts[name] = calls_per_sample(call)
                samples[name] += turn(call, counts[name], warm)
    return {name: statistics.median(values) for name, values in samples.items()}


class Others:
    """How much of the processors other processes had since this was made."""

    def __init__(self, stat: Path = STAT):
        self.stat = stat
        self.begin = self.now()

    def now(self) -> tuple[float, float]:
        """Seconds since whenever, and those that processors worked for others, or were stolen."""
        if not self.stat.exists():
            return time.perf_counter(), 0.0
        user, nice, system, _idle, _wait, irq, soft, stolen = (
            int(word) / os.sysconf("SC_CLK_TCK")
            for word in self.stat.read_text(encoding="ascii").split()[1:9]
        )
        own = sum(os.times()[:4])  # of this process and of those that it started
        return time.perf_counter(), user + nice + system + irq + soft + stolen - own

    def share(self) -> float:
        """The mean number of processors that were not to be had."""
        start, before = self.begin
        end, after = self.now()
        return max(0.0, (after - before) / (end - start))


class Observed:
    """A figure of the processors, taken when this was made and when it is asked for.

    A virtual machine may have less of them for a while, and nobody is told.

    Args:
        figure: takes it.
        processors: how many there are.
        seen: what was found so far in this process.
    """

    ever: ClassVar[list[float]]  # of each class

    def __init__(
        self, figure: Callable[[], float], processors: int, seen: list[float] | None = None
    ):
        self.figure, self.processors = figure, processors
        self.seen = self.ever if seen is None else seen
        self.begin = self.now()

    def now(self) -> float:
        self.seen.append(self.figure())
        return self.seen[-1]


class Speed(Observed):
    """How much arithmetic was missing, as a number of processors: two may be halves of one core.

    The figure is the arithmetic of all processors, in operations a second.
    """

    ever: ClassVar[list[float]] = []
    NOISE = 0.1  # of a rate

    def missing(self) -> float:
        """At the beginning or now, where more was missing, from the highest rate."""
        missing = 1 - min(self.begin, self.now()) / max(self.seen)
        return self.processors * missing if missing > self.NOISE else 0.0


class Distance(Observed):
    """Whether the processors had no cache in common: what one wrote takes far longer to the other.

    The figure is the seconds that a word takes from one processor to another and back.
    """

    ever: ClassVar[list[float]] = []
    FAR = 2.5  # times the least

    def missing(self) -> float:
        """All processors but one, if they were far from each other at the beginning or are now."""
        far = max(self.begin, self.now()) > self.FAR * min(self.seen)
        return self.processors - 1.0 if far else 0.0
