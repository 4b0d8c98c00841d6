"""Losses and metrics as `compile` was given them, matched with a model's outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastnn import losses, metrics, ops
from fastnn.models.placement import settle
from fastnn.tensor import Tensor
from fastnn.utils import tree

_ACCURACY = ("accuracy", "acc")
_CROSSENTROPY = ("crossentropy", "ce")
_CLASSES = {
    losses.categorical_crossentropy: losses.CategoricalCrossentropy,
    losses.ctc: losses.CTC,
    losses.sparse_categorical_crossentropy: losses.SparseCategoricalCrossentropy,
}


class Objective:
    """What a model is trained for and judged by.

    Names are resolved at once, so that an unknown one is found at `compile`; which accuracy is
    meant, and what belongs to which output, is decided by the first batch.

    Args:
        loss: a name, function or Loss for all outputs, or a list or dictionary of them.
        loss_weights: a number, or a list or dictionary of them.
        metrics, weighted_metrics: lists of names, functions and Metrics, for several outputs a
            list of lists or a dictionary; the weighted ones see sample weights.
    """

    def __init__(
        self,
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
    ):
        self.user_loss = _map(_named_loss, loss)
        self.user_weights = _map(_as_weight, loss_weights)
        self.user_metrics = _map(_named_metric, _as_list("metrics", metrics))
        self.user_weighted = _map(_named_metric, _as_list("weighted_metrics", weighted_metrics))
        self.built = False
        self.is_single = False  # there is one output, and no structure around it
        self.names: list[str | None] = []
        self.losses: list[Any] = []  # Loss or None
        self.weights: list[float | None] = []
        self.loss_trackers: list[metrics.Mean | None] = []
        self.metrics: list[list] = []  # of each output
        self.weighted: list[list] = []

    # -- matching -------------------------------------------------------------------------------

    def build(self, y: Any, y_pred: Any, output_names: Sequence[str] | None) -> None:
        """Matches everything with the outputs `y_pred` and the targets `y` of a first batch.

        Raises:
            ValueError: losses, weights, metrics or targets that do not match the outputs.
        """
        outputs = tree.flatten(y_pred)
        self.is_single = not tree.is_nested(y_pred)
        self.names = _names_of(y_pred, output_names, len(outputs))
        targets = self.targets(y)
        self.losses = [
            None if loss is None else _resolve_loss(loss, target, output)
            for loss, target, output in zip(
                self._per_output("loss", self.user_loss), targets, outputs
            )
        ]
        self.weights = self._per_output("loss_weights", self.user_weights)
        alone = sum(loss is not None for loss in self.losses) == 1  # it is the loss of all
        self.loss_trackers = [
            None if alone or loss is None else metrics.Mean(name=f"{name}_loss")
            for loss, name in zip(self.losses, self.names)
        ]
        self.metrics, self.weighted = (
            [
                [_resolve_metric(m, target, output) for m in chosen]
                for chosen, target, output in zip(
                    self._metrics_per_output(what, given), targets, outputs
                )
            ]
            for what, given in (
                ("metrics", self.user_metrics),
                ("weighted_metrics", self.user_weighted),
            )
        )
        for metric in (m for chosen in (*self.metrics, *self.weighted) for m in chosen):
            settle(metric.variables)  # which may be older than the model
        self.built = True

    def loss_names(self) -> list[str]:
        """Of the losses of several outputs."""
        return [tracker.name for tracker in self.loss_trackers if tracker is not None]

    def targets(self, y: Any) -> list:
        """The targets in the order of the outputs; None where an output has none."""
        count = len(self.names)
        if y is None:
            return [None] * count
        if isinstance(y, dict):
            targets = self._by_name("y has targets for", y)
            losses = self._per_output("loss", self.user_loss)
            missing = [n for n, loss in zip(self.names, losses) if loss and n not in y]
            if missing:
                raise ValueError(f"y has no targets for {missing}, which have a loss")
            return targets
        leaves = tree.flatten(y)
        if len(leaves) == count:
            return leaves
        trained = [i for i, loss in enumerate(self._per_output("loss", self.user_loss)) if loss]
        if len(leaves) == len(trained):
            found: list = [None] * count
            for i, leaf in zip(trained, leaves):
                found[i] = leaf
            return found
        raise ValueError(f"y has {len(leaves)} targets, but the model has {count} outputs")

    def sample_weights(self, weight: Any) -> list:
        """A sample weight for each output; a single one goes to all."""
        if isinstance(weight, dict):
            return self._by_name("sample_weight has weights for", weight)
        leaves = tree.flatten(weight)
        if len(leaves) == len(self.names):
            return leaves
        if len(leaves) == 1:
            return leaves * len(self.names)
        raise ValueError(
            f"sample_weight has {len(leaves)} parts, but the model has {len(self.names)} outputs"
        )

    def _by_name(self, complaint: str, given: dict) -> list:
        unknown = sorted(set(given) - set(self.names))
        if unknown:
            known = "output has no name" if self.names == [None] else f"outputs are {self.names}"
            raise ValueError(f"{complaint} {unknown}, but the {known}")
        return [given.get(name) for name in self.names]

    def _per_output(self, what: str, given: Any) -> list:
        count = len(self.names)
        if isinstance(given, dict):
            return self._by_name(f"{what} names", given)
        if isinstance(given, list):
            if len(given) != count:
                raise ValueError(f"{what} has {len(given)} entries for {count} outputs")
            return given
        return [given] * count

    def _metrics_per_output(self, what: str, given: Any) -> list[list]:
        count = len(self.names)
        if not given:
            return [[]] * count
        if count == 1:
            return [tree.flatten(given)]
        return [
            chosen if isinstance(chosen, list) else [] if chosen is None else [chosen]
            for chosen in self._per_output(what, given)
        ]

    # -- values ---------------------------------------------------------------------------------

    def loss(self, y: Any, y_pred: Any, sample_weight: Any = None) -> Tensor | None:
        """The weighted sum of the outputs' losses, None if there is none. Tracks each one if
        there are several outputs."""
        targets, outputs = self.targets(y), tree.flatten(y_pred)
        weights = self.sample_weights(sample_weight)
        total = None
        for i, loss in enumerate(self.losses):
            if loss is None or targets[i] is None:
                continue
            value = evaluator(loss)(targets[i], outputs[i], weights[i])
            tracker = self.loss_trackers[i]
            if tracker is not None:
                tracker.add_scaled(ops.mean(value).detach(), outputs[i].shape[0])
            if self.weights[i] is not None:
                value = value * self.weights[i]
            total = value if total is None else total + value
        return total

    def update(self, y: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch to the metrics."""
        targets, outputs = self.targets(y), tree.flatten(y_pred)
        weights = self.sample_weights(sample_weight)
        for i, output in enumerate(outputs):
            if targets[i] is None:
                continue
            for metric in self.metrics[i]:
                metric.update_state(targets[i], output)
            for metric in self.weighted[i]:
                metric.update_state(targets[i], output, sample_weight=weights[i])

    def named_metrics(self) -> list[tuple[str, Any]]:
        """The metrics with the names that logs give them, then the losses of several outputs."""
        found: dict[str, Any] = {}
        several = len(self.names) > 1
        for group, prefix in ((self.metrics, ""), (self.weighted, "weighted_")):
            for name, chosen in zip(self.names, group):
                for metric in chosen:
                    output = f"{name}_" if several and name else ""
                    label = output + metric.name
                    if label in found:
                        label = output + prefix + metric.name
                    base, number = label, 1
                    while label in found:
                        label, number = f"{base}_{number}", number + 1
                    found[label] = metric
        for tracker in self.loss_trackers:
            if tracker is not None:
                found[tracker.name] = tracker
        return list(found.items())


def evaluator(loss: losses.Loss) -> Callable:
    """How a training step computes a loss: without checking again what was checked before."""
    if type(loss).__call__ is losses.Loss.__call__:
        return loss.value
    return loss


def _names_of(y_pred: Any, output_names: Sequence[str] | None, count: int) -> list:
    if isinstance(y_pred, dict):
        return sorted(y_pred)
    if output_names is not None and len(output_names) == count:
        return list(output_names)
    return [None] if count == 1 else [f"output_{i}" for i in range(count)]


def _map(function: Callable, given: Any) -> Any:
    """`given` with `function` applied to its leaves; tuples become lists."""
    if isinstance(given, dict) and "class_name" not in given:
        return {name: _map(function, item) for name, item in given.items()}
    if isinstance(given, (list, tuple)):
        return [_map(function, item) for item in given]
    return function(given)


def _as_list(what: str, given: Any) -> Any:
    if given is None or isinstance(given, (list, tuple, dict)):
        return given
    raise ValueError(f"{what} must be a list, tuple or dict, got {given!r}")


def _as_weight(weight: Any) -> float | None:
    if weight is None or (isinstance(weight, (int, float)) and not isinstance(weight, bool)):
        return weight
    raise ValueError(f"loss_weights must be numbers, got {weight!r}")


def _named_loss(loss: Any) -> Any:
    """A Loss, or the name "crossentropy", which the first batch explains."""
    if loss is None or (isinstance(loss, str) and loss.lower() in _CROSSENTROPY):
        return loss
    found: Any = losses.get(loss)
    if isinstance(found, losses.Loss):
        return found
    if found in _CLASSES:  # the class knows a shorter way to the mean
        return _CLASSES[found](name=found.__name__ if not isinstance(loss, str) else loss)
    name = loss if isinstance(loss, str) else getattr(found, "__name__", None)
    return losses.LossFunctionWrapper(found, name=name)


def _named_metric(metric: Any) -> Any:
    """A Metric, or a name that the first batch explains."""
    if metric is None:
        return None
    if isinstance(metric, str) and metric.lower() in _ACCURACY + _CROSSENTROPY:
        return metric
    found: Any = metrics.get(metric)
    if not hasattr(found, "update_state"):
        return metrics.MeanMetricWrapper(found)
    if isinstance(metric, str):
        found.name = metric
    return found


def _kind(y: Tensor, y_pred: Tensor) -> int:
    """0: one number a sample; 1: a class number; 2: one-hot rows."""
    if y_pred.shape[-1] == 1:
        return 0
    if y.ndim < y_pred.ndim or y.shape[-1] == 1:
        return 1
    return 2


def _resolve_loss(loss: Any, y: Tensor | None, y_pred: Tensor) -> losses.Loss:
    if not isinstance(loss, str):
        return loss
    if y is None:
        raise ValueError(f"loss {loss!r} needs targets")
    return (
        losses.BinaryCrossentropy,
        losses.SparseCategoricalCrossentropy,
        losses.CategoricalCrossentropy,
    )[_kind(y, y_pred)](name=loss)


def _resolve_metric(metric: Any, y: Tensor | None, y_pred: Tensor) -> metrics.Metric:
    if not isinstance(metric, str):
        return metric
    if y is None:
        raise ValueError(f"metric {metric!r} needs targets")
    choices = (
        (
            metrics.BinaryAccuracy,
            metrics.SparseCategoricalAccuracy,
            metrics.CategoricalAccuracy,
        )
        if metric.lower() in _ACCURACY
        else (
            metrics.BinaryCrossentropy,
            metrics.SparseCategoricalCrossentropy,
            metrics.CategoricalCrossentropy,
        )
    )
    return choices[_kind(y, y_pred)](name=metric)
