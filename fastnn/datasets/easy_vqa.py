"""easy-VQA: pictures of one coloured shape each, and questions about them."""

from __future__ import annotations

import io
import json
import zipfile
from importlib.util import find_spec

import numpy as np

from fastnn.datasets.fetch import RemoteFile, find, load
from fastnn.utils.images import read_image

FOLDER = "easy_vqa"
FILES = (
    RemoteFile(
        "easy_vqa_data.zip",
        "61ac7e860df94bc0c0360f6e04b6d29189ff41b1a635c59d30417977e96b2aea",
        source="https://github.com/vzhou842/easy-VQA",
    ),
)
SHAPES = ("circle", "rectangle", "triangle")
COLORS = ("black", "blue", "brown", "gray", "green", "red", "teal", "yellow")
SIDE = 64

Split = tuple[np.ndarray, np.ndarray]
Questions = tuple[np.ndarray, list[str], list[str]]


def load_data() -> tuple[Split, Split]:
    """Loads the pictures, and what they show.

    Returns:
        ``((x_train, y_train), (x_test, y_test))``: pictures uint8 (4000, 64, 64, 3) and
        (1000, 64, 64, 3); labels int64 (n, 2): which of SHAPES, and which of COLORS, as the
        answers to the questions tell; -1 where none does.

    Raises:
        ValueError: the file is damaged.
        FileNotFoundError: not here (FASTNN_DATA, the cache folder).
        ImportError: Pillow (extra ``images``) is not installed.

    Source: V. Zhou, "easy-VQA" (2019), https://github.com/vzhou842/easy-VQA, MIT licence.
    """
    with _archive() as archive:
        train, test = (_pictures(archive, part) for part in ("train", "test"))
    return train, test


def load_questions() -> tuple[Questions, Questions]:
    """Loads the questions: for training and for testing ``(pictures, questions, answers)``.

    pictures: int64 (n,), the row of ``load_data``'s pictures that a question is about; questions
    and answers: lists of str. Raises what ``load_data`` does, but for ImportError.
    """
    with _archive() as archive:
        train, test = (_questions(archive, part) for part in ("train", "test"))
    return train, test


def is_here() -> bool:
    """Whether `load_data` works without installing anything."""
    return find(FOLDER, FILES[0]) is not None and find_spec("PIL") is not None


def _archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(load(FOLDER, FILES[0], ())))


def _questions(archive: zipfile.ZipFile, part: str) -> Questions:
    rows = json.loads(archive.read(f"easy_vqa/data/{part}/questions.json"))
    questions, answers, pictures = zip(*rows)
    return np.array(pictures, np.int64), list(questions), list(answers)


def _pictures(archive: zipfile.ZipFile, part: str) -> Split:
    labels = attributes(*_questions(archive, part))
    images = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
    for i in range(len(labels)):
        with archive.open(f"easy_vqa/data/{part}/images/{i}.png") as file:
            images[i] = read_image(file, size=(SIDE, SIDE))
    return images, labels


def attributes(pictures: np.ndarray, questions: list[str], answers: list[str]) -> np.ndarray:
    """(n, 2): the shape and the colour of each picture; -1 where no answer tells.

    "What colour is the circle?" tells both; a question for yes or no tells what it names, or that
    it is not that, which is enough once all others are excluded.
    """
    count = int(pictures.max(initial=-1)) + 1
    possible = [np.ones((count, len(names)), bool) for names in (SHAPES, COLORS)]
    for picture, question, answer in zip(pictures, questions, answers):
        words = question.rstrip("?").split()
        open_question = words[0] == "what"
        denied = ("no" in words or "not" in words) != (answer == "no")
        for table, names in zip(possible, (SHAPES, COLORS)):
            for word in {*words, answer} & set(names):
                column = names.index(word)
                if denied and not open_question:
                    table[picture, column] = False
                else:
                    table[picture] &= np.arange(len(names)) == column
    known = [np.where(table.sum(1) == 1, table.argmax(1), -1) for table in possible]
    return np.stack(known, axis=1).astype(np.int64)
