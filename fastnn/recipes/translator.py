"""An encoder and a decoder that translate by characters, and two ways to let them write.

I. Sutskever, O. Vinyals, Q. V. Le, "Sequence to sequence learning with neural networks" (2014):
the source is read backwards, the state after it is where the decoder begins. With attention, each
state of the decoder looks at all states of the encoder: M.-T. Luong, H. Pham, C. D. Manning,
"Effective approaches to attention-based neural machine translation" (2015), scores by products.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

import fastnn as fn
from fastnn import layers, ops
from fastnn.text import Vocabulary
from fastnn.utils import pad_sequences

PAD, OTHER, START, STOP = SPECIALS = ("<pad>", "<other>", "<start>", "<stop>")
WIDTH = 64  # numbers for a character
AT_ONCE = 512  # sentences that are written side by side


class Translator(fn.Model):
    """Characters of a source and those of a target so far, to the logits of the next one.

    Inputs: source int32 [batch, characters], filled with 0; and target int32 [batch, steps], which
    begins with the start symbol, filled with 0 at its end. Output [batch, steps, vocabulary].
    """

    def __init__(self, source: Vocabulary, target: Vocabulary, units: int, attention: bool):
        super().__init__()
        self.source, self.target = source, target
        # Rows as far apart as these are told apart at once; Keras's small ones cost many epochs.
        apart = [fn.initializers.RandomNormal(stddev=1.0) for _ in range(2)]
        self.read = layers.Embedding(len(source), WIDTH, apart[0], mask_zero=True)
        self.encoder = layers.LSTM(units, return_sequences=True, return_state=True)
        self.written = layers.Embedding(len(target), WIDTH, apart[1], mask_zero=True)
        self.decoder = layers.LSTM(units, return_sequences=True, return_state=True)
        self.attention = layers.Attention() if attention else None
        self.both = layers.Concatenate()  # keeps the mask
        self.joined = layers.Dense(units, activation="tanh")
        self.next = layers.Dense(len(target))

    def call(self, inputs: Sequence) -> fn.Tensor:
        source, target = inputs
        memory, *states = self.encode(source)
        y, *_ = self.decoder(self.written(target), initial_state=states)
        if self.attention is not None:
            y = self.joined(self.both([y, self.attention([y, memory])]))
        return self.next(y)

    def encode(self, source: Any) -> tuple:
        """The encoder's states [batch, characters, units], and the last h and c."""
        return self.encoder(self.read(source))

    def step(self, ids: Any, seen: Any, memory: Any, h: Any, c: Any) -> tuple:
        """One character more: the logarithms of all chances [batch, vocabulary] after `ids`
        [batch], h, c, and the weights of attention [batch, characters] ([batch, 0] without).

        seen: bool [batch, characters], which of the source's are data
        """
        y, h, c = self.decoder(self.written(ops.expand_dims(ids, 1)), initial_state=[h, c])
        weights = ops.zeros((h.shape[0], 0))
        if self.attention is not None:
            context, weights = self.attention(
                [y, memory], mask=[None, seen], return_attention_scores=True
            )
            y = self.joined(self.both([y, context]))
            weights = weights[:, 0]
        return ops.log_softmax(self.next(y)[:, 0]), h, c, weights

    def source_ids(self, sentences: Sequence[str]) -> np.ndarray:
        """Sentences as the encoder reads them: backwards, filled up in front."""
        return pad_sequences([self.source.encode(s[::-1]) for s in sentences])

    def text(self, ids: Sequence[int]) -> str:
        """What ids spell; the symbols are left out."""
        return "".join(t for t in self.target.decode(ids) if t not in SPECIALS)


class Writer:
    """Lets a Translator write; its step is recorded and replayed.

    Sentences are written side by side, until all have ended or have `most` characters.
    """

    def __init__(self, model: Translator, most: int):
        self.model, self.most = model, most
        self.start, self.stop = model.target[START], model.target[STOP]
        self._best = fn.capture(self._best_next)
        self._beam = fn.capture(self._beam_next)

    def greedy(self, sentences: Sequence[str]) -> tuple[list[str], np.ndarray, list[np.ndarray]]:
        """The best character at each step.

        Returns:
            the texts; whether each ended by itself, with the stop symbol; and for each the weights
            of attention [characters written, characters read], in the order of the sentence.
        """
        texts: list[str] = []
        ended: list[bool] = []
        looks: list[np.ndarray] = []
        for first in range(0, len(sentences), AT_ONCE):
            part = sentences[first : first + AT_ONCE]
            source, memory, h, c = self._read(part)
            ids: Any = np.full(len(part), self.start, np.int32)
            steps: list[np.ndarray] = []
            weights: list[np.ndarray] = []
            done = np.zeros(len(part), bool)
            while len(steps) < self.most and not done.all():
                ids, h, c, looked = self._best(ids, source, memory, h, c)
                steps.append(ids.numpy())
                weights.append(looked.numpy())
                done |= steps[-1] == self.stop
            table, look = np.stack(steps, axis=1), np.stack(weights, axis=1)
            for row, end, looked, sentence in zip(table, done, look, part):
                count = int(np.argmax(row == self.stop)) if end else len(row)
                texts.append(self.model.text(row[:count]))
                looks.append(looked[:count, ::-1][:, : len(sentence)])
            ended.extend(done)
        return texts, np.array(ended), looks

    def beam(self, sentences: Sequence[str], width: int = 5) -> list[str]:
        """The best of `width` beginnings that are kept at each step: their mean logarithm of the
        chance of a character decides at the end."""
        texts: list[str] = []
        rows = max(1, AT_ONCE // width)
        for first in range(0, len(sentences), rows):
            part = sentences[first : first + rows]
            texts.extend(self._beam_of(part, width))
        return texts

    def _beam_of(self, part: Sequence[str], width: int) -> list[str]:
        count, rows = len(part), np.arange(len(part))[:, None]
        state = [np.repeat(a.numpy(), width, axis=0) for a in self._read(part)]
        ids: Any = np.full(count * width, self.start, np.int32)
        parents: Any = np.arange(count * width, dtype=np.int32)
        scores = np.full((count, width), -np.inf, np.float32)
        scores[:, 0] = 0  # all beginnings are one
        ended = np.zeros((count, width), bool)
        lengths = np.zeros((count, width), int)
        written = np.zeros((count, width, 0), np.int32)
        source, memory, h, c = state
        for _ in range(self.most):
            logs, h, c = self._beam(ids, parents, source, memory, h, c)
            chances = np.array(logs).reshape(count, width, -1)
            # A text that has ended goes on as it is, with the stop symbol.
            chances[ended] = -np.inf
            chances[ended, self.stop] = 0
            totals = (scores[:, :, None] + chances).reshape(count, -1)
            best = np.argsort(-totals, axis=1, kind="stable")[:, :width]
            scores = np.take_along_axis(totals, best, axis=1)
            beams, chosen = np.divmod(best, chances.shape[-1])
            lengths = lengths[rows, beams] + ~ended[rows, beams]
            written = np.concatenate([written[rows, beams], chosen[..., None]], axis=2)
            ended = chosen == self.stop
            ids = chosen.astype(np.int32).ravel()
            parents = (rows * width + beams).astype(np.int32).ravel()
            if ended.all():
                break
        best = np.argmax(scores / lengths, axis=1)
        return [self.model.text(row[beam]) for row, beam in zip(written, best)]

    def _read(self, part: Sequence[str]) -> tuple:
        source = ops.convert_to_tensor(self.model.source_ids(part))
        memory, h, c = self.model.encode(source)
        return source, memory.detach(), h.detach(), c.detach()

    def _best_next(self, ids: Any, source: Any, memory: Any, h: Any, c: Any) -> tuple:
        with fn.no_grad():
            logs, h, c, weights = self.model.step(ids, ops.not_equal(source, 0), memory, h, c)
            return ops.cast(ops.argmax(logs, axis=-1), "int32"), h, c, weights

    def _beam_next(self, ids: Any, parents: Any, source: Any, memory: Any, h: Any, c: Any) -> tuple:
        with fn.no_grad():
            h, c = (ops.take(state, parents, axis=0) for state in (h, c))
            logs, h, c, _ = self.model.step(ids, ops.not_equal(source, 0), memory, h, c)
            return logs, h, c
