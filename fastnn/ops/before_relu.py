"""The way back around a relu that an operation applied to its own result.

On the tape such an operation has two outputs: its result, and what relu was applied to. Nothing
computes the second. It is where a gradient enters that has passed relu already, at less cost: a
maximum over windows does on its way, by naming no element where it is not positive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastnn import _core
from fastnn.tensor import Tensor

Rule = TypeVar("Rule", bound=Callable)

_RULES: list[Callable] = []


def relu_is_last(rule: Rule) -> Rule:
    """Notes the rule of an operation that ends with relu: its gradients are by the two outputs,
    None where none came."""
    _RULES.append(rule)
    return rule


def before_relu(x: Tensor) -> Tensor | None:
    """What relu was applied to, for the tape alone; None if x is no result of such a relu."""
    node = x._node
    if node is None or not any(node.rule is rule for rule in _RULES):
        return None
    return _core.other_output(x, 1)
