"""Pre-training: what rescued deep sigmoid networks before ReLU.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slide "Hard to
get the power of Deep ..." ("In 2006, people used RBM pre-training. In 2015, people use ReLU.").
"""

from dataclasses import replace
from pathlib import Path

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture
from fastnn.recipes.digit_nets import Net, Setting, setting

INFO = Info(
    lecture="II",
    slide="Hard to get the power of Deep ...",
    question="Does RBM pre-training let a deep sigmoid network learn?",
    minutes=3,
    dataset="mnist",
    fallback="digits",
)
DEEP = (500,) * 8
NETS = {"random start": Net(DEEP), "ReLU": Net(DEEP, "relu")}
COURSE = {"random start": 0.11, "ReLU": 0.96}
PRETRAINING_EPOCHS, QUICK_PRETRAINING_EPOCHS = 4, 2  # of each machine


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains nine sigmoid layers from a stack of machines and from a random start, and ReLU.

    Quick: half the digits, and half the layers.

    Returns:
        dict: "dataset", and for each network "accuracy" and "history".
    """
    folder = folder_for("pretraining", out)
    common = setting(quick, seed, None, batch_size, images=5000 if quick else 10000)
    common = replace(common, epochs=epochs or (common.epochs if quick else common.epochs // 2))
    hidden = DEEP[:4] if quick else DEEP
    figures: dict = {"dataset": common.digits.name}
    title = f"{len(hidden) + 1} layers, {common.digits}"
    with Table(title, ["network", "course", "here", "after the first epoch"]) as table:
        for name, net in {"pre-trained": None, **NETS}.items():
            if net is None:
                many = QUICK_PRETRAINING_EPOCHS if quick else PRETRAINING_EPOCHS
                history = fine_tuned(hidden, common, many)
            else:
                history = common.train(replace(net, hidden=hidden))[1]["history"]
            figures[name] = {"accuracy": history["val_accuracy"][-1], "history": history}
            course = COURSE.get(name, "-")
            table.add(name, course, history["val_accuracy"][-1], history["val_accuracy"][0])
    histories = {n: f["history"] for n, f in figures.items() if n != "dataset"}
    save_picture(folder / "training.png", plots.curves, histories, "accuracy")
    return figures


def fine_tuned(hidden: tuple[int, ...], common: Setting, epochs: int) -> dict:
    """The history of a network that begins with the weights of machines trained for so long."""
    fn.utils.set_random_seed(common.seed)
    d = common.digits
    stack = fn.pretraining.RBMStack([fn.pretraining.BernoulliRBM(units) for units in hidden])
    stack.fit(d.x_train, epochs=epochs, batch_size=common.batch_size, verbose=0)
    model = stack.to_sequential()
    model.add(fn.layers.Dense(10, activation="softmax"))
    model.compile(fn.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model.fit(
        d.x_train,
        d.y_train,
        batch_size=common.batch_size,
        epochs=common.epochs,
        validation_data=(d.x_test, d.y_test),
        verbose=common.verbose,
    ).history


def claims(figures: dict) -> list[Claim]:
    """The pre-trained network learns, from the first epoch on; the other does not."""
    pre, random, relu = (figures[n]["accuracy"] for n in ("pre-trained", "random start", "ReLU"))
    first = figures["pre-trained"]["history"]["val_accuracy"][0]
    return [
        Claim("pre-trained, test accuracy", pre, at_least=0.9),
        Claim("pre-trained, after the first epoch", first, at_least=0.8),
        Claim("random start, test accuracy", random, at_most=0.2, course=0.11),
        Claim("ReLU, test accuracy", relu, course=0.96),
    ]
