"""Initializers: distributions against their formulas, fans, seeds, configurations."""

import math

import numpy as np
import pytest

from fastnn import initializers, utils

SCALED = {
    "glorot_uniform": (1.0, "avg", "uniform"),
    "glorot_normal": (1.0, "avg", "normal"),
    "he_uniform": (2.0, "in", "uniform"),
    "he_normal": (2.0, "in", "normal"),
    "lecun_uniform": (1.0, "in", "uniform"),
    "lecun_normal": (1.0, "in", "normal"),
}


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("shape", [(300, 200), (3, 3, 40, 80)])
def test_scaled_variance(name, shape):
    scale, mode, kind = SCALED[name]
    field = math.prod(shape[:-2])
    fan_in, fan_out = shape[-2] * field, shape[-1] * field
    variance = scale / ((fan_in + fan_out) / 2 if mode == "avg" else fan_in)
    values = initializers.get({"module": "fastnn.initializers", "class_name": _class(name),
                               "config": {"seed": 3}})(shape).numpy()  # fmt: skip
    assert values.shape == shape
    # 60,000 or 28,800 draws: the sample deviation is within 2 % of the true one.
    assert abs(values.std() / math.sqrt(variance) - 1) < 0.02
    assert abs(values.mean()) < 0.02 * math.sqrt(variance)
    if kind == "uniform":
        assert np.abs(values).max() <= math.sqrt(3 * variance) * (1 + 1e-6)
    else:
        assert np.abs(values).max() <= 2 * math.sqrt(variance) / 0.87962566103423978 * (1 + 1e-6)


def _class(name):
    return "".join(part.capitalize() for part in name.split("_"))


def test_normal_kinds():
    plain = initializers.RandomNormal(1.0, 0.5, seed=1)((200, 200)).numpy()
    cut = initializers.TruncatedNormal(1.0, 0.5, seed=1)((200, 200)).numpy()
    assert abs(plain.mean() - 1) < 0.01
    assert abs(plain.std() - 0.5) < 0.01
    assert np.abs(plain - 1).max() > 1
    assert np.abs(cut - 1).max() <= 1 + 1e-6
    assert abs(cut.std() - 0.5 * 0.8796) < 0.01  # not corrected


def test_random_uniform_bounds():
    values = initializers.RandomUniform(-2, 3, seed=1)((100, 100)).numpy()
    assert values.min() >= -2
    assert values.max() < 3
    assert abs(values.mean() - 0.5) < 0.05


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (3, 3, 2, 4)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=2.0, seed=5)(shape, dtype="float64").numpy()
    matrix = q.reshape(-1, shape[-1]) / 2.0
    small = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-12)


def test_fixed_values():
    np.testing.assert_array_equal(initializers.Zeros()((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(initializers.Ones()((2,), dtype="int32"), [1, 1])
    np.testing.assert_array_equal(initializers.Constant([1, 2])((3, 2)), [[1, 2]] * 3)
    np.testing.assert_array_equal(initializers.Identity(3.0)((2, 3)), [[3, 0, 0], [0, 3, 0]])


def test_seeds():
    seeded = initializers.GlorotUniform(seed=7)
    np.testing.assert_array_equal(seeded((3, 4)), seeded((3, 4)))
    np.testing.assert_array_equal(seeded((3, 4)), initializers.GlorotUniform(seed=7)((3, 4)))
    unseeded = initializers.GlorotUniform()
    np.testing.assert_array_equal(unseeded((3, 4)), unseeded((3, 4)))
    assert not np.array_equal(unseeded((3, 4)), initializers.GlorotUniform()((3, 4)))


def test_set_random_seed_fixes_unseeded_initializers():
    drawn = []
    for _ in range(2):
        utils.set_random_seed(11)
        drawn.append([initializers.HeNormal()((3, 4)).numpy() for _ in range(2)])
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0][0], drawn[0][1])


@pytest.mark.parametrize("name", ["glorot_uniform", "GlorotUniform", "zeros", "he_normal", "zero",
                                  "uniform", "normal", "orthogonal", "Identity"])  # fmt: skip
def test_get_by_name_and_round_trip(name):
    initializer = initializers.get(name)
    again = initializers.deserialize(initializers.serialize(initializer))
    assert type(again) is type(initializer)
    assert again.get_config() == initializer.get_config()
    assert initializers.get(initializer) is initializer


def test_get_errors():
    assert initializers.get(None) is None
    with pytest.raises(ValueError, match=r"unknown initializer 'nope'; known are .*glorot_uniform"):
        initializers.get("nope")
    with pytest.raises(ValueError, match=r"initializer: expected a name, .* got {}"):
        initializers.get({})  # a dictionary that is no configuration
    with pytest.raises(ValueError, match="scale must be positive"):
        initializers.VarianceScaling(scale=0)
    with pytest.raises(ValueError, match="mode must be"):
        initializers.VarianceScaling(mode="fan")
    with pytest.raises(ValueError, match="two axes"):
        initializers.Orthogonal()((3,))


@pytest.mark.jax
@pytest.mark.parity
@pytest.mark.parametrize(
    "name", [*SCALED, "zeros", "ones", "random_normal", "random_uniform", "truncated_normal"]
)
def test_same_distribution_and_config_as_keras(name):
    import keras

    ours, theirs = initializers.get(name), keras.initializers.get(name)
    a, b = ours((60, 40, 50)).numpy(), np.asarray(theirs((60, 40, 50)))
    np.testing.assert_allclose(a.std(), b.std(), rtol=0.02)
    np.testing.assert_allclose(np.abs(a).max(), np.abs(b).max(), rtol=0.25)
    wanted = {k: v for k, v in theirs.get_config().items() if not k.endswith("_axes")}
    assert ours.get_config() == wanted
