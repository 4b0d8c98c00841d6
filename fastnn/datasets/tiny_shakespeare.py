"""Tiny Shakespeare: 1,115,394 characters of plays, in one piece."""

from fastnn.datasets.fetch import RemoteFile, load
from fastnn.utils.numbers import share

MIRRORS = ("https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare",)
FILES = (
    RemoteFile(
        "input.txt",
        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        published="input.txt",
    ),
)


def load_data(test_split: float = 0.1) -> tuple[str, str]:
    """Loads the plays from FASTNN_DATA, the cache folder or GitHub (1 MB), and checks them.

    Args:
        test_split: the share of characters for testing, which are the last ones.

    Returns:
        ``(train, test)``: 65 different characters, all of them ASCII.

    Raises:
        TypeError: test_split is no number.
        ValueError: test_split is not between 0 and 1, or a local file is damaged.
        OSError: not here, and GitHub did not give it.
        ImportError: not here, and pooch (extra ``data``) is not installed.

    Source: A. Karpathy, "char-rnn" (2015), https://github.com/karpathy/char-rnn; the plays are in
    the public domain.
    """
    tests = share("tiny_shakespeare: test_split", test_split)
    text = load("tiny_shakespeare", FILES[0], MIRRORS).decode("ascii")
    cut = len(text) - round(len(text) * tests)
    return text[:cut], text[cut:]
