"""compile, and what a step of training or evaluation is."""

from __future__ import annotations

import random
import warnings
from typing import TYPE_CHECKING, Any

from fastnn import config, ops, optimizers
from fastnn.autograd import gradients, no_grad
from fastnn.callbacks import History
from fastnn.layers.call_spec import signature_of
from fastnn.metrics import Mean
from fastnn.models.training_compile import Objective
from fastnn.models.training_step import value_of
from fastnn.tensor import Tensor, Variable
from fastnn.utils import tree
from fastnn.utils.batches import unpack_x_y_sample_weight
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object

if TYPE_CHECKING:  # a mixin beside Layer, whose attributes it uses
    from fastnn.layers.layer import Layer as _Base
    from fastnn.models.graph import Graph
else:
    _Base = object


class Compiled(_Base):
    """The part of a model that `compile` makes; `Trainer` adds the loops."""

    compiled = False
    optimizer: optimizers.Optimizer | None = None
    loss: Any = None
    stop_training = False
    run_eagerly = False
    steps_per_execution = 1
    history: History | None = None
    # Model's: what data must look like, as (name, shape, dtype, optional), and the calls.
    _expected: list[tuple[str, tuple, str, bool]]
    _graph: Graph | None
    # What follows changes without changing what a step computes: kept past Layer.__setattr__.
    _objective: Objective = None  # type: ignore[assignment]  # until compile
    _loss_tracker: Mean
    _compile_arguments: dict | None = None  # but for the optimizer, which may be replaced
    _trained: tuple | None = None  # (configuration number, all variables, those to train)
    _shuffle_seed: int | None = None
    _epoch_count = 0  # passes over shuffled data that were begun
    _initial_epoch = 0  # the first one of `fit`, which a callback may change when training begins
    _step_logs: dict | None = None  # what a train_step of the user's returned

    # -- compile --------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Says what the model is trained with, for and judged by.

        Args:
            optimizer: a name, class or Optimizer.
            loss: a name, function or Loss; for several outputs a list or dictionary of them.
            loss_weights: factors of the losses of several outputs.
            metrics: names, functions or Metrics; "accuracy" means the one that fits the shapes.
                For several outputs a list of lists, or a dictionary.
            weighted_metrics: metrics that see sample weights and class weights.
            run_eagerly: run every step in Python; else `fit`, `evaluate` and `predict` record
                their steps and replay them (see `fastnn.capture`).
            steps_per_execution, jit_compile, auto_scale_loss: accepted for Keras's sake; they
                change nothing.

        Raises:
            ValueError: an unknown name; the message lists the known ones.

        >>> import fastnn as fn
        >>> model = fn.Sequential([fn.Input((4,)), fn.layers.Dense(3, activation="softmax")])
        >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        """
        objective = Objective(loss, loss_weights, metrics, weighted_metrics)
        self.optimizer = optimizers.get(optimizer)
        own = vars(self)
        own["loss"] = loss
        own["_objective"] = objective
        own["_loss_tracker"] = Mean(name="loss")
        own["_trained"] = None
        if self.built:
            for variable in self.variables:
                variable.trainable = variable.trainable  # what `_trained_variables` may have undone
            own["_trained"] = (None, self.variables, self.trainable_variables)
        if self._shuffle_seed is None:
            own["_shuffle_seed"] = random.getrandbits(62)
        own["_compile_arguments"] = {
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        self.stop_training = False
        self.run_eagerly = bool(run_eagerly)
        self.compiled = True

    def get_compile_config(self) -> dict | None:
        """The arguments of `compile` as plain values, None before it."""
        if self._compile_arguments is None:
            return None
        arguments = {"optimizer": self.optimizer, **self._compile_arguments}
        arguments["run_eagerly"] = self.run_eagerly
        return {name: serialize_keras_object(value) for name, value in arguments.items()}

    def compile_from_config(self, config: dict) -> None:
        """Compiles as `get_compile_config` said, and builds the optimizer.

        A class with a `compile` of its own, whose arguments nobody knows, warns and stays as it is.
        """
        if self._overrides("compile"):
            warnings.warn(
                f"{self.name}: {type(self).__name__} has a compile of its own, which was not "
                "called; call it, or override compile_from_config",
                stacklevel=2,
            )
            return
        self.compile(**{name: deserialize_keras_object(item) for name, item in config.items()})
        if self.built and self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def get_training_state(self) -> dict:
        """What, with the weights, the optimizer's variables and the seed generators, makes
        training that is taken up again equal to training that never stopped."""
        return {"shuffle_seed": self._shuffle_seed, "epoch_count": self._epoch_count}

    def set_training_state(self, state: dict) -> None:
        """The inverse of `get_training_state`."""
        seed, count = state.get("shuffle_seed"), state.get("epoch_count", 0)
        vars(self).update(_shuffle_seed=seed, _epoch_count=int(count))

    # -- metrics --------------------------------------------------------------------------------

    @property
    def metrics(self) -> list:
        """The loss tracker, the metrics of `compile`, and those of layers."""
        if not self.compiled:
            return super().metrics
        found = [metric for _, metric in self._named_metrics()]
        return found + [m for m in super().metrics if not any(m is other for other in found)]

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Starts all metrics anew."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict:
        """The figures so far, by name."""
        named = self._named_metrics()
        known = [metric for _, metric in named]
        named += [(m.name, m) for m in self.metrics if not any(m is other for other in known)]
        logs: dict = {}
        for name, metric in named:
            value = value_of(metric)
            logs.update(value if isinstance(value, dict) else {name: value})
        return logs

    def _named_metrics(self) -> list[tuple[str, Any]]:
        return [("loss", self._loss_tracker), *self._objective.named_metrics()]

    def _own_metrics(self) -> list:
        """Metrics that layers (or the model as a layer) keep themselves."""
        return super().metrics

    def _logs(self) -> dict:
        if self._step_logs is not None:
            return {name: float(value) for name, value in self._step_logs.items()}
        return self.get_metrics_result()

    # -- a step, to be overridden ---------------------------------------------------------------

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The loss of a batch: those of `compile`, of regularizers and of `add_loss`."""
        self._match(y, y_pred)
        total = self._objective.loss(y, y_pred, sample_weight)
        for extra in self.losses:
            total = extra if total is None else total + ops.cast(extra, total.dtype)
        if total is None:
            raise ValueError(
                "no loss to compute: give `loss` in compile (and targets), or use add_loss"
            )
        return total

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, float]:
        """Adds a batch to the metrics of `compile` and returns all figures."""
        self._match(y, y_pred)
        self._objective.update(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def train_step(self, data: Any) -> dict | None:
        """One step on a batch: x, (x, y) or (x, y, sample_weight). An override returns its logs."""
        x, y, weight = unpack_x_y_sample_weight(data)
        if self.built:
            self._trained_variables()  # sees to their flags, which the tape reads
        y_pred = self(x, training=True)
        loss = self._loss_of(x, y, y_pred, weight, True)
        variables = self._trained_variables()
        if variables:
            optimizer: Any = self.optimizer
            optimizer.build(variables)  # some know only then whether they probe
            found = gradients(optimizer.scale_loss(loss), variables)
            if optimizer.probes:

                def again() -> list:
                    repeated = self._loss_of(x, y, self(x, training=True), weight, True)
                    return gradients(optimizer.scale_loss(repeated), variables)

                optimizer.probe(found, variables, again)
            optimizer.apply(found, variables)
        else:
            warnings.warn("the model has no trainable weights: nothing is trained", stacklevel=2)
        return self._judge(x, y, y_pred, weight, loss)

    def test_step(self, data: Any) -> dict | None:
        """Evaluates a batch, as `train_step` has it. An override returns its logs."""
        x, y, weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        return self._judge(x, y, y_pred, weight, self._loss_of(x, y, y_pred, weight, False))

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch, as `train_step` has it."""
        return self(unpack_x_y_sample_weight(data)[0], training=False)

    def _loss_of(self, x: Any, y: Any, y_pred: Any, weight: Any, training: bool) -> Tensor:
        objective = self._objective
        first = not objective.built
        options = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": weight}
        if "training" in signature_of(self.compute_loss).names:
            options["training"] = training
        try:
            return self.compute_loss(**options)
        except BaseException:
            objective.built = objective.built and not first  # what was a bad batch decides nothing
            raise

    def _judge(self, x: Any, y: Any, y_pred: Any, weight: Any, loss: Tensor) -> dict | None:
        with no_grad():
            rows = tree.flatten(x)[0].shape[0]
            self._loss_tracker.add_scaled(loss.detach(), rows)
            if self._overrides("compute_metrics"):
                return self.compute_metrics(x, y, y_pred, weight)
            self._match(y, y_pred)
            self._objective.update(y, y_pred, weight)
        return None

    def _match(self, y: Any, y_pred: Any) -> None:
        """Matches losses and metrics with the outputs, by the first batch."""
        if not self._objective.built:
            self._objective.build(y, y_pred, getattr(self, "output_names", None))

    def _overrides(self, *names: str) -> bool:
        return any(getattr(type(self), name) is not getattr(Compiled, name) for name in names)

    def _trained_variables(self) -> list[Variable]:
        """The variables to train: those that were trainable at `compile`, or that were made since
        by building the model."""
        known, version = self._trained, config.version
        if known is not None and known[0] == version:
            return known[2]
        variables = self.variables
        if known is None or not _same(known[1], variables):
            trained = self.trainable_variables
        else:
            trained = known[2]
            if not all(variable.requires_grad for variable in trained):
                warnings.warn(
                    "a layer's `trainable` was changed after compile; it counts after the next "
                    "compile",
                    stacklevel=3,
                )
                for variable in trained:
                    variable.requires_grad = True
        vars(self)["_trained"] = (version, variables, trained)
        return trained


def _same(a: list, b: list) -> bool:
    return len(a) == len(b) and all(x is y for x, y in zip(a, b))
