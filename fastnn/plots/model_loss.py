"""The loss of a compiled model on some data, and the model left as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastnn.models.training_data import is_arrays, make_data
from fastnn.models.training_step import loss_step
from fastnn.utils import tree


def check_ready(operation: str, model: Any) -> None:
    """Raises unless a model has weights and a loss."""
    if not getattr(model, "compiled", False):
        raise ValueError(f"{operation}: model must be compiled with a loss, got {model!r:.80}")
    if not model.built:
        raise ValueError(
            f"{operation}: {model.name} has no weights yet: give it an Input, or call it on data"
        )
    if not model.trainable_variables:
        raise ValueError(f"{operation}: {model.name} has no trainable weights")


def batches_of(x: Any, y: Any, sample_weight: Any, batch_size: int) -> list[tuple]:
    """[(x, y, sample_weight), ...]: data as `evaluate` takes it, ready for many passes."""
    size = batch_size if is_arrays(x) else None  # others come in batches
    batches = list(make_data(x, y, sample_weight, size).batches())
    if not batches:
        raise ValueError("x yields no batches")
    return batches


@contextmanager
def kept(model: Any) -> Iterator[None]:
    """Puts all variables of a model and of its metrics back, bit for bit, however the block ends.

    The optimizer is not touched: nothing in the block trains.
    """
    variables = [*model.variables, *model.metrics_variables]
    before = {id(v): (v, np.array(v.numpy())) for v in variables}
    try:
        yield
    finally:
        for variable, value in before.values():
            variable.assign(value)
        for metric in model.metrics:  # those that the first batch made
            if any(id(variable) not in before for variable in metric.variables):
                metric.reset_state()


def mean_loss(model: Any, batches: list[tuple]) -> Callable[[], float]:
    """A function that returns the loss of the present weights: `evaluate`'s, the mean over
    batches by their rows. It replays recorded steps."""
    step = loss_step(model)
    rows = [tree.flatten(x)[0].shape[0] for x, _, _ in batches]
    calls = [step.bind(*batch) for batch in batches]

    def loss() -> float:
        return sum(call().item() * n for call, n in zip(calls, rows)) / sum(rows)

    return loss
