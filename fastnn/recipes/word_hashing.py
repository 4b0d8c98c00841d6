"""Word hashing: words as their letter trigrams, beside 1-of-N, where words are misspelled.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slides
"1-of-N Encoding" and "Beyond 1-of-N encoding" (a dimension for "other": Gandalf and Sauron; word
hashing: apple is a-p-p, p-p-l and p-l-e of 26 x 26 x 26). They have no figures; here the two feed
the same bidirectional LSTM, which fills the slots of ATIS (recipe slot-filling).

Word hashing: P.-S. Huang and others, "Learning deep structured semantic models for web search using
clickthrough data", CIKM 2013. As there, the ends of a word count as letters ("#to", "to#"), without
which "to" would have no trigram; digits are written d, so that numbers have trigrams too.
"""

import re
import string
from pathlib import Path
from typing import Any

import numpy as np

import fastnn as fn
from fastnn import layers, ops, plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture
from fastnn.recipes.slot_filling import (
    EMBEDDING,
    FULL,
    NETS,
    QUICK,
    Batches,
    Sentences,
    Words,
    network,
    tagger_of,
    vocabulary_of,
)
from fastnn.text import Vocabulary, letter_trigrams, slot_f1, word_hash
from fastnn.utils import pad_sequences

INFO = Info(
    lecture="III",
    slide="Beyond 1-of-N encoding",
    question="What is left of a word that is misspelled?",
    minutes=1,
    dataset="atis",
)
SHARES = (0.0, 0.1, 0.2, 0.4)  # of the test words, misspelled
SHORTEST = 4  # letters of a word that is misspelled
LONGEST = 16  # trigrams of a word


class Trigrams:
    """A word is the numbers of its trigrams; one that does not occur in training is "<other>"."""

    def __init__(self, sentences: Sentences) -> None:
        self.trigrams = Vocabulary(t for s in sentences for w in s for t in trigrams_of(w))

    def __len__(self) -> int:
        return len(self.trigrams)

    def encode(self, sentences: Sentences) -> list[np.ndarray]:
        """[words, LONGEST] for each sentence, 0 where a word has no more trigrams."""
        return [
            pad_sequences(
                [self.trigrams.encode(trigrams_of(word)) for word in sentence],
                LONGEST,
                padding="post",
                truncating="post",
            )
            for sentence in sentences
        ]

    def layers(self) -> list:
        """The network's input, and its first layer, which gives each word a vector."""
        return [fn.Input((None, LONGEST), dtype="int32"), SumOfVectors(len(self))]


def trigrams_of(word: str) -> tuple[str, ...]:
    return letter_trigrams(re.sub(r"\d", "d", word), boundary=True)


class SumOfVectors(layers.Layer):
    """A dense layer's product with a word's row of 0 and 1, without the zeros: the sum of the
    vectors of its trigrams. [n, words, LONGEST] to [n, words, EMBEDDING]."""

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vectors = layers.Embedding(count, EMBEDDING)

    def call(self, ids: fn.Tensor) -> fn.Tensor:
        vectors = self.vectors(ids)
        there = ops.cast(ops.not_equal(ids, 0), vectors.dtype)
        return ops.sum(vectors * ops.expand_dims(there, -1), axis=2)

    def compute_mask(self, ids: Any, previous_mask: Any) -> Any:
        return ops.any(ops.not_equal(ids, 0), axis=-1)


ENCODINGS: dict[str, type[Words] | type[Trigrams]] = {
    "1-of-N": Words,
    "letter trigrams": Trigrams,
}


def misspelled(word: str, generator: np.random.Generator) -> str:
    """The word with two letters exchanged, or one left out, twice, or replaced: in one case of
    seventy by the same."""
    i = int(generator.integers(len(word) - 1))
    other = string.ascii_lowercase[generator.integers(26)]
    kinds = (word[i + 1] + word[i] + word[i + 2 :], word[i + 1 :], word[i] + word[i:],
             other + word[i + 1 :])  # fmt: skip
    return word[:i] + kinds[generator.integers(len(kinds))]


def with_errors(sentences: Sentences, share: float, seed: int) -> list[list[str]]:
    """The sentences with so many of the words misspelled that have SHORTEST letters or more."""
    generator = np.random.default_rng(seed)
    return [
        [
            misspelled(word, generator)
            if len(word) >= SHORTEST and word.isalpha() and generator.random() < share
            else word
            for word in sentence
        ]
        for sentence in sentences
    ]


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains the bidirectional LSTM of slot-filling on both; quick: on 1,200 sentences.

    Returns:
        dict: "apple", how many of the 26 x 26 x 26 trigrams it has; for each encoding "f1", of the
        test sentences' slots by the share of misspelled words, "numbers", how many words or
        trigrams there are, "parameters" and "history".
    """
    folder = folder_for("word-hashing", out)
    many, tests, passes, batch, rate = QUICK if quick else FULL
    train, test = fn.datasets.atis.load_data()
    sentences, tags = train.words[:many], train.tags[:many]
    test_sentences, test_tags = test.words[:tests], test.tags[:tests]
    misspelled_tests = [with_errors(test_sentences, share, seed) for share in SHARES]
    names = vocabulary_of(tags)
    y, y_test = list(map(names.encode, tags)), list(map(names.encode, test_tags))
    apple, row = letter_trigrams("apple"), word_hash(["apple"])
    print(f"apple has {', '.join('-'.join(t) for t in apple)} of {row.size:,} trigrams")
    figures: dict = {"apple": row.sum()}
    title = f"Slot F1 of {len(test_sentences)} sentences by the share of misspelled words"
    header = ["words as", "numbers", "parameters", *(f"{share:.0%}" for share in SHARES)]
    with Table(title, header) as table:
        for name, make in ENCODINGS.items():
            fn.utils.set_random_seed(seed)
            words = make(sentences)
            model = network(words.layers(), NETS["bidirectional LSTM"](), names, rate)
            history = model.fit(
                Batches(words.encode(sentences), y, batch_size or batch),
                epochs=epochs or passes,
                validation_data=Batches(words.encode(test_sentences), y_test, 128, shuffle=False),
                verbose=2 if quick else "auto",
            ).history
            tagger = tagger_of(model, words, names)
            f1 = [slot_f1(test_tags, tagger(sentences)) for sentences in misspelled_tests]
            table.add(name, len(words), model.count_params(), *f1)
            figures[name] = {
                "f1": f1,
                "numbers": len(words),
                "parameters": model.count_params(),
                "history": history,
            }
    print(f"misspelled, for example: {' '.join(misspelled_tests[-1][0])}")
    save_picture(
        folder / "misspelled.png",
        plots.lines,
        {name: (SHARES, figures[name]["f1"]) for name in ENCODINGS},
        "share of misspelled words",
        "slot F1",
        markers=True,
    )
    save_picture(
        folder / "training.png",
        plots.curves,
        {name: figures[name]["history"] for name in ENCODINGS},
        "accuracy",
    )
    return figures


def claims(figures: dict) -> list[Claim]:
    """Words as they should be: no great difference. Misspelled: trigrams keep more of the slots."""
    one, hashed = (figures[name]["f1"] for name in ENCODINGS)
    return [
        Claim("trigrams of apple", figures["apple"], 3, 3, course=3),
        Claim("slot F1, 1-of-N", one[0], at_least=0.93),
        Claim("slot F1, letter trigrams", hashed[0], at_least=0.92),
        *(
            Claim(f"{share:.0%} misspelled, {name}", figures[name]["f1"][i])
            for i, share in enumerate(SHARES)
            for name in ENCODINGS
            if share
        ),
        Claim("20% misspelled: trigrams - 1-of-N", hashed[2] - one[2], at_least=0.05),
        Claim("40% misspelled: trigrams - 1-of-N", hashed[3] - one[3], at_least=0.1),
    ]
