"""Masks that travel with tensors: which time steps of a batch hold data."""

from __future__ import annotations

from typing import Any

from fastnn.layers.call_spec import Signature, bind, first_argument
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
    """Sets masks on outputs that have none; a single mask is the first output's."""
    for output, mask in zip(tree.flatten(outputs), tree.flatten(masks)):
        if hasattr(output, "shape") and get_mask(output) is None:
            set_mask(output, mask)


def pass_on(signature: Signature, args: tuple, kwargs: dict) -> Any:
    """The mask of a call's first argument.

    Adds ``mask``, and ``x_mask`` for an argument ``x``, to ``kwargs`` where ``call`` takes them.
    """
    if kwargs.get("mask") is not None:
        return kwargs["mask"]
    mask = masks_of(first_argument(signature, args, kwargs))
    names = signature.names
    if mask is not None and "mask" in names and len(args) <= names.index("mask"):
        kwargs["mask"] = mask
    for name, value in bind(signature, args, kwargs).items():
        if f"{name}_mask" in names and kwargs.get(f"{name}_mask") is None:
            kwargs[f"{name}_mask"] = masks_of(value)
    return mask
