"""What an import costs: seconds, and resident memory after it, each time in a fresh process."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

import fastnn
from bench.row import PACKAGES, here

PROCESSES = 9
INSTALLED = Path(fastnn.__file__).parents[1]
ENGINES = ("fastnn", "NumPy", "PyTorch", "JAX")
STATUS = Path("/proc/self/statm")  # Linux's, in pages
PROGRAM = f"""
import time
start = time.perf_counter()
import {{package}}
seconds = time.perf_counter() - start
import os, resource
pages = int(open("{STATUS}").read().split()[1]) if os.path.exists("{STATUS}") else 0
print(seconds, pages * resource.getpagesize())
"""


@dataclass(frozen=True)
class Startup:
    """Seconds of an import (column 0), or bytes resident after it (1)."""

    name: str
    column: int
    unit: str

    def measure(self, wanted: Sequence[str] = ENGINES):
        """Medians of the engines; the ceiling is NumPy's, which fastnn imports."""
        names = tuple(name for name in ENGINES if name in {"NumPy", *wanted} and here(name))
        medians = {k: median(s[self.column] for s in v) for k, v in samples(names).items()}
        return medians, {"import numpy": medians["NumPy"]}


@cache
def samples(names: tuple[str, ...]) -> dict[str, list[tuple[float, int]]]:
    """What fresh processes print, the engines in turn; once for all rows."""
    found: dict[str, list] = {name: [] for name in names}
    for _ in range(PROCESSES):
        for name, values in found.items():
            values.append(fresh(PACKAGES[name]))
    return found


def fresh(package: str) -> tuple[float, int]:
    """Seconds and resident bytes of an import in a process of its own.

    It starts where this process found fastnn, which a checkout's folder would hide otherwise.
    """
    command = [sys.executable, "-c", PROGRAM.format(package=package)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=INSTALLED)
    words = done.stdout.split()
    return float(words[0]), int(words[1])


def rows() -> Iterator[Startup]:
    yield Startup("import", 0, "s")
    if STATUS.exists():
        yield Startup("resident memory after import", 1, "B")
