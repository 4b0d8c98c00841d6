"""Overfitting: a network that is good on clean digits fails on noisy ones.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slides "Why
Overfitting?" ("training data and testing data can be different"; "we added some noises to the
testing data": clean 0.97, noisy 0.50).
"""

from pathlib import Path

import fastnn as fn
from fastnn import layers, plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture
from fastnn.recipes.digit_nets import Net, Setting, setting
from fastnn.recipes.noise import noisy

INFO = Info(
    lecture="II",
    slide="Why Overfitting?",
    question="What happens to a good network when the testing data is noisy?",
    minutes=1,
    dataset="mnist",
    fallback="digits",
)
DENSE = Net(activation="relu", optimizer=lambda: fn.optimizers.Adam())
SIGMAS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of pixels from 0 to 1; the slide does not say which it had


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains the dense network, and a convolutional one, on clean digits; tests on noisy ones.

    Returns:
        dict: "dataset", "sigma", and for "dense" and "convolutional" the accuracy at each sigma.
    """
    folder = folder_for("overfitting", out)
    common = setting(quick, seed, epochs, batch_size)
    dense, trained = common.train(DENSE)
    convolutional, history = train_convolutional(common)
    models = {"dense": dense, "convolutional": convolutional}
    figures: dict = {"dataset": common.digits.name, "sigma": list(SIGMAS)}
    with Table(
        "Test accuracy",
        ["network", *(f"noise {sigma:g}" for sigma in SIGMAS)],
    ) as table:
        table.add("course", 0.97, "0.50 at a noise it does not state")
        for name, model in models.items():
            figures[name] = [accuracy(model, common, sigma) for sigma in SIGMAS]
            table.add(name, *figures[name])
    histories = {"dense": trained["history"], "convolutional": history}
    save_picture(
        folder / "training.png", plots.curves, histories, "accuracy", validation="clean test"
    )
    save_picture(
        folder / "noise.png",
        plots.lines,
        {name: (SIGMAS, figures[name]) for name in models},
        "standard deviation of the noise",
        "test accuracy",
        markers=True,
    )
    return figures


def accuracy(model: fn.Model, common: Setting, sigma: float) -> float:
    """On the test digits with noise."""
    d = common.digits
    x = noisy(d.x_test, sigma, common.seed)
    return float((model.predict(x, verbose=0).argmax(axis=1) == d.y_test).mean())


def train_convolutional(common: Setting) -> tuple[fn.Sequential, dict]:
    """A small convolutional network, trained for a quarter of the epochs, and its history."""
    d = common.digits
    fn.utils.set_random_seed(common.seed)
    side = round(d.x_train.shape[1] ** 0.5)
    model = fn.Sequential([fn.Input((side * side,)), layers.Reshape((side, side, 1))])
    for filters in (25, 50):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(100, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        d.x_train,
        d.y_train,
        batch_size=common.batch_size,
        epochs=max(1, common.epochs // 4),
        validation_data=(d.x_test, d.y_test),
        verbose=common.verbose,
    ).history
    return model, history


def claims(figures: dict) -> list[Claim]:
    """Clean digits are read, noisy ones are not; the course's 0.50 lies within these levels."""
    dense, cnn = figures["dense"], figures["convolutional"]
    return [
        Claim("clean", dense[0], at_least=0.94, course=0.97),
        Claim("noise 0.75", dense[3]),
        Claim("noise 1", dense[4], course=0.5),
        Claim("clean - noise 1", dense[0] - dense[4], at_least=0.4, course=0.47),
        Claim("convolutional, clean", cnn[0], at_least=0.96),
        Claim("convolutional, noise 1", cnn[4]),
    ]
