"""Layers by Keras 3's names."""

from fastnn.layers.activation import Activation
from fastnn.layers.concatenate import Concatenate
from fastnn.layers.conv import Conv1D, Conv2D, Conv3D
from fastnn.layers.conv_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from fastnn.layers.dense import Dense
from fastnn.layers.depthwise_conv import DepthwiseConv1D, DepthwiseConv2D
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
from fastnn.layers.separable_conv import SeparableConv1D, SeparableConv2D

Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D

__all__ = [
    "Activation",
    "Add",
    "Average",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
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
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "Subtract",
]
