"""Steps of training and evaluation, with all that stays the same looked up beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _core, config
from fastnn.autograd import gradients, no_grad
from fastnn.captured import Call, Captured
from fastnn.context import context
from fastnn.dtypes import FLOATS
from fastnn.layers import masks
from fastnn.metrics import Mean, MeanMetricWrapper
from fastnn.models.interrupt import InterruptGuard
from fastnn.models.records import position_of, recorded
from fastnn.models.training_compile import evaluator
from fastnn.models.training_data import IterableData, batch_dtype
from fastnn.models.training_feed import Calls, Runs
from fastnn.tensor import Tensor, Variable
from fastnn.utils import tree
from fastnn.utils.batches import pack_x_y_sample_weight

if TYPE_CHECKING:
    from fastnn.models.training_compiled import Compiled


_START = np.zeros(1, np.int64)
UNWATCHED_SECONDS = 0.02  # for so long, steps are taken without a look at Ctrl-C or the display
Step = Callable[[Any, Any, Any], "dict | None"]  # of (x, y, sample_weight)


def run_epoch(
    model: Compiled,
    runs: Iterable[tuple[Call, int]],
    guard: InterruptGuard,
    begin_hooks: list[Callable],
    end_hooks: list[Callable],
    tick: Callable[[int], None] | None,
) -> int:
    """Takes step after step until the data ends or somebody sets `stop_training`.

    Nobody looks at a single step where there are no hooks: then several are taken at once.

    Returns:
        The number of steps taken.
    """
    count = 0
    own = vars(model)
    seconds = 0.0 if begin_hooks or end_hooks else UNWATCHED_SECONDS
    for call, left in runs:
        while left:
            for hook in begin_hooks:
                hook(count, {})
            guard.busy = True
            own["_step_logs"], taken = call.repeat(left if seconds else 1, seconds)
            guard.busy = False
            left -= taken
            count += taken
            if guard.pending is not None:
                guard.check()
            if end_hooks:
                logs = model._logs()
                for hook in end_hooks:
                    hook(count - 1, logs)
            if tick is not None:
                tick(count)
            if model.stop_training:
                return count
    return count


def training_step(model: Compiled) -> Captured:
    """A function of (x, y, sample_weight) that trains a model on a batch; it returns what an
    overridden `train_step` returned, else None."""
    return recorded(model, "training step", _trained)


def _trained(model: Compiled) -> Step:
    def general(*batch: Any) -> dict | None:
        return model.train_step(pack_x_y_sample_weight(*batch))

    return _two_ways(general, _straight_training, model)


def _two_ways(
    general: Step, make_straight: Callable[[Compiled], Step | None], model: Compiled
) -> Step:
    """A step that goes the general way, which builds what there is to build, when it is new or a
    setting has changed. If the model is of the usual kind, it is a straight line of calls else."""
    straight: Step | None = None
    version = -1

    def step(x: Any, y: Any, weight: Any) -> dict | None:
        nonlocal straight, version
        if version == config.version and straight is not None and _is_plain(y, weight):
            return straight(x, y, weight)
        logs = general(x, y, weight)
        _forget_losses(model)
        if version != config.version:
            straight, version = make_straight(model), config.version
        return logs

    return step


def training_calls(model: Compiled) -> Calls:
    """What makes the steps of a pass: each takes a batch, or gathers one in a given order."""
    step = training_step(model)

    def on_rows(parts: tuple, order: Tensor, position: Variable, rows: int) -> dict | None:
        gathered = iter(_gathered(model, parts, order, position, rows))
        batch = tree.map_structure(lambda leaf: None if leaf is None else next(gathered), parts)
        return step.function(*batch)

    def calls(data: Any, order: Tensor | None) -> Runs:
        if isinstance(data, IterableData):
            for batch in data.batches():
                yield step.bind(*batch), 1
            return
        if order is None:
            order = _core.from_numpy(np.arange(data.rows, dtype=np.int64))
        gathered = recorded(model, "training step on rows", lambda _: on_rows)
        position = position_of(model)
        position.assign(_START)
        bind = partial(gathered.bind, data.structure, order, position)
        whole, rest = divmod(data.rows, data.batch_size)
        if whole:
            yield bind(data.batch_size), whole
        if rest:
            yield bind(rest), 1
        position.assign(_START)

    return calls


_CONVERSIONS = {"float32": 1, "float64": 2}  # codes of gather_batch
_MOST_CONVERSIONS = 8


def _gathered(
    model: Compiled, parts: tuple, order: Tensor, position: Variable, rows: int
) -> list[Tensor]:
    """The next rows of every column, as the dtypes that the step computes with."""
    columns = [leaf for leaf in tree.flatten(parts) if leaf is not None]
    dtypes = [batch_dtype(column) for column in columns]
    if isinstance(parts[0], Tensor) and parts[0].dtype not in FLOATS:
        dtypes[0] = _input_dtype(model) or dtypes[0]
    codes = [_CONVERSIONS.get(d, 0) if d != c.dtype else 0 for c, d in zip(columns, dtypes)]
    if len(columns) <= _MOST_CONVERSIONS:
        return _core.gather_batch(columns, order, position, rows, tuple(codes))
    batch = _core.gather_batch(columns, order, position, rows)
    return [_core.copy(x, d) if code else x for x, d, code in zip(batch, dtypes, codes)]


def _input_dtype(model: Compiled) -> str | None:
    """What a model of one input casts integers to before anybody sees them, else None."""
    expected: list = getattr(model, "_expected", [])
    usual = len(expected) == 1 and _calls_layers(model)
    if not usual or model._overrides("train_step", "compute_loss", "compute_metrics"):
        return None
    return expected[0][2] if expected[0][2] in _CONVERSIONS else None


def _forget_losses(model: Compiled) -> None:
    """What layers added with `add_loss` belongs to the step: kept, it would keep a step from being
    replayed."""
    if context.losses:
        model._clear_losses()


def _is_plain(y: Any, weight: Any) -> bool:
    """Whether targets and weights are tensors, not structures of them."""
    return isinstance(y, Tensor) and (weight is None or isinstance(weight, Tensor))


def _usual(model: Compiled) -> bool:
    """Whether a step is: one output by itself, its loss, its metrics, regularizers, no more."""
    objective = model._objective
    return (
        not model._overrides("train_step", "test_step", "compute_loss", "compute_metrics")
        and objective.built
        and objective.is_single
        and objective.losses[0] is not None
        and objective.weights[0] is None
        and not model._own_metrics()
        and not masks.state.in_use
        and not context.losses
    )


def _straight_training(model: Compiled) -> Step | None:
    if not _usual(model) or getattr(model.optimizer, "probes", False):
        return None
    variables = model._trained_variables()
    prepared: Any = None
    apply: Any = None
    loss_of, penalties = evaluator(model._objective.losses[0]), _penalties(model)
    call, judge = forward_of(model, True), _judge(model)

    def step(x: Any, y: Any, weight: Any) -> None:
        nonlocal prepared, apply
        y_pred = call(x)
        loss = loss_of(y, y_pred, weight)
        for penalty, variable in penalties:
            loss = loss + penalty(variable)
        if variables:
            optimizer: Any = model.optimizer
            found = gradients(optimizer.scale_loss(loss), variables)
            if optimizer._steps is not prepared:  # first, a changed setting, another optimizer
                prepared, apply = optimizer._steps, optimizer.prepared(variables)
            apply(found)
        judge(y, y_pred, loss, weight)

    return step


def _penalties(model: Compiled) -> list[tuple[Callable, Any]]:
    """The regularizers with their variables: those that are trained, as in `Layer.losses`."""
    pairs: list[tuple[Any, Any]]
    pairs = [(getattr(v, "regularizer", None), v) for v in model.trainable_variables]
    return [pair for pair in pairs if pair[0] is not None]


def evaluation_step(model: Compiled) -> Captured:
    """As `training_step`, for evaluation."""
    return recorded(model, "evaluation step", _evaluated)


def _evaluated(model: Compiled) -> Step:
    def general(*batch: Any) -> dict | None:
        return model.test_step(pack_x_y_sample_weight(*batch))

    step = _two_ways(general, _straight_evaluation, model)

    def without_gradients(x: Any, y: Any, weight: Any) -> dict | None:
        previous = _core.set_grad_enabled(False)
        try:
            return step(x, y, weight)
        finally:
            _core.set_grad_enabled(previous)

    return without_gradients


def prediction_step(model: Compiled) -> Captured:
    """A function of (x, y, sample_weight) that returns a model's outputs."""
    return recorded(model, "prediction step", _predicted)


def _predicted(model: Compiled) -> Callable[[Any, Any, Any], Any]:
    def step(x: Any, y: Any, weight: Any) -> Any:
        with no_grad():
            outputs = model.predict_step(pack_x_y_sample_weight(x, y, weight))
        _forget_losses(model)
        return outputs

    return step


def loss_step(model: Compiled) -> Captured:
    """A function of (x, y, sample_weight) that returns a batch's loss, as in evaluation."""
    return recorded(model, "loss", _loss)


def _loss(model: Compiled) -> Callable[[Any, Any, Any], Tensor]:
    return no_grad(lambda x, y, weight: batch_loss(model, x, y, weight, training=False))


def batch_loss(model: Compiled, x: Any, y: Any, weight: Any, training: bool) -> Tensor:
    """The loss that a step on a batch computes."""
    loss = model._loss_of(x, y, model(x, training=training), weight, training)
    _forget_losses(model)
    return loss


def _straight_evaluation(model: Compiled) -> Step | None:
    if not _usual(model):
        return None
    loss_of, penalties = evaluator(model._objective.losses[0]), _penalties(model)
    call, judge = forward_of(model, False), _judge(model)

    def step(x: Any, y: Any, weight: Any) -> None:
        y_pred = call(x)
        loss = loss_of(y, y_pred, weight)
        for penalty, variable in penalties:
            loss = loss + penalty(variable)
        judge(y, y_pred, loss, weight)

    return step


def forward_of(model: Compiled, training: bool) -> Callable[[Any], Any]:
    """The function from a batch's x to the model's outputs.

    For a chain of layers, and inputs that the model would pass on as they are, it calls the layers
    one after the other and spares the way through the model.
    """
    chain = _chain(model)
    if chain is None:
        return lambda x: model(x, training=training)
    _, shape, dtype, _ = model._expected[0]
    tail = shape[1:]

    def forward(x: Any) -> Any:
        if not isinstance(x, Tensor) or x.dtype != dtype or x.shape[1:] != tail:
            return model(x, training=training)
        outer, context.training = context.training, training
        context.depth += 1
        try:
            for layer in chain:
                x = layer(x)
            return x
        finally:
            context.training = outer
            context.depth -= 1

    return forward


def _chain(model: Compiled) -> list | None:
    """The layers if the model is a plain chain of them with one input of any batch size."""
    if (
        not _calls_layers(model)
        or model.activity_regularizer is not None
        or model.input_spec is not None
        or len(getattr(model, "_expected", ())) != 1
        or model._expected[0][1][0] is not None
        or model._expected[0][2] != model.dtype
    ):
        return None
    return model._layers if model._graph is None else model._graph._chain


def _calls_layers(model: Compiled) -> bool:
    """Whether `call` is not the user's."""
    home = getattr(type(model).call, "__module__", "")
    return home in ("fastnn.models.model", "fastnn.models.sequential")


def _judge(model: Compiled) -> Callable[[Tensor, Tensor, Tensor, Any], None]:
    """The function that adds a batch to the loss tracker and to all metrics of one output."""
    track = model._loss_tracker.add_scaled
    updates = [adder(m) for m in model._objective.metrics[0]]
    weighted = model._objective.weighted[0]
    set_grad_enabled = _core.set_grad_enabled

    def judge(y: Tensor, y_pred: Tensor, loss: Tensor, weight: Any) -> None:
        previous = set_grad_enabled(False)
        try:
            track(loss, y_pred.shape[0])
            for update in updates:
                update(y, y_pred)
            for metric in weighted:
                metric.update_state(y, y_pred, sample_weight=weight)
        finally:
            set_grad_enabled(previous)

    return judge


def adder(metric: Any) -> Callable[[Tensor, Tensor], None]:
    """How a step adds a batch without weights to a metric."""
    if (
        not isinstance(metric, MeanMetricWrapper)
        or type(metric).update_state is not MeanMetricWrapper.update_state
    ):
        return metric.update_state
    values_of, options, add = metric._fn, metric._options, metric.add

    def plain(y: Tensor, y_pred: Tensor) -> None:
        add(values_of(y, y_pred))

    def with_options(y: Tensor, y_pred: Tensor) -> None:
        add(values_of(y, y_pred, **options))

    return with_options if options else plain


def value_of(metric: Any) -> Any:
    """A metric's figure as a Python float (or a dictionary of them); several as an array."""
    if isinstance(metric, Mean):
        return metric.value()
    result = metric.result()
    if isinstance(result, dict):
        return {name: float(value) for name, value in result.items()}
    return result.numpy() if getattr(result, "ndim", 0) else float(result)
