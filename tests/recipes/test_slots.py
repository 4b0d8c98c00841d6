"""slot-filling and word-hashing: quick runs keep the order, and their parts do what they say."""

import numpy as np
import pytest

import fastnn as fn
from fastnn.recipes import slot_filling, word_hashing
from fastnn.recipes.common import is_here
from fastnn.text import Vocabulary, letter_trigrams


@pytest.fixture
def atis():
    if not is_here("atis"):
        pytest.skip("ATIS is not here: set FASTNN_DATA to a folder with atis/")


def test_memory_tells_arrival_from_departure(atis, tmp_path, pictures):
    figures = slot_filling.run(quick=True, out=tmp_path)
    alone, both = figures["the word alone"], figures["bidirectional LSTM"]
    assert alone["f1"] < 0.65 < both["f1"] - 0.1 and figures["Elman"]["f1"] - alone["f1"] > 0.1
    assert alone["pair"][0] == alone["pair"][1]
    assert both["pair"][0] != both["pair"][1] == "B-fromloc.city_name"
    assert pictures("training.png")


def test_trigrams_survive_misspelling(atis, tmp_path, capsys, pictures):
    figures = word_hashing.run(quick=True, out=tmp_path)
    assert "apple has a-p-p, p-p-l, p-l-e of 17,576 trigrams" in capsys.readouterr().out
    one, hashed = (figures[name]["f1"] for name in ("1-of-N", "letter trigrams"))
    assert hashed[2] - one[2] > 0.05 and hashed[3] - one[3] > 0.1 and one[0] - one[3] > 0.1
    assert pictures("misspelled.png", "training.png")


def test_a_window_of_three_words():
    x = np.arange(1.0, 9.0, dtype="float32").reshape(1, 4, 2)
    window = slot_filling.Window()
    expected = np.concatenate(
        [np.pad(x, ((0, 0), (1, 1), (0, 0)))[:, i : i + 4] for i in range(3)], axis=-1
    )
    np.testing.assert_array_equal(window(x), expected)
    masked = window(x, mask=fn.tensor([[True, True, True, False]])).numpy()
    np.testing.assert_array_equal(masked[0, 2, 4:], [0, 0])  # padding is no neighbour
    np.testing.assert_array_equal(masked[0, :2], expected[0, :2])


def test_batches_hold_every_sentence_once():
    lengths = [3, 1, 2, 3, 1]
    x = [np.full(n, i + 1) for i, n in enumerate(lengths)]
    batches = list(slot_filling.Batches(x, [row * 2 for row in x], 2))
    assert len(batches) == len(slot_filling.Batches(x, x, 2)) == 3
    seen = [(row, tag) for rows, tags in batches for row, tag in zip(rows, tags)]
    assert sorted(int(row.max()) for row, _ in seen) == [1, 2, 3, 4, 5]
    for row, tag in seen:
        np.testing.assert_array_equal(tag, 2 * row)
        assert (row > 0).sum() == lengths[row.max() - 1]


def test_the_baseline_by_hand():
    sentences = [["to", "rome"], ["from", "rome"], ["to", "rome", "7"]]
    tags = [["O", "B-to"], ["O", "B-from"], ["O", "B-to", "B-time"]]
    tagger = slot_filling.most_frequent_tags(sentences, tags)
    assert tagger([["from", "rome", "9", "x"]]) == [["O", "B-to", "B-time", "O"]]


def test_a_word_is_the_sum_of_its_trigrams():
    trigrams = word_hashing.Trigrams([["apple", "to"]])
    (ids,) = trigrams.encode([["to", "apple", "zzzz", "..."]])
    assert ids.shape == (4, word_hashing.LONGEST)
    assert trigrams.trigrams.decode(ids[0][:2]) == ["#to", "to#"]
    expected = list(letter_trigrams("apple", boundary=True))
    assert trigrams.trigrams.decode(ids[1][:5]) == expected
    assert set(ids[2]) == {0, 1} and not ids[3].any()
    layer = word_hashing.SumOfVectors(len(trigrams))
    vectors = layer(ids[None]).numpy()[0]
    (table,) = layer.get_weights()
    expected = [table[row[row > 0]].sum(axis=0) for row in ids]
    np.testing.assert_allclose(vectors, expected, rtol=1e-5, atol=1e-6)
    mask = layer.compute_mask(fn.tensor(ids[None]), None).numpy()
    assert mask.tolist() == [[True, True, True, False]]


def test_misspelled_words():
    generator = np.random.default_rng(0)
    found = {word_hashing.misspelled("fly", generator) for _ in range(2000)}
    assert {"lfy", "fyl", "ly", "fy", "ffly", "flly", "fxy", "zly"} <= found
    assert all(2 <= len(word) <= 4 for word in found) and len(found) == 2 + 2 + 2 + 2 * 25 + 1
    sentences = [["to", "boston", "737s"]] * 500
    changed = word_hashing.with_errors(sentences, 0.2, seed=1)
    assert changed == word_hashing.with_errors(sentences, 0.2, seed=1)
    assert all(words[0] == "to" and words[2] == "737s" for words in changed)
    assert 60 < sum(words[1] != "boston" for words in changed) < 140
    assert word_hashing.with_errors(sentences, 0.0, seed=1) == sentences


def test_numbers_share_an_entry():
    words = slot_filling.Words([["flight", "838"], ["flight", "417"]])
    assert words.words.tokens == ["<pad>", "<other>", "flight", "000"]
    assert isinstance(slot_filling.vocabulary_of([["O", "B-a"]]), Vocabulary)


def test_claims_can_fail():
    figures = {
        name: {"f1": 0.8, "pair": ["B-toloc.city_name", "B-fromloc.city_name"]}
        for name in (slot_filling.LOOKUP, *slot_filling.NETS)
    }
    missed = [claim.what for claim in slot_filling.claims(figures) if not claim.holds]
    assert missed == [
        *(f"slot F1, {name}" for name in slot_filling.NETS if name != "a window of three words"),
        "worst recurrent - the word alone",
        "denver alike in both requests, the word alone",
    ]
    figures = {"apple": 3, **{name: {"f1": [0.95] * 4} for name in word_hashing.ENCODINGS}}
    missed = [claim.what for claim in word_hashing.claims(figures) if not claim.holds]
    assert missed == [f"{share}% misspelled: trigrams - 1-of-N" for share in (20, 40)]
