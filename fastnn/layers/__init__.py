"""Layers by Keras 3's names."""

from fastnn.layers.activation import Activation
from fastnn.layers.concatenate import Concatenate
from fastnn.layers.dense import Dense
from fastnn.layers.dropout import Dropout
from fastnn.layers.flatten import Flatten
from fastnn.layers.group_normalization import GroupNormalization
from fastnn.layers.input_layer import Input, InputLayer
from fastnn.layers.input_spec import InputSpec
from fastnn.layers.layer import Layer
from fastnn.layers.layer_normalization import LayerNormalization
from fastnn.layers.merge import Add, Average, Maximum, Minimum, Multiply, Subtract
from fastnn.layers.operation import Operation
from fastnn.layers.reshape import Reshape
from fastnn.layers.rms_normalization import RMSNormalization

__all__ = [
    "Activation",
    "Add",
    "Average",
    "Concatenate",
    "Dense",
    "Dropout",
    "Flatten",
    "GroupNormalization",
    "Input",
    "InputLayer",
    "InputSpec",
    "Layer",
    "LayerNormalization",
    "Maximum",
    "Minimum",
    "Multiply",
    "Operation",
    "RMSNormalization",
    "Reshape",
    "Subtract",
]
