"""Why nothing is dropped in testing, and what the weights are multiplied with instead.

The course: if training drops p of the units, testing uses all and multiplies the weights by 1 - p,
which stands for the mean of all 2^M thinned networks. Keras divides by 1 - p in training instead.
"""

from itertools import product

import numpy as np
import pytest

from fastnn import layers

RNG = np.random.default_rng(0)


def dense(kernel, activation=None):
    layer = layers.Dense(kernel.shape[1], activation=activation, use_bias=False, dtype="float64")
    layer.build((None, len(kernel)))
    layer.set_weights([kernel])
    return layer


def thinned_networks(units, p):
    """All masks of so many units, with the probability of each."""
    for mask in product([0, 1], repeat=units):
        mask = np.array(mask, float)
        yield mask, p ** (units - mask.sum()) * (1 - p) ** mask.sum()


def test_the_neuron_of_the_course():
    """p = 0.5: all four inputs give z' = 2z, and weights 0.5 instead of 1 give z again."""
    p, weights = 0.5, np.ones((4, 1))
    z = dense(weights)(np.array([[1.0, 0, 1, 0]])).item()  # in training half of them are dropped
    whole = np.ones((1, 4))
    assert dense(weights)(whole).item() == 2 * z
    assert dense((1 - p) * weights)(whole).item() == z
    assert ((1 - p) * weights == 0.5).all()


@pytest.mark.parametrize("p", [0.5, 0.2])
def test_scaling_in_training_is_the_same_network(p):
    """Both trainings see the same numbers in each step, if the weights differ by 1 - p."""
    x, weights = RNG.standard_normal((50, 8)), RNG.standard_normal((8, 3))
    dropped = layers.Dropout(p, seed=1, dtype="float64")(x, training=True)  # Keras's way
    mask = dropped.numpy() != 0
    assert 0 < mask.mean() < 1
    ours = dense((1 - p) * weights)
    np.testing.assert_allclose(ours(dropped), dense(weights)(x * mask), rtol=1e-12)
    # So its weights need no factor in testing.
    inference = ours(layers.Dropout(p, dtype="float64")(x))
    np.testing.assert_array_equal(inference, dense((1 - p) * weights)(x))


@pytest.mark.parametrize("p", [0.5, 0.3])
def test_a_linear_network_is_the_mean_of_all_thinned_ones(p):
    x, first, second = (RNG.standard_normal(shape) for shape in ((7, 4), (4, 6), (6, 2)))
    hidden = dense(first)(x)
    mean = sum(
        chance * dense(second)(hidden * mask).numpy() for mask, chance in thinned_networks(6, p)
    )
    np.testing.assert_allclose(dense((1 - p) * second)(hidden), mean, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("p, largest", [(0.5, 0.35), (0.2, 0.15)])
def test_a_relu_network_is_close_to_the_mean_of_all_thinned_ones(p, largest):
    """Dropping the inputs of relu units: an approximation, whose error is measured here."""
    x, first, second = (RNG.standard_normal(shape) for shape in ((40, 8), (8, 16), (16, 1)))
    mean = sum(
        chance * dense(second)(dense(first, "relu")(x * mask)).numpy()
        for mask, chance in thinned_networks(8, p)
    )
    y = dense(second)(dense((1 - p) * first, "relu")(x)).numpy()
    error = np.sqrt(((y - mean) ** 2).mean() / (mean**2).mean())
    assert 0.01 < error < largest
    # Without the factor it is far off.
    whole = dense(second)(dense(first, "relu")(x)).numpy()
    assert np.sqrt(((whole - mean) ** 2).mean() / (mean**2).mean()) > 1.5 * error


def test_dropout_draws_each_thinned_network_with_its_probability():
    p, rows = 0.3, 200_000
    drawn = layers.Dropout(p, seed=4)(np.ones((rows, 3), "float32"), training=True).numpy() != 0
    numbers = np.bincount(drawn @ [4, 2, 1], minlength=8) / rows
    wanted = [chance for _, chance in thinned_networks(3, p)]
    np.testing.assert_allclose(numbers, wanted, atol=0.006)  # 5 standard deviations
