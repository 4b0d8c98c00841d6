"""Random primitives: the published Philox vectors, exact values, distributions."""

from __future__ import annotations

import itertools
import math
import statistics

import numpy as np
import pytest
from same_bits import bits, on_targets, same_for_threads

from fastnn import _core

FLOATS = ("float32", "float64")
LOW32, LOW64 = 2**32 - 1, 2**64 - 1


def philox(counter, key):
    """Philox 4x32-10 (Salmon et al., 2011) in Python's integers."""
    (c0, c1, c2, c3), (k0, k1) = counter, key
    for _ in range(10):
        p, q = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (q >> 32) ^ c1 ^ k0, q & LOW32, (p >> 32) ^ c3 ^ k1, p & LOW32
        k0, k1 = (k0 + 0x9E3779B9) & LOW32, (k1 + 0xBB67AE85) & LOW32
    return [c0, c1, c2, c3]


# Known-answer vectors of Random123, the authors' own library.
VECTORS = [
    ((0,) * 4, (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((LOW32,) * 4, (LOW32, LOW32), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def signed(word):
    return word - 2**64 if word >> 63 else word


def new_state(key=3, counter=0):
    return _core.from_numpy(np.array([signed(key), signed(counter)], "int64"))


def expected_words(key, counter, count):
    words = []
    for block in range(-(-count // 4)):
        c = (counter + block) & LOW64
        words += philox((c & LOW32, c >> 32, 0, 0), (key & LOW32, key >> 32))
    return words[:count]


def words(state, count):
    drawn = np.asarray(_core.random_integers(state, (count,), 0, 2**32, "int64"))
    return [int(word) for word in drawn]


# ---- Bits ---------------------------------------------------------------------------------------


def test_known_answers():
    for counter, key, answer in VECTORS:
        assert tuple(philox(counter, key)) == answer
    assert words(new_state(0, 0), 4) == list(VECTORS[0][2])


@pytest.mark.parametrize("key", [0, 1, 0x123456789ABCDEF0, LOW64])
@pytest.mark.parametrize("counter", [0, 5, LOW32 - 1, LOW32, 2**63 - 3, LOW64 - 7])
@pytest.mark.parametrize("count", [1, 3, 4, 17, 257])
def test_words(key, counter, count):
    state = new_state(key, counter)
    assert words(state, count) == expected_words(key, counter, count)
    after = [int(word) & LOW64 for word in np.asarray(state)]
    assert after == [key, (counter + -(-count // 4)) & LOW64]


def test_tasks_continue_the_sequence():
    """Beyond one task of 16,384 elements and over several threads."""
    state = new_state(9, 2**40)
    assert words(state, 40_001) == expected_words(9, 2**40, 40_001)


def draws(state):
    return (
        _core.random_uniform(state, (50_003,), -1, 1),
        _core.random_uniform(state, (20_001,), 0, 1, "float64"),
        _core.random_normal(state, (40_001,)),
        _core.random_normal(state, (20_001,), 0, 1, True, "float64"),
        _core.random_integers(state, (40_001,), -5, 6),
        _core.random_permutation(state, 50_000),
        _core.dropout(
            _core.from_numpy(np.ones((300, 101), "float32")),
            _core.from_numpy(np.float32(0.3)),
            state,
        ),
        state,
    )


def test_same_bits_for_threads():
    same_for_threads(lambda: draws(new_state()))


def test_same_bits_on_all_targets():
    code = """
import hashlib, numpy as np
from fastnn import _core
h = hashlib.sha256()
state = _core.from_numpy(np.array([77, 5]))
for y in (_core.random_uniform(state, (5001,), -3, 2), _core.random_permutation(state, 999),
          _core.random_uniform(state, (5001,), 0, 1, "float64"),
          _core.random_integers(state, (999,), 0, 7),
          *_core.dropout(_core.from_numpy(np.ones(999)), _core.from_numpy(np.array(.4)), state)):
    h.update(np.asarray(y).tobytes())
print(h.hexdigest())
"""
    assert len(set(on_targets(code, scalar=True).values())) == 1


# ---- Uniform, integers --------------------------------------------------------------------------


def test_uniform_values():
    drawn = np.array(expected_words(3, 0, 1000), dtype=np.uint64)
    y = np.asarray(_core.random_uniform(new_state(), (1000,)))
    assert y.dtype == "float32"
    np.testing.assert_array_equal(y, (drawn >> np.uint64(8)) / 2**24)
    wide = (drawn[1::2] << np.uint64(32)) | drawn[::2]
    y = np.asarray(_core.random_uniform(new_state(), (20, 25), 0, 1, "float64"))
    assert y.dtype == "float64" and y.shape == (20, 25)
    np.testing.assert_array_equal(y.reshape(-1), (wide >> np.uint64(11)) / 2**53)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("low, high", [(-1, 1), (1, 2), (1e6, 1e6 + 1), (0, 0), (-3.5, -3.5)])
def test_uniform_stays_below_high(low, high, dtype):
    y = np.asarray(_core.random_uniform(new_state(), (100_000,), low, high, dtype))
    assert y.min() >= np.dtype(dtype).type(low)
    assert y.max() < high or low == high == y.max()


@pytest.mark.parametrize("low, high", [(0, 1), (-5, 6), (0, 10), (-(2**31), 2**31), (7, 1000)])
def test_integers_of_one_word(low, high):
    drawn = expected_words(3, 0, 500)
    expected = [low + (word * (high - low) >> 32) for word in drawn]
    for dtype in ("int32", "int64"):
        y = np.asarray(_core.random_integers(new_state(), (500,), low, high, dtype))
        assert y.dtype == dtype and y.tolist() == expected


@pytest.mark.parametrize("low, high", [(0, 2**32 + 1), (-(2**63), 2**63 - 1), (-(2**40), 12345)])
def test_integers_of_two_words(low, high):
    drawn, state = expected_words(3, 0, 1000), new_state()
    wide = [a | b << 32 for a, b in zip(drawn[::2], drawn[1::2], strict=True)]
    y = np.asarray(_core.random_integers(state, (500,), low, high, "int64"))
    assert y.tolist() == [low + (word * (high - low) >> 64) for word in wide]
    assert np.asarray(state).tolist() == [3, 250]


def kolmogorov_smirnov(y, distribution):
    """sqrt(n) times the largest distance; above 1.95 once in 1,000 samples."""
    y = np.sort(np.asarray(y, dtype="float64").reshape(-1))
    n = len(y)
    expected = distribution(y)
    steps = np.arange(n + 1) / n
    return math.sqrt(n) * max(np.max(steps[1:] - expected), np.max(expected - steps[:-1]))


def chi_square(counts, expected):
    return float(np.sum((counts - expected) ** 2 / expected))


def test_distribution_of_uniform_and_integers():
    for dtype in FLOATS:
        y = _core.random_uniform(new_state(1), (200_000,), 2, 6, dtype)
        assert kolmogorov_smirnov(y, lambda v: (v - 2) / 4) < 1.95
    y = np.asarray(_core.random_integers(new_state(2), (100_000,), 0, 10))
    assert chi_square(np.bincount(y, minlength=10), 10_000) < 27.9  # 9 degrees, 0.1 %


# ---- Normal -------------------------------------------------------------------------------------


def drawn_numbers(dtype, count):
    """n of every element; its probability is u = (n + 1/2) / 2^bits."""
    if dtype == "float32":
        return [word >> 8 for word in expected_words(3, 0, count)], 24
    drawn = expected_words(3, 0, 2 * count)
    return [(a | b << 32) >> 11 for a, b in zip(drawn[::2], drawn[1::2], strict=True)], 53


CUT, BETWEEN = 0.5 * math.erfc(math.sqrt(2)), math.erf(math.sqrt(2))


@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize("dtype", FLOATS)
def test_normal_values(dtype, truncated):
    """Within 4 ULP of the quantile: going back by erf or erfc leads to the probability.

    One ULP of z becomes z pdf(z) / probability ULP; halves are for the roundings of this test.
    """
    count = 20_000
    y = np.asarray(_core.random_normal(new_state(), (count,), 0, 1, truncated, dtype))
    assert y.dtype == dtype
    numbers, bits_drawn = drawn_numbers(dtype, count)
    ulp, exact_ulp = np.finfo(dtype).eps, np.finfo("float64").eps
    for number, z in zip(numbers, y.tolist(), strict=True):
        nearer = min(number, 2**bits_drawn - 1 - number)
        assert (z > 0) == (nearer != number)
        outside, z = (nearer + 0.5) / 2**bits_drawn, abs(z)
        inside = 0.5 - outside  # exact, as outside is
        if truncated:
            outside, inside = CUT + outside * BETWEEN, inside * BETWEEN
            assert z <= 2
        if z < 1:
            probability, found = inside, 0.5 * math.erf(z / math.sqrt(2))
        else:
            probability, found = outside, 0.5 * math.erfc(z / math.sqrt(2))
        slope = z * statistics.NormalDist().pdf(z) / probability
        allowed = slope * (4 * ulp + exact_ulp) + 2 * exact_ulp
        assert abs(found - probability) <= allowed * probability, (number, z)


def test_normal_tails():
    """Of 2^24 draws, those in the tails: still within 4 ULP, symmetric, finite."""
    state = new_state(5)
    quantile = statistics.NormalDist().inv_cdf
    u = np.asarray(_core.random_uniform(new_state(5), (2**24,)), dtype="float64") + 2.0**-25
    y = np.asarray(_core.random_normal(state, (2**24,)))
    far = np.flatnonzero((u < 1e-5) | (u > 1 - 1e-5))
    expected = np.array([quantile(value) for value in u[far]])
    assert len(far) > 200 and abs(expected).max() > 4.9
    assert np.all(abs(y[far] - expected) <= 4 * np.spacing(abs(expected).astype("float32")))
    assert np.isfinite(y).all()


def test_distribution_of_normal():
    normal = statistics.NormalDist()
    cdf = np.vectorize(normal.cdf)
    for dtype in FLOATS:
        y = np.asarray(_core.random_normal(new_state(11), (50_000,), 3, 2, False, dtype))
        assert kolmogorov_smirnov((y - 3.0) / 2, cdf) < 1.95
        y = np.asarray(_core.random_normal(new_state(12), (50_000,), -1, 0.5, True, dtype))
        assert kolmogorov_smirnov((y + 1.0) / 0.5, lambda v: (cdf(v) - CUT) / BETWEEN) < 1.95


# ---- Permutation --------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 1000, 70_000])
def test_permutation_sorts_keys(n):
    state = new_state()
    drawn = np.array(expected_words(3, 0, 2 * n), dtype=np.uint64)
    keys = (drawn[1::2] << np.uint64(32)) | drawn[::2]
    y = np.asarray(_core.random_permutation(state, n))
    assert y.dtype == "int64"
    np.testing.assert_array_equal(y, np.argsort(keys, kind="stable"))
    assert np.asarray(state).tolist() == [3, -(-n // 2)]


def test_permutations_are_equally_likely():
    state, counts = new_state(21), dict.fromkeys(itertools.permutations(range(4)), 0)
    for _ in range(24_000):
        counts[tuple(np.asarray(_core.random_permutation(state, 4)).tolist())] += 1
    assert chi_square(np.array(list(counts.values())), 1000) < 49.7  # 23 degrees, 0.1 %


# ---- Dropout ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("rate", [0, 0.1, 0.5, 0.8, 1, 1.5])
def test_dropout_values(rate, dtype):
    shape = (30, 41)
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    x[0, :3] = np.nan, np.inf, -np.inf
    rates, state = np.array(rate, dtype), new_state()
    tensors = _core.from_numpy(x), _core.from_numpy(rates)
    y, mask = map(np.asarray, _core.dropout(*tensors, state))
    u = np.array(expected_words(3, 0, x.size), dtype="float64") // 256 / 2**24
    kept = (u >= float(rates)).reshape(shape)
    assert mask.dtype == "uint8" and y.dtype == dtype
    np.testing.assert_array_equal(mask, kept)
    scale = x.dtype.type(1) / (x.dtype.type(1) - rates) if rate < 1 else x.dtype.type(0)
    np.testing.assert_array_equal(y, np.where(kept, x * scale, 0) if rate < 1 else np.zeros(shape))
    assert np.asarray(state).tolist() == [3, -(-x.size // 4)]
    dx = np.asarray(_core.dropout_backward(tensors[0], _core.from_numpy(mask), tensors[1]))
    assert bits(dx) == bits(y)


@pytest.mark.parametrize("noise", [(4, 1, 6), (1, 5, 1), (1, 1, 1), (6,), (5, 1)])
def test_noise_shape(noise):
    x = np.random.default_rng(1).standard_normal((4, 5, 6)).astype("float32")
    tensors = _core.from_numpy(x), _core.from_numpy(np.float32(0.5))
    y, mask = _core.dropout(*tensors, new_state(), "plain", noise)
    assert np.asarray(mask).shape == noise
    np.testing.assert_array_equal(y, np.where(np.asarray(mask), x * 2, 0))
    dx = _core.dropout_backward(tensors[0], mask, tensors[1])
    np.testing.assert_array_equal(dx, y)


def test_fraction_that_is_kept():
    x = _core.from_numpy(np.ones(100_000, "float32"))
    for rate in (0.1, 0.5, 0.9):
        _, mask = _core.dropout(x, _core.from_numpy(np.float32(rate)), new_state(31))
        deviation = math.sqrt(100_000 * rate * (1 - rate))
        assert abs(int(np.sum(mask, dtype=int)) - 100_000 * (1 - rate)) < 3.3 * deviation


def test_errors():
    state, x = new_state(), _core.from_numpy(np.ones((2, 3), "float32"))
    rate = _core.from_numpy(np.float32(0.5))
    for bad in (-0.5, np.nan):
        with pytest.raises(ValueError, match=r"dropout: rate is .*, expected at least 0"):
            _core.dropout(x, _core.from_numpy(np.float32(bad)), state)
    assert np.asarray(state).tolist() == [3, 0]
    with pytest.raises(ValueError, match=r"noise_shape \(3, 3\) does not broadcast .* \(2, 3\)"):
        _core.dropout(x, rate, state, "plain", (3, 3))
    with pytest.raises(
        ValueError, match=r"state has shape \(3,\) and dtype int64, expected \(2,\)"
    ):
        _core.random_uniform(_core.from_numpy(np.zeros(3, "int64")), (2,))
    with pytest.raises(ValueError, match=r"no integer lies in \[4, 4\)"):
        _core.random_integers(state, (2,), 4, 4)
    with pytest.raises(ValueError, match=r"\[0, 300\) does not fit uint8"):
        _core.random_integers(state, (2,), 0, 300, "uint8")
    with pytest.raises(ValueError, match=r"low is 2\.0* and high is 1\.0*, expected low <= high"):
        _core.random_uniform(state, (2,), 2, 1)
    with pytest.raises(ValueError, match=r"std is -1\.0*, expected"):
        _core.random_normal(state, (2,), 0, -1)
    with pytest.raises(TypeError, match="dtype is int32, expected float32 or float64"):
        _core.random_normal(state, (2,), 0, 1, False, "int32")
    for shape in ((-1,), (2**40, 2**40)):
        with pytest.raises((ValueError, OverflowError), match="shape"):
            _core.random_uniform(state, shape)
