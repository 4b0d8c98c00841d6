"""fastnn.random: states, distributions, dropout, shuffling."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import random


def test_seeds():
    assert random.normal((4,), seed=1).tolist() == random.normal((4,), seed=1).tolist()
    assert random.normal((4,), seed=1).tolist() != random.normal((4,), seed=2).tolist()
    a, b = random.SeedGenerator(3), random.SeedGenerator(3)
    first = [random.uniform((2,), seed=a).tolist() for _ in range(3)]
    assert first == [random.uniform((2,), seed=b).tolist() for _ in range(3)]
    assert first[0] != first[1]
    a.reset()
    assert random.uniform((2,), seed=a).tolist() == first[0]
    assert random.SeedGenerator.from_config(a.get_config()).state.tolist() == [3, 0]


def test_global_generator():
    random.seed_global_generator(5)
    first = random.normal((3,)).tolist()
    assert random.normal((3,)).tolist() != first
    random.seed_global_generator(5)
    assert random.normal((3,)).tolist() == first


def test_next_advances():
    generator = random.SeedGenerator(-7)
    before, after = generator.next(), generator.next()
    assert before.tolist() != after.tolist() and before.shape == (2,)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_distributions(dtype):
    n = 40000
    x = random.normal((n,), 2.0, 3.0, dtype, seed=0).numpy()
    assert x.dtype == dtype and abs(x.mean() - 2) < 0.1 and abs(x.std() - 3) < 0.1
    x = random.uniform((n,), -1.0, 3.0, dtype, seed=0).numpy()
    assert x.min() >= -1 and x.max() < 3 and abs(x.mean() - 1) < 0.05
    x = random.truncated_normal((n,), 1.0, 2.0, dtype, seed=0).numpy()
    assert abs(x - 1).max() <= 4 and abs(x.std() - 2 * 0.8796) < 0.05


def test_randint_and_categorical():
    x = random.randint((5000,), -2, 3, seed=0)
    assert x.dtype == "int32" and sorted(set(x.tolist())) == [-2, -1, 0, 1, 2]
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.05, 0.05, 0.9]]))
    drawn = random.categorical(logits, 8000, seed=0).numpy()
    assert drawn.shape == (2, 8000) and drawn.dtype == "int32"
    for row, expected in zip(drawn, np.exp(logits)):
        np.testing.assert_allclose(np.bincount(row, minlength=3) / 8000, expected, atol=0.03)


def test_shuffle_and_permutation():
    x = np.arange(12).reshape(3, 4)
    assert sorted(random.permutation(20, seed=0).tolist()) == list(range(20))
    shuffled = random.shuffle(x, axis=1, seed=3).numpy()
    assert sorted(map(tuple, shuffled.T)) == sorted(map(tuple, x.T))


def test_dropout():
    x = fn.tensor(np.ones((200, 100)), requires_grad=True)
    y = random.dropout(x, 0.25, seed=1)
    kept = np.asarray(y) != 0
    assert abs(kept.mean() - 0.75) < 0.02
    np.testing.assert_allclose(np.asarray(y)[kept], 1 / 0.75)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, y)
    shared = random.dropout(np.ones((5, 40)), 0.5, noise_shape=(1, None), seed=1).numpy()
    assert (shared == shared[0]).all() and 0 < (shared[0] == 0).sum() < 40
    np.testing.assert_array_equal(random.dropout(np.ones(4), 0.0, seed=1), np.ones(4))
    assert random.dropout(np.ones(4), 1.0, seed=1).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random.SeedGenerator("a"), "seed must be an integer"),
        (lambda: random.normal((2,), seed=1.5), "seed must be None, an integer"),
        (lambda: random.normal((2,), dtype="int32"), "normal: dtype is int32"),
        (lambda: random.randint((2,), 0, 3, dtype="float32"), "randint: dtype is float32"),
        (lambda: random.dropout([1.0], 1.5), "dropout: rate is 1.5"),
        (lambda: random.dropout([1.0], 0.5, noise_shape=(1, 1)), "noise_shape"),
        (lambda: random.categorical([0.5], 1), "categorical: logits has shape"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
