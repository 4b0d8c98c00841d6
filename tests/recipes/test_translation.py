"""The translator step by step, how it writes, how translations are judged; that it learns."""

import itertools

import numpy as np
import pytest

import fastnn as fn
from fastnn import recipes
from fastnn.datasets.tatoeba import Pairs
from fastnn.recipes import translation as recipe
from fastnn.recipes.translator import SPECIALS, START, STOP, Translator, Writer
from fastnn.text import Vocabulary

PAIRS = Pairs(["a", "bb", "abc", "cab"], ["x", "yy.", "xyz", "zx"])


def translator(attention, seed=0):
    fn.utils.set_random_seed(seed)
    source, target = (Vocabulary("".join(part), specials=SPECIALS) for part in PAIRS)
    model = Translator(source, target, 6, attention)
    model([model.source_ids(PAIRS.english), np.ones((4, 1), np.int32)])
    kernel, bias = model.next.get_weights()
    bias[0] = -1000  # training never shows filling
    model.next.set_weights([4 * kernel, bias])
    return model


def chances(model, sentence, written):
    """[steps, vocabulary]: logarithms after the start symbol and each of `written`, at once."""
    given = np.array([[model.target[START], *written]], np.int32)
    return fn.ops.log_softmax(model([model.source_ids([sentence]), given])).numpy()[0]


@pytest.mark.parametrize("attention", [False, True])
def test_writing_takes_the_best_of_what_the_net_foretells(attention):
    model = translator(attention)
    texts, ended, looks = Writer(model, 7).greedy(PAIRS.english)  # of different lengths
    for sentence, text, end, look in zip(PAIRS.english, texts, ended, looks):
        written = []
        while len(written) < 7 and model.target[STOP] not in written:
            written.append(int(chances(model, sentence, written)[-1].argmax()))
        assert text == model.text(written) and end == (written[-1] == model.target[STOP])
        shape = (len(written) - int(end), len(sentence) if attention else 0)
        assert look.shape == shape
        if attention:
            np.testing.assert_allclose(look.sum(axis=1), 1, rtol=1e-5)


def best_of_all(model, sentence, most):
    """The text of the best mean logarithm, of all that end with the stop symbol and of those that
    are as long as they may be."""
    symbols, stop = range(1, len(model.target)), model.target[STOP]
    beginnings = np.array(list(itertools.product(symbols, repeat=most - 1)), np.int32)
    given = np.insert(beginnings, 0, model.target[START], axis=1)
    source = np.repeat(model.source_ids([sentence]), len(given), axis=0)
    logs = fn.ops.log_softmax(model([source, given])).numpy()
    best, text = -np.inf, ()
    for row, begin in zip(logs, beginnings.tolist()):
        for last in symbols:
            written = [*begin, last]
            if stop in written:
                written = written[: written.index(stop) + 1]
            mean = np.mean([row[i, symbol] for i, symbol in enumerate(written)])
            best, text = max((best, text), (mean, written))
    return model.text(text)


def test_a_wide_beam_finds_the_best_of_all_texts():
    gains = 0
    for seed in range(6):
        model = translator(seed % 2 == 1, seed)
        width = len(model.target) ** 2  # all beginnings are kept
        writer = Writer(model, 3)
        found = writer.beam(PAIRS.english[:2], width)
        assert found == [best_of_all(model, sentence, 3) for sentence in PAIRS.english[:2]]
        gains += found != writer.greedy(PAIRS.english[:2])[0]
    assert gains >= 2  # greedy writing misses some


def test_a_beam_of_one_is_greedy():
    model = translator(True)
    writer = Writer(model, 7)
    assert writer.beam(PAIRS.english, 1) == writer.greedy(PAIRS.english)[0]


def test_weights_of_attention_are_in_the_order_of_the_sentence():
    """The encoder reads backwards: what it reads first is the sentence's last character."""
    model = translator(True)
    source = model.source_ids(["abc"])
    assert model.source.decode(source[0]) == ["c", "b", "a"]
    memory, h, c = model.encode(source)
    start = np.array([model.target[START]], np.int32)
    weights = model.step(start, source != 0, memory, h, c)[3].numpy()[0]
    _, _, (look,) = Writer(model, 1).greedy(["abc"])
    np.testing.assert_allclose(look[0], weights[::-1], rtol=1e-6)
    assert np.ptp(look) > 1e-4


@pytest.mark.parametrize("stop", [True, False])
def test_batches_shift_the_targets_by_one(stop):
    model = translator(False)
    fn.utils.set_random_seed(0)
    batches = recipe.Batches(model, PAIRS, 2, stop)
    found = {}
    for (source, given), targets in batches:
        for row in zip(source, given, targets):
            english, before, after = ([t for t in row_of if t] for row_of in row)
            assert before[0] == model.target[START] and before[1:] == after[:-1]
            assert (model.target[STOP] in after) == stop
            found["".join(model.source.decode(english))[::-1]] = model.text(after)
    assert found == dict(zip(*PAIRS)) and len(batches) == 2


def test_scores_by_hand():
    figures = recipe.score(["abcd", "xx", "?"], [["abce", "zzzz"], ["xx"], ["", "longer"][1:]])
    assert figures["exact"] == pytest.approx(1 / 3)
    assert figures["characters"] == pytest.approx((3 / 4 + 1 + 0) / 3)


def test_the_memory_answers_with_the_nearest():
    known = {"Go on.": ["Continue.", "Va."], "I run.": ["Je cours."]}
    assert recipe.from_memory(known, ["Go in.", "I ran."]) == ["Continue.", "Je cours."]


def test_it_learns(tmp_path, capsys, pictures):
    if not recipe.INFO.data_is_here():
        pytest.skip("tatoeba is not here: set FASTNN_DATA to a folder with tatoeba/")
    figures = recipes.get("translation").run(quick=True, out=tmp_path)
    for net in recipe.NETS:
        assert figures[net]["train"]["cross-entropy"] <= 1.6  # 3.2 before it learns anything
        assert figures[net]["ended"] >= 0.8
    assert figures["without stop"]["ended"] == 0
    assert all(len(text) >= recipe.MOST / 2 for _, text in figures["without stop"]["examples"])
    assert "Without the stop symbol 0% " in capsys.readouterr().out
    missed = {claim.what for claim in recipe.claims(figures) if not claim.holds}
    assert "ended without the stop symbol" not in missed and "ended by itself" not in missed
    assert pictures("training.png", "attention.png")
