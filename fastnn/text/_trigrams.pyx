# cython: language_level=3, boundscheck=False, wraparound=False
"""The letter trigrams of words, as text and as places among 26 x 26 x 26.

A trigram is the codes of its letters, of five bits each: 1 to 26 are a to z, 27 is an end of the
word. No code is 0, so that there are three letters once the first is not.
"""

from libc.stdint cimport int64_t, uint32_t
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.ref cimport Py_INCREF, PyObject
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM

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

cdef PyObject* texts[TRIGRAMS]  # a str, kept for ever, of each trigram that has been met


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
        tuple of str of three letters each, in the order of the word, with repetitions. Only a to z
        are letters: nothing else is in a trigram.

    Raises:
        TypeError: `word` is not a str.

    Source: word hashing, P.-S. Huang and others, "Learning deep structured semantic models for web
    search using clickthrough data", CIKM 2013, section 3.2.

    >>> letter_trigrams("apple")
    ('app', 'ppl', 'ple')
    >>> letter_trigrams("to"), letter_trigrams("to", boundary=True)
    ((), ('#to', 'to#'))
    """
    word = lowered("letter_trigrams", word)
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(word), count = 0, i
    cdef Py_ssize_t room = max(length + 2 * boundary - 2, 0)
    cdef void* data = PyUnicode_DATA(word)
    cdef int kind = PyUnicode_KIND(word)
    cdef uint32_t trigram = END if boundary else 0
    cdef tuple trigrams = PyTuple_New(room)
    for i in range(length):
        trigram = with_letter(trigram, PyUnicode_READ(kind, data, i))
        if has_three(trigram):
            put(trigrams, count, text_of(trigram))
            count += 1
    if boundary and has_three(with_code(trigram, END)):
        put(trigrams, count, text_of(with_code(trigram, END)))
        count += 1
    if count < room:
        for i in range(count, room):
            put(trigrams, i, <PyObject*>None)
        return trigrams[:count]
    return trigrams


cdef inline void put(tuple trigrams, Py_ssize_t place, PyObject* text) noexcept:
    """Fills a place of a tuple in which there is nothing yet."""
    Py_INCREF(<object>text)
    PyTuple_SET_ITEM(trigrams, place, <object>text)


cdef inline PyObject* text_of(uint32_t trigram) except NULL:
    return texts[trigram] if texts[trigram] else first_met(trigram)


cdef PyObject* first_met(uint32_t trigram) except NULL:
    text = "".join(
        "?abcdefghijklmnopqrstuvwxyz#"[trigram >> place * BITS & 31] for place in (2, 1, 0)
    )
    Py_INCREF(text)
    texts[trigram] = <PyObject*>text
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


cdef inline lowered(str caller, word):
    """A word in which ASCII letters may have both cases, and no other becomes one of ASCII."""
    if isinstance(word, str) and PyUnicode_IS_ASCII(word):
        return word
    return checked_lower(caller, word)


cdef checked_lower(str caller, word):
    if not isinstance(word, str):
        raise TypeError(f"{caller}: a word must be a str, got {type(word).__name__}")
    return str.lower(word)
