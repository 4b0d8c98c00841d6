# cython: language_level=3, boundscheck=False, wraparound=False
"""The letter trigrams of words, as text and as places among 26 x 26 x 26.

A trigram is the codes of its letters, of five bits each: 1 to 26 are a to z, 27 is an end of the
word. No code is 0, so that there are three letters once the first is not.
"""

from libc.stdint cimport int64_t, uint32_t
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize

cdef extern from "Python.h":  # they see all of a str, also of one whose class has other methods
    bint PyUnicode_IS_ASCII(object text)
    int PyUnicode_KIND(object text)
    void* PyUnicode_DATA(object text)
    Py_UCS4 PyUnicode_READ(int kind, void* data, Py_ssize_t i)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef enum:
    LETTERS = 26
    SMALL_A = 97
    BITS = 5
    END = 27
    TRIGRAMS = 1 << 3 * BITS

cdef list texts = [None] * TRIGRAMS  # of the trigrams that have been met


cdef inline uint32_t with_letter(uint32_t trigram, uint32_t letter) noexcept:
    """The last three letters after one more; those before what is no letter do not count."""
    cdef uint32_t code = (letter | 32) - SMALL_A  # a capital is 32 below
    return with_code(trigram, code + 1) if code < LETTERS else 0


cdef inline uint32_t with_code(uint32_t trigram, uint32_t code) noexcept:
    return (trigram << BITS | code) & TRIGRAMS - 1


cdef inline bint has_three(uint32_t trigram) noexcept:
    return trigram >> 2 * BITS != 0


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
    word = lowered("letter_trigrams", word)
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(word), i
    cdef void* data = PyUnicode_DATA(word)
    cdef int kind = PyUnicode_KIND(word)
    cdef uint32_t trigram = END if boundary else 0
    cdef list trigrams = [None] * max(length + 2 * boundary - 2, 0)
    cdef Py_ssize_t count = 0
    for i in range(length + boundary):
        if i < length:
            trigram = with_letter(trigram, PyUnicode_READ(kind, data, i))
        else:
            trigram = with_code(trigram, END)
        if has_three(trigram):
            trigrams[count] = text_of(trigram)
            count += 1
    if count < len(trigrams):
        del trigrams[count:]
    return trigrams


cdef inline text_of(uint32_t trigram):
    if texts[trigram] is None:
        texts[trigram] = "".join(
            "?abcdefghijklmnopqrstuvwxyz#"[trigram >> place * BITS & 31] for place in (2, 1, 0)
        )
    return texts[trigram]


def trigram_places(words):
    """Where the trigrams of words stand in a table of 26 x 26 x 26 columns, a row a word.

    Returns:
        bytearray of int64: row * 26**3 + column of each trigram, in the order of the text.

    Raises:
        TypeError: a word is not a str.
    """
    cdef list rows = [lowered("word_hash", word) for word in words]
    cdef Py_ssize_t row, i, count = 0
    for word in rows:
        count += max(PyUnicode_GET_LENGTH(word) - 2, 0)
    cdef bytearray places = PyByteArray_FromStringAndSize(NULL, count * sizeof(int64_t))
    cdef int64_t* out = <int64_t*>PyByteArray_AS_STRING(places)
    cdef uint32_t trigram
    cdef void* data
    cdef int kind
    count = 0
    for row in range(len(rows)):
        word = rows[row]
        data, kind, trigram = PyUnicode_DATA(word), PyUnicode_KIND(word), 0
        for i in range(PyUnicode_GET_LENGTH(word)):
            trigram = with_letter(trigram, PyUnicode_READ(kind, data, i))
            if has_three(trigram):
                out[count] = row * LETTERS**3 + place_of(trigram)
                count += 1
    del places[count * sizeof(int64_t):]
    return places


cdef inline int64_t place_of(uint32_t trigram) noexcept:
    """The letters as a number of base 26."""
    cdef int64_t first = trigram >> 2 * BITS, second = trigram >> BITS & 31, third = trigram & 31
    return (first - 1) * LETTERS**2 + (second - 1) * LETTERS + third - 1


cdef lowered(str caller, word):
    """A word in which ASCII letters may have both cases, and no other becomes one of ASCII."""
    if not isinstance(word, str):
        raise TypeError(f"{caller}: a word must be a str, got {type(word).__name__}")
    return word if PyUnicode_IS_ASCII(word) else str.lower(word)
