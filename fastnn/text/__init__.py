"""Text tools: splitting into words, counting, vocabularies; the loops are compiled."""

from fastnn.text._tokens import count_words, split_words
from fastnn.text.vocabulary import Vocabulary

__all__ = ["Vocabulary", "count_words", "split_words"]
