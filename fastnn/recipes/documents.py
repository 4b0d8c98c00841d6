"""Topics of newswire: the course's tips, each on top of the last, on documents.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slides
"Document Classification", "MSE" (0.36), "ReLU" (cross-entropy 0.55, + ReLU 0.75), "Adaptive
Learning Rate" (+ Adam 0.77), "Dropout" (+ dropout 0.79). They do not name their documents; here it
is Reuters-21578 with 46 topics, a document as the presence of the 1,000 most frequent words.
"""

from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture
from fastnn.recipes.digit_nets import Net
from fastnn.text import count_words, split_words

INFO = Info(
    lecture="II",
    slide="Document Classification",
    question="What does each tip add when documents are sorted by topic?",
    minutes=1,
    dataset="reuters",
)
HIDDEN, WORDS = (512, 512), 1000
SIGMOID = Net(HIDDEN)
STEPS = {
    "squared error": Net(HIDDEN, loss="mean_squared_error"),
    "cross-entropy": SIGMOID,
    "+ ReLU": Net(HIDDEN, "relu"),
    "+ Adam": Net(HIDDEN, "relu", optimizer=lambda: fn.optimizers.Adam()),
    "+ dropout": Net(HIDDEN, "relu", optimizer=lambda: fn.optimizers.Adam(), dropout=0.5),
}
COURSE = dict(zip(STEPS, (0.36, 0.55, 0.75, 0.77, 0.79)))


def presence(train: list[str], *others: list[str]) -> list[np.ndarray]:
    """Rows of 0 and 1: which of the most frequent words of `train` a text has."""
    counts = count_words(train)
    words = sorted(counts, key=lambda word: (-counts[word], word))[:WORDS]
    place = {word: i for i, word in enumerate(words)}
    tables = []
    for texts in (train, *others):
        table = np.zeros((len(texts), WORDS), np.float32)
        for row, text in zip(table, texts):
            row[[place[word] for word in set(split_words(text)) if word in place]] = 1
        tables.append(table)
    return tables


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains 1000-512-512-46 with each tip; quick: 2,000 documents, more epochs.

    Returns:
        dict: "majority", the share of the most frequent topic, and for each tip "accuracy" on the
        test documents and "history".
    """
    folder = folder_for("documents", out)
    (texts, y_train), (test_texts, y_test) = fn.datasets.reuters.load_data()
    if quick:
        texts, y_train = texts[:2000], y_train[:2000]
        test_texts, y_test = test_texts[:1000], y_test[:1000]
    x_train, x_test = presence(texts, test_texts)
    classes = fn.datasets.reuters.CLASSES
    targets, truth = (fn.utils.to_categorical(y, classes) for y in (y_train, y_test))
    majority = float(np.mean(y_test == np.bincount(y_train).argmax()))
    figures: dict = {"majority": majority}
    title = f"{len(texts):,} documents; the most frequent topic has {majority:.3f}"
    with Table(title, ["tip", "course", "here", "on training data"]) as table:
        for name, net in STEPS.items():
            fn.utils.set_random_seed(seed)
            model = net.build(WORDS, classes)
            history = model.fit(
                x_train,
                targets,
                batch_size=batch_size or 100,
                epochs=epochs or (20 if quick else 6),
                validation_data=(x_test, truth),
                verbose=2 if quick else "auto",
            ).history
            figures[name] = {"accuracy": history["val_accuracy"][-1], "history": history}
            table.add(name, COURSE[name], figures[name]["accuracy"], history["accuracy"][-1])
    save_picture(
        folder / "training.png",
        plots.curves,
        {name: figures[name]["history"] for name in STEPS},
        "accuracy",
    )
    return figures


def claims(figures: dict) -> list[Claim]:
    """Squared error finds the most frequent topic, cross-entropy more, ReLU and Adam much more."""
    squared, entropy, relu, adam, dropout = (figures[name]["accuracy"] for name in STEPS)
    return [
        Claim("squared error", squared, course=0.36),
        Claim(
            "squared error - most frequent topic", abs(squared - figures["majority"]), None, 0.005
        ),
        Claim("cross-entropy", entropy, course=0.55),
        Claim("cross-entropy - squared error", entropy - squared, at_least=0.1, course=0.19),
        Claim("+ ReLU", relu, course=0.75),
        Claim("ReLU - sigmoid", relu - entropy, at_least=0.2, course=0.2),
        Claim("+ Adam", adam, course=0.77),
        Claim("Adam - SGD", adam - relu, at_least=0.02, course=0.02),
        Claim("+ dropout", dropout, course=0.79),
        Claim("dropout - none", dropout - adam, course=0.02),
    ]
