"""fit, evaluate and predict: what a Model inherits to be trained."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fastnn.callbacks import CallbackList, History
from fastnn.models.interrupt import InterruptGuard
from fastnn.models.placement import at_home
from fastnn.models.progress import ticker
from fastnn.models.records import position_of
from fastnn.models.training_arguments import (
    check_class_weight,
    is_due,
    split,
    step_count,
    validated_epochs,
)
from fastnn.models.training_data import Results, convert, make_data
from fastnn.models.training_feed import Feed, NoBatches
from fastnn.models.training_passes import Passes, display_of
from fastnn.models.training_step import (
    evaluation_step,
    prediction_step,
    run_epoch,
    training_calls,
    training_step,
)
from fastnn.utils import tree
from fastnn.utils.integers import integer


class Trainer(Passes):
    """The training side of a model: a mixin beside Layer."""

    @at_home
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: dict | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Trains the model.

        Ctrl-C ends it after the running step: weights, optimizer and metrics agree, and the model
        can be trained on.

        Args:
            x: inputs [samples, ...]: an array or Tensor, a list or dictionary of them, or an
                iterable that yields (x, y) or (x, y, sample_weight) batch by batch.
            y: targets, as x; integer labels stay integers.
            batch_size: 32 if None; with a number of steps, what makes so many of a pass.
            epochs: the number of the epoch to stop before, counted from `initial_epoch`.
            verbose: 0 silent; 1 or "auto" a bar on a terminal, else lines; 2 a line an epoch.
            callbacks: a Callback or several.
            validation_split: the share of samples, from the end, to validate with.
            validation_data: x, (x, y), (x, y, sample_weight) or an iterable of batches.
            shuffle: True: a new order each epoch, which depends on the seed and the number of
                epochs trained so far; False; or "batch": within batches only.
            class_weight: {label: weight}.
            sample_weight: a weight for each sample (or each value of the loss).
            steps_per_epoch: steps an epoch; passes over the data then follow each other.
            validation_steps: batches to validate with, from the first one on.
            validation_batch_size: `batch_size` if None.
            validation_freq: validate every so many epochs, or a list of epochs counted from 1.

        Returns:
            The History, whose `history` has a list of values for each figure.

        Raises:
            RuntimeError: before `compile`.
            ValueError: data that is empty, of different lengths, with NaN or unknown labels.
            TypeError: data that does not hold numbers.

        >>> import fastnn as fn, numpy as np
        >>> model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> len(model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=3, verbose=0).history["loss"])
        3
        """
        self._require_compiled("fit")
        epochs = integer("fit: epochs", epochs)
        initial_epoch = integer("fit: initial_epoch", initial_epoch)
        steps_per_epoch = step_count("fit: steps_per_epoch", steps_per_epoch)
        validation_steps = step_count("fit: validation_steps", validation_steps)
        validation_freq = validated_epochs(validation_freq)
        check_class_weight("fit", class_weight)
        data = make_data(x, y, sample_weight, batch_size, class_weight, steps_per_epoch)
        if validation_data is None and validation_split:
            data, validation_data = split(data, validation_split)
            if batch_size is None:
                data.divide(steps_per_epoch)
            if class_weight is not None:
                validation_data.drop_weights()
        validate = self._validation(
            validation_data, validation_batch_size or batch_size, validation_steps
        )
        feed = Feed(data, steps_per_epoch, self._order(data, shuffle))
        hooks = CallbackList(
            callbacks, True, self, verbose=verbose, epochs=epochs, steps=feed.steps
        )
        display = display_of(hooks, verbose, epochs, feed.steps)
        hooks_begin, hooks_end = (hooks.hooks(f"on_train_batch_{w}") for w in ("begin", "end"))
        self.stop_training = False
        self.history = hooks.history
        vars(self)["_initial_epoch"] = initial_epoch
        calls = training_calls(self)
        position = position_of(self)
        around = position.numpy().copy()  # of the pass of a `fit` whose callback calls this one
        logs: dict = {}
        try:
            with InterruptGuard() as guard, hooks:
                hooks.on_train_begin()
                for epoch in range(self._initial_epoch, epochs):
                    self.reset_metrics()
                    hooks.on_epoch_begin(epoch)
                    if display is not None:
                        display.epoch_begin(epoch)
                    tick = ticker(display, self._logs)
                    steps = feed.epoch(calls)
                    taken = run_epoch(self, steps, guard, hooks_begin, hooks_end, tick)
                    if not taken:
                        if not feed.exhausted and (not logs or feed.is_renewable):
                            raise NoBatches("x yields no batches")
                        if not feed.exhausted:
                            warnings.warn("fit: x ran out of batches", stacklevel=2)
                        break
                    logs = self._logs()
                    if validate is not None and is_due(validation_freq, epoch):
                        figures = validate(hooks)
                        logs.update({f"val_{name}": value for name, value in figures.items()})
                    if display is not None:
                        display.epoch_end(taken, logs)
                    hooks.on_epoch_end(epoch, logs)
                    if self.stop_training or feed.exhausted:
                        break
                optimizer: Any = self.optimizer
                optimizer.finalize_variable_values(self.trainable_variables)
                hooks.on_train_end(logs)
        finally:
            position.assign(around)
            self.history = hooks.history  # also after a `fit` that a callback called
            if display is not None:
                display.close()
        return hooks.history  # type: ignore[return-value]  # add_history is set

    @at_home
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and the metrics on data; arguments as of `fit`.

        Returns:
            The loss if there is nothing else, a list of figures, or a dictionary with
            `return_dict=True`.

        >>> import fastnn as fn, numpy as np
        >>> model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> model.evaluate(np.ones((8, 2)), np.ones((8, 1)), verbose=0)
        1.0
        """
        self._require_compiled("evaluate")
        steps = step_count("evaluate: steps", steps)
        data = make_data(x, y, sample_weight, batch_size, steps=steps)
        feed = Feed(data, steps, anew=True)
        hooks = CallbackList(callbacks, False, self, verbose=verbose, epochs=1, steps=feed.steps)
        with hooks:
            logs = self._evaluate(feed, hooks, display_of(hooks, verbose, None, feed.steps))
        return logs if return_dict else self._listed(logs)

    @at_home
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for all of x as NumPy arrays, in the structure of the model's outputs.

        >>> import fastnn as fn, numpy as np
        >>> model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1, kernel_initializer="ones")])
        >>> model.predict(np.ones((2, 2)), verbose=0)
        array([[2.],
               [2.]], dtype=float32)
        """
        steps = step_count("predict: steps", steps)
        feed = Feed(make_data(x, batch_size=batch_size, steps=steps), steps, anew=True)
        hooks = CallbackList(callbacks, False, self, verbose=verbose, epochs=1, steps=feed.steps)
        display = display_of(hooks, verbose, None, feed.steps)
        begins, ends = (hooks.hooks(f"on_predict_batch_{w}") for w in ("begin", "end"))
        results = Results(feed.data.rows if steps is None else None)
        count = 0

        predicted = prediction_step(self)

        def step(x: Any, y: Any, weight: Any) -> None:
            nonlocal count
            for hook in begins:
                hook(count, {})
            outputs = predicted(x, y, weight)
            results.add(outputs, tree.flatten(x)[0].shape[0])
            for hook in ends:
                hook(count, {"outputs": tree.map_structure(np.asarray, outputs)})
            count += 1

        begin, end = hooks.on_predict_begin, hooks.on_predict_end
        with hooks:
            self._run_quietly(step, feed, begin, end, display, dict, "stop_predicting")
        return results.arrays()

    @at_home
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step on one batch. The figures are those of this batch alone.

        Returns:
            As `evaluate`.
        """
        self._require_compiled("train_on_batch")
        check_class_weight("train_on_batch", class_weight)
        batch = convert(x, y, sample_weight, class_weight)
        self.reset_metrics()
        vars(self)["_step_logs"] = training_step(self)(*batch)
        return self._logs() if return_dict else self._listed(self._logs())

    @at_home
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Evaluates one batch; see `train_on_batch`."""
        self._require_compiled("test_on_batch")
        batch = convert(x, y, sample_weight)
        self.reset_metrics()
        vars(self)["_step_logs"] = evaluation_step(self)(*batch)
        return self._logs() if return_dict else self._listed(self._logs())

    @at_home
    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch as NumPy arrays."""
        outputs = prediction_step(self)(*convert(x, None, None))
        return tree.map_structure(lambda t: np.array(t.numpy()), outputs)

    def _listed(self, logs: dict) -> Any:
        """Figures without their names: the loss alone, or a list. Of a model with several outputs
        their losses come first, then metrics of layers, then the others by name, as in Keras."""
        if len(self._objective.names) > 1:
            own = [metric.name for metric in self._own_metrics()]
            first = [n for n in ("loss", *self._objective.loss_names(), *own) if n in logs]
            logs = {name: logs[name] for name in [*first, *sorted(logs.keys() - first)]}
        values = list(logs.values())
        return values[0] if len(values) == 1 else values

    def _require_compiled(self, operation: str) -> None:
        if not self.compiled:
            raise RuntimeError(f"{operation}: call compile(optimizer, loss, ...) first")
        if operation.startswith(("fit", "train")) and self.optimizer is None:
            raise RuntimeError(f"{operation}: compile was called without an optimizer")
