"""What the digit experiments of lectures I and II share: dense networks, trained alike, compared.

Common setting: the first 10,000 digits of MNIST for training, all 10,000 for testing, a network
784-500-500-10 with sigmoid, Glorot's uniform weights, SGD with rate 0.1, 100 digits a batch, 20
epochs. The 8x8 digits that come with fastnn take MNIST's place where it is not here, with smaller
batches and more epochs, as there are fewer of them.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import Digits, Table, folder_for, load_digits, save_picture

IMAGES = 10_000  # with this many the course's figures come into reach
# Epochs and digits a batch.
FULL = {"mnist": (20, 100), "digits": (60, 10)}
QUICK = {"mnist": (5, 100), "digits": (20, 10)}
QUICK_TESTS = 2000


@dataclass(frozen=True)
class Net:
    """A dense network and how it is trained; ``dataclasses.replace`` makes another of it.

    Attributes:
        hidden: units of the hidden layers.
        activation: of the hidden layers; or a function that makes a layer for so many units.
        loss: by name, with 0-1 vectors for labels.
        optimizer: makes one.
        dropout: rate after each hidden layer.
        batch_size: None: that of the setting; 0: all digits at once.
        regularizer: of the hidden kernels, where `activation` is a name.
        shuffle: whether each epoch takes the digits in an order of its own.
        callbacks: makes those of one training.
    """

    hidden: tuple[int, ...] = (500, 500)
    activation: str | Callable[[int], fn.Layer] = "sigmoid"
    loss: str = "categorical_crossentropy"
    optimizer: Callable[[], Any] = lambda: fn.optimizers.SGD(0.1)
    dropout: float = 0.0
    batch_size: int | None = None
    regularizer: Any = None
    shuffle: bool = True
    callbacks: Callable[[], list] = list

    def build(self, inputs: int, classes: int = 10) -> fn.Sequential:
        """The compiled network."""
        model = fn.Sequential([fn.Input((inputs,))])
        for units in self.hidden:
            if callable(self.activation):
                model.add(self.activation(units))
            else:
                model.add(
                    fn.layers.Dense(
                        units,
                        activation=self.activation,
                        kernel_regularizer=self.regularizer,
                    )
                )
            if self.dropout:
                model.add(fn.layers.Dropout(self.dropout))
        model.add(fn.layers.Dense(classes, activation="softmax"))
        model.compile(self.optimizer(), self.loss, metrics=["accuracy"])
        return model


@dataclass(frozen=True)
class Setting:
    """What all networks of an experiment are trained on, and for how long."""

    digits: Digits
    epochs: int
    batch_size: int
    seed: int
    verbose: Any

    def train(self, net: Net) -> tuple[fn.Sequential, dict]:
        """A network trained from the setting's seed, and its figures.

        Figures: accuracy on the test digits at the end, training_accuracy, seconds, parameters and
        the history of fit.
        """
        fn.utils.set_random_seed(self.seed)
        d = self.digits
        model = net.build(d.x_train.shape[1])
        batch = self.batch_size if net.batch_size is None else net.batch_size or len(d.x_train)
        targets, truth = (fn.utils.to_categorical(y, 10) for y in (d.y_train, d.y_test))
        start = time.perf_counter()
        history = model.fit(
            d.x_train,
            targets,
            batch_size=batch,
            epochs=self.epochs,
            validation_data=(d.x_test, truth),
            callbacks=net.callbacks(),
            shuffle=net.shuffle,
            verbose=self.verbose,
        ).history
        return model, {
            "accuracy": history["val_accuracy"][-1],
            "training_accuracy": history["accuracy"][-1],
            "seconds": time.perf_counter() - start,
            "parameters": model.count_params(),
            "history": history,
        }


def setting(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    images: int = IMAGES,
) -> Setting:
    """The common setting with the first `images` training digits, as rows of pixels from 0 to 1.

    Quick runs are tested on fewer digits.
    """
    digits = load_digits(images, QUICK_TESTS if quick else None)
    x_train, x_test = (x.reshape(len(x), -1) for x in (digits.x_train, digits.x_test))
    usual = (QUICK if quick else FULL)[digits.name]
    return Setting(
        replace(digits, x_train=x_train, x_test=x_test),
        epochs or usual[0],
        batch_size or usual[1],
        seed,
        2 if quick else "auto",
    )


def compare(
    title: str,
    nets: Mapping[str, Net],
    common: Setting,
    course: Mapping[str, float],
    models: dict[str, fn.Sequential] | None = None,
) -> dict[str, dict]:
    """Trains all networks and prints the course's test accuracies beside those here.

    The figures of each, as ``Setting.train`` gives them; `models` gets the trained networks. What
    is done when the run is interrupted is printed all the same.
    """
    figures: dict[str, dict] = {}
    header = ["network", "course", "here", "on training data", "seconds"]
    with Table(f"{title}: {common.digits}", header) as t:
        for name, net in nets.items():
            model, figures[name] = common.train(net)
            if models is not None:
                models[name] = model
            f = figures[name]
            t.add(name, course.get(name, "-"), f["accuracy"], f["training_accuracy"], f["seconds"])
    return figures


def experiment(
    name: str,
    title: str,
    nets: Mapping[str, Net],
    course: Mapping[str, float],
    common: Setting,
    out: str | Path | None,
    models: dict[str, fn.Sequential] | None = None,
) -> tuple[dict[str, Any], Path]:
    """``compare``, the curves of all networks saved, and the recipe's folder.

    The figures hold "dataset" too, the name of the digits.
    """
    folder = folder_for(name, out)
    figures = compare(title, nets, common, course, models)
    histories = {name: f["history"] for name, f in figures.items()}
    save_picture(folder / "training.png", plots.curves, histories, "accuracy")
    return {"dataset": common.digits.name, **figures}, folder
