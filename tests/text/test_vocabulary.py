"""Vocabulary: order, counts, the other token, 1-of-N rows, refusals."""

from collections import Counter

import numpy as np
import pytest

from fastnn.text import Vocabulary, split_words

LEXICON = ["apple", "bag", "cat", "dog", "elephant"]
ROSE = ["a", "rose", "is", "a", "rose", "is", "a", "rose", "and", "that", "is", "that"]


def test_order_and_counts():
    vocabulary = Vocabulary(ROSE)
    assert vocabulary.tokens == ["<pad>", "<other>", "a", "rose", "is", "that", "and"]
    assert vocabulary.counts == {"<pad>": 0, "<other>": 0, **Counter(ROSE)}
    assert Vocabulary(Counter(ROSE)).tokens == vocabulary.tokens


def test_what_is_left_out_counts_as_other():
    for vocabulary in (Vocabulary(ROSE, size=4), Vocabulary(ROSE, min_count=3, size=4)):
        assert vocabulary.tokens == ["<pad>", "<other>", "a", "rose"]
        assert vocabulary.counts == {"<pad>": 0, "<other>": 6, "a": 3, "rose": 3}
        assert Vocabulary(vocabulary.counts).counts == vocabulary.counts
    assert Vocabulary(ROSE, min_count=2).tokens[-1] == "that"
    assert Vocabulary(ROSE, specials=("is",)).counts == {"is": 3, "a": 3, "rose": 3, "that": 2,
                                                         "and": 1}  # fmt: skip


def test_the_lexicon_of_the_course():
    lexicon = Vocabulary(LEXICON, specials=())
    np.testing.assert_array_equal(lexicon.one_hot(LEXICON), np.eye(5))
    with_other = Vocabulary(LEXICON, specials=("<other>",))
    assert with_other["Gandalf"] == with_other["Sauron"] == 0
    np.testing.assert_array_equal(with_other.one_hot(["Sauron", "dog"]), np.eye(6)[[0, 4]])


def test_encode_and_decode():
    vocabulary = Vocabulary(ROSE)
    ids = vocabulary.encode(iter(ROSE))
    assert ids.dtype == np.int32
    assert vocabulary.decode(ids) == ROSE
    assert vocabulary.decode(vocabulary.encode(["tulip"])) == ["<other>"]
    assert len(vocabulary.encode([])) == 0 == len(Vocabulary([], specials=()))
    letters = Vocabulary("hello", specials=())
    assert letters.tokens == ["l", "h", "e", "o"]
    assert "".join(letters.decode(letters.encode("hole"))) == "hole"


def test_without_other_an_unknown_token_is_named():
    vocabulary = Vocabulary(ROSE, specials=("<pad>",))
    for ask in (vocabulary.__getitem__, lambda token: vocabulary.encode([token])):
        with pytest.raises(KeyError, match="'tulip' is not among its 6 tokens"):
            ask("tulip")
    with pytest.raises(KeyError) as error:
        vocabulary.encode(["w" * 10**6])
    assert len(str(error.value)) < 120


def test_a_token_that_is_spelled_as_other_is_none_of_the_specials():
    vocabulary = Vocabulary(["cat", "<other>", "dog", "cat"], size=2, specials=())
    assert vocabulary.counts == {"cat": 2, "<other>": 1}
    for take in (vocabulary.encode, vocabulary.one_hot):
        with pytest.raises(KeyError, match="'dog' is not among its 2 tokens"):
            take(["dog"])
    with pytest.raises(KeyError, match="'dog' is not among its 2 tokens"):
        vocabulary.encode_text("dog")
    assert vocabulary["<other>"] == 1


@pytest.mark.parametrize("ids", [[7], [0, -1], np.array([2**40])])
def test_numbers_out_of_the_vocabulary(ids):
    with pytest.raises(ValueError, match=rf"ids\[{len(ids) - 1}\] is {ids[-1]}, expected 0 to 6"):
        Vocabulary(ROSE).decode(ids)


@pytest.mark.parametrize(
    ("take", "name"),
    [(Vocabulary, "counts"), (Vocabulary(ROSE).encode, "tokens"), (Vocabulary(ROSE).decode, "ids")],
)
def test_what_cannot_be_iterated_and_a_generator_that_fails(take, name):
    with pytest.raises(TypeError, match=rf"Vocabulary.*: {name} must be a.*, got int$"):
        take(5)

    def failing():
        raise TypeError("of the caller")
        yield

    with pytest.raises(TypeError, match=r"^of the caller$") as error:
        take(failing())
    assert error.traceback[-1].name == "failing"


@pytest.mark.parametrize(
    "call",
    [
        lambda: Vocabulary(ROSE).decode([1.0]),
        lambda: Vocabulary(ROSE).decode(["a"]),
        lambda: Vocabulary(ROSE).decode(3),
        lambda: Vocabulary(ROSE).encode([3]),
        lambda: Vocabulary(ROSE).encode(b"bytes"),
        lambda: Vocabulary([1, 2]),
        lambda: Vocabulary({"a": 1.5}),
        lambda: Vocabulary(ROSE, specials="<pad>"),
        lambda: Vocabulary(ROSE, specials={"x"}),
        lambda: Vocabulary(ROSE, specials=None),
        lambda: Vocabulary(ROSE, size=3.5),
        lambda: Vocabulary(ROSE, size="3"),
        lambda: Vocabulary(ROSE, min_count="2"),
        lambda: Vocabulary(ROSE, min_count=None),
        lambda: Vocabulary(ROSE, min_count=float("nan")),
        lambda: Vocabulary([["a"]]),
    ],
)
def test_wrong_types(call):
    with pytest.raises(TypeError, match=r"^Vocabulary.*: "):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: Vocabulary({"a": -1}),
        lambda: Vocabulary(ROSE, size=1),
        lambda: Vocabulary(ROSE, min_count=-1),
        lambda: Vocabulary(ROSE, specials=("x", "x")),
    ],
)
def test_wrong_values(call):
    with pytest.raises(ValueError, match="Vocabulary"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda long: Vocabulary([], specials=(long, long)),
        lambda long: Vocabulary([long.encode()]),
        lambda long: Vocabulary({"a": long}),
        lambda long: Vocabulary({long: -1}),
        lambda long: Vocabulary(ROSE).decode([10**5000]),
    ],
)
def test_messages_are_short(call):
    with pytest.raises((TypeError, ValueError), match="Vocabulary") as error:
        call("a" * 10**6)
    assert len(str(error.value)) < 120


def test_specials_of_a_generator():
    assert Vocabulary(["cat"], specials=(name for name in "xy")).tokens == ["x", "y", "cat"]


def test_kinds_of_str():
    """NumPy's strings, and one that lies about its length."""

    class Short(str):
        def __len__(self):
            return 0

    assert Vocabulary(["cat"]).encode_text(np.array(["a cat"])[0]).tolist() == [1, 2]
    assert split_words(np.array(["A cat"])[0], lower=False) == ["A", "cat"]
    assert Vocabulary([Short("cat" * 100_000)]).encode(["cat" * 100_000]).tolist() == [2]


def test_an_error_of_a_token_shows():
    class Broken(str):
        def __hash__(self):
            raise ArithmeticError("broken")

    with pytest.raises(ArithmeticError, match="broken"):
        Vocabulary(["cat"]).encode([Broken("cat")])
