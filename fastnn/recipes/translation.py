"""English to French by characters: an encoder, a decoder, and a symbol that says stop.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slides "Many
to Many (No Limitation)": machine learning becomes 機器學習, a vector holds "all information about
input sequence", and without a symbol for the end ("===", 斷) the decoder goes on: 慣, 性 ...

The sentences are Tatoeba's shortest, so few that a translator learns them by heart rather than the
language: what it makes of sentences it has not read stands beside a translation memory, which
answers with the translation of the most similar sentence it knows.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import fastnn as fn
from fastnn import plots
from fastnn.datasets.tatoeba import Pairs
from fastnn.recipes.common import Claim, Info, folder_for, print_table, save_picture
from fastnn.recipes.translator import SPECIALS, START, STOP, Translator, Writer
from fastnn.text import Vocabulary, bleu, bucket_by_length
from fastnn.utils import edit_distances, pad_sequences

INFO = Info(
    lecture="III",
    slide="Many to Many (No Limitation)",
    question="How does a net translate, and how does it know when to stop?",
    minutes=6,
    dataset="tatoeba",
)
NETS = {"without attention": False, "with attention": True}
BEAM = 5  # beginnings that a beam search keeps


@dataclass(frozen=True)
class Setting:
    """How translators are trained.

    Attributes:
        pairs: how many of the data set's, from the shortest English sentence on.
        units: of encoder and decoder.
        epochs: of the two translators, and of the one without the stop symbol.
        batch_size: pairs a batch.
        rate: Adam's at first; it falls along a cosine.
        verbose: fit's.
    """

    pairs: int
    units: int
    epochs: tuple[int, int]
    batch_size: int
    rate: float
    verbose: Any


FULL = Setting(5000, 256, (24, 5), 64, 0.003, "auto")
QUICK = Setting(600, 128, (6, 3), 32, 0.006, 2)
LENGTHS = (14, 20, 28)  # a batch is as long as one of these: a recorded step for each
MOST = 60  # characters of a translation


class Batches:
    """Batches of pairs for fit, in a new order each time: targets of similar length together.

    The decoder's input begins with the start symbol, its targets end with the stop symbol, unless
    that is left out.
    """

    def __init__(self, model: Translator, pairs: Pairs, batch_size: int, stop: bool = True):
        self.batch_size = batch_size
        self.source = model.source_ids(pairs.english)
        begin, end = [model.target[START]], [model.target[STOP]] if stop else []
        rows = [[*begin, *model.target.encode(other), *end] for other in pairs.other]
        self.rows = pad_sequences(rows, padding="post")
        steps = np.array([len(row) - 1 for row in rows])
        self.lengths = [*(n for n in LENGTHS if n < steps.max()), int(steps.max())]
        self.group = np.searchsorted(self.lengths, steps)

    def __len__(self) -> int:
        return -(-len(self.rows) // self.batch_size)

    def __iter__(self) -> Iterator[tuple]:
        for rows in bucket_by_length(self.group, self.batch_size):
            table = self.rows[rows, : self.lengths[self.group[rows].max()] + 1]
            targets = table[:, 1:]
            given = np.where(targets != 0, table[:, :-1], 0)  # a text is not told its stop symbol
            yield (self.source[rows], given), targets


def translations(pairs: Pairs) -> dict[str, list[str]]:
    """All translations of each English sentence."""
    known: dict[str, list[str]] = {}
    for english, other in zip(*pairs):
        known.setdefault(english, []).append(other)
    return known


def train(
    model: Translator, pairs: tuple[Pairs, Pairs], setting: Setting, epochs: int, stop: bool = True
) -> dict:
    """Trains on the first pairs, watches the others.

    Returns:
        "history", "minutes" of the processor, "parameters"; "train" and "test": how well the net
        foretells the next character of a translation that it is given.
    """
    batches = [Batches(model, part, setting.batch_size, stop) for part in pairs]
    rate = fn.optimizers.schedules.CosineDecay(setting.rate, epochs * len(batches[0]), 0.05)
    model.compile(
        fn.optimizers.Adam(rate, global_clipnorm=1.0),
        fn.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    start = time.process_time()
    history = model.fit(
        batches[0], epochs=epochs, validation_data=batches[1], verbose=setting.verbose
    ).history
    return {
        "minutes": (time.process_time() - start) / 60,
        "parameters": model.count_params(),
        "history": history,
        "train": foretold(model, batches[0]),
        "test": foretold(model, batches[1]),
    }


def foretold(model: Translator, batches: Batches) -> dict:
    """ "cross-entropy", in nats a character, and "next", the share of characters foretold."""
    nats, right, count = 0.0, 0, 0
    for inputs, targets in batches:
        chances = fn.ops.log_softmax(model(inputs)).numpy()
        counts = targets != 0
        own = np.take_along_axis(chances, targets[..., None], axis=-1)[..., 0]
        nats -= float(own[counts].sum(dtype="float64"))
        right += int((chances.argmax(-1) == targets)[counts].sum())
        count += int(counts.sum())
    return {"cross-entropy": nats / count, "next": right / count}


def score(texts: Sequence[str], references: Sequence[Sequence[str]]) -> dict:
    """How good translations are.

    Returns:
        "exact": the share that is one of the references; "characters": 1 - the edit distance to
        the nearest of them, over its length, at least 0, in the mean; "BLEU", from 0 to 100, or
        None if sacrebleu is not installed.
    """
    characters = []
    for text, known in zip(texts, references):
        distances = edit_distances([text] * len(known), known)
        nearest = int(distances.argmin())
        characters.append(max(0.0, 1 - distances[nearest] / len(known[nearest])))
    try:
        found = bleu(references, texts)
    except ImportError:
        found = None
    return {
        "exact": float(np.mean([text in known for text, known in zip(texts, references)])),
        "characters": float(np.mean(characters)),
        "BLEU": found,
    }


def from_memory(known: dict[str, list[str]], sentences: Sequence[str]) -> list[str]:
    """The first translation of the sentence that has the smallest edit distance."""
    memory, letters = list(known), [list(map(ord, text)) for text in known]
    nearest = [
        int(edit_distances([list(map(ord, s))] * len(memory), letters).argmin()) for s in sentences
    ]
    return [known[memory[place]][0] for place in nearest]


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains translators with and without attention, and one that never saw the stop symbol.

    Returns:
        dict: for each of NETS what ``train`` returns, "reproduced", the share of training
        sentences for which it writes a translation that it was shown, "ended", the share of
        held-out ones after which it stops by itself, and "greedy" and "beam", the ``score`` on
        these; "memory", that of the translation memory; "seen", the share of held-out sentences
        with a translation that some training sentence has too; "without stop": "ended" and
        "examples".
    """
    folder = folder_for("translation", out)
    setting = QUICK if quick else FULL
    setting = replace(setting, batch_size=batch_size or setting.batch_size)
    pairs = fn.datasets.tatoeba.load_data(count=setting.pairs)
    source, target = (Vocabulary("".join(part), specials=SPECIALS) for part in pairs[0])
    known, asked = map(translations, pairs)
    sentences, references = list(asked), list(asked.values())
    remembered = from_memory(known, sentences)
    trained = set(pairs[0].other)
    figures: dict = {
        "memory": score(remembered, references),
        "seen": float(np.mean([not trained.isdisjoint(answers) for answers in references])),
    }
    texts = {"French": [r[0] for r in references], "memory": remembered}
    for name, attention in NETS.items():
        fn.utils.set_random_seed(seed)
        model = Translator(source, target, setting.units, attention)
        figures[name] = train(model, pairs, setting, epochs or setting.epochs[0])
        writer = Writer(model, MOST)
        texts[name], ended, looks = writer.greedy(sentences)
        reproduced = score(writer.greedy(list(known))[0], list(known.values()))["exact"]
        figures[name] |= {
            "reproduced": reproduced,
            "ended": float(np.mean(ended)),
            "greedy": score(texts[name], references),
            "beam": score(writer.beam(sentences, BEAM), references),
        }
    show(figures, len(known), len(sentences))
    some = range(0, len(sentences), max(1, len(sentences) // 12))
    print_table(
        "Some of them",
        ["English", *texts],
        [[sentences[i], *(column[i] for column in texts.values())] for i in some],
    )
    count = min(epochs or setting.epochs[1], setting.epochs[1])
    figures["without stop"] = endless(source, target, pairs, sentences, setting, count, seed)
    histories = {name: figures[name]["history"] for name in NETS}
    save_picture(folder / "training.png", plots.curves, histories, validation="held out")
    longest = sorted(range(len(sentences)), key=lambda i: -len(texts["with attention"][i]))
    chosen = [(sentences[i], texts["with attention"][i], looks[i]) for i in longest[:4]]
    save_picture(folder / "attention.png", attention_page, chosen)
    return figures


def endless(
    source: Vocabulary,
    target: Vocabulary,
    pairs: tuple[Pairs, Pairs],
    sentences: Sequence[str],
    setting: Setting,
    epochs: int,
    seed: int,
) -> dict:
    """Trains a translator that is never shown the stop symbol, and lets it write: "ended", the
    share of texts that end, and some "examples"."""
    fn.utils.set_random_seed(seed)
    model = Translator(source, target, setting.units, attention=False)
    train(model, pairs, setting, epochs, stop=False)
    texts, ended, _ = Writer(model, MOST).greedy(sentences)
    examples = list(zip(sentences, texts))[:: max(1, len(sentences) // 3)]
    print(
        f"\nWithout the stop symbol {np.mean(ended):.0%} of the translations end by themselves; "
        "the course's goes on after 機器學習: 慣, 性 .."
    )
    for english, text in examples:
        print(f"  {english} -> {text} ...")
    return {"ended": float(np.mean(ended)), "examples": examples}


def show(figures: dict, known: int, asked: int) -> None:
    """Prints the tables."""
    print_table(
        f"Learned by heart: {known:,} English sentences and their French ones",
        ["net", "parameters", "minutes", "nats a character", "next one foretold", "reproduced"],
        [
            [name, f["parameters"], f["minutes"], *f["train"].values(), f["reproduced"]]
            for name, f in ((name, figures[name]) for name in NETS)
        ],
    )
    rows = [["translation memory", "-", "-", *shown(figures["memory"]), "-"]]
    for name in NETS:
        f = figures[name]
        rows.append([name, *f["test"].values(), *shown(f["greedy"]), f["ended"]])
        rows.append([f"{name}, beam of {BEAM}", "", "", *shown(f["beam"])])
    print_table(
        f"{asked} sentences not read before; {figures['seen']:.0%} have a translation that "
        "was read, of another sentence",
        ["translator", "nats", "next one", "exact", "characters", "BLEU", "ended by itself"],
        rows,
    )
    if figures["memory"]["BLEU"] is None:
        print("BLEU left out: it needs sacrebleu, pip install 'fastnn[text]'")


def shown(scores: dict) -> list:
    """The scores as a table has them."""
    return ["-" if value is None else value for value in scores.values()]


def attention_page(chosen: Sequence[tuple[str, str, np.ndarray]]) -> plots.Drawing:
    """Where the net looks while it writes: a row for each character written, dark is much.

    chosen: (sentence, translation, weights [characters written, characters read])
    """
    figure, grid = plots.style.new_grid(1, len(chosen), (3 * len(chosen), 6))
    for ax, (english, text, weights) in zip(grid.flat, chosen):
        ax.imshow(weights, cmap="Blues", vmin=0, aspect="auto")
        ax.set_xticks(range(len(english)), english)
        ax.set_yticks(range(len(text)), text)
        ax.tick_params(length=0, labelsize=9)
    return plots.Drawing(figure)


def claims(figures: dict) -> list[Claim]:
    """The training sentences are learned by heart, and the stop symbol is what ends a text."""
    plain, attentive, memory = (figures[n] for n in (*NETS, "memory"))
    made = [
        Claim("training, nats a character", plain["train"]["cross-entropy"], at_most=0.5),
        Claim("training sentences reproduced", plain["reproduced"], at_least=0.5),
        Claim(
            "attention: training, nats a character", attentive["train"]["cross-entropy"], None, 0.5
        ),
        Claim("attention: training sentences reproduced", attentive["reproduced"]),
        Claim("ended by itself", plain["ended"], at_least=0.8),
        Claim("attention: ended by itself", attentive["ended"], at_least=0.8),
        Claim("ended without the stop symbol", figures["without stop"]["ended"], at_most=0),
    ]
    scores = {
        "translation memory": memory,
        "greedy": plain["greedy"],
        "beam": plain["beam"],
        "attention, greedy": attentive["greedy"],
        "attention, beam": attentive["beam"],
    }
    for what in ("characters", "exact", "BLEU"):
        if memory[what] is not None:
            made += [Claim(f"held out, {what}: {by}", s[what]) for by, s in scores.items()]
    return made
