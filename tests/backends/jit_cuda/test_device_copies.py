"""Copies of tensors, Variables and models lie where those do."""

import copy

import numpy as np
import pytest

import fastnn as fn
import fastnn.captured

from .tensors import cuda


def test_copies_stay_where_their_tensor_lies():
    with fn.device("cuda"):
        v = fn.Variable([1.0, 2.0], name="v")
    for x in (v, cuda([1.0, 2.0])):
        for copied in (copy.copy, copy.deepcopy):
            y = copied(x)
            assert (type(y), y.device, y.tolist()) == (type(x), "cuda", [1.0, 2.0])
            assert y is not x
    assert copy.copy(v).name == copy.deepcopy(v).name == "v"


def test_a_variable_of_a_tensor_lies_where_that_does():
    x = cuda([1.0, 2.0])
    assert (fn.Variable(x).device, fn.Variable(x, dtype="float64").device) == ("cuda", "cuda")
    assert fn.Variable(lambda shape, dtype: x, (2,)).device == "cpu"  # an initial value


def test_a_fused_model_lies_where_its_model_does():
    with fn.device("cuda"):
        model = fn.Sequential([fn.Input((3,)), fn.layers.Dense(2), fn.layers.BatchNormalization()])
    assert {weight.device for weight in fn.fuse(model).weights} == {"cuda"}


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_of_a_model_lie_where_it_does(copied):
    def model():
        model = fn.Sequential([fn.layers.Dense(2), fn.layers.BatchNormalization()])
        model.compile("adam", "mse", metrics=["mae"])
        return model

    with fn.device("cuda"):
        there = model()
        there.build((None, 3))
    there.optimizer.build(there.trainable_variables)
    twin = copied(there)
    assert {v.device for v in [*twin.variables, *twin.optimizer.variables]} == {"cuda"}
    for v, original in zip(twin.weights, there.weights):
        assert v is not original
        np.testing.assert_array_equal(v.numpy(), original.numpy())
    assert copied(model()).weights == []  # nor has one that is not built any
