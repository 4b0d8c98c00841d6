"""bAbI: twenty tasks of reading, each a short story with questions about it."""

from __future__ import annotations

from typing import NamedTuple

from fastnn.datasets.archive import read_tar
from fastnn.datasets.fetch import RemoteFile, find, load

# The English tasks with 1,000 questions, alone or in the archive that was published.
FILES = (
    RemoteFile(
        "tasks_en_1k.tar", "56c71040b8c7588671d84784aba8103766fb515da07c4a846eb28a4ce5e6a1f6"
    ),
    RemoteFile("tasks_1-20_v1-2.tar", source="https://research.facebook.com/downloads/babi/"),
)
TASKS = range(1, 21)
LARGEST = 1 << 24  # bytes of a file; the longest has two million


class Question(NamedTuple):
    """A question, and what was told before it.

    Attributes:
        story: the sentences before it, from the beginning of its story.
        question: its text.
        answer: one word, or several with commas between them.
        facts: which sentences of `story` the answer follows from, counted from 0.
    """

    story: tuple[str, ...]
    question: str
    answer: str
    facts: tuple[int, ...]


def load_data(task: int = 1) -> tuple[list[Question], list[Question]]:
    """Loads a task, 1,000 questions for training and 1,000 for testing.

    Looked for in FASTNN_DATA and in the cache folder: ``tasks_en_1k.tar.gz``, or the published
    ``tasks_1-20_v1-2.tar.gz``, whose folder ``en`` is read. Neither is unpacked.

    Args:
        task: its number, from 1 (one supporting fact) to 20 (motives).

    Returns:
        ``(train, test)``.

    Raises:
        ValueError: there is no such task, or the archive is damaged.
        FileNotFoundError: not here.

    Source: J. Weston et al., "Towards AI-complete question answering: a set of prerequisite toy
    tasks", arXiv:1502.05698 (2015), version 1.2, CC BY 3.0.
    """
    if task not in TASKS:
        raise ValueError(f"babi: task is {task!r}, expected a number from 1 to 20")
    here = next((file for file in FILES if find("babi", file) is not None), FILES[1])
    parts = {}
    name = rf"(?:[^/]+/)?en/qa{int(task)}_[^/]+_(train|test)\.txt"
    for match, content in read_tar("babi", load("babi", here, ()), name, LARGEST):
        parts[match[1]] = parse(content)
    if len(parts) < 2:
        raise ValueError(f"babi: the archive has no en/qa{task}_*_train.txt and _test.txt")
    return parts["train"], parts["test"]


def is_here() -> bool:
    """Whether `load_data` finds an archive."""
    return any(find("babi", file) is not None for file in FILES)


def parse(content: bytes) -> list[Question]:
    """The questions of a file: numbered lines, which begin with 1 in a new story; those with tabs
    are questions: text, answer, numbers of the lines that it follows from.

    Raises:
        ValueError: not UTF-8, no questions, or a line of another form; the message has its number.
    """
    questions = []
    story: list[str] = []
    place: dict[str, int] = {}  # of a line's number in the story
    for count, line in enumerate(_text(content).splitlines(), 1):
        number, _, rest = line.partition(" ")
        if not number.isdigit():
            raise ValueError(f"babi: line {count} begins with no number: {line[:40]!r}")
        if number == "1":
            story, place = [], {}
        if "\t" not in rest:
            place[number] = len(story)
            story.append(rest.strip())
            continue
        fields = rest.split("\t")
        if len(fields) != 3 or not all(fact in place for fact in fields[2].split()):
            raise ValueError(
                f"babi: line {count} is no question, answer and numbers of sentences before it"
            )
        facts = tuple(place[fact] for fact in fields[2].split())
        questions.append(Question(tuple(story), fields[0].strip(), fields[1].strip(), facts))
    if not questions:
        raise ValueError("babi: a file has no questions")
    return questions


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"babi: a file is not UTF-8: {error}") from error
