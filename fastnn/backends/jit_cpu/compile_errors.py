"""What Numba says of a function that it cannot compile, in a sentence."""
from __future__ import annotations
from typing import Any
from collections.abc import Callable
def reason(name: str, function: Callable, error: Any) -> str:
    return f"{name}: {error.loc} {error}"[:1500]
