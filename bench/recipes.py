"""Six experiments of the recipes beside the same in PyTorch and in Keras on JAX.

    python -m bench.recipes [--epochs N]

Each is a training as the recipe runs it, with the test digits after every epoch: `fit` here and in
Keras, a loop as PyTorch's tutorials write it. Random numbers stand for the digits: time does not
depend on them. Engines take turns; the times are medians over turns, after one for warming up.
The first table shows what the recipes' own loop adds to the bare `fit`.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np

import fastnn as fn
from bench.measure import settle
from fastnn.recipes import documents, dropout, loss_choice, mnist_cnn, optimizers, relu
from fastnn.recipes.common import Digits, print_table
from fastnn.recipes.digit_nets import Net, Setting

TURNS = 5


@dataclass(frozen=True)
class Experiment:
    """A recipe's network in words that all engines know.

    Attributes:
        inputs: the shape of an example.
        layers: ("dense", units), ("conv", filters), ("pool",), ("flatten",), ("dropout", rate).
        activation: "sigmoid" or "relu", of all hidden layers.
        optimizer, rate: "sgd" or "adam".
    """

    name: str
    inputs: tuple[int, ...]
    layers: tuple
    activation: str
    optimizer: str
    rate: float
    classes: int = 10
    rows: int = 10_000
    tests: int = 10_000
    batch: int = 100

    def data(self) -> tuple[np.ndarray, ...]:
        draws = np.random.default_rng(0)
        sets = []
        for rows in (self.rows, self.tests):
            sets += [
                draws.random((rows, *self.inputs), np.float32),
                draws.integers(0, self.classes, rows),
            ]
        return tuple(sets)


def of_net(name: str, net: Net, optimizer: str, rate: float, **settings) -> Experiment:
    """A dense network of the recipes."""
    layers: list[tuple] = []
    for units in net.hidden:
        layers.append(("dense", units))
        if net.dropout:
            layers.append(("dropout", net.dropout))
    settings = {"inputs": (784,), **settings}
    return Experiment(
        name,
        layers=tuple(layers),
        activation=str(net.activation),
        optimizer=optimizer,
        rate=rate,
        **settings,
    )


def experiments() -> list[Experiment]:
    adam = Net(activation="relu")
    cnn = (
        ("conv", 25),
        ("pool",),
        ("conv", 50),
        ("pool",),
        ("flatten",),
        ("dropout", 0.25),
        ("dense", 100),
        ("dropout", 0.25),
    )
    return [
        of_net("loss-choice: cross-entropy", loss_choice.NETS["cross-entropy"], "sgd", 0.1),
        of_net("relu: nine layers", Net(relu.DEEP, "relu"), "sgd", 0.1),
        of_net("optimizers: Adam", adam, "adam", 1e-3),
        of_net("dropout: 0.8 twice", replace(adam, dropout=max(dropout.RATES)), "adam", 1e-3),
        of_net(
            "documents: dropout",
            documents.STEPS["+ dropout"],
            "adam",
            1e-3,
            inputs=(documents.WORDS,),
            classes=46,
            rows=8982,
            tests=2246,
        ),
        Experiment("mnist-cnn", (28, 28, 1), cnn, "relu", "adam", mnist_cnn.SETTINGS["mnist"][2]),
    ]


def keras_style(keras, e: Experiment, epochs: int) -> Callable[[], object]:
    """In the vocabulary of Keras 3, which fastnn shares."""
    layers = keras.layers
    make = {
        "dense": lambda units: layers.Dense(units, activation=e.activation),
        "conv": lambda filters: layers.Conv2D(filters, 3, activation=e.activation),
        "pool": lambda: layers.MaxPooling2D(2),
        "flatten": layers.Flatten,
        "dropout": layers.Dropout,
    }
    model = keras.Sequential([keras.Input(e.inputs)])
    for kind, *arguments in e.layers:
        model.add(make[kind](*arguments))
    model.add(layers.Dense(e.classes, activation="softmax"))
    optimizer = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}[e.optimizer](e.rate)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y, x_test, y_test = e.data()
    return lambda: model.fit(
        x, y, batch_size=e.batch, epochs=epochs, validation_data=(x_test, y_test), verbose=0
    )


def torchs(e: Experiment, epochs: int) -> Callable[[], object]:
    import torch
    from torch import nn

    activation = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU}[e.activation]
    make = {
        "dense": lambda units: [nn.LazyLinear(units), activation()],
        "conv": lambda filters: [nn.LazyConv2d(filters, 3), activation()],
        "pool": lambda: [nn.MaxPool2d(2)],
        "flatten": lambda: [nn.Flatten()],
        "dropout": lambda rate: [nn.Dropout(rate)],
    }
    model = nn.Sequential()
    for kind, *arguments in e.layers:
        model.extend(make[kind](*arguments))
    model.append(nn.LazyLinear(e.classes))
    sets = [torch.from_numpy(part) for part in e.data()]
    x, y, x_test, y_test = (
        part.permute(0, 3, 1, 2).contiguous() if part.ndim == 4 else part for part in sets
    )
    model(x[:2])
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[e.optimizer]
    optimizer = kind(model.parameters(), lr=e.rate)

    def run():
        for _ in range(epochs):
            model.train()
            for rows in torch.randperm(len(x)).split(e.batch):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                for some in torch.arange(len(x_test)).split(e.batch):
                    out = model(x_test[some])
                    nn.functional.cross_entropy(out, y_test[some]).item()
                    (out.argmax(1) == y_test[some]).sum().item()

    return run


def kerass(e: Experiment, epochs: int) -> Callable[[], object]:
    import keras

    return keras_style(keras, e, epochs)


def medians(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of each call, in turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(TURNS + 1):
        for name, call in calls.items():
            settle()
            start = time.perf_counter()
            call()
            if turn:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def overhead(epochs: int) -> list:
    """The recipes' training, and the bare fit of the same network on the same data."""
    e = next(e for e in experiments() if e.optimizer == "adam")
    digits = Digits("random", *e.data())
    common = Setting(digits, epochs, e.batch, 0, 0)
    net = Net(activation="relu", optimizer=optimizers.optimizers()["Adam"])
    model = net.build(784)
    targets, truth = (fn.utils.to_categorical(y, 10) for y in (digits.y_train, digits.y_test))
    found = medians(
        {
            "the recipes' loop": lambda: common.train(net),
            "fit": lambda: model.fit(
                digits.x_train,
                targets,
                batch_size=e.batch,
                epochs=epochs,
                validation_data=(digits.x_test, truth),
                verbose=0,
            ),
        }
    )
    return [e.name, *found.values(), found["the recipes' loop"] / found["fit"]]


def main() -> int:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description="Recipes beside PyTorch and Keras on JAX.")
    parser.add_argument("--epochs", type=int, default=2)
    epochs = parser.parse_args().epochs
    print_table(
        f"{epochs} epochs, seconds",
        ["experiment", "the recipes' loop", "fit", "ratio"],
        [overhead(epochs)],
    )
    engines = {
        "fastnn": lambda e, n: keras_style(fn, e, n),
        "PyTorch": torchs,
        "Keras on JAX": kerass,
    }
    needs = {"PyTorch": "torch", "Keras on JAX": "keras"}
    engines = {n: make for n, make in engines.items() if n not in needs or find_spec(needs[n])}
    rows = []
    for e in experiments():
        found = medians({name: make(e, epochs) for name, make in engines.items()})
        peers = [seconds for name, seconds in found.items() if name != "fastnn"]
        ratio = f"{min(peers) / found['fastnn']:.2f}" if peers else "-"
        rows.append([e.name, *(f"{s:.3f}" for s in found.values()), ratio])
    print_table(
        f"{epochs} epochs with tests, seconds", ["experiment", *engines, "best peer / fastnn"], rows
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
