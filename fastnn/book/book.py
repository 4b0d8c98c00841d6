"""The folder of a book: what is in it, and what may be replaced."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from fastnn import recipes
from fastnn.book.pages import RECORD, Page, read_page, run_page
from fastnn.book.writing import tools, write_pages
from fastnn.callbacks.files import check_folder

MARK = '<meta name="generator" content="fastnn book">'


class Book:
    """Pages of recipes in a folder, which grows by ``add``. Files of others are left alone.

    Args:
        folder: where the pages are, or will be.

    Attributes:
        index: the path of the index.

    Raises:
        ImportError: Jinja2 or Pygments (extra ``book``) is not installed.
        OSError: the folder cannot be made or written.
        ValueError: the folder has an index.html of something else, or a damaged record.
    """

    def __init__(self, folder: Any):
        tools()  # an extra that is missing is told before anything runs
        self.folder = Path(folder)
        self.index = self.folder / "index.html"
        check_folder("book", str(self.folder))
        self._check_own(self.index)
        self._pages = {
            name: read_page(self.folder / name / RECORD)
            for name in recipes.NAMES
            if (self.folder / name / RECORD).exists()
        }

    def add(self, name: str, quick: bool = False, seed: int = 0) -> Page:
        """Runs a recipe and puts its page in the place of an earlier one.

        The run has a folder of its own: until it has ended, the book is as it was.

        Raises:
            ValueError: no such recipe, or its page would replace a file that is not the book's.
            what the recipe raises.
        """
        name = recipes.name_of(recipes.get(name))
        own, fresh = self.folder / name, self.folder / f".{name}.part"
        self._check_own(self.folder / f"{name}.html")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        try:
            page = run_page(name, fresh, quick, seed)
            before = self._pages[name].pictures if name in self._pages else []
            for picture in page.pictures:
                if picture not in before and (own / picture).exists():
                    raise ValueError(f"book: {own / picture} is there and not of this book")
            own.mkdir(exist_ok=True)
            for picture in set(before) - set(page.pictures):
                (own / picture).unlink(missing_ok=True)
            for file in (*page.pictures, RECORD):
                os.replace(fresh / file, own / file)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        self._pages[name] = page
        write_pages(self.folder, [self._pages[n] for n in recipes.NAMES if n in self._pages])
        return page

    def _check_own(self, path: Path) -> None:
        if path.exists() and MARK not in path.read_text(encoding="utf-8", errors="replace"):
            raise ValueError(f"book: {path} is there and not of a book; choose another folder")
