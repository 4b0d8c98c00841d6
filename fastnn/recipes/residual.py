"""Plain and residual networks of 20 and 56 layers: which depth can be trained.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture IV, slides
"Ultra Deep Network" (Residual Net, 2015: 152 layers; "Worry about training first!").

The networks follow K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition",
CVPR 2016, section 4.2, made small (one size of image, 12 channels), with the blocks of their
"Identity mappings in deep residual networks", ECCV 2016: normalization and ReLU come before each
convolution, and nothing after the addition, so that plain and residual networks differ in the
addition alone. With ReLU after the addition, as in the first paper, 56 layers got no further than
0.4 to 0.65 in these six epochs, in fastnn and in PyTorch.
"""

import time
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import layers, plots
from fastnn.recipes.common import (
    Claim,
    Digits,
    Info,
    folder_for,
    load_digits,
    print_table,
    save_picture,
)

INFO = Info(
    lecture="IV",
    slide="Ultra Deep Network",
    question="Why did networks not simply become deeper, and what does Residual Net change?",
    minutes=1,
    dataset="mnist",
    fallback="digits",
)
NETWORKS = {f"{kind}, {depth} layers": (kind, depth) for kind in ("plain", "residual")
            for depth in (20, 56)}  # fmt: skip
CHANNELS = 12


def normalized(x: fn.Tensor) -> fn.Tensor:
    """Batch normalization and ReLU."""
    return layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))


def convolution(x: fn.Tensor, strides: int = 1) -> fn.Tensor:
    """3x3 from [n, rows, columns, any] to [n, rows / strides, columns / strides, CHANNELS]."""
    layer = layers.Conv2D(
        CHANNELS, 3, strides, "same", use_bias=False, kernel_initializer="he_normal"
    )
    return layer(x)


def build(kind: str, depth: int, shape: tuple[int, ...], steps: int) -> fn.Model:
    """A convolution of stride 2, (depth - 2) / 2 blocks of two convolutions, the mean of each
    channel, a dense layer; a block of a "residual" network adds its input to its result."""
    inputs = fn.Input(shape)
    x = convolution(inputs, strides=2)
    for _ in range((depth - 2) // 2):
        y = convolution(normalized(convolution(normalized(x))))
        x = layers.Add()([x, y]) if kind == "residual" else y
    x = layers.GlobalAveragePooling2D()(normalized(x))
    model = fn.Model(inputs, layers.Dense(10, activation="softmax")(x))
    rate = fn.optimizers.schedules.CosineDecay(0.1, steps)
    model.compile(
        optimizer=fn.optimizers.SGD(rate, momentum=0.9, nesterov=True),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def load(quick: bool) -> Digits:
    """MNIST: 5,000 training images (quick: 1,000), halved to 14x14; or the 8x8 digits."""
    digits = load_digits(1000 if quick else 5000)
    x_test, y_test = (a[: 2000 if quick else None] for a in (digits.x_test, digits.y_test))
    x_train = digits.x_train
    if digits.name == "mnist":
        x_train, x_test = (np.asarray(fn.ops.average_pool(x, 2)) for x in (x_train, x_test))
    return Digits(digits.name, x_train, digits.y_train, x_test, y_test)


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains four networks; saves their curves.

    Returns:
        dict: for each of NETWORKS the accuracy on training and on test data, processor
        seconds, history.
    """
    folder = folder_for("residual", out)
    digits = load(quick)
    count = epochs or (3 if quick else 6)
    if digits.name == "digits":
        count = epochs or (5 if quick else 15)
    batch = batch_size or 64
    steps = count * -(-len(digits.x_train) // batch)
    figures: dict = {"dataset": digits.name}
    for name, (kind, depth) in NETWORKS.items():
        fn.utils.set_random_seed(seed)
        model = build(kind, depth, digits.x_train.shape[1:], steps)
        start = time.process_time()
        history = model.fit(
            digits.x_train,
            digits.y_train,
            batch_size=batch,
            epochs=count,
            validation_data=(digits.x_test, digits.y_test),
            verbose=2 if quick else "auto",
        )
        figures[name] = {
            "train": float(model.evaluate(digits.x_train, digits.y_train, verbose=0)[1]),
            "test": float(history.history["val_accuracy"][-1]),
            "seconds": time.process_time() - start,
            "history": history.history,
        }
    print_table(
        f"{len(digits.x_train):,} training images, {count} epochs",
        ["network", "training accuracy", "test accuracy", "processor s"],
        [[n, figures[n]["train"], figures[n]["test"], figures[n]["seconds"]] for n in NETWORKS],
    )
    print("The course's Residual Net has 152 layers and errs on 3.57 % of ImageNet's pictures.")
    save_picture(folder / "training.png", losses, figures)
    return figures


def losses(figures: dict) -> plots.Drawing:
    """The losses over the epochs: plain and residual networks side by side."""
    figure, (axes,) = plots.style.new_grid(1, 2, (9, 4), sharey=True)
    for ax, kind in zip(axes, ("plain", "residual")):
        depths = {f"{d} layers": figures[f"{kind}, {d} layers"]["history"] for d in (20, 56)}
        plots.curves(depths, yscale="log", ax=ax)
        ax.set(title=kind, ylabel="cross-entropy" if kind == "plain" else "")
    return plots.Drawing(figure)


def claims(figures: dict) -> list[Claim]:
    """The deep plain network is worse than the shallow one, on training data too; the deep
    residual one is not."""
    plain, deep, shallow, residual = (figures[name] for name in NETWORKS)
    return [
        Claim("plain: 20 - 56 layers, training accuracy", plain["train"] - deep["train"], 0.3),
        Claim("plain: 20 - 56 layers, test accuracy", plain["test"] - deep["test"], 0.3),
        Claim("56 layers: residual - plain, training", residual["train"] - deep["train"], 0.3),
        Claim("56 layers: residual - plain, test", residual["test"] - deep["test"], 0.3),
        Claim("residual: 56 - 20 layers, test", residual["test"] - shallow["test"], -0.01),
        Claim("residual, 56 layers, test accuracy", residual["test"], 0.9),
    ]
