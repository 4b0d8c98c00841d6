"""The recipe book: recipes are run and become static pages. Needs Jinja2 and Pygments (extra
``book``)."""

from fastnn.book.pages import Page, run_page
from fastnn.book.writing import write_book

__all__ = ["Page", "run_page", "write_book"]
