"""The backends: who runs a primitive, and how to choose; and the device that tensors lie on."""

from .devices import current_device, device
from .registry import backend, backends, register_backend, use_backend

__all__ = [
    "backend",
    "backends",
    "current_device",
    "device",
    "register_backend",
    "use_backend",
]
