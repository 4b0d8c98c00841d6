"""Layers by Keras 3's names."""

from fastnn.layers.activation import Activation
from fastnn.layers.activity_regularization import ActivityRegularization
from fastnn.layers.additive_attention import AdditiveAttention
from fastnn.layers.alpha_dropout import AlphaDropout
from fastnn.layers.attention import Attention
from fastnn.layers.batch_normalization import BatchNormalization
from fastnn.layers.bidirectional import Bidirectional
from fastnn.layers.category_encoding import CategoryEncoding, Discretization
from fastnn.layers.clockwork_rnn import ClockworkRNN
from fastnn.layers.concatenate import Concatenate, concatenate
from fastnn.layers.conv import Conv1D, Conv2D, Conv3D
from fastnn.layers.conv_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from fastnn.layers.cropping import Cropping1D, Cropping2D, Cropping3D
from fastnn.layers.dense import Dense
from fastnn.layers.depthwise_conv import DepthwiseConv1D, DepthwiseConv2D
from fastnn.layers.dot import Dot, dot
from fastnn.layers.drop_connect import DropConnect
from fastnn.layers.dropout import Dropout
from fastnn.layers.einsum_dense import EinsumDense
from fastnn.layers.embedding import Embedding
from fastnn.layers.flatten import Flatten
from fastnn.layers.gaussian_noise import GaussianDropout, GaussianNoise
from fastnn.layers.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from fastnn.layers.group_normalization import GroupNormalization
from fastnn.layers.group_query_attention import GroupQueryAttention
from fastnn.layers.gru import GRU, GRUCell
from fastnn.layers.identity import Identity
from fastnn.layers.image_size import CenterCrop, RandomCrop, Resizing
from fastnn.layers.input_layer import Input, InputLayer
from fastnn.layers.input_spec import InputSpec
from fastnn.layers.irnn import IRNN
from fastnn.layers.lambda_layer import Lambda
from fastnn.layers.layer import Layer
from fastnn.layers.layer_normalization import LayerNormalization
from fastnn.layers.lstm import LSTM, LSTMCell
from fastnn.layers.masking import Masking
from fastnn.layers.maxout import Maxout
from fastnn.layers.merge import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    maximum,
    minimum,
    multiply,
    subtract,
)
from fastnn.layers.multi_head_attention import MultiHeadAttention
from fastnn.layers.normalization import Normalization
from fastnn.layers.operation import Operation
from fastnn.layers.peephole_lstm import PeepholeLSTM, PeepholeLSTMCell
from fastnn.layers.permute import Permute
from fastnn.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from fastnn.layers.prelu import PReLU
from fastnn.layers.random_affine import RandomRotation, RandomShear, RandomTranslation, RandomZoom
from fastnn.layers.random_color import RandomBrightness, RandomContrast, RandomGrayscale
from fastnn.layers.random_flip import RandomFlip
from fastnn.layers.rectifiers import ELU, LeakyReLU, ReLU
from fastnn.layers.repeat_vector import RepeatVector
from fastnn.layers.rescaling import Rescaling
from fastnn.layers.reshape import Reshape
from fastnn.layers.rms_normalization import RMSNormalization
from fastnn.layers.rnn import RNN
from fastnn.layers.scrn import SCRN
from fastnn.layers.separable_conv import SeparableConv1D, SeparableConv2D
from fastnn.layers.simple_rnn import SimpleRNN, SimpleRNNCell
from fastnn.layers.softmax import Softmax
from fastnn.layers.spatial_dropout import SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from fastnn.layers.stacked_rnn_cells import StackedRNNCells
from fastnn.layers.standout import Standout
from fastnn.layers.time_distributed import TimeDistributed
from fastnn.layers.unit_normalization import UnitNormalization
from fastnn.layers.up_sampling import UpSampling1D, UpSampling2D, UpSampling3D
from fastnn.layers.wrapper import Wrapper
from fastnn.layers.zero_padding import ZeroPadding1D, ZeroPadding2D, ZeroPadding3D
from fastnn.utils.serialization import deserialize_keras_object as deserialize
from fastnn.utils.serialization import serialize_keras_object as serialize

Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D = GlobalMaxPooling1D, GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D

__all__ = [
    "ELU",
    "GRU",
    "IRNN",
    "LSTM",
    "RNN",
    "SCRN",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "CenterCrop",
    "ClockworkRNN",
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
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Discretization",
    "Dot",
    "DropConnect",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "GroupQueryAttention",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "Maxout",
    "Minimum",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "Operation",
    "PReLU",
    "PeepholeLSTM",
    "PeepholeLSTMCell",
    "Permute",
    "RMSNormalization",
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "RandomGrayscale",
    "RandomRotation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "StackedRNNCells",
    "Standout",
    "Subtract",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "Wrapper",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]
