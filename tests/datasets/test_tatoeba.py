"""Pairs of sentences: what a file says, how they are dealt out, what is refused."""

import gzip

import pytest

from fastnn.datasets import tatoeba

LINES = (
    "Go.\tVa !\tCC-BY 2.0 (France) Attribution: tatoeba.org #1\n"
    "Go.\tMarche.\n"
    "Hi.\tSalut !\r\n"
    "\n"
    "Run!\tCours\u202f!\n"
)
PAIRS = [("Go.", "Va !"), ("Go.", "Marche."), ("Hi.", "Salut !"), ("Run!", "Cours\u202f!")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the loader looks, and nowhere else."""
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "tatoeba").mkdir()
    return tmp_path / "tatoeba"


def test_a_line_is_a_pair():
    for encoding in ("utf-8", "utf-8-sig"):
        assert list(zip(*tatoeba.parse(LINES.encode(encoding)))) == PAIRS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no pairs"),
        (b"\n\n", "has no pairs"),
        (b"Go.\tVa !\nno tab\n", "line 2 must have English, a tab and a translation"),
        (b"Go.\t\tattribution\n", "line 1 must have"),
        (b"\tVa !\n", "line 1 must have"),
        (b"Go.\tVa \xff!\n", "not UTF-8"),
        (b"a" * 1_000_000, "line 1 must have .* it is 'a{60}'"),
    ],
)
def test_damaged_files(content, message):
    with pytest.raises(ValueError, match=message):
        tatoeba.parse(content)


def test_all_translations_of_a_sentence_are_on_one_side(folder):
    (folder / "fra.txt").write_bytes(LINES.encode())
    for seed in range(5):
        train, test = tatoeba.load_data(test_split=0.34, seed=seed)
        assert len(set(test.english)) == 1 and not set(train.english) & set(test.english)
        assert sorted([*zip(*train), *zip(*test)]) == sorted(PAIRS)
    assert tatoeba.load_data(test_split=0, count=3) == (tuple(map(list, zip(*PAIRS[:3]))), ([], []))


def test_a_compressed_file_of_another_language(folder):
    (folder / "deu.txt.gz").write_bytes(gzip.compress(b"Hi.\tHallo!\n"))
    assert tatoeba.is_here("deu") and not tatoeba.is_here()
    assert tatoeba.load_data("deu", test_split=0)[0] == (["Hi."], ["Hallo!"])


def test_the_checked_file_comes_first(folder):
    (folder / "fra.txt").write_bytes(LINES.encode())
    (folder / "eng-fra.txt").write_bytes(LINES.encode())
    with pytest.raises(ValueError, match=r"eng-fra\.txt is damaged or another file"):
        tatoeba.load_data()


def test_a_missing_file_says_where_it_goes(folder):
    assert not tatoeba.is_here()
    with pytest.raises(FileNotFoundError, match=r"By hand: put eng-fra.txt .* fra-eng.zip"):
        tatoeba.load_data()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"language": "spa"}, ValueError, "language must be 'fra' or 'deu', got 'spa'"),
        ({"language": ["fra"]}, TypeError, r"language must be 'fra' or 'deu', got \['fra'\]"),
        ({"test_split": 1.5}, ValueError, "test_split must be a number from 0 to 1, got 1.5"),
        ({"test_split": float("nan")}, ValueError, "test_split must be .*, got nan"),
        ({"test_split": "x"}, TypeError, "test_split must be a number from 0 to 1, got 'x'"),
        ({"count": 0}, ValueError, "count must be at least 1, got 0"),
        ({"count": "5"}, TypeError, "count must be an integer, got '5'"),
        ({"count": 2.5}, TypeError, "count must be an integer, got 2.5"),
        ({"seed": "x"}, TypeError, "seed must be an integer, got 'x'"),
        ({"seed": -1}, ValueError, "seed must not be negative, got -1"),
    ],
)
def test_wrong_arguments(arguments, error, message, folder):
    (folder / "fra.txt").write_bytes(LINES.encode())
    with pytest.raises(error, match=f"tatoeba: {message}"):
        tatoeba.load_data(**arguments)


def test_another_language_is_not_here():
    with pytest.raises(ValueError, match="tatoeba: language must be 'fra' or 'deu', got 'spa'"):
        tatoeba.is_here("spa")


def test_the_french_sentences():
    if not tatoeba.is_here():
        pytest.skip("tatoeba is not here: set FASTNN_DATA to a folder with tatoeba/")
    train, test = tatoeba.load_data(count=5000)
    assert len(train.english) + len(test.english) == 5000
    assert len(set(train.english)) + len(set(test.english)) == 2597
    assert len(set(test.english)) == 260
    assert train.english[0] == "Go."
