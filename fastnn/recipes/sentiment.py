"""Is a review of a film good or bad? Many to one: the last state, the mean of states, no states.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slide "Many
to one": "Input is a vector sequence, but output is only one vector", drawn on five grades of
reviews, from very good to very bad. Here it is 5,000 + 5,000 reviews of IMDB (Maas et al., 2011),
good or bad, and in four grades, since ratings of 5 and 6 stars are not among them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import fastnn as fn
from fastnn import layers, plots
from fastnn.datasets.imdb import Reviews
from fastnn.recipes.common import Claim, Clock, Info, Table, folder_for, save_picture
from fastnn.text import Vocabulary, count_words

INFO = Info(
    lecture="III",
    slide="Many to one",
    question="Does a network with memory judge reviews better than one that ignores their order?",
    minutes=1,
    dataset="imdb",
)
WORDS, TOKENS, EMBEDDING, UNITS = 5000, 200, 64, 64
GRADES = {"1-2": (1, 2), "3-4": (3, 4), "7-8": (7, 8), "9-10": (9, 10)}  # stars
BATCH = 32


@dataclass(frozen=True)
class Reader:
    """A network that reads a review, and how long it is trained.

    Attributes:
        epochs: fewer lose accuracy, more overfit.
        states: "last", "mean", or None for no recurrence: the mean of the words' embeddings.
    """

    epochs: int
    states: str | None = None

    def build(self, classes: int) -> fn.Sequential:
        """The compiled network; 0 before a short review counts as no word."""
        model = fn.Sequential([fn.Input((None,), dtype="int32")])
        model.add(layers.Embedding(WORDS, EMBEDDING, mask_zero=True))
        if self.states:
            model.add(layers.Dropout(0.2))
            model.add(layers.LSTM(UNITS, return_sequences=self.states == "mean"))
        if self.states != "last":
            model.add(layers.GlobalAveragePooling1D())
        model.add(layers.Dropout(0.2))
        model.add(layers.Dense(classes, activation="softmax"))
        model.compile(
            fn.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        return model


READERS = {
    "LSTM, last state": Reader(3, "last"),
    "LSTM, mean of states": Reader(3, "mean"),
    "bag of embeddings": Reader(8),
}
GRADED = ("LSTM, mean of states", "bag of embeddings")
QUICK = {"LSTM, last state": 3, "LSTM, mean of states": 3, "bag of embeddings": 10}


def first(reviews: Reviews, count: int) -> Reviews:
    """The first so many reviews."""
    return Reviews(reviews.texts[:count], reviews.labels[:count], reviews.ratings[:count])


def plain(reviews: Reviews) -> list[str]:
    """The texts without their marks of line ends."""
    return [text.replace("<br />", " ") for text in reviews.texts]


def vocabulary(reviews: Reviews) -> Vocabulary:
    """The most frequent words, after padding (0) and all other words (1)."""
    return Vocabulary(count_words(plain(reviews)), WORDS)


def rows(reviews: Reviews, words: Vocabulary, tokens: int) -> np.ndarray:
    """[reviews, tokens]: the numbers of the last words, zeros before short reviews."""
    return fn.utils.pad_sequences([words.encode_text(text) for text in plain(reviews)], tokens)


def grades(ratings: np.ndarray) -> np.ndarray:
    """Which of GRADES each rating is in."""
    return np.searchsorted([most for _, most in GRADES.values()], ratings)


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains three networks on good and bad, and two of them on grades.

    Quick: 1,500 reviews for training, 1,000 for testing, their last 80 words. Saves the curves, and
    which grades are taken for which.

    Returns:
        dict: "good or bad" and "grades": for each network "accuracy" on the test reviews, on
        "training" ones, "seconds" and "history"; "majority", the share of the most frequent grade.
    """
    folder = folder_for("sentiment", out)
    train, test = fn.datasets.imdb.load_subset()
    tokens = TOKENS
    if quick:
        tokens, train, test = 80, first(train, 1500), first(test, 1000)
    known = vocabulary(train)
    x, x_test = (rows(reviews, known, tokens) for reviews in (train, test))
    tasks: dict[str, tuple] = {
        "good or bad": (2, train.labels, test.labels, tuple(READERS)),
        "grades": (len(GRADES), grades(train.ratings), grades(test.ratings), GRADED),
    }
    figures: dict[str, Any] = {}
    for task, (classes, y, y_test, names) in tasks.items():
        most = float(np.mean(y_test == np.bincount(y).argmax()))
        title = f"{task}: {len(x):,} reviews; the most frequent answer has {most:.3f}"
        figures[task] = {}
        with Table(title, ["network", "test", "training", "epochs", "processor s"]) as table:
            for name in names:
                fn.utils.set_random_seed(seed)
                model, clock = READERS[name].build(classes), Clock()
                history = model.fit(
                    x,
                    y,
                    batch_size=batch_size or BATCH,
                    epochs=epochs or (QUICK[name] if quick else READERS[name].epochs),
                    validation_data=(x_test, y_test),
                    callbacks=[clock],
                    verbose=2 if quick else "auto",
                ).history
                figures[task][name] = found = {
                    "accuracy": history["val_accuracy"][-1],
                    "training": history["accuracy"][-1],
                    "seconds": clock.seconds[-1],
                    "history": history,
                }
                count = len(history["loss"])
                table.add(name, found["accuracy"], found["training"], count, found["seconds"])
    figures["majority"] = most
    remark(figures["good or bad"])
    for task, file in (("good or bad", "training.png"), ("grades", "training-grades.png")):
        histories = {name: found["history"] for name, found in figures[task].items()}
        save_picture(folder / file, plots.curves, histories, "accuracy")
    guesses = np.argmax(model.predict(x_test, verbose=0), axis=1)
    save_picture(folder / "grades.png", plots.confusion_matrix, y_test, guesses, list(GRADES))
    return figures


def remark(found: dict[str, dict]) -> None:
    """Says who won, and what that means."""
    bag = found["bag of embeddings"]["accuracy"]
    recurrent = max(f["accuracy"] for name, f in found.items() if name != "bag of embeddings")
    if bag >= recurrent:
        print(
            f"The bag of embeddings wins, {bag:.3f} to {recurrent:.3f}: with so few reviews it is "
            "enough to know which words are in them, and what order says is not learned."
        )
    else:
        print(f"An LSTM wins, {recurrent:.3f} to {bag:.3f} of the bag of embeddings.")


def claims(figures: dict) -> list[Claim]:
    """Both LSTMs learn; the bag beside them and the order of the three are reported."""
    last, mean, bag = (figures["good or bad"][name]["accuracy"] for name in READERS)
    graded = {name: figures["grades"][name]["accuracy"] for name in GRADED}
    majority = figures["majority"]
    return [
        Claim("LSTM, last state", last, at_least=0.75),
        Claim("LSTM, mean of states", mean, at_least=0.79),
        Claim("bag of embeddings", bag, at_least=0.83),
        Claim("bag - better LSTM", bag - max(last, mean)),
        *(Claim(f"four grades: {name}", value) for name, value in graded.items()),
        Claim(
            "four grades: LSTM - most frequent grade", graded[GRADED[0]] - majority, at_least=0.18
        ),
    ]
