"""What goes into a recorded step and what comes out of it, told without its tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastnn.tensor import Tensor, Variable, from_data
from fastnn.utils import tree


class Results:
    """The structure that a step returned, with places for what a replay makes."""

    def __init__(self, result: Any):
        self.leaves: list = []  # numbers of tensors (with their logits and masks), or constants
        self.problem = ""
        found: list[Tensor] = []
        for leaf in tree.flatten(result):
            self.leaves.append(self._place(leaf, found))
        self.tensors = tuple(found)
        self.structure = tree.map_structure(lambda _: None, result)
        self.nothing = result is None
        self.single = len(self.leaves) == 1 and not tree.is_nested(result)
        self.bare = self.single and isinstance(result, Tensor) and len(found) == 1
        self.bare = self.bare and not isinstance(result, Variable)

    def _place(self, leaf: Any, found: list[Tensor]) -> Any:
        if isinstance(leaf, Tensor) and not isinstance(leaf, Variable):
            if leaf.requires_grad:
                self.problem = "a result requires a gradient: return it detached"
            return Made(*(self._number(t, found) for t in (leaf, leaf._logits, leaf._mask)))
        if not isinstance(leaf, (Variable, bool, int, float, str, type(None))):
            self.problem = f"a result is neither a Tensor nor a number: {type(leaf).__name__}"
        return Same(leaf) if isinstance(leaf, Variable) else (type(leaf), leaf)

    @staticmethod
    def _number(tensor: Tensor | None, found: list[Tensor]) -> int:
        if tensor is None or isinstance(tensor, Variable):
            return -1
        for i, known in enumerate(found):
            if known is tensor:
                return i
        found.append(tensor)
        return len(found) - 1

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Results)
            and self.leaves == other.leaves
            and self.structure == other.structure
        )

    __hash__ = None  # type: ignore[assignment]

    def built(self, results: tuple) -> Any:
        """The structure, of the results of a replay."""
        if self.nothing:
            return None
        if self.bare:
            return results[0]
        leaves = [self._leaf(leaf, results) for leaf in self.leaves]
        return leaves[0] if self.single else tree.pack_sequence_as(self.structure, leaves)

    @staticmethod
    def _leaf(leaf: Any, results: tuple) -> Any:
        if not isinstance(leaf, Made):
            return leaf.value if isinstance(leaf, Same) else leaf[1]
        tensor = results[leaf.number]
        if leaf.logits >= 0:
            tensor._logits = results[leaf.logits]
        if leaf.mask >= 0:
            tensor._mask = results[leaf.mask]
        return tensor


class Made:
    """A tensor of the results, by number, and those that it carries."""

    __slots__ = ("logits", "mask", "number")

    def __init__(self, number: int, logits: int, mask: int):
        self.number, self.logits, self.mask = number, logits, mask

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Made) and (self.number, self.logits, self.mask) == (
            other.number,
            other.logits,
            other.mask,
        )

    __hash__ = None  # type: ignore[assignment]


class Same:
    """An object in a signature: equal to nothing but itself, and alive as long as the signature."""

    __slots__ = ("value",)

    def __init__(self, value: Any):
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


class Input:
    """Stands for the next input, and for those that it carries."""

    __slots__ = ("logits", "mask")

    def __init__(self, logits: bool, mask: bool):
        self.logits, self.mask = logits, mask

    def take(self, inputs: Iterator[Tensor]) -> Tensor:
        tensor = next(inputs)
        if self.logits:
            tensor._logits = next(inputs)
        if self.mask:
            tensor._mask = next(inputs)
        return tensor


def described(value: Any, inputs: list[Tensor]) -> tuple[Any, Any]:
    """What recordings depend on in an argument, and the argument with its arrays, which go into
    `inputs` as Tensors, replaced by marks."""
    kind = type(value)
    if kind is Tensor:
        return _described_tensor(value, inputs)
    if kind in _PLAIN:
        return (kind, value), value
    if isinstance(value, (list, tuple)):
        keys: list[Any] = [kind]
        parts = []
        for item in value:
            tensor = type(item) is Tensor
            key, given = (_described_tensor if tensor else described)(item, inputs)
            keys.append(key)
            parts.append(given)
        return tuple(keys), tuple(parts) if kind is tuple else tree.rebuild(value, parts)
    if isinstance(value, dict):
        pairs = {name: described(item, inputs) for name, item in value.items()}
        keys_of = tuple([(name, key) for name, (key, _) in pairs.items()])
        return (dict, keys_of), {name: given for name, (_, given) in pairs.items()}
    if isinstance(value, (np.ndarray, np.generic, float)):
        return _described_tensor(from_data(value, what="capture: argument"), inputs)
    if isinstance(value, Tensor) and not isinstance(value, Variable):
        return _described_tensor(value, inputs)
    if isinstance(value, _PLAIN):
        return (kind, value), value
    return Same(value), value


_PLAIN = (bool, int, str, type(None))
_BARE = Input(False, False)


def _described_tensor(tensor: Tensor, inputs: list[Tensor]) -> tuple[Any, Input]:
    inputs.append(tensor)
    logits, mask = tensor._logits, tensor._mask
    key = (tensor.shape, tensor.dtype, tensor.requires_grad, tensor.device)
    if logits is None and mask is None:
        return key, _BARE
    carried = [t for t in (logits, mask) if t is not None]
    inputs.extend(carried)
    carries = logits is not None, mask is not None
    return (*key, carries, *((t.shape, t.dtype) for t in carried)), Input(*carries)


def with_inputs(given: Any, inputs: Iterator[Tensor]) -> Any:
    """The arguments again, marks replaced by tensors."""
    if isinstance(given, (list, tuple)):
        return tree.rebuild(given, [with_inputs(item, inputs) for item in given])
    if isinstance(given, dict):
        return {name: with_inputs(item, inputs) for name, item in given.items()}
    return given.take(inputs) if isinstance(given, Input) else given
