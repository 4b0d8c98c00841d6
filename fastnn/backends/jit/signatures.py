"""The parameters that functions for primitives must have."""

from __future__ import annotations

import inspect
from typing import Any

from fastnn import _core


def check_takes(
    primitive: str, role: str, function: Any, operands: list, attributes: dict[str, Any]
) -> None:
    """TypeError for a primitive's planner or launcher, its `role`, that cannot be called so."""
    try:
        inspect.signature(function).bind(*operands, **attributes)
    except (TypeError, ValueError) as error:  # or it is written in C, and nobody knows
        infos = _core.PRIMITIVES[primitive]["operands"]
        names = [name for name, kind, *_ in infos if kind != "scratch"]
        parameters = ", ".join([*names, "*", *attributes])
        raise TypeError(f"{primitive}: its {role} must take ({parameters}): {error}") from None
