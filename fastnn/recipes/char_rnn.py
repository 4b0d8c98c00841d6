"""Shakespeare letter by letter: an LSTM reads his plays and writes on.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slide "Many
to many (no limitation)", where a network goes on from character to character until it says stop.
The text and the idea of sampling at several temperatures: A. Karpathy, "The unreasonable
effectiveness of recurrent neural networks" (2015). The last tenth of the plays is for testing.
"""

from pathlib import Path
from typing import Any

import numpy as np

import fastnn as fn
from fastnn import layers, plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture
from fastnn.recipes.ngrams import NGrams
from fastnn.recipes.streams import read, windows
from fastnn.text import Vocabulary

INFO = Info(
    lecture="III",
    slide="Many to Many (No Limitation)",
    question="How well does a network write that has read Shakespeare letter by letter?",
    minutes=3,
    dataset="tiny_shakespeare",
)
EMBEDDING, UNITS, ROWS, STEPS = 32, 256, 32, 50
EPOCHS, RATE = 5, 4e-3
# Units, windows of a batch, epochs, characters for training and testing.
QUICK = (96, 8, 3, 200_000, 20_000)
ORDERS = range(1, 7)  # of the models that count
TEMPERATURES = (0.5, 0.8, 1.2)
BEGIN, WRITTEN = "\n", 300  # characters


def build(symbols: int, units: int, rows: int, steps: int) -> fn.Sequential:
    """Embedding, a stateful LSTM, a score for each symbol."""
    return fn.Sequential(
        [
            fn.Input(batch_shape=(rows, steps), dtype="int32"),
            layers.Embedding(symbols, EMBEDDING),
            layers.LSTM(units, return_sequences=True, stateful=True),
            layers.Dense(symbols),
        ]
    )


def write(model: fn.Sequential, letters: Vocabulary, units: int, seed: int) -> dict[str, str]:
    """Text for each temperature, each letter drawn by its probability ^ (1 / temperature).

    Low temperatures keep to what is likely, high ones dare more. The texts are written side by
    side, as rows of a batch of one step.
    """
    rows, rng = len(TEMPERATURES), np.random.default_rng(seed)
    writer = build(len(letters), units, rows, steps=1)
    writer.set_weights(model.get_weights())
    letter = np.full((rows, 1), letters[BEGIN], np.int32)
    written = []
    for _ in range(WRITTEN):
        scores = writer(letter).numpy()[:, 0].astype("float64") / np.array(TEMPERATURES)[:, None]
        # The largest of scores plus Gumbel noise is a draw from their softmax.
        letter = np.argmax(scores + rng.gumbel(size=scores.shape), axis=1)[:, None].astype(np.int32)
        written.append(letter[:, 0])
    texts = ("".join(letters.decode(row)) for row in np.stack(written, axis=1))
    return dict(zip(map(str, TEMPERATURES), texts))


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Counts, trains an LSTM, prints bits a character, and text at three temperatures.

    Quick: a smaller network and a fifth of the plays. Saves the curve, and the texts.

    Returns:
        dict: "counted", bits a test character for each length of n-grams (as a string); "LSTM":
        "bits", "parameters", "seconds", "history"; "texts", by temperature.
    """
    folder = folder_for("char-rnn", out)
    plays, test = fn.datasets.tiny_shakespeare.load_data()
    units, rows, passes = UNITS, ROWS, EPOCHS
    if quick:
        units, rows, passes, most, tests = QUICK
        plays, test = plays[:most], test[:tests]
    rows, passes = batch_size or rows, epochs or passes
    letters = Vocabulary(plays, specials=("<other>",))
    ids, test_ids = letters.encode(plays), letters.encode(test)
    text, judged = (windows(part, rows, STEPS) for part in (ids, test_ids))
    figures: dict[str, Any] = {"counted": {}}
    title = f"{len(plays):,} characters to learn from, {len(letters) - 1} different ones"
    header = ["model", "bits a test character", "training", "parameters", "processor s"]
    with Table(title, header) as table:
        for order in ORDERS:
            model = NGrams(ids, len(letters), order)
            own, bits = (
                -float(model.log_probabilities(part[: x.size + 1])[-x.size :].mean() / np.log(2))
                for part, (x, _) in ((ids, text), (test_ids, judged))
            )
            figures["counted"][str(order)] = bits
            table.add(f"{order}-gram", bits, own)
        fn.utils.set_random_seed(seed)
        network = build(len(letters), units, rows, STEPS)
        schedule = fn.optimizers.schedules.CosineDecay(RATE, passes * len(text[0]) // rows)
        network.compile(
            fn.optimizers.Adam(schedule, global_clipnorm=1.0),
            fn.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        history, seconds = read(network, text, passes, 2 if quick else "auto", judged)
        figures["LSTM"] = found = {
            "bits": history["val_loss"][-1] / np.log(2),
            "parameters": network.count_params(),
            "seconds": seconds,
            "history": history,
        }
        own = history["loss"][-1] / np.log(2)
        table.add(f"LSTM, {units} units", found["bits"], own, found["parameters"], seconds)
    print("n-grams are interpolated Kneser-Ney.")
    remark(figures["counted"], found["bits"])
    figures["texts"] = write(network, letters, units, seed)
    page = "\n\n".join(f"temperature {t}\n{text}" for t, text in figures["texts"].items())
    print(f"\n{page}\n")
    (folder / "texts.txt").write_text(page + "\n", encoding="utf-8")
    save_picture(folder / "training.png", plots.history, history)
    return figures


def remark(counted: dict[str, float], bits: float) -> None:
    """Says so where a longer memory than counting has does not pay."""
    order = min(counted, key=lambda order: counted[order])
    if counted[order] < bits:
        print(
            f"Counting runs of {order} letters needs fewer bits than the LSTM, "
            f"{counted[order]:.2f} to {bits:.2f}: a long table of what letters do at short range "
            "is worth more here than a longer memory."
        )


def claims(figures: dict) -> list[Claim]:
    """Few bits, fewer than a trigram model needs; longer n-grams beside it."""
    bits, counted = figures["LSTM"]["bits"], figures["counted"]
    return [
        Claim("LSTM: bits a test character", bits, at_most=2.4),
        *(Claim(f"{n}-gram: bits a test character", counted[n]) for n in ("1", "2", "3", "6")),
        Claim("LSTM - trigram", bits - counted["3"], at_most=-0.5),
        Claim("LSTM - best n-gram", bits - min(counted.values())),
    ]
