"""Pages as HTML: one for each recipe that has a record in the folder, and an index."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from fastnn.book.pages import Page, write_whole

LECTURES = {
    "I": "Introduction",
    "II": "Tips for training",
    "III": "Variants: convolution and memory",
    "IV": "The next wave",
}


def write_pages(folder: Path, pages: list[Page]) -> None:
    """Writes the pages and their index, which need neither a network nor a script.

    Raises:
        ImportError: Jinja2 or Pygments (extra ``book``) is not installed.
        OSError: the folder cannot be written.
    """
    environment, highlight, colors = tools()
    style = _text("style.css") + colors
    for i, page in enumerate(pages):
        html = environment.get_template("page.html").render(
            page=page,
            text=_paragraphs(page),
            code=highlight(page.source),
            style=style,
            before=pages[i - 1] if i else None,
            after=pages[i + 1] if i + 1 < len(pages) else None,
        )
        write_whole(folder / f"{page.name}.html", html)
    lectures = [
        (number, title, [page for page in pages if page.lecture == number])
        for number, title in LECTURES.items()
    ]
    html = environment.get_template("index.html").render(
        lectures=[row for row in lectures if row[2]], style=style
    )
    write_whole(folder / "index.html", html)


def _paragraphs(page: Page) -> list[str]:
    return [" ".join(part.split()) for part in page.text.strip().split("\n\n")]


def _text(name: str) -> str:
    return files("fastnn.book").joinpath(name).read_text(encoding="utf-8")


def tools() -> tuple[Any, Any, str]:
    """The templates, a function from source to HTML, and the colours of its classes."""
    try:
        import jinja2
        import pygments
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer
    except ImportError as error:
        raise ImportError(
            f"book: needs {error.name}: pip install 'fastnn[book]'", name=error.name
        ) from error
    loader = jinja2.FunctionLoader(_text)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined
    )
    formatter = HtmlFormatter(cssclass="code")

    def highlight(source: str) -> Any:
        return jinja2.filters.do_mark_safe(pygments.highlight(source, PythonLexer(), formatter))

    return environment, highlight, formatter.get_style_defs(".code")
