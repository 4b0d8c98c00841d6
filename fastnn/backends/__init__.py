"""The backends: who runs a primitive, and how to choose."""

from .registry import backend, backends, register_backend, use_backend

__all__ = ["backend", "backends", "register_backend", "use_backend"]
