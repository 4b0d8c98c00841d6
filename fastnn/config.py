"""Settings: Keras's functions (``floatx``, ``epsilon`` ...) and switches of fastnn's own.

The switches are attributes: ``fastnn.config.allow_winograd = False``. Whatever changes here raises
``version``, by which recorded steps notice that they are out of date.

allow_winograd (True): convolutions with float32 kernels of 3 x 3, 5 x 5 or 7 x 7 may use Winograd's
method, with a relative error of at most 1e-4 instead of about 1e-6; read when an operation is
called.
allow_host_fallback (False): CUDA may run what it lacks on the host.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

__all__ = [
    "backend",
    "epsilon",
    "floatx",
    "image_data_format",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]

_floatx = "float32"
_epsilon = 1e-7
_image_data_format = "channels_last"

# The switches, each a bool.
allow_winograd = True
allow_host_fallback = False

_SWITCHES = ("allow_winograd", "allow_host_fallback")

version = 0  # raised by every change


def floatx() -> str:
    """The default floating-point type, 'float32' unless set."""
    return _floatx


def set_floatx(dtype: str) -> None:
    """Sets the default floating-point type: 'float32' or 'float64'."""
    name = str(dtype)
    if name not in ("float32", "float64"):
        raise ValueError(f"set_floatx: expected 'float32' or 'float64', got {dtype!r}")
    _change("_floatx", name)


def epsilon() -> float:
    """The small number that losses clip with, 1e-7 unless set."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Sets the small number that losses clip with."""
    if not 0 < float(value) < 1:
        raise ValueError(f"set_epsilon: expected a number between 0 and 1, got {value!r}")
    _change("_epsilon", float(value))


def image_data_format() -> str:
    """The default layout of images: 'channels_last' unless set."""
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Sets the default layout of images: 'channels_last' or 'channels_first'."""
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            "set_image_data_format: expected 'channels_last' or 'channels_first', "
            f"got {data_format!r}"
        )
    _change("_image_data_format", data_format)


def backend() -> str:
    """The name of the engine, which Keras scripts sometimes ask for."""
    return "fastnn"


def _change(name: str, value: Any) -> None:
    settings = globals()
    settings["version"] += 1
    settings[name] = value


class _Config(ModuleType):
    """The module itself, checking what is assigned to it."""

    def __setattr__(self, name: Any, value: Any) -> None:
        if name in _SWITCHES:
            if not isinstance(value, bool):
                raise TypeError(f"config.{name}: expected True or False, got {value!r}")
            _change(name, value)
        elif name.startswith("__"):
            super().__setattr__(name, value)
        else:
            raise AttributeError(
                f"config has no switch {name!r}; there are {', '.join(_SWITCHES)}, "
                "and functions such as set_floatx"
            )


sys.modules[__name__].__class__ = _Config
