"""Threads, memory and instruction sets: what runs, and how to change it."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy

from fastnn import _core, config
from fastnn.backends import devices

__all__ = [
    "get_num_threads",
    "memory_stats",
    "num_threads",
    "release_memory",
    "set_num_threads",
    "show_config",
]

_OPTIONAL = (
    *("safetensors", "rich", "numba", "numba_cuda"),
    *("matplotlib", "PIL", "torch", "threadpoolctl"),
)


def set_num_threads(n: int) -> None:
    """Set how many threads the process computes on.

    Results do not depend on the number, to the bit.

    Args:
        n: from 1 to 256; more than there are processors is allowed and seldom pays.

    Raises:
        TypeError: if `n` is not an integer.
        ValueError: if `n` is out of range.

    >>> set_num_threads(2)
    >>> get_num_threads()
    2
    """
    _core.set_num_threads(n)


def get_num_threads() -> int:
    """Return how many threads a computation of the calling thread may use.

    At first this is FASTNN_NUM_THREADS, else OMP_NUM_THREADS, else the number of processors in the
    affinity mask, cut to the whole processors that the control group (cgroup) grants.

    >>> get_num_threads() >= 1
    True
    """
    return _core.get_num_threads()


@contextmanager
def num_threads(n: int) -> Iterator[None]:
    """Compute on `n` threads inside a `with` block, in the calling thread only.

    Args:
        n: from 1 to 256.

    Raises:
        TypeError: if `n` is not an integer.
        ValueError: if `n` is out of range.

    >>> with num_threads(1):
    ...     get_num_threads()
    1
    """
    before = _core.get_local_threads()
    _core.set_local_threads(n)
    try:
        yield
    finally:
        _core.set_local_threads(before)


def memory_stats() -> dict[str, int]:
    """Return the state of the memory pool.

    `in_use_bytes` are held by tensors, `cached_bytes` are kept for reuse, `peak_bytes` is the
    largest `in_use_bytes` so far and `limit_bytes` the bound on `cached_bytes`: the larger of
    `peak_bytes` and 64 MiB. `system_requests` blocks came from the system, `pool_requests` from the
    pool. Sizes are those of the pool's classes, up to a quarter above what a tensor needs.

    >>> stats = memory_stats()
    >>> stats["cached_bytes"] <= stats["limit_bytes"]
    True
    """
    return _core.memory_stats()


def release_memory() -> None:
    """Give the memory that is kept for reuse back to the system, and that of devices to them.

    >>> release_memory()
    >>> memory_stats()["cached_bytes"]
    0
    """
    _core.release_memory()
    devices.release_memory()


def show_config() -> None:
    """Print what runs here: version, instruction set, threads, caches, memory, packages.

    >>> show_config()  # doctest: +ELLIPSIS
    fastnn...
    """
    for name, value in config_rows():
        print(f"{name:<17} {value}")


def config_rows() -> list[tuple[str, str]]:
    """What ``show_config`` prints, as rows of a name and a value."""
    targets, caches, memory = _core.targets(), _core.caches(), _core.memory_stats()
    cpu = _core.cpu_features()
    flags = [name for name, has in cpu.items() if has is True]
    unavailable = [name for name in targets["built"] if name not in targets["available"]]
    built = ", ".join(targets["built"])
    if unavailable:
        built += f" (not on this processor: {', '.join(unavailable)})"
    threads = f"{_core.get_num_threads()} (from {_core.threads_origin()})"
    if _core.get_local_threads() is not None:
        threads = f"{_core.get_num_threads()} (num_threads, for this thread)"
    present = {name: importlib.util.find_spec(name) is not None for name in _OPTIONAL}
    return [
        ("fastnn", _core.__version__),
        ("Python", f"{sys.version.split()[0]}, NumPy {numpy.__version__}"),
        ("compiler", _core.compiler()),
        ("processor", f"{cpu['name'] or platform.machine()} [{' '.join(flags)}]"),
        ("targets built", built),
        ("target", f"{targets['chosen']} ({targets['why']})"),
        ("backend", _core.get_backend()),
        ("device", _device_text()),
        ("Winograd", "allowed" if config.allow_winograd else "not allowed"),
        ("threads", threads),
        ("processors", _processors_text()),
        ("caches", f"{_cache_text(caches)} ({caches['origin']})"),
        ("memory in use", f"{_size(memory['in_use_bytes'])}, peak {_size(memory['peak_bytes'])}"),
        (
            "memory kept",
            f"{_size(memory['cached_bytes'])} of {_size(memory['limit_bytes'])} at most",
        ),
        ("packages found", ", ".join(name for name, here in present.items() if here) or "none"),
        (
            "packages absent",
            ", ".join(name for name, here in present.items() if not here) or "none",
        ),
    ]


def _device_text() -> str:
    """The thread's device, or why it cannot be used."""
    try:
        return devices.check_device("device", _core.get_device())
    except (ImportError, RuntimeError) as error:
        return str(error).removeprefix("device: ")


def _processors_text() -> str:
    quota = _core.cgroup_processors()
    limit = f"cgroup allows {quota:g}" if quota else "no cgroup limit"
    return f"{_core.usable_processors()} usable of {os.cpu_count()}, {limit}"


def _cache_text(caches: dict[str, int]) -> str:
    return ", ".join(f"{level.upper()} {_size(caches[level])}" for level in ("l1", "l2", "l3"))


def _size(count: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count} B"
