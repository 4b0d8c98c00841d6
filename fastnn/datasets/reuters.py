"""Reuters-21578, 46 topics: newswire of 1987, one topic a document."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

import numpy as np

from fastnn.datasets.fetch import RemoteFile, load
from fastnn.utils.integers import integer
from fastnn.utils.numbers import share

FOLDER = "reuters46"
FILES = (
    RemoteFile(
        "reuters46.tsv",
        "aa63513e4bb932aed5b3917152f15aace5be701e45422e3e989cc36a5aa1a504",
        source="https://www.daviddlewis.com/resources/testcollections/reuters21578/",
    ),
)
COLUMNS = ("label", "topic", "all_topics", "newid", "lewissplit", "topics_attr", "title", "body")
CLASSES = 46

Texts = tuple[list[str], np.ndarray]


def load_data(test_split: float = 0.2, seed: int = 113) -> tuple[Texts, Texts]:
    """Loads the 11,228 documents of Reuters-21578 that have one of 46 topics, as text.

    They are looked for in FASTNN_DATA and in the cache folder, as a table of tab-separated columns
    label, topic, all_topics, newid, lewissplit, topics_attr, title, body.

    Args:
        test_split: the share of documents for testing.
        seed: of the order in which documents are dealt out.

    Returns:
        ``((texts_train, y_train), (texts_test, y_test))``: lists of str (the title, a blank, the
        body) and int64 labels, in the order of Keras's data set of that name; most frequent are
        3 (earn) and 4 (acq).

    Raises:
        TypeError: test_split is no number, or seed no integer.
        ValueError: test_split is not between 0 and 1, seed is below 0, or the file is damaged.
        FileNotFoundError: not here.

    Source: D. Lewis, "Reuters-21578 text categorization test collection" (1997), for research only.
    """
    tests = share("reuters: test_split", test_split)
    seed = integer("reuters: seed", seed)
    texts, labels = parse(load(FOLDER, FILES[0], ()))
    order = np.random.default_rng(seed).permutation(len(texts))
    cut = len(texts) - round(len(texts) * tests)
    train, test = order[:cut], order[cut:]
    return ([texts[i] for i in train], labels[train]), ([texts[i] for i in test], labels[test])


def is_here() -> bool:
    """Whether `load_data` finds its file."""
    from fastnn.datasets.fetch import find

    return find(FOLDER, FILES[0]) is not None


def _undamaged(rows: Iterable[list[str]]) -> Iterator[list[str]]:
    try:
        yield from rows
    except csv.Error as error:
        raise ValueError(f"reuters: the table is damaged ({error})") from error


def parse(content: bytes) -> Texts:
    """Texts and labels of a table as ``load_data`` describes it.

    Raises:
        ValueError: not UTF-8, other columns, a label that is none of 0 to 45, or more than 131,072
            letters in a column.
    """
    try:
        table = io.StringIO(content.decode("utf-8"), newline="")
    except UnicodeDecodeError as error:
        raise ValueError(f"reuters: the table is not UTF-8 ({error})") from error
    rows = _undamaged(csv.reader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
    header = tuple(next(rows, ()))
    if header != COLUMNS:
        raise ValueError(f"reuters: the columns are {header}, expected {COLUMNS}")
    texts, labels = [], []
    for number, row in enumerate(rows, 2):
        if len(row) != len(COLUMNS) or not row[0].isdecimal() or int(row[0]) >= CLASSES:
            raise ValueError(f"reuters: line {number} has no label from 0 to {CLASSES - 1}")
        texts.append(f"{row[6]} {row[7]}")
        labels.append(int(row[0]))
    return texts, np.array(labels, np.int64)
