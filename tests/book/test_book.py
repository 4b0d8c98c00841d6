"""A book of two recipes: pages that need nothing, an index by lecture, a page that stays."""

import re
import sys

import pytest

from fastnn.book.pages import read_page
from fastnn.cli import main

pytest.importorskip("jinja2", reason="the book needs Jinja2 (extra: book)")
pytest.importorskip("pygments", reason="the book needs Pygments (extra: book)")


@pytest.fixture
def book(tmp_path):
    folder = tmp_path / "book"
    assert main(["book", "--out", str(folder), "--quick", "neuron", "momentum"]) == 0
    return folder


def test_pages(book):
    page = (book / "momentum.html").read_text()
    assert "Where does plain gradient descent get stuck" in page and "viewport" in page
    assert '<span class="k">def</span>' in page  # the source, highlighted
    assert "seconds on" in page and "fastnn run momentum --quick" in page
    assert "<th>saddle point</th>" in page and "0.500 stuck" in page
    for picture in re.findall(r'<img src="([^"]+)"', page):
        assert (book / picture.replace("%20", " ")).exists()
    assert page.count("<img") == 3
    for html in book.glob("*.html"):
        text = html.read_text()
        assert "<script" not in text and not re.search(r'(src|href)="(https?:)?//', text)
        for link in re.findall(r'href="([^"]+)"', text):
            assert (book / link).exists()


def test_the_index_has_lectures_in_order(book):
    index = (book / "index.html").read_text()
    assert index.index("Lecture I:") < index.index("neuron.html") < index.index("Lecture II:")
    assert index.index("Lecture II:") < index.index("momentum.html")


def test_a_book_grows_and_keeps_what_it_has(book, capsys):
    before = read_page(book / "momentum" / "page.json").seconds
    assert main(["book", "--out", str(book), "--quick", "gradient-descent"]) == 0
    assert (book / "gradient-descent.html").exists()
    assert read_page(book / "momentum" / "page.json").seconds == before
    assert "momentum.html" in (book / "index.html").read_text()


def test_bad_input(tmp_path, capsys, monkeypatch):
    assert main(["book", "--out", str(tmp_path / "b"), "momentun"]) == 1
    assert "did you mean 'momentum'?" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["book", "--out", str(tmp_path / "file"), "neuron"]) == 1
    (tmp_path / "b" / "neuron").mkdir(parents=True)
    (tmp_path / "b" / "neuron" / "page.json").write_text("{}")
    assert main(["book", "--out", str(tmp_path / "b"), "--quick", "momentum"]) == 1
    assert "is not the record of a page" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert main(["book", "--out", str(tmp_path / "c"), "neuron"]) == 1
    assert "pip install 'fastnn[book]'" in capsys.readouterr().err
