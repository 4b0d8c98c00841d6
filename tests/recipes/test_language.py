"""The recipes on text: counted models, windows of a text, and that the networks learn."""

from collections import Counter

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers
from fastnn.datasets.imdb import Reviews
from fastnn.recipes import char_rnn, language_model, sentiment
from fastnn.recipes.ngrams import NGrams
from fastnn.recipes.streams import FromTheBeginning, read, windows
from fastnn.text import Vocabulary


def here(recipe):
    if not recipe.INFO.data_is_here():
        pytest.skip(f"{recipe.INFO.dataset} is not here: set FASTNN_DATA to a folder with it")


# Counting.


def share(text, symbols, history, symbol, highest=True):
    """Kneser and Ney's share of a symbol after a history (a tuple), by plain counting."""
    k = len(history) + 1
    runs = [tuple(text[i : i + k]) for i in range(len(text) - k + 1)]
    if not highest:  # after how many different symbols
        longer = {tuple(text[i : i + k + 1]) for i in range(len(text) - k)}
        runs = [run[1:] for run in longer]
    counts = Counter(runs)
    spread = Counter(counts.values())
    discount = (spread[1] + 1) / (spread[1] + 2 * spread[2] + 2)
    lower = share(text, symbols, history[1:], symbol, False) if history else 1 / symbols
    total = sum(c for run, c in counts.items() if run[:-1] == history)
    if not total:
        return lower
    kinds = sum(run[:-1] == history for run in counts)
    kept = max(counts[(*history, symbol)] - discount, 0)
    return (kept + discount * kinds * lower) / total


@pytest.mark.parametrize("order", [1, 2, 3])
def test_ngrams_are_kneser_and_neys(order):
    rng = np.random.default_rng(0)
    text, other = rng.integers(0, 5, 40), rng.integers(0, 6, 30)  # 5 is never seen
    found = NGrams(text, 6, order).log_probabilities(other)
    expected = [
        share(text.tolist(), 6, tuple(other[i - order + 1 : i].tolist()), int(other[i]))
        for i in range(order - 1, len(other))
    ]
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-12)


def test_shares_sum_to_one():
    text = np.random.default_rng(1).integers(0, 7, 200)
    model = NGrams(text, 9, 3)
    for history in ([0, 1], [8, 2], [8, 8]):  # seen, half seen, never seen
        ends = [model.log_probabilities(np.array([*history, symbol]))[0] for symbol in range(9)]
        assert np.exp(ends).sum() == pytest.approx(1, abs=1e-12)


def test_too_many_ngrams_are_refused():
    with pytest.raises(ValueError, match="10000 symbols to the power 5 exceed 63 bits"):
        NGrams(np.arange(9), 10_000, 5)


# Windows.


def test_a_row_goes_on_in_the_next_batch():
    x, y = windows(np.arange(100), rows=3, steps=8)
    assert x.shape == y.shape == (12, 8) and np.array_equal(y, x + 1)
    for row in range(3):
        assert np.array_equal(x[row::3].ravel(), x[row, 0] + np.arange(32))
    with pytest.raises(ValueError, match=r"24 symbols, expected more than rows \* steps = 24"):
        windows(np.arange(24), 3, 8)


def small(steps):
    fn.utils.set_random_seed(0)
    model = fn.Sequential(
        [
            fn.Input(batch_shape=(2, steps), dtype="int32"),
            layers.Embedding(9, 4, fn.initializers.RandomNormal(stddev=2)),
            layers.GRU(5, return_sequences=True, stateful=True),
            layers.Dense(9),
        ]
    )
    loss = fn.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(fn.optimizers.SGD(0.0), loss)
    return model


def test_windows_are_read_as_one_text():
    """With states carried on, short windows cost what a single long one costs; at rate zero the
    second pass what the first one did."""
    ids = np.random.default_rng(0).integers(0, 9, 97)
    histories = []
    for steps in (48, 6):
        text = windows(ids, 2, steps)
        history, seconds = read(small(steps), text, 2, 0, text)
        assert seconds > 0
        histories.append(history)
    for history in histories:
        found = [*history["loss"], *history["val_loss"]]
        np.testing.assert_allclose(found, histories[0]["loss"][0], rtol=1e-5)


def test_without_states_carried_on_it_is_not_one_text():
    text = windows(np.random.default_rng(0).integers(0, 9, 97), 2, 6)
    model = small(6)
    kept = model.evaluate(*text, batch_size=2, verbose=0, callbacks=[FromTheBeginning()])
    losses = []
    for i in range(0, len(text[0]), 2):
        batch = [part[i : i + 2] for part in text]
        call = [FromTheBeginning()]
        losses.append(model.evaluate(*batch, batch_size=2, verbose=0, callbacks=call))
    assert abs(np.mean(losses) - kept) > 1e-3


# Language model.


def test_the_output_begins_with_the_shares_of_words():
    counts = np.array([5, 0, 94])
    model = language_model.build(layers.SimpleRNN(4, **language_model.ALWAYS), counts, 10)
    model.layers[-1].kernel.assign(np.zeros((4, 3), "float32"))
    shape = language_model.ROWS, language_model.STEPS
    scores = model.predict(np.zeros(shape, "int32"), batch_size=shape[0], verbose=0)[0, 0]
    np.testing.assert_allclose(np.exp(scores), [6 / 102, 1 / 102, 95 / 102], rtol=1e-5)


def test_networks_predict_better_than_pairs(tmp_path, pictures):
    here(language_model)
    figures = language_model.run(quick=True, out=tmp_path)
    bigram = figures["bigram"]["perplexity"]
    assert figures["unigram"]["perplexity"] > 1.4 * bigram
    for name in ("RNN", "LSTM", "GRU"):
        assert figures[name]["perplexity"] < bigram, name
    assert figures["SCRN"]["perplexity"] < 0.75 * figures["unigram"]["perplexity"]
    tried = figures["luck"]
    assert max(curve[-1] for curve in tried["clipped"]) < tried["unigram"]
    assert max(curve[-1] for curve in tried["plain"]) > tried["unigram"] + 0.2
    assert language_model.claims(figures)
    assert pictures("training.png", "luck.png")


# Letters.


class Speaker:
    """Always the same scores, in place of a network."""

    def __init__(self, scores):
        self.scores = np.broadcast_to(scores, (len(char_rnn.TEMPERATURES), 1, len(scores)))

    def set_weights(self, weights):
        self.weights = weights

    get_weights = list

    def __call__(self, letter):
        return fn.ops.convert_to_tensor(self.scores)


def test_letters_are_drawn_by_their_share_at_each_temperature(monkeypatch):
    share = np.array([0.2, 0.5, 0.3])
    speaker = Speaker(np.log(share))
    monkeypatch.setattr(char_rnn, "build", lambda *a, **k: speaker)
    monkeypatch.setattr(char_rnn, "WRITTEN", 4000)
    texts = char_rnn.write(speaker, Vocabulary("\nab", specials=()), 4, seed=0)
    for temperature, text in texts.items():
        expected = share ** (1 / float(temperature))
        found = [text.count(letter) / len(text) for letter in "\nab"]
        # Four standard deviations of 4,000 draws.
        np.testing.assert_allclose(found, expected / expected.sum(), atol=0.032)


def test_the_network_needs_fewer_bits_than_trigrams(tmp_path, pictures, capsys):
    here(char_rnn)
    figures = char_rnn.run(quick=True, out=tmp_path)
    bits, counted = figures["LSTM"]["bits"], figures["counted"]
    assert bits < counted["3"] - 0.15 < counted["2"] < counted["1"]
    longer_wins = "needs fewer bits than the LSTM" in capsys.readouterr().out
    assert longer_wins == (min(counted.values()) < bits)
    assert {len(text) for text in figures["texts"].values()} == {char_rnn.WRITTEN}
    assert (tmp_path / "texts.txt").read_text().count("temperature") == 3
    assert char_rnn.claims(figures) and pictures("training.png")


# Sentiment.


def test_grades_of_ratings():
    assert sentiment.grades(np.array([1, 2, 3, 4, 7, 8, 9, 10])).tolist() == [
        0,
        0,
        1,
        1,
        2,
        2,
        3,
        3,
    ]


def test_words_of_a_review_and_their_numbers():
    texts = ["A good, good<br /><br />film!", "bad " * 9 + "bad film"]
    reviews = Reviews(texts, np.array([1, 0]), np.array([9, 2]))
    known = sentiment.vocabulary(reviews)
    assert known.tokens == ["<pad>", "<other>", "bad", "good", "film", "a"]
    rows = sentiment.rows(reviews, known, 5)
    assert rows.tolist() == [[0, 5, 3, 3, 4], [2, 2, 2, 2, 4]]


@pytest.mark.parametrize("name", sentiment.READERS)
def test_padding_is_no_word(name):
    model = sentiment.READERS[name].build(2)
    texts = np.array([[0, 0, 0, 7, 8], [1, 2, 3, 4, 5]]), np.array([[7, 8]])
    padded, bare = (model.predict(text, verbose=0)[0] for text in texts)
    np.testing.assert_allclose(padded, bare, rtol=1e-5)


def test_readers_learn(tmp_path, pictures, capsys):
    here(sentiment)
    figures = sentiment.run(quick=True, out=tmp_path)
    accuracy = {name: found["accuracy"] for name, found in figures["good or bad"].items()}
    assert min(accuracy.values()) >= 0.65 and accuracy["bag of embeddings"] >= 0.72
    assert figures["grades"]["bag of embeddings"]["accuracy"] >= figures["majority"] + 0.1
    assert ("The bag of embeddings wins" in capsys.readouterr().out) == (
        accuracy["bag of embeddings"] >= max(list(accuracy.values())[:2])
    )
    assert sentiment.claims(figures)
    assert pictures("training.png", "training-grades.png", "grades.png")
