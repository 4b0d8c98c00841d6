"""The recipe of deep learning as two questions that a training's record answers.

Good on training data? If not: loss, mini-batches, activation, learning rate, optimizer, structure.
Good on testing data? If not: more data, early stopping, weight decay, dropout, structure.
Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, "Recipe of Deep
Learning".
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GOOD = 0.9  # training accuracy
GAP = 0.07  # of training and validation accuracy
SATURATING = ("sigmoid", "tanh")
MANY_LAYERS = 4
STILL_FALLING = 0.02  # of the loss, in the last fifth of the training


@dataclass
class Advice:
    """What a training's record shows.

    Attributes:
        fails: "training", "testing", or None where nothing does.
        tips: what to try, the most likely cure first.
        tested: whether the record has validation data to answer the second question with.
    """

    fails: str | None
    tips: list[str] = field(default_factory=list)
    tested: bool = True

    def __str__(self) -> str:
        verdict = {
            None: "Good on training data, good on testing data."
            if self.tested
            else "Good on training data; without validation data nothing is known of testing data.",
            "training": "Not good on training data yet.",
            "testing": "Good on training data, not on testing data: it overfits.",
        }[self.fails]
        return "\n".join([verdict, *(f"- {tip}" for tip in self.tips)])


def advise(history: Any, model: Any = None) -> Advice:
    """Which of the two questions fails, and which tips apply.

    Args:
        history: what ``fit`` returns, or its dictionary {figure: values an epoch}, with loss and
            accuracy and, for the second question, val_accuracy.
        model: the network, which tells its loss and its layers; None: that of ``history``, if it
            knows one.

    Raises:
        ValueError: no loss or no accuracy in the record.

    >>> advise({"loss": [2.0, 0.2], "accuracy": [0.3, 0.99], "val_accuracy": [0.3, 0.8]}).fails
    'testing'
    """
    model = getattr(history, "model", None) if model is None else model
    logs: Mapping[str, Sequence[float]] = getattr(history, "history", history)
    accuracy_name = next(
        (n for n in logs if n.endswith(("accuracy", "acc")) and n[:4] != "val_"), ""
    )
    accuracy = _known(logs.get(accuracy_name, ()))
    if not logs.get("loss") or not accuracy:
        raise ValueError(
            f"advise: the record has {', '.join(logs) or 'nothing'}, expected loss and accuracy"
        )
    loss = list(logs["loss"])
    if not all(map(math.isfinite, loss)):
        tip = "The loss is no longer a number: lower the learning rate, or clip gradients."
        return Advice("training", [tip])
    if accuracy[-1] < GOOD:
        return Advice("training", _training_tips(loss, model))
    validation = _known(logs.get(f"val_{accuracy_name}", ()))
    if validation and accuracy[-1] - validation[-1] > GAP:
        return Advice("testing", _testing_tips(logs))
    return Advice(None, tested=bool(validation))


def _known(values: Sequence[float]) -> list[float]:
    """Without the epochs that have no figure, as validation_freq leaves them."""
    return [value for value in values if math.isfinite(value)]


def _training_tips(loss: list[float], model: Any) -> list[str]:
    tips = []
    if model is not None and _squared_error_after_softmax(model):
        tips.append("Choose a proper loss: cross-entropy behind a softmax, not the squared error.")
    deep = model is not None and _saturating_layers(model) >= MANY_LAYERS
    if deep:
        tips.append(
            "Choose another activation: gradients vanish in many sigmoid or tanh layers; try ReLU."
        )
    if len(loss) == 1:
        return [*tips, "Train for more than one epoch: one does not tell whether the loss falls."]
    last = loss[-max(2, len(loss) // 5 + 1) :]
    falling = (last[0] - last[-1]) > STILL_FALLING * abs(last[0])
    if loss[-1] > 1.2 * min(loss):
        tips.append("Lower the learning rate: the loss has risen again.")
    elif falling and not deep:
        tips.append("Raise the learning rate, or use Adam, or train longer: the loss still falls.")
    elif not tips:
        tips.append("Use more neurons or layers: the loss has stopped falling.")
    tips.append("Adaptive learning rates (Adam) and mini-batches make training easier.")
    return tips


def _testing_tips(logs: Mapping) -> list[str]:
    tips = ["Have more training data, or make some (augmentation)."]
    losses = _known(logs.get("val_loss", ()))
    if losses and losses[-1] > 1.1 * min(losses):
        epoch = list(losses).index(min(losses)) + 1
        tips.append(f"Stop early: the validation loss was least after epoch {epoch}.")
    tips += ["Use dropout.", "Use weight decay.", "Use a smaller network, or a convolutional one."]
    return tips


def _layers(model: Any) -> list:
    """All layers, those of models inside models too."""
    found = []
    for layer in getattr(model, "layers", ()):
        found += _layers(layer) or [layer]
    return found


def _activation(layer: Any) -> str:
    return getattr(getattr(layer, "activation", None), "__name__", "")


def _squared_error_after_softmax(model: Any) -> bool:
    loss = getattr(model, "loss", None)
    name = str(getattr(loss, "name", None) or getattr(loss, "__name__", None) or loss or "")
    layers = _layers(model)
    squared = name.lower() in ("mse", "mean_squared_error", "meansquarederror")
    return squared and bool(layers) and _activation(layers[-1]) == "softmax"


def _saturating_layers(model: Any) -> int:
    return sum(_activation(layer) in SATURATING for layer in _layers(model))


def read_log(path: str | Path) -> dict[str, list[float]]:
    """The record that CSVLogger wrote.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not such a file.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            first = file.readline()
            separator = next((mark for mark in ",;\t|" if f"epoch{mark}" in first), ",")
            file.seek(0)
            rows = list(csv.DictReader(file, delimiter=separator))
        return {
            name: [float("nan") if row[name] == "NA" else float(row[name]) for row in rows]
            for name in (rows[0] if rows else ())
            if name != "epoch"
        }
    except OSError as error:
        raise OSError(f"advise: {path} cannot be read: {error.strerror}") from error
    except (TypeError, ValueError, csv.Error) as error:
        raise ValueError(f"advise: {path} is not what CSVLogger writes: {error}") from None
