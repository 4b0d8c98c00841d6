"""Text tools: words, vocabularies, letter trigrams, tags; the inner loops are compiled."""

from fastnn.text._trigrams import letter_trigrams
from fastnn.text._words import count_words, split_words
from fastnn.text.bucketing import bucket_by_length
from fastnn.text.files import read_text
from fastnn.text.hashing import word_hash
from fastnn.text.iob import iob_to_spans, slot_f1, spans_to_iob
from fastnn.text.translation_score import bleu
from fastnn.text.vocabulary import Vocabulary

__all__ = [
    "Vocabulary",
    "bleu",
    "bucket_by_length",
    "count_words",
    "iob_to_spans",
    "letter_trigrams",
    "read_text",
    "slot_f1",
    "spans_to_iob",
    "split_words",
    "word_hash",
]
