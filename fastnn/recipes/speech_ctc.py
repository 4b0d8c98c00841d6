"""Several digits in a row: an output shorter than the input, by a blank symbol (CTC).

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slides "Many
to Many (Output is shorter)": trimming merges what repeats, so that it can never say the same
symbol twice in a row; connectionist temporal classification adds a symbol for "null", here φ.

A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber, "Connectionist temporal classification" (2006).
Sentences are three to five recordings of one speaker in the Free Spoken Digit Dataset, joined.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import layers, plots
from fastnn.audio import stack_frames
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture
from fastnn.recipes.spoken_digits import BINS, FRAME_SECONDS, Spoken, load_spoken

INFO = Info(
    lecture="III",
    slide="Many to Many (Output is shorter)",
    question="How does a network say fewer symbols than it hears frames, and one of them twice?",
    minutes=1.5,
    dataset="fsdd",
)
STACKED = 3  # frames seen at once, so that a step of the network is 30 milliseconds
MOST, LEAST = 5, 3  # digits in a sentence
UNITS, RATE, CLIP, BEAM = 96, 5e-3, 1.0, 20
UPDATES = 24  # in an epoch
QUICK_EPOCHS = {"frame by frame": 2, "CTC": 4}
POOL = 8  # batches that are drawn together and sorted by length
TRIMMED, GREEDY, SEARCHED = "frame by frame, trimmed", "CTC, greedy", "CTC, beam search"
BLANK = 0  # digit d is class d + 1
LETTERS = "φ0123456789"


class Sentences:
    """Recordings of one speaker each, joined; drawn at random.

    Attributes:
        sounds: [steps, STACKED * BINS] of each.
        said: [digits] classes of each.
        by_step: [steps] of each: which class is being said.
    """

    def __init__(self, spoken: Spoken, rng: np.random.Generator, count: int) -> None:
        self.sounds, self.said, self.by_step = [], [], []
        for speaker in rng.choice(np.unique(spoken.speakers), count):
            own = np.flatnonzero(spoken.speakers == speaker)
            chosen = rng.choice(own, rng.integers(LEAST, MOST + 1))
            frames = [spoken.frames[i] for i in chosen]
            classes = spoken.digits[chosen] + 1
            by_frame = np.repeat(classes, [len(f) for f in frames])
            sound = stack_frames(np.concatenate(frames), STACKED)
            self.sounds.append(sound)
            self.said.append(classes.tolist())
            self.by_step.append(by_frame[STACKED // 2 :: STACKED][: len(sound)])

    @property
    def steps(self) -> np.ndarray:
        """[n]: how long each is."""
        return np.array([len(sound) for sound in self.sounds])

    def batch(self, target: str, rows: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Some of them, padded with zeros, and their "said" or "by_step", padded with blanks."""
        longest = -(-max(len(self.sounds[i]) for i in rows) // 16) * 16  # few shapes to record
        x = [self.sounds[i] for i in rows]
        y = [getattr(self, target)[i] for i in rows]
        return (
            fn.utils.pad_sequences(x, longest, "float32", padding="post"),
            fn.utils.pad_sequences(y, MOST if target == "said" else longest, padding="post"),
        )


def batches(spoken: Spoken, seed: int, size: int, target: str) -> Iterator[tuple]:
    """Endless new sentences, of similar length in a batch: little of it is padding."""
    rng = np.random.default_rng(seed)
    while True:
        drawn = Sentences(spoken, rng, POOL * size)
        order = int(rng.integers(2**32))
        for rows in fn.text.bucket_by_length(drawn.steps, size, seed=order):
            yield drawn.batch(target, rows)


def build(loss: fn.losses.Loss) -> fn.Sequential:
    """A bidirectional LSTM with a score for each class at each step; steps of zeros are masked."""
    model = fn.Sequential([fn.Input((None, STACKED * BINS)), layers.Masking()])
    model.add(layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True)))
    model.add(layers.Dense(len(LETTERS)))
    model.compile(fn.optimizers.Adam(RATE, global_clipnorm=CLIP), loss)
    return model


def trim(path: Sequence[int]) -> list[int]:
    """The slide's trimming: what repeats is merged."""
    return [symbol for symbol, _ in groupby(path)]


def judge(heard: list[list[int]], said: list[list[int]]) -> dict:
    """Label error rate; shares of sentences without a mistake, where a digit repeats and where
    none does."""
    errors = int(fn.utils.edit_distances(heard, said).sum())
    right = np.array([h == s for h, s in zip(heard, said)])
    repeats = np.array([trim(s) != s for s in said])
    return {
        "error_rate": errors / sum(map(len, said)),
        "repeating": float(right[repeats].mean()),
        "others": float(right[~repeats].mean()),
    }


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains a network frame by frame and one by CTC, and reads both; an epoch has 24 updates.

    Returns:
        dict: for each way to read "error_rate" (edits over labels), and the shares of sentences
        that are exact, "repeating" and "others"; "said", "heard" and "path" of an example; the
        histories.
    """
    folder = folder_for("speech-ctc", out)
    train, test = load_spoken()
    held_out = Sentences(test, np.random.default_rng(0), 60 if quick else 300)
    every = range(len(held_out.said))
    x_test, _ = held_out.batch("said", every)
    logits, histories = {}, {}
    losses = {
        "frame by frame": fn.losses.SparseCategoricalCrossentropy(from_logits=True),
        "CTC": fn.losses.CTC(),
    }
    for name, loss in losses.items():
        target = "said" if name == "CTC" else "by_step"
        fn.utils.set_random_seed(seed)
        model = build(loss)
        histories[name] = model.fit(
            batches(train, seed, batch_size or 32, target),
            steps_per_epoch=UPDATES,
            epochs=epochs or (QUICK_EPOCHS[name] if quick else 24),
            validation_data=held_out.batch(target, every),
            verbose=2 if quick else "auto",
        ).history
        logits[name] = model.predict(x_test, verbose=0)
    paths = {name: path_of(scores, held_out.steps) for name, scores in logits.items()}
    heard = {
        TRIMMED: [trim(path) for path in paths["frame by frame"]],
        GREEDY: decoded(logits["CTC"], held_out.steps, "greedy"),
        SEARCHED: decoded(logits["CTC"], held_out.steps, "beam_search"),
    }
    said = held_out.said
    figures: dict = {"histories": histories}
    header = ["read", "label errors", "exact: a digit repeats", "exact: none does"]
    with Table(f"{len(said)} sentences of {LEAST} to {MOST} digits", header) as table:
        for name, spelt in heard.items():
            found = figures[name] = judge(spelt, said)
            table.add(name, found["error_rate"], found["repeating"], found["others"])
    example = example_of(said, heard[GREEDY])
    figures["said"] = spell(said[example])
    for name, way in (("frame by frame", TRIMMED), ("CTC", GREEDY)):
        figures[name] = {"path": spell(paths[name][example]), "heard": spell(heard[way][example])}
        print(f"{way}: {figures[name]['path']} says {figures[name]['heard']}", end="")
        print(f" where {figures['said']} was said")
    save_picture(folder / "training.png", plots.curves, histories, "loss", yscale="log")
    pages = {name: scores[example] for name, scores in logits.items()}
    save_picture(
        folder / "alignments.png", alignments, held_out.sounds[example], pages, figures["said"]
    )
    return figures


def path_of(scores: np.ndarray, steps: np.ndarray) -> list[list[int]]:
    """The best class at each step of each sentence, without its padding."""
    return [best[:n] for best, n in zip(scores.argmax(axis=-1).tolist(), steps)]


def decoded(scores: np.ndarray, steps: np.ndarray, strategy: str) -> list[list[int]]:
    """What CTC hears: by `ops.ctc_decode`."""
    labels, _ = fn.ops.ctc_decode(scores, steps, strategy, BEAM)
    return [[c for c in row if c > BLANK] for row in labels[0].tolist()]


def spell(classes: Sequence[int]) -> str:
    """Digits and blanks as text."""
    return "".join(LETTERS[c] for c in classes)


def example_of(said: list[list[int]], heard: list[list[int]]) -> int:
    """The first sentence where a digit repeats and was heard so, else the first that repeats."""
    repeating = [i for i, s in enumerate(said) if trim(s) != s]
    return next((i for i in repeating if heard[i] == said[i]), repeating[0])


def alignments(sound: np.ndarray, pages: dict[str, np.ndarray], said: str) -> plots.Drawing:
    """The sound of a sentence, and below it the probability of each class at each step."""
    figure, grid = plots.style.new_grid(1 + len(pages), 1, (7, 2 + 2.3 * len(pages)), sharex=True)
    steps = len(sound)
    seconds = steps * STACKED * FRAME_SECONDS
    look = {"aspect": "auto", "origin": "lower", "interpolation": "nearest"}
    top = grid[0, 0]
    mel = sound.reshape(-1, BINS).T
    top.imshow(mel, cmap=plots.style.VALUES, extent=(0, seconds, 0, BINS), **look)
    top.set(ylabel="mel bin", title=f"{said}, as it sounds")
    values = {}
    for ax, (name, scores) in zip(grid[1:, 0], pages.items()):
        values[name] = shares = fn.ops.softmax(scores[:steps]).numpy().T
        extent = (0, seconds, -0.5, len(LETTERS) - 0.5)
        ax.imshow(shares, cmap=plots.style.SHARES, vmin=0, vmax=1, extent=extent, **look)
        ax.set_yticks(range(len(LETTERS)), list(LETTERS), fontsize=plots.style.SMALL)
        ax.set(ylabel="symbol", title=f"{name}: {spell(shares.argmax(axis=0))}")
        ax.title.set_fontsize(plots.style.SMALL)
    grid[-1, 0].set_xlabel("seconds")
    return plots.Drawing(figure, values)


def claims(figures: dict) -> list[Claim]:
    """CTC hears the digits, repeated ones too, which trimming never does."""
    greedy, searched, trimmed = (figures[name] for name in (GREEDY, SEARCHED, TRIMMED))
    return [
        Claim("label error rate, greedy", greedy["error_rate"], at_most=0.06),
        Claim("label error rate, beam search", searched["error_rate"], at_most=0.06),
        Claim("frame by frame, trimmed", trimmed["error_rate"]),
        Claim("exact where a digit repeats: CTC", greedy["repeating"], at_least=0.7),
        Claim("the same, trimmed", trimmed["repeating"], at_most=0, course=0),
        Claim("exact where none repeats: CTC", greedy["others"], at_least=0.8),
        Claim("the same, trimmed", trimmed["others"]),
    ]
