"""Slot filling: which words of a request name a city, a time, a date; and why that needs memory.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slides
"Example Application" ("arrive Taipei on November 2nd" and "leave Taipei on November 2nd": "Neural
network needs memory!"), "Recurrent Neural Network", "Of course it can be deep", "Bidirectional
RNN". They have no figures; here the requests are those of ATIS, and the city is Denver.

The settings are those of G. Mesnil and others, "Using recurrent neural networks for slot filling in
spoken language understanding", 2015, in small: words that occur once become "<other>", digits
become 0. A slot is right if its name, its first and its last word are.
"""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import fastnn as fn
from fastnn import layers, ops, plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture
from fastnn.text import Vocabulary, bucket_by_length, slot_f1
from fastnn.utils import pad_sequences

INFO = Info(
    lecture="III",
    slide="Example Application",
    question="Can a network fill slots that sees one word at a time?",
    minutes=1,
    dataset="atis",
)
EMBEDDING, HIDDEN, DROPOUT = 100, 100, 0.2
MULTIPLE = 8
# Sentences for training and for testing, passes, sentences a batch, Adam's rate.
FULL = (None, None, 10, 32, 2e-3)
QUICK = (1200, 300, 3, 8, 6e-3)

# The course's pair of requests: what the place is follows from the first word.
PAIR = ("arrive in denver on november second", "leave denver on november second")
PLACE = "denver"
ARRIVAL, DEPARTURE = "B-toloc.city_name", "B-fromloc.city_name"


class Window(layers.Layer):
    """Each word with the one before and the one after: [n, words, 3 features]."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x: fn.Tensor, mask: fn.Tensor | None = None) -> fn.Tensor:
        if mask is not None:  # what fills up a batch is no neighbour
            x = x * ops.expand_dims(ops.cast(mask, x.dtype), -1)
        x = ops.pad(x, ((0, 0), (1, 1), (0, 0)))
        return ops.concatenate([x[:, :-2], x[:, 1:-1], x[:, 2:]], axis=-1)


def lstm() -> layers.LSTM:
    return layers.LSTM(HIDDEN, return_sequences=True)


# What stands between a word's vector and the probabilities of its tags.
NETS: dict[str, Callable[[], list[layers.Layer]]] = {
    "the word alone": lambda: [layers.Dense(HIDDEN, "relu")],
    "a window of three words": lambda: [Window(), layers.Dense(HIDDEN, "relu")],
    "Elman": lambda: [layers.SimpleRNN(HIDDEN, return_sequences=True)],
    "LSTM": lambda: [lstm()],
    "two-layer LSTM": lambda: [lstm(), layers.Dropout(DROPOUT), lstm()],
    "bidirectional LSTM": lambda: [layers.Bidirectional(lstm())],
}
Sentences = Sequence[list[str]]
Tagger = Callable[[Sentences], list[list[str]]]
RECURRENT = ("Elman", "LSTM", "two-layer LSTM", "bidirectional LSTM")
LOOKUP = "the word's most frequent tag"


def normal(word: str) -> str:
    """The word with digits as 0: times and flight numbers share an entry."""
    return re.sub(r"\d", "0", word)


class Words:
    """A word is its number; one that occurs once in training, or never, is "<other>"."""

    def __init__(self, sentences: Sentences) -> None:
        self.words = Vocabulary((normal(w) for s in sentences for w in s), min_count=2)

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, sentences: Sentences) -> list[np.ndarray]:
        """[words] for each sentence."""
        return [self.words.encode(map(normal, sentence)) for sentence in sentences]

    def layers(self) -> list:
        """The network's input, and its first layer, which gives each word a vector."""
        # Words far apart at first: by Keras's small numbers two LSTMs in a row learn half as fast.
        apart = fn.initializers.RandomNormal(stddev=1.0)
        vectors = layers.Embedding(len(self), EMBEDDING, apart, mask_zero=True)
        return [fn.Input((None,), dtype="int32"), vectors]


def vocabulary_of(tags: Sentences) -> Vocabulary:
    """The tags of the training sentences; 0 is none of them."""
    return Vocabulary((tag for row in tags for tag in row), specials=("<other>",))


class Batches:
    """Batches of sentences of similar length, padded to a multiple of MULTIPLE words: there are so
    few lengths that the step of each is recorded once and then replayed."""

    def __init__(
        self, x: list[np.ndarray], y: list[np.ndarray], batch_size: int, shuffle: bool = True
    ) -> None:
        self.x, self.y, self.batch_size, self.shuffle = x, y, batch_size, shuffle

    def __len__(self) -> int:
        return -(-len(self.x) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        lengths = np.array(list(map(len, self.x)))
        for rows in bucket_by_length(lengths, self.batch_size, self.shuffle):
            most = -(-lengths[rows].max() // MULTIPLE) * MULTIPLE
            yield (
                pad_sequences([self.x[i] for i in rows], most, padding="post"),
                pad_sequences([self.y[i] for i in rows], most, padding="post"),
            )


def network(
    first: list, between: list[layers.Layer], tags: Vocabulary, rate: float
) -> fn.Sequential:
    """The compiled network from words to the probabilities of their tags, [n, words, tags]."""
    last = layers.Dense(len(tags), activation="softmax")
    model = fn.Sequential(
        [*first, layers.Dropout(DROPOUT), *between, layers.Dropout(DROPOUT), last]
    )
    model.compile(fn.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def tagger_of(model: fn.Model, words: Any, tags: Vocabulary) -> Tagger:
    """The most probable tag of each word."""

    def tagger(sentences: Sentences) -> list[list[str]]:
        x = pad_sequences(words.encode(sentences), padding="post")
        best = model.predict(x, batch_size=128, verbose=0)[..., 1:].argmax(axis=-1) + 1
        return [tags.decode(row[: len(s)]) for row, s in zip(best, sentences)]

    return tagger


def most_frequent_tags(sentences: Sentences, tags: Sentences) -> Tagger:
    """The baseline: each word gets the tag that it has most often in these sentences."""
    counts: dict[str, Counter] = defaultdict(Counter)
    for sentence, row in zip(sentences, tags):
        for word, tag in zip(sentence, row):
            counts[normal(word)][tag] += 1
    best = {word: found.most_common(1)[0][0] for word, found in counts.items()}
    return lambda sentences: [[best.get(normal(w), "O") for w in s] for s in sentences]


def judged(tagger: Tagger, sentences: Sentences, tags: Sentences) -> dict:
    """The F1 of the slots that it finds, its tags for the two requests, and for Denver in them."""
    requests = [request.split() for request in PAIR]
    tagged = tagger(requests)
    return {
        "f1": slot_f1(tags, tagger(sentences)),
        "tagged": tagged,
        "pair": [row[request.index(PLACE)] for request, row in zip(requests, tagged)],
    }


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains six networks on ATIS; quick: on 1,200 of its 4,978 sentences.

    Returns:
        dict: for each network, and for the baseline, "f1" of the test sentences' slots, "tagged",
        the tags of the two requests, and "pair", those of Denver in them; for networks "accuracy",
        of the training words' tags, "seconds" and "history".
    """
    folder = folder_for("slot-filling", out)
    many, tests, passes, batch, rate = QUICK if quick else FULL
    train, test = fn.datasets.atis.load_data()
    sentences, tags = train.words[:many], train.tags[:many]
    test_sentences, test_tags = test.words[:tests], test.tags[:tests]
    words, names = Words(sentences), vocabulary_of(tags)
    training = Batches(words.encode(sentences), list(map(names.encode, tags)), batch_size or batch)
    testing = Batches(
        words.encode(test_sentences), list(map(names.encode, test_tags)), 128, shuffle=False
    )
    figures: dict = {}
    title = f"{len(sentences):,} sentences, {len(words) - 2} words, {len(names) - 1} tags"
    header = ["network", "slot F1", "training accuracy", "seconds", "arrive in denver", "leave"]
    with Table(title, header) as table:
        baseline = most_frequent_tags(sentences, tags)
        figures[LOOKUP] = judged(baseline, test_sentences, test_tags)
        table.add(LOOKUP, figures[LOOKUP]["f1"], "", "", *figures[LOOKUP]["pair"])
        for name in NETS:
            fn.utils.set_random_seed(seed)
            model = network(words.layers(), NETS[name](), names, rate)
            start = time.perf_counter()
            history = model.fit(
                training,
                epochs=epochs or passes,
                validation_data=testing,
                verbose=2 if quick else "auto",
            ).history
            seconds, accuracy = time.perf_counter() - start, history["accuracy"][-1]
            found = judged(tagger_of(model, words, names), test_sentences, test_tags)
            table.add(name, found["f1"], accuracy, seconds, *found["pair"])
            figures[name] = found | {"accuracy": accuracy, "seconds": seconds, "history": history}
    for request, row in zip(PAIR, found["tagged"]):
        pairs = zip(request.split(), row)
        print(f"{name}: " + " ".join(w if tag == "O" else f"{w} [{tag}]" for w, tag in pairs))
    save_picture(
        folder / "training.png",
        plots.curves,
        {name: figures[name]["history"] for name in NETS},
        "accuracy",
    )
    return figures


def claims(figures: dict) -> list[Claim]:
    """A word alone does not tell its slot; recurrent networks remember the words before."""
    f1 = {name: found["f1"] for name, found in figures.items()}
    alone, both = (figures[name]["pair"] for name in ("the word alone", "bidirectional LSTM"))
    bounds = {"the word alone": (None, 0.7), "bidirectional LSTM": (0.93, None)}
    bounds |= dict.fromkeys(RECURRENT[:-1], (0.9, None))
    return [
        *(Claim(f"slot F1, {name}", f1[name], *bounds.get(name, ())) for name in f1),
        Claim(
            "worst recurrent - the word alone",
            min(f1[name] for name in RECURRENT) - f1["the word alone"],
            at_least=0.2,
        ),
        Claim("denver alike in both requests, the word alone", alone[0] == alone[1], at_least=1),
        Claim(
            "denver as arrival and as departure, bidirectional",
            both == [ARRIVAL, DEPARTURE],
            at_least=1,
        ),
        *(
            Claim(f"the same, {name}", figures[name]["pair"] == [ARRIVAL, DEPARTURE])
            for name in NETS
            if name not in ("the word alone", "bidirectional LSTM")
        ),
    ]
