"""Deep and thin or shallow and fat, with equally many parameters.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture I, slides "Deeper
is Better?", "Fat + Short v.s. Thin + Tall" and "Analogy" (logic circuits). On digits the order of
the slide does not come out; on the parity of ten bits, as the slide on logic circuits has it, depth
wins with tanh; one layer of as many ReLUs learns it too. The slide's table is from F. Seide, G. Li,
D. Yu, "Conversational speech transcription using context-dependent deep neural networks" (2011);
its networks hear frames of speech, and so do two here: which spoken digit is a frame a part of?
"""

from itertools import pairwise
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import (
    Claim,
    Digits,
    Info,
    Table,
    folder_for,
    is_here,
    print_table,
    save_picture,
)
from fastnn.recipes.digit_nets import Net, Setting, setting
from fastnn.recipes.spoken_digits import Spoken, load_spoken, windows

INFO = Info(
    lecture="I",
    slide="Fat + Short v.s. Thin + Tall",
    question="With equally many parameters: is deep better than fat?",
    minutes=2,
    dataset="mnist",
    fallback="digits",
)
# Word errors in per cent: layers x 2,000 units; beside the last two, one layer of as many
# parameters; and one of many more.
SEIDE = (
    ("1 x 2k", 24.2, "-", "-"),
    ("2 x 2k", 20.4, "-", "-"),
    ("3 x 2k", 18.4, "-", "-"),
    ("4 x 2k", 17.8, "-", "-"),
    ("5 x 2k", 17.2, "1 x 3772", 22.5),
    ("7 x 2k", 17.1, "1 x 4634", 22.6),
    ("-", "-", "1 x 16k", 22.1),
)
DEEP = (200,) * 5
DEEP_FOR_FRAMES = (256,) * 5
WINDOW = 11  # frames: one and five to each side, as in Seide's networks
BITS = 10
# Parity by depth: units a layer, so that all have as many parameters within 2 %.
PARITY = {1: (49,), 2: (19, 18), 3: (14, 14, 14)}


def parameters(sizes: tuple[int, ...]) -> int:
    """Of a dense network with these numbers of units, inputs and outputs among them."""
    return sum((a + 1) * b for a, b in pairwise(sizes))


def fat(inputs: int, deep: tuple[int, ...], outputs: int = 10) -> int:
    """The width of one hidden layer with as many parameters as these."""
    wanted = parameters((inputs, *deep, outputs))
    return round((wanted - outputs) / (inputs + 1 + outputs))


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains a deep and a fat network on digits, and networks of three depths on parity.

    `epochs` and `batch_size` are those of the digits.

    Returns:
        dict: "dataset", "digits": {"deep": ..., "fat": ...}, "frames" as that where the spoken
        digits are here, "parity, tanh": {depth: ...} and "parity, relu", each with "parameters" and
        "accuracy".
    """
    folder = folder_for("deep-or-fat", out)
    print_table("Seide 2011: word errors, %", ["deep", "errors", "fat", "errors"], SEIDE)
    common = setting(quick, seed, epochs, batch_size)
    figures: dict = {"dataset": common.digits.name}
    figures["digits"] = deep_and_fat(common, DEEP, folder / "training.png")
    if is_here("fsdd"):
        spoken = spoken_frames(quick, seed)
        figures["frames"] = deep_and_fat(spoken, DEEP_FOR_FRAMES, folder / "frames.png")
    else:
        print("frames of speech left out: the recordings (fastnn.datasets.fsdd) are not here")
    figures.update({"parity, tanh": {}, "parity, relu": {}})
    header = ["activation", "hidden layers", "units", "parameters", "accuracy"]
    with Table(f"Parity of {BITS} bits, all {2**BITS} of them", header) as table:
        for activation in ("tanh", "relu"):
            for depth, hidden in PARITY.items():
                found = learn_parity(hidden, activation, seed, 80 if quick else 200)
                figures[f"parity, {activation}"][str(depth)] = found
                table.add(activation, depth, hidden, found["parameters"], found["accuracy"])
    save_picture(
        folder / "parity.png",
        plots.lines,
        {
            f"{d} hidden layers": (f["epochs"], f["curve"])
            for d, f in figures["parity, tanh"].items()
        },
        "epoch",
        "accuracy on all words",
    )
    return figures


def deep_and_fat(common: Setting, deep: tuple[int, ...], picture: Path) -> dict[str, dict]:
    """Trains a network of these hidden layers, and one layer of as many parameters."""
    figures, histories = {}, {}
    inputs = common.digits.x_train.shape[1]
    header = ["network", "hidden layers", "parameters", "test accuracy"]
    with Table(str(common.digits), header) as table:
        for name, hidden in (("deep", deep), ("fat", (fat(inputs, deep),))):
            net = Net(hidden, "relu", optimizer=lambda: fn.optimizers.Adam())
            _, trained = common.train(net)
            histories[name] = trained["history"]
            figures[name] = {k: trained[k] for k in ("parameters", "accuracy")}
            shape = f"{len(hidden)} x {hidden[0]}"
            table.add(name, shape, trained["parameters"], trained["accuracy"])
    save_picture(picture, plots.curves, histories, "accuracy")
    return figures


def spoken_frames(quick: bool, seed: int) -> Setting:
    """Frames of speech with those around them, for the digits that they are parts of; quick: of
    every fourth recording."""

    def part(spoken: Spoken, step: int) -> tuple[np.ndarray, np.ndarray]:
        rows = [windows(frames, WINDOW) for frames in spoken.frames[::step]]
        return np.concatenate(rows), np.repeat(spoken.digits[::step], [len(r) for r in rows])

    train, test = (part(spoken, 4 if quick else 1) for spoken in load_spoken())
    digits = Digits("frames of speech", *train, *test)
    return Setting(digits, 1 if quick else 10, 100, seed, 2 if quick else "auto")


def learn_parity(hidden: tuple[int, ...], activation: str, seed: int, epochs: int) -> dict:
    """Trains a network on every word of BITS bits: is the number of ones odd?"""
    fn.utils.set_random_seed(seed)
    words = np.array([[(n >> bit) & 1 for bit in range(BITS)] for n in range(2**BITS)], np.float32)
    odd = words.sum(axis=1) % 2
    model = fn.Sequential([fn.Input((BITS,))])
    for units in hidden:
        model.add(fn.layers.Dense(units, activation=activation))
    model.add(fn.layers.Dense(1, activation="sigmoid"))
    model.compile(fn.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(2 * words - 1, odd, batch_size=32, epochs=epochs, verbose=0).history
    curve = history["accuracy"]
    return {
        "parameters": model.count_params(),
        "accuracy": curve[-1],
        "epochs": list(range(1, len(curve) + 1)),
        "curve": curve,
    }


def claims(figures: dict) -> list[Claim]:
    """Equally many parameters; on parity depth wins; digits and frames are reported."""
    deep, wide = (figures["digits"][name] for name in ("deep", "fat"))
    parity = figures["parity, tanh"]
    counts = [f["parameters"] for f in parity.values()]
    heard = []
    if "frames" in figures:
        tall, short = (figures["frames"][name] for name in ("deep", "fat"))
        ratio = short["parameters"] / tall["parameters"]
        heard = [
            Claim("frames of speech: parameters, fat / deep", ratio, 0.98, 1.02),
            Claim("frames of speech: deep, test accuracy", tall["accuracy"], at_least=0.75),
            Claim("frames of speech: deep - fat", tall["accuracy"] - short["accuracy"]),
        ]
    return [
        Claim(
            "digits: parameters, fat / deep", wide["parameters"] / deep["parameters"], 0.98, 1.02
        ),
        Claim("digits: deep, test accuracy", deep["accuracy"], at_least=0.93),
        Claim("digits: deep - fat", deep["accuracy"] - wide["accuracy"]),
        *heard,
        Claim("parity: parameters, most / least", max(counts) / min(counts), at_most=1.02),
        Claim("parity, tanh: 3 hidden layers", parity["3"]["accuracy"], at_least=0.95),
        Claim(
            "parity, tanh: 3 hidden layers - 1",
            parity["3"]["accuracy"] - parity["1"]["accuracy"],
            0.3,
        ),
        Claim("parity, ReLU: 1 hidden layer", figures["parity, relu"]["1"]["accuracy"]),
    ]
