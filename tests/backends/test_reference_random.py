"""The reference's random numbers against Philox in Python integers, and against distributions."""

import math
import statistics

import numpy as np
import pytest

from fastnn.backends import reference
from fastnn.backends.reference.philox import philox, words
from fastnn.backends.reference.special import normal_quantile

MASK = 2**32 - 1


def philox_of_integers(counter, key):
    """Philox 4x32-10 (Salmon et al., 2011), one counter at a time, in Python's integers."""
    (a, b, c, d), (k, m) = counter, key
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (q >> 32) ^ b ^ k, q & MASK, (p >> 32) ^ d ^ m, p & MASK
        k, m = (k + 0x9E3779B9) & MASK, (m + 0xBB67AE85) & MASK
    return [a, b, c, d]


def state_of(key, counter):
    return np.array([key, counter], dtype=np.uint64).view(np.int64)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0,) * 4, (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((MASK,) * 4, (MASK, MASK), "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_published_answers(counter, key, expected):
    answer = [int(word, 16) for word in expected.split()]
    assert [int(word) for word in philox(list(counter), key)] == answer
    assert philox_of_integers(counter, key) == answer


@pytest.mark.parametrize("counter", [0, 2**32 - 2, 2**64 - 2])
def test_words_follow_the_counter(counter):
    key = 0x1234567890ABCDEF
    drawn, after = words(state_of(key, counter), 18)
    expected = []
    for i in range(5):
        at = (counter + i) % 2**64
        expected += philox_of_integers((at & MASK, at >> 32, 0, 0), (key & MASK, key >> 32))
    assert drawn.tolist() == expected[:18]
    assert after.view(np.uint64).tolist() == [key, (counter + 5) % 2**64]


def test_uniform_takes_24_and_53_bits():
    state = state_of(7, 3)
    drawn = [int(word) for word in words(state, 14)[0]]
    y, after = reference.random_uniform(state, shape=(7,), dtype="float32")
    assert y.tolist() == [(word >> 8) / 2**24 for word in drawn[:7]]
    assert after.tolist() == [7, 5]
    y, after = reference.random_uniform(state, shape=(7,), dtype="float64")
    pairs = zip(drawn[1::2], drawn[0::2], strict=True)
    assert y.tolist() == [(high << 32 | low) // 2**11 / 2**53 for high, low in pairs]
    assert after.tolist() == [7, 7]
    y, _ = reference.random_uniform(state, shape=(500, 2), low=-3, high=5, dtype="float64")
    assert -3 <= y.min() < -2.9
    assert 4.9 < y.max() < 5
    y, _ = reference.random_uniform(state, shape=(64,), low=1, high=1 + 2**-23, dtype="float32")
    assert set(y.tolist()) == {1}  # never high itself


def test_integers_cover_their_range_evenly():
    y, after = reference.random_integers(state_of(1, 0), shape=(6000,), low=-2, high=4)
    assert y.dtype == np.int32
    values, counts = np.unique(y, return_counts=True)
    assert values.tolist() == [-2, -1, 0, 1, 2, 3]
    assert np.abs(counts - 1000).max() < 5 * math.sqrt(1000)
    assert after.tolist() == [1, 1500]
    low, _ = reference.random_integers(
        state_of(1, 0), shape=(9,), low=-(2**31), high=2**31, dtype="int64"
    )
    drawn = words(state_of(1, 0), 18)[0].tolist()
    assert (low + 2**31).tolist() == drawn[:9]
    wide, _ = reference.random_integers(
        state_of(1, 0), shape=(9,), low=-(2**62), high=2**62, dtype="int64"
    )
    pairs = zip(drawn[1::2], drawn[0::2], strict=True)
    assert wide.tolist() == [(high << 32 | low) // 2 - 2**62 for high, low in pairs]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal_is_the_quantile_of_the_uniform(dtype):
    state, normal = state_of(5, 9), statistics.NormalDist()
    y, after = reference.random_normal(state, shape=(20000,), mean=1, std=2, dtype=dtype)
    u, same = reference.random_uniform(state, shape=(20000,), dtype=dtype)
    assert after.tolist() == same.tolist()
    half = 2.0 ** (-25 if dtype == "float32" else -54)
    expected = [  # from the nearer end, whose distance is exact
        1 + 2 * (normal.inv_cdf(v + half) if v < 0.5 else -normal.inv_cdf((1 - v) - half))
        for v in u[:1000].tolist()
    ]
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(y[:1000], expected, rtol=4 * eps, atol=8 * eps)
    assert abs(y.mean() - 1) < 5 * 2 / math.sqrt(y.size)
    assert abs(y.std() - 2) < 5 * 2 / math.sqrt(2 * y.size)


def test_normal_is_finite_at_both_ends():
    step = 2.0**-54
    ends = normal_quantile(np.array([step - 0.5, 0.5 - step]), np.array([step, step]))
    assert ends[0] == -ends[1]
    assert abs(ends[0] - statistics.NormalDist().inv_cdf(step)) < 1e-14


def test_truncated_normal_stays_within_two():
    state, normal = state_of(2, 0), statistics.NormalDist()
    y, _ = reference.random_normal(state, shape=(50000,), truncated=True, dtype="float64")
    u, _ = reference.random_uniform(state, shape=(300,), dtype="float64")
    low, high = normal.cdf(-2), normal.cdf(2)
    expected = [normal.inv_cdf(low + v * (high - low)) for v in u.tolist()]
    np.testing.assert_allclose(y[:300], expected, rtol=1e-14, atol=1e-15)
    assert -2 < y.min() < -1.99
    assert 1.99 < y.max() < 2
    assert abs(y.std() - 0.87962566103423978) < 0.01


def test_permutation_sorts_64_bit_draws():
    state = state_of(11, 4)
    order, after = reference.random_permutation(state, n=9)
    drawn = [int(word) for word in words(state, 18)[0]]
    keys = [high << 32 | low for high, low in zip(drawn[1::2], drawn[0::2], strict=True)]
    assert order.tolist() == sorted(range(9), key=keys.__getitem__)
    assert order.dtype == np.int64
    assert after.tolist() == [11, 9]


def test_dropout_keeps_a_share_and_scales_it():
    x = np.linspace(1, 2, 20000).reshape(100, 200)
    rate = np.array(0.3)
    y, mask, after = reference.dropout(x, rate, state_of(3, 0))
    assert abs(mask.mean() - 0.7) < 0.02
    np.testing.assert_allclose(y, np.where(mask == 1, x / 0.7, 0), rtol=1e-15)
    np.testing.assert_array_equal(reference.dropout_backward(x, mask, rate), y)
    assert after.tolist() == [3, 5000]
    y, mask, after = reference.dropout(x, rate, state_of(3, 0), noise_shape=(100, 1))
    assert mask.shape == (100, 1)
    assert after.tolist() == [3, 25]
    assert ((y == 0).all(1) == (mask[:, 0] == 0)).all()
    assert (reference.dropout(x, np.array(1.0), state_of(3, 0))[0] == 0).all()
    np.testing.assert_array_equal(reference.dropout(x, np.array(0.0), state_of(3, 0))[0], x)
