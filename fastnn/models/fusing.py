"""fuse: batch normalizations of a trained model become part of the layers before them."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import activations
from fastnn.backends import device
from fastnn.layers.batch_normalization import BatchNormalization
from fastnn.layers.conv_transpose import ConvTranspose
from fastnn.layers.convolution import Convolution
from fastnn.layers.dense import Dense
from fastnn.layers.depthwise_conv import DepthwiseConv
from fastnn.layers.symbolic import Node
from fastnn.messages import shown
from fastnn.models.graph import Graph
from fastnn.models.model import Model
from fastnn.models.placement import home_of
from fastnn.models.saving import clone_model
from fastnn.models.sequential import Sequential
from fastnn.utils import tree


def fuse(model: Model) -> Model:
    """A model for inference that computes the same in fewer steps; the given one stays as it is.

    A BatchNormalization that alone reads a convolution or a Dense layer without activation is
    folded into that layer's kernel and bias: in inference it multiplies and shifts every channel by
    constants. Results differ by roundings only. Models within models are searched too. What is
    called with training=True stays, and so do layers of a class with another ``call``.

    Args:
        model: a functional model or a built Sequential.

    Returns:
        A functional model with weights of its own.

    Raises:
        TypeError: no model.
        ValueError: the model has a ``call`` of its own, or is not built.

    >>> from fastnn import layers
    >>> steps = [layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.BatchNormalization()]
    >>> [type(layer).__name__ for layer in fuse(Sequential(steps)).layers]
    ['InputLayer', 'Conv2D']
    """
    if not isinstance(model, Model):
        raise TypeError(f"fuse: model must be a Model, got {shown(model)}")
    _graph_of(model)
    with device(home_of(model)):
        twin = clone_model(model)
        twin.set_weights(model.get_weights())
        return _fused(twin)


def _graph_of(model: Model) -> Graph:
    graph = model._graph
    if graph is None and isinstance(model, Sequential) and len(model._trail) > 1:
        graph = Graph(model._trail[0], model._trail[-1])
    if graph is None:
        raise ValueError(f"fuse: {model.name} must be a functional model or a built Sequential")
    return graph


def _fused(model: Model) -> Model:
    """The same of a model that is free to be taken apart."""
    graph = _graph_of(model)
    folds = _folds(graph)
    made = {id(x): x for x in graph.flat_inputs}  # what stands for each symbolic value now
    inner: dict[int, Model] = {}
    for node in graph.nodes:
        if node.is_input or id(tree.flatten(node.outputs)[0]) in made:
            continue
        operation, outputs = node.operation, node.outputs
        args, kwargs = tree.map_structure(lambda x: made.get(id(x), x), [node.args, node.kwargs])
        if id(node) in folds:
            outputs = folds[id(node)].outputs
            result = _folded_call(operation, folds[id(node)].operation, args, kwargs)
        else:
            if isinstance(operation, Model) and not _in_training(node):
                operation = inner.setdefault(id(operation), _fused(operation))
            result = operation(*args, **kwargs)
        for old, new in zip(tree.flatten(outputs), tree.flatten(result)):
            made[id(old)] = new
    return Model(
        graph.inputs, tree.map_structure(lambda x: made[id(x)], graph.outputs), name=model.name
    )


def _folds(graph: Graph) -> dict[int, Node]:
    """Calls of batch normalizations, by the calls (their id) that they can be folded into."""
    readers: dict[int, int] = {id(x): 1 for x in graph.flat_outputs}
    calls: dict[int, int] = {}
    for node in graph.nodes:
        calls[id(node.operation)] = calls.get(id(node.operation), 0) + 1
        for x in node.inputs:
            readers[id(x)] = readers.get(id(x), 0) + 1
    maker = {id(node.outputs): node for node in graph.nodes if not node.is_input}
    found = {}
    for node in graph.nodes:
        source = maker.get(id(node.inputs[0])) if len(node.inputs) == 1 else None
        if (
            source is not None
            and isinstance(node.operation, BatchNormalization)
            and not _in_training(node)
            and _takes(source.operation, node.operation)
            and readers[id(source.outputs)] == 1
            and calls[id(source.operation)] == calls[id(node.operation)] == 1
        ):
            found[id(source)] = node
    return found


def _in_training(node: Node) -> bool:
    """Whether a layer is called with training=True, whatever the model is called with."""
    return bool(node.kwargs.get("training"))


_FOLDED = (Convolution.call, Dense.call)  # a class with another one may compute anything


def _takes(layer: Any, normalization: BatchNormalization) -> bool:
    """Whether the normalized axis is that of the layer's outputs, which have no activation."""
    if (
        getattr(type(layer), "call", None) not in _FOLDED
        or layer.activation is not activations.linear
        or type(normalization).call is not BatchNormalization.call
    ):
        return False
    rank = normalization.input_spec.ndim
    axis = layer.channel_axis if isinstance(layer, Convolution) else -1
    return normalization.axis % rank == axis % rank


def _folded_call(layer: Any, normalization: BatchNormalization, args: Any, kwargs: Any) -> Any:
    """The result of a layer that does the work of both."""
    both = type(layer).from_config({**layer.get_config(), "use_bias": True})
    result = both(*args, **kwargs)
    scale, shift = _scale_and_shift(normalization)
    weights = [np.asarray(w, np.float64) for w in layer.get_weights()]
    bias = weights.pop() if layer.use_bias else np.zeros_like(scale)
    *others, kernel = weights
    if isinstance(layer, ConvTranspose):
        kernel = kernel * scale[:, None]
    elif isinstance(layer, DepthwiseConv):
        kernel = kernel * scale.reshape(kernel.shape[-2:])
    else:
        kernel = kernel * scale
    new = [*others, kernel, bias * scale + shift]
    both.set_weights([w.astype(layer.dtype) for w in new])
    return result


def _scale_and_shift(normalization: BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """What a batch normalization multiplies by and adds in inference."""

    def values(weight: Any, absent: float) -> np.ndarray:
        if weight is None:
            return np.full(normalization.moving_mean.shape, absent)
        return np.asarray(weight, np.float64)

    variance = values(normalization.moving_variance, 1)
    scale = values(normalization.gamma, 1) / np.sqrt(variance + normalization.epsilon)
    return scale, values(normalization.beta, 0) - values(normalization.moving_mean, 0) * scale
