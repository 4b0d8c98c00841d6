"""Loaders of text: small files made by hand, damaged ones, and the real ones where they are."""

import gzip
import hashlib
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from fastnn.datasets import babi, imdb, reuters, tiny_shakespeare, wikitext2
from fastnn.datasets.archive import read_tar
from fastnn.recipes.common import is_here


def archive(files, kind=tarfile.REGTYPE):
    """A tar archive of these names and contents."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.type = len(content), kind
            packed.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def put(monkeypatch, tmp_path):
    """A function that puts a file, packed, where loaders look."""
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def put(name, content):
        path = tmp_path / (name + ".gz")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(content))

    return put


# Archives.


def test_an_archive_gives_the_files_that_match():
    content = archive({"a/1.txt": b"one", "b/2.txt": b"two", "a/3.bin": b"three"})
    found = [(match[1], file) for match, file in read_tar("toy", content, r"\w/(\d)\.txt", 3)]
    assert found == [("1", b"one"), ("2", b"two")]


@pytest.mark.parametrize(
    "name", ["../evil.txt", "a/../../evil.txt", "/etc/evil", "..\\evil", "C:/en/evil", "C:\\evil"]
)
def test_a_path_that_leaves_its_folder_is_refused(name, tmp_path, monkeypatch):
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    with pytest.raises(ValueError, match=r"toy: the archive's .*evil.* leaves its folder"):
        list(read_tar("toy", archive({"good": b"", name: b"evil"}), "good", 9))
    assert list(tmp_path.rglob("*")) == [tmp_path / "inside"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive({"x": b"1234"}), "x is no file of at most 3 bytes"),
        (archive({"x": b""}, tarfile.SYMTYPE), "x is no file"),
        (b"no archive at all", "the archive is damaged"),
        (archive({"x": b"123" * 999})[:1024], "the archive is damaged|is no file"),
    ],
)
def test_damaged_archives(content, message):
    with pytest.raises(ValueError, match=message):
        list(read_tar("toy", content, "x", 3))


def test_spoilt_headers_are_a_damaged_archive():
    content = archive({"a/1.txt": b"one", "x": b"two"})
    for size in (
        b"\x80" + b"\x7f" * 11,
        b"\xff" + b"\x80" * 11,
        b"\x80" + b"\x00" * 3 + b"\x7f" * 8,
    ):
        spoilt = bytearray(content)
        spoilt[124:136] = size
        spoilt[148:156] = b" " * 8
        spoilt[148:156] = b"%06o\x00 " % sum(spoilt[:512])
        with pytest.raises(ValueError, match=r"toy: the archive is damaged|is no file of at most"):
            list(read_tar("toy", bytes(spoilt), "[ax].*", 3))
        with pytest.raises(ValueError, match="toy: the archive is damaged"):
            list(read_tar("toy", bytes(spoilt), "x", 3))


# bAbI.

STORIES = """1 Mary moved to the bathroom.
2 Where is Mary? \tbathroom\t1
3 John went to the hall.
4 Who is where? \tmary,john\t3 1
1 Bill took the milk.
2 Who has it?\tBill\t1
"""


def test_stories_questions_and_facts():
    first, second, third = babi.parse(STORIES.encode())
    assert first == (("Mary moved to the bathroom.",), "Where is Mary?", "bathroom", (0,))
    assert second.story == ("Mary moved to the bathroom.", "John went to the hall.")
    assert second.answer == "mary,john" and second.facts == (1, 0)
    assert third == (("Bill took the milk.",), "Who has it?", "Bill", (0,))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1 A.\nB.\n", "line 2 begins with no number"),
        (b"1 A.\n2 B?\tanswer\n", "line 2 is no question"),
        (b"1 A.\n2 B?\tanswer\t7\n", "line 2 is no question"),
        (b"1 \xff.\n", "not UTF-8"),
        (b"", "babi: a file has no questions"),
    ],
)
def test_damaged_stories(content, message):
    with pytest.raises(ValueError, match=message):
        babi.parse(content)


def test_the_published_archive_is_read_too(put):
    names = [f"tasks_1-20_v1-2/en/qa{task}_x_{part}.txt" for task, part in
             ((1, "train"), (1, "test"), (10, "train"), (10, "test"))]  # fmt: skip
    others = {name.replace("/en/", "/en-10k/"): b"1 Wrong.\n" for name in names}
    put("babi/tasks_1-20_v1-2.tar", archive({**others, **dict.fromkeys(names, STORIES.encode())}))
    assert babi.is_here()
    train, test = babi.load_data(10)
    assert len(train) == len(test) == 3
    with pytest.raises(ValueError, match=r"no en/qa2_\*_train"):
        babi.load_data(2)
    with pytest.raises(ValueError, match="task is 21, expected a number from 1 to 20"):
        babi.load_data(21)


# IMDB.


def test_a_table_of_reviews(put, monkeypatch):
    table = b'0\t2\t7\tBad "film.\n1\t10\t8\tGood<br />film.\n'
    reviews = imdb.parse(table)
    assert reviews.texts == ['Bad "film.', "Good<br />film."]
    assert reviews.labels.tolist() == [0, 1] and reviews.ratings.tolist() == [2, 10]
    digest = hashlib.sha256(table).hexdigest()
    monkeypatch.setattr(imdb, "SUBSET", tuple(replace(f, sha256=digest) for f in imdb.SUBSET))
    for file in imdb.SUBSET:
        assert not imdb.is_here()
        put(f"imdb/{file.name}", table)
    assert imdb.is_here() and imdb.load_subset()[1].texts == reviews.texts


@pytest.mark.parametrize(
    "line",
    [
        "1\t10\t8",
        "1\t2\t8\ttext",
        "0\t11\t8\ttext",
        "0\tx\t8\ttext",
        "label\trating\tid\tx",
        "1\t²\t3\tx",
    ],
)
def test_damaged_tables_of_reviews(line):
    with pytest.raises(ValueError, match="imdb: line 2 is not"):
        imdb.parse(f"0\t1\t2\tgood\n{line}\n".encode())


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "the file has no reviews"), (b"0\t1\t2\t\xff\n", "is not UTF-8")]
)
def test_tables_without_reviews(content, message):
    with pytest.raises(ValueError, match=f"imdb: .*{message}"):
        imdb.parse(content)


def test_the_published_reviews(put, monkeypatch):
    files = {
        f"aclImdb/{part}/{kind}/{number}_{rating}.txt": f"{part} {number}".encode()
        for part in ("train", "test")
        for kind, number, rating in (("pos", 0, 9), ("neg", 10, 1), ("neg", 2, 3))
    }
    monkeypatch.setattr(imdb, "FILES", (replace(imdb.FILES[0], md5=None),))
    monkeypatch.setattr(imdb, "COUNT", 3)
    put("imdb/aclImdb_v1.tar", archive({"aclImdb/train/unsup/0_0.txt": b"none", **files}))
    train, test = imdb.load_data()
    assert train.texts == ["train 2", "train 10", "train 0"] and test.texts[2] == "test 0"
    assert train.ratings.tolist() == [3, 1, 9] and train.labels.tolist() == [0, 0, 1]
    assert imdb.is_here() and imdb.load_subset()[0].texts == train.texts
    damaged = {
        "0 reviews in train, expected 3": {"something": b"else"},
        "2 reviews in test, expected 3": dict([*files.items()][:-1]),
        "imdb: a file is not UTF-8": {**files, "aclImdb/test/neg/2_3.txt": b"\xff"},
    }
    for message, members in damaged.items():
        put("imdb/aclImdb_v1.tar", archive(members))
        with pytest.raises(ValueError, match=message):
            imdb.load_data()


# WikiText-2 and Tiny Shakespeare.


def test_words_and_ends_of_lines():
    assert wikitext2.tokens("\n a <unk> é \n".encode()) == ["<eos>", "a", "<unk>", "é", "<eos>"]


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ("valid", TypeError, r"parts must be several, such as \('valid',\), got one str"),
        (5, TypeError, "parts must be several, such as .*, got int"),
        (["valid", "dev"], ValueError, "each of parts must be 'train' or .*'test', got 'dev'"),
        (("x",), ValueError, "each of parts must be .*, got 'x'"),
        ([["valid"]], TypeError, r"each of parts must be .*, got \['valid'\]"),
        ([5, "a"], TypeError, "each of parts must be .*, got 5"),
    ],
)
def test_parts_that_are_none(parts, error, message):
    for function in (wikitext2.load_data, wikitext2.is_here):
        with pytest.raises(error, match=f"wikitext2: {message}"):
            function(parts)


def test_parts_come_from_any_iterable(put, monkeypatch):
    digest = hashlib.sha256(b"a b\n").hexdigest()
    monkeypatch.setitem(wikitext2.PARTS, "valid", replace(wikitext2.PARTS["valid"], sha256=digest))
    put("wikitext2/wiki.valid.tokens", b"a b\n")
    assert wikitext2.is_here(part for part in ["valid"])
    assert wikitext2.load_data(part for part in ["valid"]) == (["a", "b", "<eos>"],)


@pytest.mark.parametrize("dataset", [reuters, tiny_shakespeare])
@pytest.mark.parametrize(
    ("share", "error"),
    [(2, ValueError), (float("nan"), ValueError), ("a", TypeError), (None, TypeError)],
)
def test_shares_that_are_none(dataset, share, error):
    with pytest.raises(error, match=rf"test_split must be a number from 0 to 1, got {share!r}"):
        dataset.load_data(share)


# All of them.


@pytest.mark.parametrize("loader", [babi, imdb, tiny_shakespeare, wikitext2])
def test_missing_files_say_where_to_put_them(loader, monkeypatch, put):
    monkeypatch.setattr(loader, "MIRRORS", (), raising=False)
    with pytest.raises(FileNotFoundError, match="By hand: put"):
        loader.load_data()
    assert not is_here(loader.__name__.split(".")[-1])


@pytest.fixture
def real():
    def real(name):
        if not is_here(name):
            pytest.skip(f"{name} is not here: set FASTNN_DATA to a folder with it")

    return real


def test_the_tasks(real):
    real("babi")
    for task in (1, 20):
        train, test = babi.load_data(task)
        assert len(train) == len(test) == 1000
        for question in train:
            assert all(0 <= fact < len(question.story) for fact in question.facts)
    train, _ = babi.load_data(1)  # the fact names the person and the place
    assert all(q.answer in q.story[q.facts[0]] for q in train)


def test_the_reviews(real):
    real("imdb")
    for reviews in imdb.load_subset():
        assert len(reviews.texts) == 5000 and reviews.labels.sum() == 2500
        assert np.unique(reviews.ratings).tolist() == [1, 2, 3, 4, 7, 8, 9, 10]


def test_the_articles(real):
    real("wikitext2")
    valid, test = wikitext2.load_data(("valid", "test"))
    assert (len(valid), len(test)) == (217_646, 245_569)  # as published


def test_the_plays(real):
    real("tiny_shakespeare")
    train, test = tiny_shakespeare.load_data()
    assert train.startswith("First Citizen:\nBefore we proceed") and len(test) == 111_539
    assert len(train + test) == 1_115_394 and len(set(train)) == 65
