# cython: language_level=3, boundscheck=False, wraparound=False
"""Words of a text, and their numbers in a list: split, counted, looked up.

Words are looked up where they lie, in a table with open addressing, so that a str is made of a
word only when it is first met. A word of up to eight ASCII letters is packed into 64 bits, which
are its key and stand for it; a longer one, or one with other letters, folds into a key, and is then
compared by letters.
"""

from cpython.bytearray cimport (
    PyByteArray_AS_STRING, PyByteArray_FromStringAndSize, PyByteArray_Resize
)
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.unicode cimport Py_UNICODE_ISALNUM, Py_UNICODE_TOLOWER
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastnn.text.arguments import items_of

cdef extern from "Python.h":  # they see all of a str, also of one whose class has other methods
    bint PyUnicode_IS_ASCII(object text)
    int PyUnicode_Contains(object text, object part) except -1
    int PyUnicode_KIND(object text)
    void* PyUnicode_DATA(object text)
    Py_UCS4 PyUnicode_READ(int kind, void* data, Py_ssize_t i)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    str PyUnicode_Substring(object text, Py_ssize_t start, Py_ssize_t end)

ctypedef fused letter_t:
    uint8_t
    uint16_t
    uint32_t

cdef enum:
    ASCII = 128
    LATIN = 256
    APOSTROPHE = 39
    ABSENT = -1  # what becomes of a word that is not among the words: a KeyError,
    ADDED = -2  # or one of them
    KEPT_WORDS = 1 << 15  # `split_words` keeps at most so many words from one text to the next,
    KEPT_LETTERS = 1 << 19  # of so many letters together

cdef uint64_t FACTOR = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: spreads what it multiplies

# What a letter is inside a word, as it stands and in lower case; 0: it separates words.
cdef uint8_t[2][LATIN] in_word
for code in range(LATIN):
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
    if letter < LATIN:
        return in_word[lower][letter]
    if not Py_UNICODE_ISALNUM(letter):
        return 0
    return Py_UNICODE_TOLOWER(letter) if lower else letter


cdef class Words:
    """Different words; the number of a word is its place among them.

    Args:
        words: iterable of different str.
        other: the number of every word that is not among them, or ABSENT or ADDED.
    """

    cdef list words
    cdef Py_ssize_t letters  # of all words
    cdef int32_t other
    cdef Slot* slots
    cdef uint32_t mask  # number of slots - 1, a power of 2 less 1

    def __cinit__(self, words=(), int32_t other=ADDED):
        self.words, self.other = [], other
        self.grow()
        for word in words:
            self.add(word)

    def __dealloc__(self):
        PyMem_Free(self.slots)

    def __reduce__(self):
        return Words, (self.words, self.other)

    cdef int32_t add(self, word) except -1:
        """The number that a new word gets."""
        cdef Py_ssize_t number = len(self.words), length = PyUnicode_GET_LENGTH(word), i
        cdef uint64_t key = 0
        if number == INT32_MAX:
            raise OverflowError(f"fastnn.text: more than {INT32_MAX} different words")
        if 2 * number > self.mask:
            self.grow()
        self.words.append(word)
        self.letters += length
        for i in range(length):
            key = longer(key, PyUnicode_READ(PyUnicode_KIND(word), PyUnicode_DATA(word), i))
        cdef bint packed = length <= 8 and PyUnicode_IS_ASCII(word)
        self.put(Slot(key, number + 1, packed and not PyUnicode_Contains(word, "\0")))
        return number

    cdef int grow(self) except -1:
        """Twice as many slots, at most half of which are taken."""
        cdef Slot* before = self.slots
        cdef Py_ssize_t count = self.mask + 1 if before else 0, i
        cdef Py_ssize_t slots = 2 * count if before else 64
        self.slots = <Slot*>PyMem_Calloc(slots, sizeof(Slot))
        if not self.slots:
            self.slots = before
            raise MemoryError("fastnn.text: no memory for a table of words")
        self.mask = slots - 1
        for i in range(count):
            if before[i].number_plus_1:
                self.put(before[i])
        PyMem_Free(before)
        return 0

    cdef void put(self, Slot slot) noexcept:
        cdef uint32_t at = slot.key * FACTOR >> 32 & self.mask
        while self.slots[at].number_plus_1:
            at = at + 1 & self.mask
        self.slots[at] = slot

    cpdef bytearray numbers(self, text, bint lower):
        """The numbers of a text's words as `split_words` finds them, the bytes of int32.

        Raises:
            KeyError: a word is not there, and there is no other.
        """
        # A dotted capital I becomes two letters, and a capital sigma depends on its neighbours.
        if lower and (PyUnicode_Contains(text, "\u0130") or PyUnicode_Contains(text, "\u03a3")):
            text = str.lower(text)
        cdef Py_ssize_t n = PyUnicode_GET_LENGTH(text), count
        cdef bytearray numbers = PyByteArray_FromStringAndSize(NULL, (n + 1) // 2 * sizeof(int32_t))
        cdef int32_t* out = <int32_t*>PyByteArray_AS_STRING(numbers)
        cdef void* data = PyUnicode_DATA(text)
        cdef int kind = PyUnicode_KIND(text)
        if kind == 1:
            count = self.scan(text, <uint8_t*>data, n, lower, out)
        elif kind == 2:
            count = self.scan(text, <uint16_t*>data, n, lower, out)
        else:
            count = self.scan(text, <uint32_t*>data, n, lower, out)
        PyByteArray_Resize(numbers, count * sizeof(int32_t))
        return numbers

    cdef Py_ssize_t scan(
        self, text, letter_t* letters, Py_ssize_t n, bint lower, int32_t* out
    ) except -1:
        """Writes the numbers of the words to `out`, and returns how many there are."""
        cdef Py_ssize_t i = 0, start, count = 0
        cdef uint32_t letter, all_letters
        cdef uint64_t key
        cdef int32_t number
        while i < n:
            letter = letter_of(letters[i], lower)
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
                letter = letter_of(letters[i], lower)
                if not letter and letters[i] == APOSTROPHE and i + 1 < n:
                    letter = APOSTROPHE if letter_of(letters[i + 1], lower) else 0
            number = self.find(letters + start, i - start, lower, key, all_letters)
            if number < 0:
                number = self.first_met(PyUnicode_Substring(text, start, i), lower)
            out[count] = number
            count += 1
        return count

    cdef inline int32_t find(
        self, letter_t* word, Py_ssize_t length, bint lower, uint64_t key, uint32_t all_letters
    ) noexcept:
        """The number of a word with that key, else `other`."""
        cdef uint32_t at = key * FACTOR >> 32 & self.mask
        cdef bint packed = length <= 8 and all_letters < ASCII
        cdef int32_t number
        while self.slots[at].number_plus_1:
            if self.slots[at].key == key and self.slots[at].packed == packed:
                number = self.slots[at].number_plus_1 - 1
                if packed or same(word, length, lower, self.words[number]):
                    return number
            at = at + 1 & self.mask
        return self.other

    cdef int32_t first_met(self, str word, bint lower) except -1:
        if lower:
            word = word.lower()
        if self.other == ABSENT:
            raise KeyError(word)
        return self.add(word)


cdef bint same(letter_t* word, Py_ssize_t length, bint lower, stored) noexcept:
    """Whether the letters of a word are those of a stored one."""
    cdef int kind = PyUnicode_KIND(stored)
    cdef void* data = PyUnicode_DATA(stored)
    cdef uint32_t letter
    cdef Py_ssize_t i
    if PyUnicode_GET_LENGTH(stored) != length:
        return False
    for i in range(length):
        letter = letter_of(word[i], lower)
        if PyUnicode_READ(kind, data, i) != (letter if letter else APOSTROPHE):
            return False
    return True


cdef Words kept = Words()


def split_words(text, bint lower=True):
    """Splits a text into words.

    A word is a maximal run of letters and digits; an apostrophe between two of them belongs to
    the word ("don't"). Everything else separates words.

    Args:
        text: str.
        lower: whether words are returned in lower case.

    Returns:
        list of str, in the order of the text.

    Raises:
        TypeError: if `text` is not a str.

    >>> split_words("The cat, it's here.")
    ['the', 'cat', "it's", 'here']
    """
    global kept
    if not isinstance(text, str):
        raise TypeError(f"split_words: text must be a str, got {type(text).__name__}")
    cdef Words table = kept
    cdef list words = table.words
    cdef bytearray numbers = table.numbers(text, lower)
    cdef int32_t* number = <int32_t*>PyByteArray_AS_STRING(numbers)
    cdef Py_ssize_t i
    if len(words) > KEPT_WORDS or table.letters > KEPT_LETTERS:
        kept = Words()
    return [words[number[i]] for i in range(how_many(numbers))]


def count_words(texts, bint lower=True):
    """Counts the words of many texts.

    Args:
        texts: iterable of str; each is split by `split_words`.
        lower: whether words are counted in lower case.

    Returns:
        dict from word to count, most frequent first; equal counts in order of first occurrence.

    Raises:
        TypeError: if `texts` is a str or not iterable, or an item of it is not a str.

    >>> count_words(["a rose is a rose", "is it"])
    {'a': 2, 'rose': 2, 'is': 2, 'it': 1}
    """
    if isinstance(texts, str):
        raise TypeError("count_words: texts must be an iterable of str, got one str")
    cdef Words table = Words()
    cdef list words = table.words
    cdef bytearray numbers, totals = bytearray()
    cdef int32_t* number
    cdef int64_t* total
    cdef Py_ssize_t i
    for text in items_of(texts, "count_words: texts must be an iterable of str"):
        if not isinstance(text, str):
            raise TypeError(f"count_words: a text must be a str, got {type(text).__name__}")
        numbers = table.numbers(text, lower)
        totals += bytes(len(words) * sizeof(int64_t) - len(totals))
        number = <int32_t*>PyByteArray_AS_STRING(numbers)
        total = <int64_t*>PyByteArray_AS_STRING(totals)
        for i in range(how_many(numbers)):
            total[number[i]] += 1
    total = <int64_t*>PyByteArray_AS_STRING(totals)
    cdef list counts = [total[i] for i in range(len(words))]
    order = sorted(range(len(words)), key=counts.__getitem__, reverse=True)
    return {words[i]: counts[i] for i in order}


cdef inline Py_ssize_t how_many(bytearray numbers) noexcept:
    return len(numbers) // <Py_ssize_t>sizeof(int32_t)
