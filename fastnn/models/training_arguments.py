"""Checks of the arguments of fit, evaluate and predict: each error names the argument."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastnn.models.training_data import (
    ArrayData,
    IterableData,
    check_batch_size,
    is_arrays,
    make_data,
)
from fastnn.utils.integers import integer


def step_count(name: str, value: Any) -> int | None:
    """A number of steps, or None."""
    return None if value is None else integer(name, value, least=1)


def check_class_weight(operation: str, class_weight: Any) -> None:
    """Raises TypeError unless class weights are None or a dictionary."""
    if class_weight is not None and not isinstance(class_weight, dict):
        raise TypeError(
            f"{operation}: class_weight must be a dictionary {{label: weight}}, got "
            f"{type(class_weight).__name__}"
        )


def validated_epochs(frequency: Any) -> int | frozenset[int]:
    """`validation_freq`: every so many epochs, or the epochs to validate after."""
    if isinstance(frequency, Iterable) and not isinstance(frequency, str):
        return frozenset(integer("fit: an epoch of validation_freq", e, 1) for e in frequency)
    return integer("fit: validation_freq", frequency, least=1)


def is_due(frequency: int | frozenset[int], epoch: int) -> bool:
    """Whether to validate after an epoch, counted from 0."""
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


def validation_batches(
    data: Any, batch_size: int | None, steps: int | None
) -> ArrayData | IterableData:
    """The data that `validation_data` means."""
    if isinstance(data, ArrayData):  # split off
        if batch_size is None:
            data.divide(steps)
        else:
            data.batch_size = check_batch_size(batch_size)
        return data
    several = isinstance(data, (tuple, list))
    if several and len(data) not in (1, 2, 3):
        raise ValueError(
            "fit: validation_data must be x, (x, y), (x, y, sample_weight) or an iterable of "
            f"batches; got {len(data)} parts"
        )
    try:
        if not several:
            return make_data(data, batch_size=batch_size if is_arrays(data) else None, steps=steps)
        x, y, weight = (*data, None, None)[:3]
        return make_data(x, y, weight, batch_size, steps=steps)
    except TypeError as error:
        raise TypeError(f"fit: validation_data: {error}") from error
    except ValueError as error:
        raise ValueError(f"fit: validation_data: {error}") from error


def split(data: ArrayData | IterableData, share: float) -> tuple[ArrayData, ArrayData]:
    """The first samples to train with and the last `share` of them to validate with."""
    if not isinstance(data, ArrayData):
        raise ValueError("validation_split needs arrays, not an iterable of batches")
    if not 0 < share < 1:
        raise ValueError(f"validation_split must be between 0 and 1, got {share}")
    cut = int(data.rows * (1.0 - share))
    if not 0 < cut < data.rows:
        raise ValueError(
            f"validation_split={share} of {data.rows} samples leaves {cut} to train with and "
            f"{data.rows - cut} to validate with; both need at least one"
        )
    return data.part(0, cut), data.part(cut, data.rows)
