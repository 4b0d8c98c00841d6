"""A book of two recipes: pages that need nothing, an index by lecture, a page that stays."""

import re
import sys

import pytest

from fastnn import recipes
from fastnn.book import Book, pages
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


def test_files_of_others_are_left_alone(book, capsys):
    (book / "momentum" / "mine.png").write_text("mine")
    assert main(["book", "--out", str(book), "--quick", "momentum"]) == 0
    assert (book / "momentum" / "mine.png").read_text() == "mine"
    (book / "gradient-descent").mkdir()
    (book / "gradient-descent" / "starts.png").write_text("mine")
    assert main(["book", "--out", str(book), "--quick", "gradient-descent"]) == 1
    assert "starts.png is there and not of this book" in capsys.readouterr().err
    assert (book / "gradient-descent" / "starts.png").read_text() == "mine"
    (book / "index.html").write_text("<p>my own</p>")
    assert main(["book", "--out", str(book), "--quick", "momentum"]) == 1
    assert "choose another folder" in capsys.readouterr().err


@pytest.mark.parametrize("error, status", [(KeyboardInterrupt, 130), (RuntimeError, 1)])
def test_a_run_that_ends_early_leaves_the_book_as_it_was(book, monkeypatch, error, status):
    def run(**options):
        raise error

    before = {path: path.read_bytes() for path in book.rglob("*") if path.is_file()}
    monkeypatch.setattr(recipes.get("momentum"), "run", run)
    assert main(["book", "--out", str(book), "--quick", "momentum"]) == status
    after = {path: path.read_bytes() for path in book.rglob("*") if path.is_file()}
    assert after == before


def test_claims_are_made_of_full_runs_on_their_data(tmp_path, monkeypatch):
    recipe = recipes.get("loss-choice")
    figures = {name: {"accuracy": 0.5} for name in recipe.NETS}
    monkeypatch.setattr(recipe, "run", lambda **options: figures)
    monkeypatch.setattr(pages, "is_here", lambda dataset: True)
    book = Book(tmp_path)
    assert len(book.add("loss-choice").claims) == 4 and not book.add("loss-choice", True).claims
    monkeypatch.setattr(pages, "is_here", lambda dataset: False)
    assert not book.add("loss-choice").claims


def test_bad_input(tmp_path, capsys, monkeypatch):
    assert main(["book", "--out", str(tmp_path / "b"), "momentun"]) == 1
    assert "did you mean 'momentum'?" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["book", "--out", str(tmp_path / "file"), "neuron"]) == 1
    assert "file' cannot be written" in capsys.readouterr().err
    (tmp_path / "b" / "neuron").mkdir(parents=True)
    (tmp_path / "b" / "neuron" / "page.json").write_text("{}")
    assert main(["book", "--out", str(tmp_path / "b"), "--quick", "momentum"]) == 1
    assert "is not the record of a page" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert main(["book", "--out", str(tmp_path / "c"), "neuron"]) == 1
    assert "pip install 'fastnn[book]'" in capsys.readouterr().err


def test_missing_data_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    assert main(["book", "--out", str(tmp_path / "b"), "--quick", "slot-filling"]) == 1
    said = capsys.readouterr().err
    assert "fastnn: slot-filling: atis: " in said and "Traceback" not in said
