"""Masks that travel with tensors: which time steps of a batch hold data."""

from __future__ import annotations

from typing import Any

from fastnn.layers.call_spec import Signature, bind
from fastnn.utils import tree


class _State:
    in_use = False  # until the first mask is set nobody looks for one


state = _State()


def get_mask(x: Any) -> Any:
    """The mask of a tensor, or None."""
    return getattr(x, "_mask", None)


def set_mask(x: Any, mask: Any) -> None:
    """Lets a tensor carry a mask, a boolean tensor of its leading axes' shape."""
    if mask is not None:
        state.in_use = True
        x._mask = mask


def masks_of(structure: Any) -> Any:
    """The masks of all tensors of a structure, or None if no tensor has one."""
    masks = tree.map_structure(get_mask, structure)
    return masks if any(mask is not None for mask in tree.flatten(masks)) else None


def set_masks(outputs: Any, masks: Any) -> None:
    """Sets masks on outputs; a single mask goes to every output that has none."""
    leaves = tree.flatten(outputs)
    given = tree.flatten(masks) if tree.is_nested(masks) else [masks] * len(leaves)
    for output, mask in zip(leaves, given):
        if hasattr(output, "shape") and get_mask(output) is None:
            set_mask(output, mask)


def pass_on(signature: Signature, args: tuple, kwargs: dict) -> Any:
    """The mask of a call's first argument.

    Adds ``mask``, and ``x_mask`` for an argument ``x``, to ``kwargs`` where ``call`` takes them.
    """
    if kwargs.get("mask") is not None:
        return kwargs["mask"]
    mask = masks_of(args[0]) if args else None
    names = signature.names
    if mask is not None and "mask" in names and len(args) <= names.index("mask"):
        kwargs["mask"] = mask
    for name, value in bind(signature, args, {}).items():
        if f"{name}_mask" in names and kwargs.get(f"{name}_mask") is None:
            kwargs[f"{name}_mask"] = masks_of(value)
    return mask
