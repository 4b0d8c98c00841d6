# cython: language_level=3, boundscheck=False, wraparound=False
"""Words of a text: maximal runs of letters and digits, with apostrophes inside."""

from cpython.unicode cimport Py_UNICODE_ISALNUM


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
    if not isinstance(text, str):
        raise TypeError(f"split_words: text must be a str, got {type(text).__name__}")
    cdef str source = text.lower() if lower else str(text)
    cdef Py_ssize_t n = len(source), start = -1, i
    cdef Py_UCS4 letter
    cdef list words = []
    for i in range(n):
        letter = source[i]
        if Py_UNICODE_ISALNUM(letter):
            if start < 0:
                start = i
        elif start >= 0:
            if letter == u"'" and i + 1 < n and Py_UNICODE_ISALNUM(source[i + 1]):
                continue
            words.append(source[start:i])
            start = -1
    if start >= 0:
        words.append(source[start:n])
    return words


def count_words(texts, bint lower=True):
    """Counts the words of many texts.

    Args:
        texts: iterable of str; each is split by `split_words`.
        lower: whether words are counted in lower case.

    Returns:
        dict from word to count, most frequent first; equal counts in order of first occurrence.

    Raises:
        TypeError: if `texts` is a str or an item of it is not one.

    >>> count_words(["a rose is a rose", "is it"])
    {'a': 2, 'rose': 2, 'is': 2, 'it': 1}
    """
    if isinstance(texts, str):
        raise TypeError("count_words: texts must be an iterable of str, got one str")
    cdef dict counts = {}
    for text in texts:
        for word in split_words(text, lower):
            counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
