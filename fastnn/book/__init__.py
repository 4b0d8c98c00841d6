"""The recipe book: recipes are run and become static pages. Needs Jinja2 and Pygments (extra
``book``)."""

from fastnn.book.book import Book
from fastnn.book.pages import Page

__all__ = ["Book", "Page"]
