"""A training step of the recurrent recipes' networks: words with slots, spoken digits by CTC, the
next word, a translator. Batches hold sequences of unequal length; a call is a step for each.

PyTorch gets batches packed where a network reads both ways or its last state counts; fastnn has the
layers' masks.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import fastnn as fn
from bench.families.steps import EPSILON, RATE, moved
from bench.row import Engine, Row
from fastnn import layers
from fastnn.recipes.translator import SPECIALS, Translator
from fastnn.text import Vocabulary
from fastnn.utils import pad_sequences

DROPOUT = 0.2
STEPS = 8
RECORDED = 4  # passes after which the step of every batch is replayed
BATCH = 32
WORDS, TAGS, TAGGER = 600, 120, 100  # slot-filling
FEATURES, CLASSES, HEARD = 120, 11, 96  # speech-ctc
NEXT, WIDTH, READ, ROWS, WINDOW = 4709, 64, 100, 20, 20  # language-model
LETTERS, WRITTEN, WRITER, PAIRS = 60, 80, 256, 64  # translation


class Batches:
    """What fit takes: the same batches at each pass."""

    def __init__(self, batches: list[tuple]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple]:
        return iter(self.batches)


def lengths(random: np.random.Generator, count: int, mean: int, least: int) -> list[np.ndarray]:
    """Of the sequences of each batch: similar ones together, as recipes have them."""
    drawn = np.sort(np.maximum(random.normal(mean, mean / 3, (STEPS * count)), least).astype(int))
    batches = np.split(drawn, STEPS)
    random.shuffle(batches)
    return batches


def numbers(random: np.random.Generator, counts: np.ndarray, most: int, **where: Any) -> np.ndarray:
    """Rows of random numbers from 1 to most - 1, filled up with 0."""
    return pad_sequences([random.integers(1, most, n) for n in counts], padding="post", **where)


# ---- slot-filling --------------------------------------------------------------------------------


def sentences(random: np.random.Generator) -> list[tuple]:
    batches = lengths(random, BATCH, 11, 3)
    return [(numbers(random, n, WORDS), numbers(random, n, TAGS)) for n in batches]


def our_tagger(dropout: float) -> fn.Model:
    return fn.Sequential(
        [
            fn.Input((None,), dtype="int32"),
            layers.Embedding(WORDS, TAGGER, mask_zero=True),
            layers.Dropout(dropout),
            layers.Bidirectional(layers.LSTM(TAGGER, return_sequences=True)),
            layers.Dropout(dropout),
            layers.Dense(TAGS),
        ]
    )


def torch_tagger(dropout: float):
    from torch import nn

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.drop = nn.Embedding(WORDS, TAGGER), nn.Dropout(dropout)
            self.both = one_bias(nn.LSTM(TAGGER, TAGGER, batch_first=True, bidirectional=True))
            self.tags = nn.Linear(2 * TAGGER, TAGS)

        def forward(self, x, counts):
            return self.tags(self.drop(packed(self.both, self.drop(self.words(x)), counts)))

    return Tagger()


def tagger_loss(model, x, y):
    import torch

    logits = model(x, (x > 0).sum(1))
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=0)


# ---- speech-ctc ----------------------------------------------------------------------------------


def sounds(random: np.random.Generator) -> list[tuple]:
    batches = []
    for n in lengths(random, BATCH, 60, 30):
        frames = [random.standard_normal((count, FEATURES), np.float32) for count in n]
        digits = random.integers(3, 6, BATCH)
        x = pad_sequences(frames, dtype="float32", padding="post")
        batches.append((x, numbers(random, digits, CLASSES, maxlen=5)))
    return batches


def our_listener(dropout: float) -> fn.Model:
    return fn.Sequential(
        [
            fn.Input((None, FEATURES)),
            layers.Masking(),
            layers.Bidirectional(layers.LSTM(HEARD, return_sequences=True)),
            layers.Dense(CLASSES),
        ]
    )


def torch_listener(dropout: float):
    from torch import nn

    class Listener(nn.Module):
        def __init__(self):
            super().__init__()
            self.both = one_bias(nn.LSTM(FEATURES, HEARD, batch_first=True, bidirectional=True))
            self.classes = nn.Linear(2 * HEARD, CLASSES)

        def forward(self, x, counts):
            return self.classes(packed(self.both, x, counts))

    return Listener()


def listener_loss(model, x, y):
    from torch.nn import functional as F

    counts = x.ne(0).any(2).sum(1)
    scores = F.log_softmax(model(x, counts), -1).transpose(0, 1)
    return F.ctc_loss(scores, y, counts, y.gt(0).sum(1), reduction="none").mean()


# ---- language-model ------------------------------------------------------------------------------


def text(random: np.random.Generator) -> list[tuple]:
    words = (NEXT * random.random((STEPS, ROWS, WINDOW + 1)) ** 4).astype(
        np.int32
    )  # few are common
    return [(batch[:, :-1], batch[:, 1:]) for batch in words]


def our_reader(dropout: float) -> fn.Model:
    return fn.Sequential(
        [
            fn.Input(batch_shape=(ROWS, WINDOW), dtype="int32"),
            layers.Embedding(NEXT, WIDTH),
            layers.Dropout(dropout),
            layers.LSTM(READ, return_sequences=True, stateful=True),
            layers.Dropout(dropout),
            layers.Dense(NEXT),
        ]
    )


def torch_reader(dropout: float):
    from torch import nn

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.drop = nn.Embedding(NEXT, WIDTH), nn.Dropout(dropout)
            self.memory = one_bias(nn.LSTM(WIDTH, READ, batch_first=True))
            self.next, self.state = nn.Linear(READ, NEXT), None

        def forward(self, x):
            y, state = self.memory(self.drop(self.words(x)), self.state)
            self.state = tuple(part.detach() for part in state)
            return self.next(self.drop(y))

    return Reader()


def reader_loss(model, x, y):
    import torch

    return torch.nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())


# ---- translation ---------------------------------------------------------------------------------


def pairs(random: np.random.Generator) -> list[tuple]:
    batches = []
    for n in lengths(random, PAIRS, 18, 6):
        source = numbers(random, random.permutation(n) * 2 // 3 + 1, LETTERS)
        target = numbers(random, n + 1, WRITTEN)
        given, following = target[:, :-1], target[:, 1:]
        batches.append(((source, np.where(following > 0, given, 0)), following))
    return batches


def our_translator(dropout: float) -> fn.Model:
    texts = ("".join(map(chr, range(256, 256 + n - len(SPECIALS)))) for n in (LETTERS, WRITTEN))
    return Translator(*(Vocabulary(t, specials=SPECIALS) for t in texts), WRITER, attention=True)


def torch_translator(dropout: float):
    import torch
    from torch import nn

    class TorchTranslator(nn.Module):
        def __init__(self):
            super().__init__()
            self.read = nn.Embedding(LETTERS, WIDTH)
            self.encoder = one_bias(nn.LSTM(WIDTH, WRITER, batch_first=True))
            self.written = nn.Embedding(WRITTEN, WIDTH)
            self.decoder = one_bias(nn.LSTM(WIDTH, WRITER, batch_first=True))
            self.joined, self.next = nn.Linear(2 * WRITER, WRITER), nn.Linear(WRITER, WRITTEN)

        def forward(self, source, target):
            memory, state = packed(
                self.encoder, self.read(source), (source > 0).sum(1), with_state=True
            )
            y, _ = self.decoder(self.written(target), state)
            scores = (y @ memory.transpose(1, 2)).masked_fill((source == 0)[:, None], -torch.inf)
            context = scores.softmax(-1) @ memory
            return self.next(torch.tanh(self.joined(torch.cat([y, context], -1))))

    return TorchTranslator()


def translator_loss(model, inputs, y):
    import torch

    return torch.nn.functional.cross_entropy(
        model(*inputs).flatten(0, 1), y.flatten(), ignore_index=0
    )


# ---- engines -------------------------------------------------------------------------------------


def one_bias(lstm):
    """With two, Adam would move their sum twice as far."""
    for name, parameter in lstm.named_parameters():
        if name.startswith("bias_hh"):
            parameter.data.zero_()
            parameter.requires_grad_(False)
    return lstm


def packed(lstm, x, counts, with_state=False):
    from torch.nn.utils import rnn

    rows = rnn.pack_padded_sequence(x, counts, batch_first=True, enforce_sorted=False)
    y, state = lstm(rows)
    y, _ = rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
    return (y, state) if with_state else y


class Task(NamedTuple):
    """A recipe's network: its batches, and what each engine makes of it for a rate of dropout."""

    title: str
    batches: Callable[[np.random.Generator], list[tuple]]
    ours: Callable[[float], fn.Model]
    torchs: Callable[[float], Any]
    torch_loss: Callable[..., Any]

    def data(self) -> tuple[list[tuple], list[np.ndarray]]:
        """Batches, and the weights that both engines begin with."""
        random = np.random.default_rng(0)
        batches = self.batches(random)
        weights = our_model(self, batches, 0.0).get_weights()
        return batches, [
            random.standard_normal(w.shape, np.float32) * np.float32(0.1) for w in weights
        ]


def our_model(task: Task, batches: list[tuple], dropout: float) -> fn.Model:
    """Compiled, with its weights made."""
    model = task.ours(dropout)
    loss = fn.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(
        fn.optimizers.Adam(RATE, epsilon=EPSILON),
        fn.losses.CTC() if task.ours is our_listener else loss,
    )
    model(batches[0][0])
    return model


def ours(task: Task, batches: list[tuple], start: list[np.ndarray]) -> Engine:
    timed, still = (our_model(task, batches, dropout) for dropout in (DROPOUT, 0.0))
    for model in (timed, still):
        model.set_weights(start)
        for layer in model.layers:
            if getattr(layer, "stateful", False):
                layer.reset_state()
    every = Batches(batches)

    def run(steps):
        still.fit(Batches(batches[:steps]), epochs=1, verbose=0)

    return Engine(
        lambda: timed.fit(every, epochs=1, verbose=0),
        partial(moved, run, still.get_weights, start, 1),
    )


def torchs(task: Task, batches: list[tuple], start: list[np.ndarray]) -> Engine:
    import torch

    def tensors(part):
        if isinstance(part, tuple):
            return tuple(map(tensors, part))
        return torch.from_numpy(part if part.dtype == np.float32 else part.astype(np.int64))

    data = tensors(tuple(batches))

    def made(dropout):
        module = task.torchs(dropout)
        parameters = [p for p in module.parameters() if p.requires_grad]
        for parameter, w in zip(parameters, start):
            tables = {id(m.weight) for m in module.modules() if isinstance(m, torch.nn.Embedding)}
            parameter.data.copy_(torch.from_numpy(w if id(parameter) in tables else w.T))
        return module, torch.optim.Adam(parameters, lr=RATE, eps=EPSILON, fused=True), parameters

    def run(module, optimizer, steps=None):
        for batch in data[:steps]:
            optimizer.zero_grad()
            task.torch_loss(module, *batch).backward()
            optimizer.step()

    timed, still = made(DROPOUT), made(0.0)

    def weights():
        found = (p.detach().numpy() for p in still[2])
        return [p if p.shape == w.shape else p.T for p, w in zip(found, start)]

    return Engine(
        lambda: run(*timed[:2]),
        lambda: moved(lambda steps: run(*still[:2], steps), weights, start, 1),  # rows that wait
    )


TASKS = (
    Task("slot-filling", sentences, our_tagger, torch_tagger, tagger_loss),
    Task("speech-ctc", sounds, our_listener, torch_listener, listener_loss),
    Task("language-model", text, our_reader, torch_reader, reader_loss),
    Task("translation", pairs, our_translator, torch_translator, translator_loss),
)


def rows() -> Iterator[Row]:
    for task in TASKS:
        yield Row(
            f"step {task.title}",
            task.data,
            {"fastnn": partial(ours, task), "PyTorch": partial(torchs, task)},
            tolerance=0.01,
            calls=STEPS,
            warm=RECORDED,
        )
