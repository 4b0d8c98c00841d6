"""ATIS: what travellers ask for, word by word, with a slot tag for each word."""

from __future__ import annotations

from typing import NamedTuple

from fastnn.datasets.fetch import RemoteFile, load

FILES = (
    RemoteFile(
        "atis.train.w-intent.iob",
        "e0a1e3de978345b4fbfa4f2eefa8bb974460f0f7f38330e179ccaecc80d68178",
    ),
    RemoteFile(
        "atis.test.w-intent.iob",
        "744bc272bce1c6a828df7b5580b47a4aee2ad2019e5d2376c348bea1c15f0d6e",
    ),
)


class Sentences(NamedTuple):
    """Tagged sentences: for each its words, a tag for each word, and its intent.

    Attributes:
        words: a list of str a sentence, in lower case.
        tags: a list of IOB tags a sentence, such as ``B-toloc.city_name``.
        intents: a str a sentence, such as ``atis_flight``.
    """

    words: list[list[str]]
    tags: list[list[str]]
    intents: list[str]


def load_data() -> tuple[Sentences, Sentences]:
    """Loads the 4,978 sentences for training and the 893 for testing.

    They are looked for in FASTNN_DATA and in the cache folder.

    Returns:
        ``(train, test)``, each ``Sentences``.

    Raises:
        ValueError: a file is damaged.
        FileNotFoundError: not here.

    Source: C. T. Hemphill, J. J. Godfrey, G. R. Doddington, "The ATIS spoken language systems
    pilot corpus", 1990; for research only.
    """
    train, test = (parse(load("atis", file, ())) for file in FILES)
    return train, test


def parse(content: bytes) -> Sentences:
    """The sentences of a file: lines of ``BOS words EOS``, a tab, a tag for each but the last,
    whose place has the intent.

    Raises:
        ValueError: the file is empty or not UTF-8, or a line is none of that form.
    """
    try:
        lines = content.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"atis: the file is not UTF-8 ({error})") from error
    if not lines:
        raise ValueError("atis: the file is empty")
    sentences = Sentences([], [], [])
    for number, line in enumerate(lines, 1):
        text, _, marks = line.partition("\t")
        words, tags = text.split(), marks.split()
        if len(words) != len(tags) or words[:1] != ["BOS"] or words[-1:] != ["EOS"]:
            raise ValueError(
                f"atis: line {number} is not 'BOS words EOS', a tab, and as many tags and intent"
            )
        sentences.words.append(words[1:-1])
        sentences.tags.append(tags[1:-1])
        sentences.intents.append(tags[-1])
    return sentences
