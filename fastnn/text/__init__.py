"""Text tools whose loops are compiled: splitting into words, counting a vocabulary."""

from fastnn.text._tokens import count_words, split_words

__all__ = ["count_words", "split_words"]
