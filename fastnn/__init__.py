"""fastnn: a small, fast deep-learning engine for CPUs under Keras 3's interface.

The tensor, the tape and the operations are imported at once; everything else when it is first used.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from importlib.util import find_spec as _find_spec
from typing import Any as _Any

if _find_spec("fastnn._core") is None:
    raise ImportError(
        "fastnn: this is the source folder, which has no compiled module. Start Python in another "
        "folder to use the installed fastnn, or build it in place: pip install -e ."
    )

from fastnn import backends, config, ops
from fastnn._core import __version__
from fastnn.autograd import grad, gradcheck, no_grad, value_and_grad
from fastnn.tensor import Tensor, Variable, from_dlpack, tensor

# Where a public name lives that is imported on first use.
_NAMES = {
    "device": "backends",
    "use_backend": "backends",
    "capture": "captured",
    "elementwise": "elementwise_operation",
    "Input": "layers",
    "Layer": "layers",
    "Model": "models",
    "Sequential": "models",
    "fuse": "models",
    "get_num_threads": "runtime",
    "memory_stats": "runtime",
    "num_threads": "runtime",
    "release_memory": "runtime",
    "set_num_threads": "runtime",
    "show_config": "runtime",
}
_MODULES = (
    "activations",
    "audio",
    "callbacks",
    "constraints",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "plots",
    "pretraining",
    "random",
    "recipes",
    "regularizers",
    "saving",
    "text",
    "utils",
)

__all__ = [
    "Tensor",
    "Variable",
    "__version__",
    "backends",
    "config",
    "from_dlpack",
    "grad",
    "gradcheck",
    "no_grad",
    "ops",
    "tensor",
    "value_and_grad",
    *_NAMES,
    *_MODULES,
]


def __getattr__(name: str) -> _Any:
    if name in _MODULES:
        return _import_module(f"fastnn.{name}")
    if name in _NAMES:
        value = getattr(_import_module(f"fastnn.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'fastnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
