"""Where new tensors lie, and whether CUDA can be used here.

What operands say the device of runs there, whatever is chosen here. FASTNN_DEVICE names the device
that threads start with. CUDA needs an NVIDIA GPU, its driver and the extra ``cuda``, or Numba's
simulator (NUMBA_ENABLE_CUDASIM=1), which is for tests: it is thousands of times slower.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from typing import Any

from fastnn import _core

DEVICES = ("cpu", "cuda")


def current_device() -> str:
    """The name of the device that this thread makes tensors on.

    >>> current_device()
    'cpu'
    """
    return _core.get_device()


def check_device(setting: str, name: str) -> str:
    """The name, or an error: ValueError if there is no such device, ImportError or RuntimeError
    with what is missing if it cannot be used here."""
    if name not in DEVICES:
        raise ValueError(f"{setting}: there is no device {name!r}, expected {' or '.join(DEVICES)}")
    if name == "cuda":
        _require_cuda(setting)
    return name


class device:
    """Makes this thread put its new tensors on a device: "cpu" or "cuda".

    From the call on; as a context manager, until the block ends. Tensors from data, Variables,
    initial values, random numbers and the data of `fit` are new; what an operation makes lies where
    its operands do. A tensor moves with ``.to("cuda")``.

    Raises:
        ValueError: there is no such device.
        ImportError: CUDA's packages are not installed.
        RuntimeError: there is no GPU or no driver, or it is too old.

    >>> import fastnn as fn
    >>> with fn.device("cpu"):
    ...     fn.tensor([1.0]).device
    'cpu'
    """

    def __init__(self, name: str) -> None:
        self._name = check_device("device", name)
        self._before = _core.get_device()
        _core.set_device(name)

    def __enter__(self) -> None:
        if _core.get_device() != self._name:  # another one was chosen since
            self.__init__(self._name)  # type: ignore[misc]

    def __exit__(self, *exception: object) -> None:
        _core.set_device(self._before)


@functools.cache
def _require_cuda(setting: str) -> None:
    for module, package in (("numba", "numba"), ("numba_cuda", "numba-cuda")):
        if not importlib.util.find_spec(module):
            raise ImportError(
                f"{setting}: cuda needs {package}, which is not installed: "
                "pip install 'fastnn[cuda]'"
            )
    from .jit_cuda.cuda import problem

    if missing := problem():
        raise RuntimeError(f"{setting}: cuda cannot be used here: {missing}")


_loaded: Any = None


def _load() -> Any:
    """What the core asks when CUDA is first used; who chose it by `device` has been checked."""
    global _loaded
    _require_cuda("FASTNN_DEVICE")
    from .jit_cuda import calls

    _loaded = calls
    return calls


def release_memory() -> None:
    """Gives memory of devices that is kept for reuse back to them."""
    if _loaded is not None:
        _loaded.release_memory()


_core.register_device(_load)
_name = os.environ.get("FASTNN_DEVICE") or "cpu"
if _name not in DEVICES:
    raise ImportError(f"FASTNN_DEVICE: there is no device {_name!r}, expected cpu or cuda")
_core.set_default_device(_name)
