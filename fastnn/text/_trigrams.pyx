# cython: language_level=3, boundscheck=False, wraparound=False
"""The letter trigrams of words, as text and as places among 26 x 26 x 26."""

from libc.stdint cimport int64_t
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize

cdef enum:
    LETTERS = 26


def letter_trigrams(word, bint boundary=False):
    """The runs of three letters in a word.

    Args:
        word: str; its case does not matter.
        boundary: whether the word's ends count as letters, written ``#`` (as in the paper), so
            that words of one and two letters have trigrams too.

    Returns:
        list of str of three letters each, in the order of the word, with repetitions. Only a to z
        are letters: nothing else is in a trigram.

    Raises:
        TypeError: `word` is not a str.

    Source: word hashing, P.-S. Huang and others, "Learning deep structured semantic models for web
    search using clickthrough data", CIKM 2013, section 3.2.

    >>> letter_trigrams("apple")
    ['app', 'ppl', 'ple']
    >>> letter_trigrams("to"), letter_trigrams("to", boundary=True)
    ([], ['#to', 'to#'])
    """
    cdef str lowered = _lowered("letter_trigrams", word)
    if boundary:
        lowered = "#" + lowered.replace("#", " ") + "#"  # none but the ends
    cdef Py_ssize_t i, run = 0
    cdef list trigrams = []
    for i in range(len(lowered)):
        run = run + 1 if u"a" <= lowered[i] <= u"z" or lowered[i] == u"#" and boundary else 0
        if run >= 3:
            trigrams.append(lowered[i - 2 : i + 1])
    return trigrams


def trigram_places(words):
    """Where the trigrams of words stand in a table of 26 x 26 x 26 columns, a row a word.

    Returns:
        bytearray of int64: row * 26**3 + column of each trigram, in the order of the text.

    Raises:
        TypeError: a word is not a str.
    """
    cdef list rows = [_lowered("word_hash", given) for given in words]
    cdef Py_ssize_t row, i, count = 0
    cdef str word
    for word in rows:
        count += max(len(word) - 2, 0)
    cdef bytearray places = PyByteArray_FromStringAndSize(NULL, count * sizeof(int64_t))
    cdef int64_t* out = <int64_t*>PyByteArray_AS_STRING(places)
    cdef int64_t column
    cdef int run
    count = 0
    for row in range(len(rows)):
        word = rows[row]
        column = run = 0
        for i in range(len(word)):
            if u"a" <= word[i] <= u"z":
                column = (column * LETTERS + <int>word[i] - <int>u"a") % LETTERS**3
                run += 1
            else:
                run = 0
            if run >= 3:
                out[count] = row * LETTERS**3 + column
                count += 1
    del places[count * sizeof(int64_t):]
    return places


cdef str _lowered(str caller, word):
    if not isinstance(word, str):
        raise TypeError(f"{caller}: a word must be a str, got {type(word).__name__}")
    return word.lower()
