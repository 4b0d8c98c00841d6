# cython: language_level=3, boundscheck=False, wraparound=False
"""Words of a text, and their numbers in a list: split, counted, looked up.

A text is first spelled out: its words in UTF-8, zeros after each. They are then looked up by their
bytes, in a table with open addressing, so that a str is made of a word only when it is first met.
Up to fifteen bytes are a key that stands for the word; more fold into a key, and are then compared.
"""

from cpython.bytearray cimport (
    PyByteArray_AS_STRING, PyByteArray_FromStringAndSize, PyByteArray_Resize
)
from cpython.bytes cimport PyBytes_AS_STRING
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.unicode cimport PyUnicode_DecodeUTF8, Py_UNICODE_ISALNUM, Py_UNICODE_TOLOWER
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memcpy, memset, strcmp, strlen

from collections import defaultdict

from fastnn.text.arguments import items_of

cdef extern from "Python.h":  # they see all of a str, also of one whose class has other methods
    int PyUnicode_Contains(object text, object part) except -1
    bint PyUnicode_IS_ASCII(object text)
    int PyUnicode_KIND(object text)
    void* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    const char* PyUnicode_AsUTF8(object text) except NULL
    str PyUnicode_New(Py_ssize_t length, Py_UCS4 highest)

cdef extern from *:
    """
    #define ONES 0x0101010101010101ULL
    #define TOPS (ONES << 7)
    /* Both halves of a product: the upper bits of a factor reach the upper half alone. */
    static inline uint64_t mixed(uint64_t a, uint64_t b) {
      const unsigned __int128 product = (unsigned __int128)a * b;
      return (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    """
    uint64_t ONES, TOPS  # the lowest and the uppermost bit of each byte
    uint64_t mixed(uint64_t, uint64_t) noexcept
    bint PY_BIG_ENDIAN
    uint64_t __builtin_bswap64(uint64_t)
    int __builtin_ctzll(uint64_t)  # how many zero bits are below the lowest one

ctypedef fused letter_t:
    uint8_t
    uint16_t
    uint32_t

cdef enum:
    LATIN = 256
    APOSTROPHE = 39
    SMALL_A = 97
    LETTERS = 26
    DIGIT_0 = 48
    DIGITS = 10
    CASE = 32  # the bit in which a small letter of ASCII is another than the capital
    BLOCK = 8  # bytes of a word that are seen at once
    ABSENT = -1  # what becomes of a word that is not among the words: a KeyError,
    ADDED = -2  # or one of them
    KEPT_WORDS = 1 << 15  # `split_words` keeps at most so many words from one text to the next,
    KEPT_LETTERS = 1 << 19  # of so many letters together

# Spreads what it multiplies over the upper bits: odd, and another one in every process, as the hash
# of a str is, so that nobody can choose words that crowd in a few slots.
cdef uint64_t FACTOR = <uint64_t>hash(__name__) | 1

# What a letter is inside a word, as it stands and in lower case; 0: it separates words.
cdef uint8_t[2][LATIN] in_word
for code in range(LATIN):
    in_word[0][code] = code if chr(code).isalnum() else 0
    in_word[1][code] = ord(chr(code).lower()) if chr(code).isalnum() else 0


cdef inline uint32_t letter_of(uint32_t letter, bint lower) noexcept:
    if letter < LATIN:
        return in_word[lower][letter]
    if not Py_UNICODE_ISALNUM(letter):
        return 0
    return Py_UNICODE_TOLOWER(letter) if lower else letter


cdef bytearray spelled(text, bint lower):
    """The words of a text in UTF-8, zeros after each, and two blocks of zeros."""
    # A capital sigma depends on its neighbours; a dotted capital I would become an i and a mark that
    # is no letter.
    if lower and (PyUnicode_Contains(text, "\u0130") or PyUnicode_Contains(text, "\u03a3")):
        text = str.lower(str.replace(text, "\u0130", "i"))
    cdef Py_ssize_t n = PyUnicode_GET_LENGTH(text)
    cdef void* letters = PyUnicode_DATA(text)
    cdef int kind = PyUnicode_KIND(text)
    cdef bytearray spelling = PyByteArray_FromStringAndSize(NULL, n * min(kind + 1, 4) + 1 + 2 * BLOCK)
    cdef uint8_t* out = <uint8_t*>PyByteArray_AS_STRING(spelling)
    cdef uint8_t* end
    if PyUnicode_IS_ASCII(text):
        end = spell_ascii(<uint8_t*>letters, n, lower, out)
    elif kind == 1:
        end = spell(<uint8_t*>letters, n, lower, out)
    elif kind == 2:
        end = spell(<uint16_t*>letters, n, lower, out)
    else:
        end = spell(<uint32_t*>letters, n, lower, out)
    memset(end, 0, 2 * BLOCK)
    PyByteArray_Resize(spelling, end - out + 2 * BLOCK)
    return spelling


cdef uint8_t* spell_ascii(uint8_t* letters, Py_ssize_t n, bint lower, uint8_t* out) noexcept:
    """The same as `spell`, but every letter keeps its place, so that many are done at once."""
    cdef uint8_t letter, is_letter, is_digit, case = CASE if lower else 0
    cdef Py_ssize_t i
    for i in range(n):
        letter = letters[i]
        is_letter = <uint8_t>((letter | CASE) - SMALL_A) < LETTERS
        is_digit = <uint8_t>(letter - DIGIT_0) < DIGITS
        if is_letter:
            letter |= case
        out[i] = letter if is_letter | is_digit | (letter == APOSTROPHE) else 0
    out[n] = 0
    cdef uint8_t* end = out + n
    cdef uint8_t* at = <uint8_t*>memchr(out, APOSTROPHE, n)
    while at:
        if at == out or not (at - 1)[0] or not at[1] or at[1] == APOSTROPHE:
            at[0] = 0  # it is not between two letters
        at = <uint8_t*>memchr(at + 1, APOSTROPHE, end - at - 1)
    return end


cdef uint8_t* spell(letter_t* letters, Py_ssize_t n, bint lower, uint8_t* out) noexcept:
    """Writes the words of a text, and returns where they end."""
    cdef uint32_t letter, last = 0
    cdef Py_ssize_t i
    for i in range(n):
        letter = letter_of(letters[i], lower)
        if letters[i] == APOSTROPHE and last and i + 1 < n and letter_of(letters[i + 1], lower):
            letter = APOSTROPHE
        if letter < 0x80:
            out[0] = letter
            out += (letter | last) != 0  # one zero after a word; no branch, since ends surprise
        else:
            out = with_letter(out, letter)
        last = letter
    out[0] = 0
    return out + (last != 0)


cdef inline uint8_t* with_letter(uint8_t* out, uint32_t letter) noexcept:
    """Writes a letter that is not of ASCII, and returns where it ends."""
    cdef int more = 1 if letter < 0x800 else 2 if letter < 0x10000 else 3  # bytes, six bits each
    cdef int i
    out[0] = 0xFF00 >> 1 + more & 0xFF | letter >> 6 * more  # a one for every byte, and a zero
    for i in range(more):
        out[1 + i] = 0x80 | letter >> 6 * (more - 1 - i) & 63
    return out + 1 + more


cdef struct Key:
    uint64_t low, high


cdef struct Slot:
    Key key  # low is 0: free
    int32_t number


cdef inline uint64_t block_at(uint8_t* place) noexcept:
    cdef uint64_t block
    memcpy(&block, place, BLOCK)
    return __builtin_bswap64(block) if PY_BIG_ENDIAN else block


cdef inline uint64_t zeros_of(uint64_t block) noexcept:
    """The upper bit of each byte that is 0, if none is 1, which no word has."""
    return block - ONES & ~block & TOPS


cdef inline Key key_of(uint8_t** at) noexcept:
    """The key of the word at a place, after which there are a zero and fifteen bytes more; its low
    part is 0 if the place is none of a word. The place moves on to the next word, or towards it.
    There is no branch for the length, since ends surprise.
    """
    cdef Key key = Key(block_at(at[0]), block_at(at[0] + BLOCK))
    cdef uint64_t zeros = zeros_of(key.low), more = zeros_of(key.high), longer, rest
    if not zeros | more:
        return folded(at)
    longer = <uint64_t>(zeros != 0) - 1  # all bits if the word goes on in the second block
    key.low &= zeros ^ zeros - 1  # all bits up to the first zero
    key.high &= (more ^ more - 1) & longer
    zeros |= more & longer
    # Bytes after the first zero that are not 0; the last bit stands for the end of the block.
    rest = (~(zeros | zeros - 1) & TOPS) >> 8 | 1ULL << 63
    at[0] += (longer & BLOCK) + 1 + (__builtin_ctzll(rest) >> 3)
    return key


cdef Key folded(uint8_t** at) noexcept:
    """The same for sixteen bytes or more; the uppermost bit tells such a key from the others."""
    cdef Key key = Key(0, 1ULL << 63)
    cdef uint64_t block, zeros = 0
    while not zeros:
        block = block_at(at[0])
        zeros = zeros_of(block)
        key.low = mixed(key.low ^ block & (zeros ^ zeros - 1), FACTOR)
        at[0] += BLOCK
    at[0] -= BLOCK - (__builtin_ctzll(zeros) >> 3)
    key.low |= 1
    return key


cdef inline object word_of(uint8_t* letters, bint ascii):
    """The str of a word."""
    cdef Py_ssize_t length = strlen(<char*>letters)
    if length == 1 or not ascii:  # Python shares the str of one letter
        return PyUnicode_DecodeUTF8(<char*>letters, length, NULL)
    word = PyUnicode_New(length, 127)  # half the time
    memcpy(PyUnicode_DATA(word), letters, length)
    return word


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
    cdef int shift  # from 64 bits to those of the mask

    def __cinit__(self, words=(), int32_t other=ADDED):
        cdef uint8_t* letters
        self.words, self.other, self.shift = [], other, 64
        self.grow()
        for word in words:
            spelling = str.encode(word, errors="surrogatepass") + bytes(2 * BLOCK)
            letters = <uint8_t*>PyBytes_AS_STRING(spelling)
            # A zero ends a word: what has one in it is none of a text.
            self.add(word, Key(0, 0) if PyUnicode_Contains(word, "\0") else key_of(&letters))

    def __dealloc__(self):
        PyMem_Free(self.slots)

    def __reduce__(self):
        return Words, (self.words, self.other)

    cdef int32_t add(self, word, Key key) except -1:
        """The number that a new word gets."""
        cdef Py_ssize_t number = len(self.words)
        if number == INT32_MAX:
            raise OverflowError(f"fastnn.text: more than {INT32_MAX} different words")
        if 2 * number > self.mask:
            self.grow()
        self.words.append(word)
        self.letters += PyUnicode_GET_LENGTH(word)
        self.put(Slot(key, number))
        return number

    cdef int grow(self) except -1:
        """Four times as many slots, at most half of which are taken."""
        cdef Slot* before = self.slots
        cdef Py_ssize_t count = self.mask + 1 if before else 0, i
        cdef int bits = 66 - self.shift if before else 6
        self.slots = <Slot*>PyMem_Calloc(<size_t>1 << bits, sizeof(Slot))
        if not self.slots:
            self.slots = before
            raise MemoryError("fastnn.text: no memory for a table of words")
        self.mask, self.shift = (<size_t>1 << bits) - 1, 64 - bits
        for i in range(count):
            if before[i].key.low:
                self.put(before[i])
        PyMem_Free(before)
        return 0

    cdef void put(self, Slot slot) noexcept:
        cdef uint32_t at = self.first_of(slot.key)
        while self.slots[at].key.low:
            at = at + 1 & self.mask
        self.slots[at] = slot

    cdef inline uint32_t first_of(self, Key key) noexcept:
        """The slot from which on a key is looked for."""
        return mixed(key.low ^ FACTOR, key.high ^ FACTOR) >> self.shift

    cpdef bytearray numbers(self, text, bint lower):
        """The numbers of a text's words as `split_words` finds them, the bytes of int32.

        Raises:
            KeyError: a word is not there, and there is no other.
        """
        cdef bytearray spelling = spelled(text, lower)
        cdef bint ascii = PyUnicode_IS_ASCII(text)
        cdef Py_ssize_t size = len(spelling) - 2 * BLOCK, count = 0
        cdef uint8_t* at = <uint8_t*>PyByteArray_AS_STRING(spelling)
        cdef uint8_t* end = at + size
        cdef uint8_t* word
        cdef bytearray numbers = PyByteArray_FromStringAndSize(
            NULL, (size + 1) // 2 * sizeof(int32_t)
        )
        cdef int32_t* out = <int32_t*>PyByteArray_AS_STRING(numbers)
        cdef Key key
        cdef int32_t number
        while at < end:
            word = at
            key = key_of(&at)
            if not key.low:
                continue
            number = self.find(key, word)
            if number < 0:
                found = word_of(word, ascii)
                if number == ABSENT:
                    raise KeyError(found)
                number = self.add(found, key)
            out[count] = number
            count += 1
        PyByteArray_Resize(numbers, count * sizeof(int32_t))
        return numbers

    cdef inline int32_t find(self, Key key, uint8_t* word) except? ABSENT:
        """The number of a word with that key, else `other`."""
        cdef uint32_t at = self.first_of(key)
        cdef Slot* slot = &self.slots[at]
        while slot.key.low:
            if slot.key.low == key.low and slot.key.high == key.high:
                if not key.high >> 63 or same(word, self.words[slot.number]):
                    return slot.number
            at = at + 1 & self.mask
            slot = &self.slots[at]
        return self.other


cdef inline bint same(uint8_t* word, stored) except -1:
    """Whether the bytes of a word are those of a stored one."""
    return strcmp(<char*>word, PyUnicode_AsUTF8(stored)) == 0


cdef Words kept = Words()


def split_words(text, bint lower=True):
    """Splits a text into words.

    A word is a maximal run of letters and digits; an apostrophe between two of them belongs to
    the word ("don't"). Everything else separates words.

    Args:
        text: str.
        lower: whether words are returned in lower case. A dotted capital I becomes i.

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
    with_count = defaultdict(list)  # a sort of the words would take longer
    for i in range(len(words)):
        with_count[total[i]].append(words[i])
    return {word: count for count in sorted(with_count, reverse=True) for word in with_count[count]}


cdef inline Py_ssize_t how_many(bytearray numbers) noexcept:
    return len(numbers) // <Py_ssize_t>sizeof(int32_t)
