"""ATIS: what a file is read as, what is refused, and the real one where it is here."""

import pytest

from fastnn.datasets import atis
from fastnn.recipes.common import is_here
from fastnn.text import iob_to_spans

LINE = b"BOS fly to denver EOS\tO O O B-toloc.city_name atis_flight\n"


def test_a_file():
    sentences = atis.parse(LINE + LINE.replace(b"denver", "zürich".encode()))
    assert sentences.words == [["fly", "to", "denver"], ["fly", "to", "zürich"]]
    assert sentences.tags == [["O", "O", "B-toloc.city_name"]] * 2
    assert sentences.intents == ["atis_flight"] * 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (LINE + b"fly\xff", "not UTF-8"),
        (LINE + LINE[:-13], "line 2 is not"),
        (LINE.replace(b"BOS", b"the"), "line 1 is not"),
        (LINE + b"\n", "line 2 is not"),
    ],
)
def test_damaged_files(content, message):
    with pytest.raises(ValueError, match=f"atis: {message}|atis: the file is {message}"):
        atis.parse(content)


def test_missing_files_say_where_to_put_them(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"put atis\.train\.w-intent\.iob or"):
        atis.load_data()
    (tmp_path / "atis").mkdir()
    (tmp_path / "atis" / "atis.train.w-intent.iob").write_bytes(LINE)
    with pytest.raises(ValueError, match="is damaged or another file"):
        atis.load_data()


def test_the_sentences():
    if not is_here("atis"):
        pytest.skip("ATIS is not here: set FASTNN_DATA to a folder with atis/")
    train, test = atis.load_data()
    assert [len(part) for part in train] == [4978] * 3
    assert [len(part) for part in test] == [893] * 3
    assert train.words[0][:4] == ["i", "want", "to", "fly"]
    assert iob_to_spans(train.tags[0])[0] == ("fromloc.city_name", 5, 6)
    assert all(len(w) == len(t) for part in (train, test) for w, t in zip(part.words, part.tags))
    assert train.intents.count("atis_flight") > 3000
