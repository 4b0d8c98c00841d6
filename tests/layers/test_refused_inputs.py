"""What is no array is refused by every layer, with its name and the argument's."""

import inspect

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

# For the parameters that have no default, by name.
ARGUMENTS = {
    "activation": "relu",
    "cell": layers.GRUCell(2),
    "cells": [layers.GRUCell(2)],
    "context_units": 2,
    "dims": (1,),
    "equation": "ab,bc->ac",
    "factor": 0.5,
    "filters": 2,
    "function": abs,
    "head_dim": 2,
    "height": 2,
    "height_factor": 0.1,
    "input_dim": 3,
    "kernel_size": 2,
    "key_dim": 2,
    "n": 2,
    "num_heads": 2,
    "num_key_value_heads": 2,
    "num_query_heads": 2,
    "output_dim": 2,
    "output_shape": 2,
    "pool_size": 2,
    "rate": 0.5,
    "scale": 2.0,
    "stddev": 0.5,
    "target_shape": (-1,),
    "units": 2,
    "width": 2,
    "width_factor": 0.1,
    "axes": 1,
}
SPECIAL = {
    "Bidirectional": lambda: layers.Bidirectional(layers.GRU(2)),
    "CategoryEncoding": lambda: layers.CategoryEncoding(3),
    "ClockworkRNN": lambda: layers.ClockworkRNN(2, periods=(1, 2)),
    "Discretization": lambda: layers.Discretization([0.0, 1.0]),
    "TimeDistributed": lambda: layers.TimeDistributed(layers.Dense(2)),
}
NAMES = [
    name
    for name in dir(layers)
    if inspect.isclass(getattr(layers, name))
    and issubclass(getattr(layers, name), layers.Layer)
    and name not in ("InputLayer", "Layer", "Wrapper")  # the latter two define no call
]
WRONG = {
    "None": None,
    "str": "abc",
    "ragged": [[1.0], [1.0, 2.0]],
    "object": object(),
    "dictionary": {"a": b"b"},
    "array of objects": np.array([object()]),
}


def made(name):
    if name in SPECIAL:
        return SPECIAL[name]()
    parameters = inspect.signature(getattr(layers, name).__init__).parameters.values()
    needed = [
        p.name
        for p in parameters
        if p.name != "self" and p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    return getattr(layers, name)(**{name: ARGUMENTS[name] for name in needed})


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_array(name, kind):
    layer = made(name)
    first = next(iter(inspect.signature(layer.call).parameters))
    what = "the input" if kind == "array of objects" else first
    message = f"^{layer.name}: {what}.* (got|of type) "
    for call in (lambda: layer(WRONG[kind]), lambda: layer(**{first: WRONG[kind]})):
        with pytest.raises((TypeError, ValueError), match=message):
            call()
    with pytest.raises(TypeError, match=f"^{layer.name}: {first} is missing, expected arrays"):
        layer()


def test_arguments_after_the_first():
    x = np.ones((2, 3, 4), np.float32)
    with pytest.raises(TypeError, match=r"^a: value: expected arrays or tensors, got None$"):
        layers.MultiHeadAttention(2, 2, name="a")(x, None)
    with pytest.raises(TypeError, match=r"^a: value is missing"):
        layers.MultiHeadAttention(2, 2, name="a")(x)
    with pytest.raises(ValueError, match=r"^a: key: expected arrays or tensors, got 'k'"):
        layers.MultiHeadAttention(2, 2, name="a")(x, x, "k")
    with pytest.raises(TypeError, match=r"^c: states: expected arrays or tensors, got None$"):
        layers.GRUCell(2, name="c")(x[:, 0], [None])
    with pytest.raises(TypeError, match=r"^s: inputs: expected arrays or tensors, got None$"):
        fn.Sequential([layers.Dense(2)], name="s")(None)


def test_layers_of_others_may_be_called_with_none():
    class Optional(layers.Layer):
        def call(self, inputs, other):
            return inputs if other is None else inputs + other

    x = np.ones(3, np.float32)
    assert Optional()(x, None).tolist() == [1.0] * 3
    assert Optional()(x, x).tolist() == [2.0] * 3
