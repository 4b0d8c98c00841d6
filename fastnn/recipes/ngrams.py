"""What to beat without a network: how often words (or characters) follow one another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class _Order(NamedTuple):
    """Counts of the k-grams of one order, as sorted numbers (symbols are digits to the base of the
    vocabulary), and of their contexts, the k-grams without their last symbol."""

    grams: np.ndarray
    counts: np.ndarray
    contexts: np.ndarray
    totals: np.ndarray
    kinds: np.ndarray  # how many different symbols follow each context
    discount: float


class NGrams:
    """Interpolated Kneser-Ney: the share of each symbol after the n - 1 symbols before it.

    From each count a discount D is taken, and what is saved goes to the next lower order:

        p(w | h) = max(c(h w) - D, 0) / c(h) + D kinds(h) / c(h) p(w | h without its first)

    where kinds(h) is how many different symbols were seen after h. In the lower orders c(h w) is
    not how often h w was seen, but after how many different symbols. Below order 1 all symbols are
    equal. D = (n1 + 1) / (n1 + 2 n2 + 2), by how many counts of an order are 1 and 2; without the 1
    and the 2, which keep it between 0 and 1 in short texts, it is the usual estimate.

    Source: S. Chen and J. Goodman, "An empirical study of smoothing techniques for language
    modeling" (1998), with one discount an order.

    Args:
        ids: integers [count], 0 <= ids < symbols, to count.
        symbols: the size of the vocabulary; symbols^order must fit into 63 bits.
        order: 1 (unigrams), 2 (bigrams) ..
    """

    def __init__(self, ids: np.ndarray, symbols: int, order: int) -> None:
        if symbols**order >= 1 << 63:
            raise ValueError(f"NGrams: {symbols} symbols to the power {order} exceed 63 bits")
        self.symbols, self.order = symbols, order
        grams, counts = np.unique(self._numbers(ids, order), return_counts=True)
        self._orders: list[_Order] = []  # from 1 to `order`
        for k in range(order, 0, -1):
            self._orders.insert(0, self._count(grams, counts))
            grams, counts = np.unique(grams % symbols ** (k - 1), return_counts=True)

    def log_probabilities(self, ids: np.ndarray) -> np.ndarray:
        """[count - order + 1]: the logarithm of the share of each symbol after those before it,
        from the first that has order - 1 before it."""
        share = np.full(len(ids) - self.order + 1, 1 / self.symbols)
        for k, table in enumerate(self._orders, 1):
            grams = self._numbers(ids, k)[self.order - k :]
            counts = _look_up(table.grams, table.counts, grams)
            contexts = grams // self.symbols
            totals = _look_up(table.contexts, table.totals, contexts)
            saved = table.discount * _look_up(table.contexts, table.kinds, contexts)
            mixed = np.maximum(counts - table.discount, 0) + saved * share
            share = np.where(totals > 0, mixed / np.maximum(totals, 1), share)
        return np.log(share)

    def _numbers(self, ids: np.ndarray, k: int) -> np.ndarray:
        """[count - k + 1]: each run of k symbols as a number."""
        ids = ids.astype(np.int64)
        numbers = np.zeros(len(ids) - k + 1, np.int64)
        for i in range(k):
            numbers = numbers * self.symbols + ids[i : i + len(numbers)]
        return numbers

    def _count(self, grams: np.ndarray, counts: np.ndarray) -> _Order:
        contexts, place, kinds = np.unique(
            grams // self.symbols, return_inverse=True, return_counts=True
        )
        totals = np.bincount(place, weights=counts)
        once, twice = np.sum(counts == 1), np.sum(counts == 2)
        return _Order(grams, counts, contexts, totals, kinds, (once + 1) / (once + 2 * twice + 2))


def _look_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The value of each wanted key, 0 where it is none of the (sorted) keys."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)
