"""Values in the messages of errors."""

from __future__ import annotations

import reprlib
from typing import Any

LENGTH = 40  # of a value in a message, about


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxlong = self.maxother = LENGTH

    def repr_int(self, x: int, level: int) -> str:
        if x.bit_length() > 4096:  # Python writes out no more than 4300 digits
            return f"an integer of {x.bit_length()} bits"
        return super().repr_int(x, level)


_short = _Short().repr


def shown(value: Any) -> str:
    """A value as messages show it: its repr in about 40 characters, however large it is.

    >>> shown("cat"), shown(10**400)
    ("'cat'", '100000000000000000...0000000000000000000')
    """
    text = _short(value)
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 3]}..."
