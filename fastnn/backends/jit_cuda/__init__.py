"""The jit_cuda backend: the primitives in Numba, for NVIDIA's GPUs.

One file a family, each with a dict FUNCTIONS of launchers named by their primitives:
``FUNCTIONS[name](*operands, **attributes)``, outputs first, then what is read and changed, as
contiguous arrays on the device (None where one is absent or not wanted, lists where there are any
number). They write into the outputs, return nothing, copy nothing to the host and wait for nothing.
`copy` alone takes an array with strides: see arrays.py.

The same call computes the same bits every time: sums are trees in a fixed order. float32 is added
up in float64. What would be an error on the host is noted in status.py, where it waits for the next
read by the host.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping

_FAMILIES = (
    *("elementwise", "user_function", "movement", "gather", "reduce", "order", "softmax"),
    *("unfold", "resize", "random", "optimizer"),
    *("gemm", "conv", "pooling", "norm", "batch_norm"),
    *("recurrent", "recurrent_backward", "attention"),
)


@functools.cache
def functions() -> Mapping[str, Callable[..., None]]:
    """All launchers by the names of their primitives; imports numba.cuda."""
    families = [importlib.import_module(f"{__name__}.{family}") for family in _FAMILIES]
    return {name: f for family in families for name, f in family.FUNCTIONS.items()}


def __getattr__(name: str) -> Mapping[str, Callable[..., None]]:
    if name == "FUNCTIONS":
        return functions()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
