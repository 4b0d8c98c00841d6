"""Names, nested structures, labels, seeds, configurations of values."""

import random

import numpy as np
import pytest

import fastnn as fn
from fastnn.utils import naming, serialization, tree

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

CLASSES = ["Dense", "Conv2D", "Conv2DTranspose", "SimpleRNN", "LSTM", "GRUCell", "KerasTensor",
           "BatchNormalization", "RMSprop", "AdamW", "MaxPooling1D", "PReLU", "ELU"]  # fmt: skip


def test_snake_case():
    names = [naming.to_snake_case(name) for name in CLASSES]
    assert names == ["dense", "conv2d", "conv2d_transpose", "simple_rnn", "lstm", "gru_cell",
                     "keras_tensor", "batch_normalization", "rm_sprop", "adam_w",
                     "max_pooling1d", "p_re_lu", "elu"]  # fmt: skip


@pytest.mark.parity
def test_snake_case_as_keras():
    from keras.src.utils.naming import to_snake_case

    assert [naming.to_snake_case(n) for n in CLASSES] == [to_snake_case(n) for n in CLASSES]


def test_tree():
    structure = {"b": [1, (2, None)], "a": {"y": 3, "x": 4}}
    assert tree.flatten(structure) == [4, 3, 1, 2, None]
    doubled = tree.map_structure(lambda v: v and 2 * v, structure)
    assert doubled == {"b": [2, (4, None)], "a": {"y": 6, "x": 8}}
    assert list(doubled) == ["b", "a"]
    packed = tree.pack_sequence_as(structure, list("pqrst"))
    assert packed == {"b": ["r", ("s", "t")], "a": {"y": "q", "x": "p"}}
    with pytest.raises(ValueError, match="has 5 leaves, got 2"):
        tree.pack_sequence_as(structure, [1, 2])


def test_to_categorical():
    np.testing.assert_array_equal(fn.utils.to_categorical([[0], [2]]), [[1, 0, 0], [0, 0, 1]])
    assert fn.utils.to_categorical(np.zeros((2, 3), int), 4).shape == (2, 3, 4)
    for labels, count in (([0, 3], 3), ([-1], 3), ([0.5], 3), ([np.nan], 3), ([np.inf], None)):
        with pytest.raises(ValueError, match="to_categorical"):
            fn.utils.to_categorical(labels, count)


def test_normalize():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(fn.utils.normalize(x), [[0.6, 0.8], [0, 0]])
    np.testing.assert_allclose(fn.utils.normalize(x, axis=0, order=1), [[1, 1], [0, 0]])


def test_set_random_seed_covers_all_generators():
    drawn = []
    for _ in range(2):
        fn.utils.set_random_seed(3)
        drawn.append((random.random(), np.random.rand(), fn.random.uniform((3,)).tolist()))  # noqa: NPY002
    assert drawn[0] == drawn[1]
    for seed in (-1, 2**32, 1.5, None, True):
        with pytest.raises(ValueError, match="set_random_seed: seed must be an integer"):
            fn.utils.set_random_seed(seed)


@pytest.mark.parametrize(
    "value", [None, 3, 2.5, "x", [1, (2, "a")], {"k": (1,)}, {"a": {"b": [True]}}]
)
def test_values_survive_serialization(value):
    config = serialization.serialize_keras_object(value)
    assert serialization.deserialize_keras_object(config) == value


def test_arrays_survive_serialization():
    array = np.arange(6, dtype="float32").reshape(2, 3)
    again = serialization.deserialize_keras_object(serialization.serialize_keras_object(array))
    np.testing.assert_array_equal(again, array)
    assert again.dtype == array.dtype


@pytest.mark.parametrize(
    "module", ["os", "builtins", "fastnn._core", "fastnn.ops", None, "subprocess"]
)
@pytest.mark.parametrize("name", ["system", "eval", "import_module", "release_memory", "Popen"])
def test_only_known_classes_are_made(module, name):
    for config in (
        {"module": module, "class_name": name, "config": {}},
        {"module": module, "class_name": "function", "config": name, "registered_name": name},
    ):
        with pytest.raises(ValueError, match="unknown class or function"):
            serialization.deserialize_keras_object(config)


def test_registering():
    with pytest.raises(ValueError, match="has no get_config"):
        serialization.register_keras_serializable()(type("Bare", (), {}))
    with pytest.raises(ValueError, match="a lambda cannot be saved"):
        serialization.serialize_keras_object(lambda x: x)
    with pytest.raises(TypeError, match="cannot serialize"):
        serialization.serialize_keras_object(object())
