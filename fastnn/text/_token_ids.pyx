# cython: language_level=3, boundscheck=False, wraparound=False
"""Tokens and whole texts to their numbers in a vocabulary.

A text's words are looked up where they lie, without a str for each, in a table with open
addressing. A word of up to eight ASCII letters is packed into 64 bits, which are its key and stand
for it; a longer one, or one with other letters, folds into a key, and is then compared by letters.
"""

from cpython.bytearray cimport (
    PyByteArray_AS_STRING, PyByteArray_FromStringAndSize, PyByteArray_Resize
)
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from cpython.unicode cimport Py_UNICODE_ISALNUM, Py_UNICODE_TOLOWER
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "Python.h":
    int PyUnicode_KIND(object text)
    void* PyUnicode_DATA(object text)

ctypedef fused letter_t:
    uint8_t
    uint16_t
    uint32_t

cdef enum:
    ASCII = 128
    APOSTROPHE = 39

cdef uint64_t FACTOR = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: spreads what it multiplies

# What an ASCII letter is inside a word, as it stands and in lower case; 0: it separates words.
cdef uint32_t[2][ASCII] in_word
for code in range(ASCII):
    in_word[0][code] = code if chr(code).isalnum() else 0
    in_word[1][code] = ord(chr(code).lower()) if chr(code).isalnum() else 0


cdef struct Slot:
    uint64_t key
    int32_t number_plus_1  # 0: free
    bint packed  # the key is all of the word


cdef inline uint64_t longer(uint64_t key, uint32_t letter) noexcept:
    """The key of a word with one more letter."""
    return (key << 8 ^ letter) + (key >> 56) * FACTOR


cdef inline uint32_t letter_of(uint32_t letter, bint lower) noexcept:
    if letter < ASCII:
        return in_word[lower][letter]
    if not Py_UNICODE_ISALNUM(letter):
        return 0
    return Py_UNICODE_TOLOWER(letter) if lower else letter


cdef class TokenIds:
    """Numbers of tokens: their places in a list.

    Args:
        tokens: list of different str.
        other: the number of every token that is not among them; -1: such a token is a KeyError.
    """

    cdef list tokens
    cdef dict ids
    cdef int32_t other
    cdef Slot* slots
    cdef uint32_t mask  # number of slots - 1, a power of 2 less 1
    cdef uint32_t* letters  # of all tokens, one after another
    cdef Py_ssize_t* starts  # of each token in `letters`, and the end of the last

    def __cinit__(self, list tokens, int32_t other):
        cdef Py_ssize_t count = len(tokens), size = 0, number, slots = 8
        cdef uint64_t key
        cdef uint32_t at
        self.tokens, self.other = list(tokens), other
        self.ids = {token: number for number, token in enumerate(tokens)}
        for token in tokens:
            size += len(<str>token)
        while slots < 2 * count:
            slots *= 2
        self.mask = slots - 1
        self.slots = <Slot*>PyMem_Calloc(slots, sizeof(Slot))
        self.letters = <uint32_t*>PyMem_Malloc((size + 1) * sizeof(uint32_t))
        self.starts = <Py_ssize_t*>PyMem_Malloc((count + 1) * sizeof(Py_ssize_t))
        if not self.slots or not self.letters or not self.starts:
            raise MemoryError("Vocabulary: no memory for its table")
        size = 0
        for number in range(count):
            self.starts[number] = size
            token = tokens[number]
            key = 0
            for letter in <str>token:
                self.letters[size] = letter
                key = longer(key, letter)
                size += 1
            at = key * FACTOR >> 32 & self.mask
            while self.slots[at].number_plus_1:
                at = at + 1 & self.mask
            self.slots[at] = Slot(
                key, number + 1, len(<str>token) <= 8 and token.isascii() and "\0" not in token
            )
        self.starts[count] = size

    def __dealloc__(self):
        PyMem_Free(self.slots)
        PyMem_Free(self.letters)
        PyMem_Free(self.starts)

    def __reduce__(self):
        return TokenIds, (self.tokens, self.other)

    def encode(self, tokens):
        """The numbers of tokens, the bytes of int32.

        Raises:
            KeyError: a token is not there, and there is no other.
            TypeError: a token is not a str, or `tokens` cannot be walked through.
        """
        cdef list items = list(tokens)
        cdef Py_ssize_t count = len(items), i
        cdef bytearray numbers = PyByteArray_FromStringAndSize(NULL, count * sizeof(int32_t))
        cdef int32_t* out = <int32_t*>PyByteArray_AS_STRING(numbers)
        for i in range(count):
            token = items[i]
            if not isinstance(token, str):
                raise TypeError(
                    f"Vocabulary.encode: tokens[{i}] must be a str, got {type(token).__name__}"
                )
            out[i] = self.ids.get(token, self.other)
            if out[i] < 0:
                raise KeyError(token)
        return numbers

    def encode_text(self, str text, bint lower):
        """The numbers of a text's words as `split_words` finds them, the bytes of int32.

        Raises:
            KeyError: a word is not there, and there is no other.
        """
        # A dotted capital I becomes two letters, and a capital sigma depends on its neighbours.
        if lower and ("\u0130" in text or "\u03a3" in text):
            text = text.lower()
        cdef Py_ssize_t n = len(text)
        cdef bytearray numbers = PyByteArray_FromStringAndSize(NULL, (n + 1) // 2 * sizeof(int32_t))
        cdef int32_t* out = <int32_t*>PyByteArray_AS_STRING(numbers)
        cdef void* data = PyUnicode_DATA(text)
        cdef int kind = PyUnicode_KIND(text)
        cdef Py_ssize_t count, unknown = -1
        if kind == 1:
            count = self.scan(<uint8_t*>data, n, lower, out, &unknown)
        elif kind == 2:
            count = self.scan(<uint16_t*>data, n, lower, out, &unknown)
        else:
            count = self.scan(<uint32_t*>data, n, lower, out, &unknown)
        if unknown >= 0:
            from fastnn.text._tokens import split_words

            raise KeyError(split_words(text[unknown:], lower)[0])
        PyByteArray_Resize(numbers, count * sizeof(int32_t))
        return numbers

    cdef Py_ssize_t scan(
        self, letter_t* text, Py_ssize_t n, bint lower, int32_t* out, Py_ssize_t* unknown
    ) noexcept:
        """Writes the numbers of the words to `out`, and returns how many there are; stops at a
        word without a number, whose start goes to `unknown`."""
        cdef Py_ssize_t i = 0, start, count = 0
        cdef uint32_t letter, all_letters
        cdef uint64_t key
        cdef int32_t number
        while i < n:
            letter = letter_of(text[i], lower)
            if not letter:
                i += 1
                continue
            start, key, all_letters = i, 0, 0
            while letter:
                key = longer(key, letter)
                all_letters |= letter
                i += 1
                if i >= n:
                    break
                letter = letter_of(text[i], lower)
                if not letter and text[i] == APOSTROPHE and i + 1 < n:
                    letter = APOSTROPHE if letter_of(text[i + 1], lower) else 0
            number = self.find(text + start, i - start, lower, key, all_letters)
            if number < 0:
                unknown[0] = start
                break
            out[count] = number
            count += 1
        return count

    cdef inline int32_t find(
        self, letter_t* word, Py_ssize_t length, bint lower, uint64_t key, uint32_t all_letters
    ) noexcept:
        """The number of a word with that key, else that of the others."""
        cdef uint32_t at = key * FACTOR >> 32 & self.mask
        cdef bint packed = length <= 8 and all_letters < ASCII
        cdef int32_t number
        while self.slots[at].number_plus_1:
            if self.slots[at].key == key and self.slots[at].packed == packed:
                number = self.slots[at].number_plus_1 - 1
                if packed or self.is_stored(word, length, lower, number):
                    return number
            at = at + 1 & self.mask
        return self.other

    cdef bint is_stored(
        self, letter_t* word, Py_ssize_t length, bint lower, int32_t number
    ) noexcept:
        """Whether the letters of a word are those of a token."""
        cdef uint32_t* stored = self.letters + self.starts[number]
        cdef uint32_t letter
        cdef Py_ssize_t i
        if self.starts[number + 1] - self.starts[number] != length:
            return False
        for i in range(length):
            letter = letter_of(word[i], lower)
            if stored[i] != (letter if letter else APOSTROPHE):
                return False
        return True
