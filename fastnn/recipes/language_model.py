"""Which word comes next? Counted pairs of words against networks with memory, and luck.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slides
"Unfortunately" ("RNN-based network is not always easy to learn. Real experiments on language
modeling": one curve is "lucky sometimes"), "The error surface is rough" (clipping) and "Helpful
Techniques" (LSTM, GRU, SCRN). The slides have curves without numbers.

Trained on the validation part of WikiText-2 (217,646 words; its training part is ten times as
long), judged on its test part. The vocabulary: words seen at least 5 times in training, 4,709 of
13,777; all others are one word, which is why perplexities are lower than those of the whole
vocabulary.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import fastnn as fn
from fastnn import layers, plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, print_table, save_picture
from fastnn.recipes.ngrams import NGrams
from fastnn.recipes.streams import read, windows
from fastnn.text import Vocabulary

INFO = Info(
    lecture="III",
    slide="Unfortunately",
    question="Do networks with memory predict words better than counted pairs, and who needs luck?",
    minutes=4.5,
    dataset="wikitext2",
)
MIN_COUNT, EMBEDDING, UNITS, CONTEXT = 5, 64, 100, 40
ROWS, STEPS = 20, 20  # windows of a batch, words of a window
EPOCHS, RATE = 3, 5e-3
ALWAYS = {"return_sequences": True, "stateful": True}
CELLS: dict[str, Callable[[], fn.Layer]] = {
    "RNN": lambda: layers.SimpleRNN(UNITS, **ALWAYS),
    "LSTM": lambda: layers.LSTM(UNITS, **ALWAYS),
    "GRU": lambda: layers.GRU(UNITS, **ALWAYS),
    "SCRN": lambda: layers.SCRN(UNITS, CONTEXT, **ALWAYS),
}
NGRAM = {"unigram": 1, "bigram": 2, "trigram": 3}

# Luck: small vanilla networks, trained by SGD with a large rate.
LUCK_WORDS, LUCK_TEXT, LUCK_UNITS, LUCK_ROWS, LUCK_STEPS = 1000, 40_000, 64, 10, 25
LUCK_RATE, CLIP, LUCK_EPOCHS, LUCK_SEEDS = 1.0, 1.0, 6, 6


def build(cell: fn.Layer, words: np.ndarray, updates: int) -> fn.Sequential:
    """Embedding, a recurrent layer, the share of each word; Adam with its gradient clipped.

    words: how often each was seen: the output begins with these shares, so that networks need not
        learn them first
    updates: until Adam's rate has fallen to zero
    """
    head = layers.Dense(len(words))
    model = fn.Sequential(
        [
            fn.Input(batch_shape=(ROWS, STEPS), dtype="int32"),
            layers.Embedding(len(words), EMBEDDING),
            layers.Dropout(0.2),
            cell,
            layers.Dropout(0.2),
            head,
        ]
    )
    head.bias.assign(np.log((words + 1) / (words.sum() + len(words))).astype("float32"))
    schedule = fn.optimizers.schedules.CosineDecay(RATE, updates)
    model.compile(
        fn.optimizers.Adam(schedule, global_clipnorm=1.0),
        fn.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def perplexity(cross_entropy: float) -> float:
    """Between how many equally likely words a model would have to choose."""
    return float(np.exp(cross_entropy))


def luck(train: list[str], seeds: list[int], epochs: int) -> dict[str, Any]:
    """Small vanilla networks with and without clipping, one pair for each seed.

    Returns:
        dict: "plain" and "clipped", the training cross-entropy after each epoch for each seed, and
        "unigram", that of the words' shares.
    """
    words = Vocabulary(train, LUCK_WORDS, specials=("<other>",))
    ids = words.encode(train)
    found: dict[str, Any] = {"plain": [], "clipped": []}
    for name, clip in (("plain", None), ("clipped", CLIP)):
        for seed in seeds:
            fn.utils.set_random_seed(seed)
            model = fn.Sequential(
                [
                    fn.Input(batch_shape=(LUCK_ROWS, LUCK_STEPS), dtype="int32"),
                    layers.Embedding(len(words), LUCK_UNITS),
                    layers.SimpleRNN(LUCK_UNITS, **ALWAYS),
                    layers.Dense(len(words)),
                ]
            )
            model.compile(
                fn.optimizers.SGD(LUCK_RATE, global_clipnorm=clip),
                fn.losses.SparseCategoricalCrossentropy(from_logits=True),
            )
            history, _ = read(model, windows(ids, LUCK_ROWS, LUCK_STEPS), epochs, 0)
            found[name].append([float(loss) for loss in history["loss"]])
    found["unigram"] = -float(NGrams(ids, len(words), 1).log_probabilities(ids).mean())
    print_table(
        f"Lucky sometimes: cross-entropy of {len(seeds)} vanilla networks after {epochs} epochs "
        f"of SGD, rate {LUCK_RATE:g} (without memory {found['unigram']:.2f})",
        ["seed", "as it is", f"gradient clipped to norm {CLIP:g}"],
        [[s, p[-1], c[-1]] for s, p, c in zip(seeds, found["plain"], found["clipped"])],
    )
    return found


def draw_luck(found: dict[str, Any]) -> plots.Drawing:
    """The training curves of all seeds, without clipping and with."""
    figure = plots.style.new_figure(12, 5)
    axes = figure.subplots(1, 2, sharey=True)
    for ax, (name, title) in zip(axes, (("plain", "as it is"), ("clipped", "clipped"))):
        curves = {
            f"network {i}": (np.arange(1, len(curve) + 1), curve)
            for i, curve in enumerate(found[name], 1)
        }
        drawing = plots.lines(curves, "epoch", "training cross-entropy", markers=True, ax=ax)
        ax.set(title=title, xticks=np.arange(1, len(found[name][0]) + 1))
    return drawing


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Counts, trains four networks, and shows how lucky vanilla ones have to be without clipping.

    Quick: a fifth of the text, words seen 10 times in it. `batch_size` is not used: how many
    pieces of the text are read side by side belongs to the networks. Saves the curves.

    Returns:
        dict: "words" of the vocabulary; for each model its "perplexity" on the test part, networks
        with "parameters", "seconds" and "history"; "luck": "unigram", the cross-entropy without
        memory, and the curves "plain" and "clipped".
    """
    folder = folder_for("language-model", out)
    train, test = fn.datasets.wikitext2.load_data(("valid", "test"))
    if quick:
        train, test = train[:40_000], test[:12_000]
    known = Vocabulary(train, min_count=10 if quick else MIN_COUNT, specials=("<other>",))
    ids, test_ids = known.encode(train), known.encode(test)
    text, judged = (windows(part, ROWS, STEPS) for part in (ids, test_ids))
    counts = np.bincount(ids, minlength=len(known))
    figures: dict[str, Any] = {"words": len(known)}
    title = f"{len(ids):,} words, {len(known):,} different ones; all models judged on the same text"
    header = ["model", "test perplexity", "training", "parameters", "processor s"]
    with Table(title, header) as table:
        for name, order in NGRAM.items():
            model = NGrams(ids, len(known), order)
            own, loss = (
                -float(model.log_probabilities(part[: x.size + 1])[-x.size :].mean())
                for part, (x, _) in ((ids, text), (test_ids, judged))
            )
            figures[name] = {"perplexity": perplexity(loss)}
            table.add(name, perplexity(loss), perplexity(own))
        for name, cell in CELLS.items():
            fn.utils.set_random_seed(seed)
            passes = epochs or EPOCHS
            network = build(cell(), counts, passes * len(text[0]) // ROWS)
            history, seconds = read(network, text, passes, 2 if quick else "auto", judged)
            figures[name] = found = {
                "perplexity": perplexity(history["val_loss"][-1]),
                "parameters": network.count_params(),
                "seconds": seconds,
                "history": history,
            }
            own = perplexity(history["loss"][-1])
            table.add(name, found["perplexity"], own, found["parameters"], seconds)
    print("n-grams are interpolated Kneser-Ney. Training perplexities of networks: with dropout.")
    seeds = [LUCK_SEEDS * seed + i for i in range(2 if quick else LUCK_SEEDS)]
    figures["luck"] = luck(
        train[: 15_000 if quick else LUCK_TEXT], seeds, epochs or (3 if quick else LUCK_EPOCHS)
    )
    histories = {name: figures[name]["history"] for name in CELLS}
    save_picture(folder / "training.png", plots.curves, histories, "loss")
    save_picture(folder / "luck.png", draw_luck, figures["luck"])
    return figures


def claims(figures: dict) -> list[Claim]:
    """Every network is better than counted pairs; clipping makes luck unnecessary."""
    bigram = figures["bigram"]["perplexity"]
    tried = figures["luck"]
    ends = {name: [curve[-1] for curve in tried[name]] for name in ("plain", "clipped")}
    lucky = sum(loss < tried["unigram"] for loss in ends["plain"])
    return [
        *(Claim(f"{name}: perplexity", figures[name]["perplexity"]) for name in NGRAM),
        *(
            Claim(
                f"{name}: perplexity / bigram's", figures[name]["perplexity"] / bigram, None, most
            )
            for name, most in (("RNN", 0.9), ("LSTM", 0.9), ("GRU", 0.9), ("SCRN", 0.97))
        ),
        Claim(f"without clipping: better than no memory, of {len(ends['plain'])}", lucky),
        Claim("without clipping: worst - best", np.ptp(ends["plain"]), at_least=0.5),
        Claim("with clipping: worst - best", np.ptp(ends["clipped"]), at_most=0.1),
        Claim(
            "with clipping: worst - no memory", max(ends["clipped"]) - tried["unigram"], None, -0.5
        ),
    ]
