"""Sequential: layers one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.context import context
from fastnn.layers.input_layer import InputLayer
from fastnn.layers.layer import Layer
from fastnn.layers.symbolic import KerasTensor, standardize_shape
from fastnn.models.model import Model
from fastnn.utils import tree
from fastnn.utils.serialization import (
    CustomObjectScope,
    SharedObjects,
    deserialize_keras_object,
    serialize_keras_object,
)
from fastnn.utils.tracking import configuration_changed

if TYPE_CHECKING:
    from typing_extensions import Self


class Sequential(Model):
    """A chain of layers. Built when an ``Input`` comes first, or at the first call.

    Args:
        layers: layers (or functions of one input in layers), in order.
        name: snake_case of the class and a counter if None.

    >>> import numpy as np
    >>> from fastnn import layers
    >>> model = Sequential([layers.Input((3,)), layers.Dense(4, activation="relu")])
    >>> model.add(layers.Dense(2))
    >>> model(np.ones((5, 3))).shape, model.count_params()
    ((5, 2), 26)
    """

    _first: InputLayer | None
    _trail: list[KerasTensor]  # the symbolic input, then each layer's output

    def __init__(self, layers: list | None = None, trainable: bool = True, name: str | None = None):
        super().__init__(trainable=trainable, name=name)
        vars(self).update(_first=None, _trail=[])
        for layer in layers or ():
            self._append(layer)
        self._trace()

    # ---- layers

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Appends a layer, or an ``Input`` as the first one."""
        self._append(layer)
        if rebuild:
            self._trace()

    def pop(self, rebuild: bool = True) -> Layer:
        """Removes the last layer and returns it."""
        if not self._layers:
            raise ValueError(f"{self.name}: pop: there is no layer")
        configuration_changed()
        del self._trail[len(self._layers) :]
        return self._layers.pop()

    def _append(self, layer: Any) -> None:
        if type(layer) is KerasTensor and layer._history is not None:
            layer = layer._history.operation
        if isinstance(layer, InputLayer):
            if self._first is not None or self._layers:
                raise ValueError(
                    f"{self.name}: an Input must be the first layer; there are "
                    f"{[known.name for known in self._layers or [self._first]]}"
                )
            vars(self)["_first"] = layer
            return
        if not isinstance(layer, Layer):
            raise ValueError(
                f"{self.name}: only layers can be added, got {layer!r} of type "
                f"{type(layer).__name__}"
            )
        if any(inner is self for inner in layer._flatten_layers()):
            what = "itself" if layer is self else f"{layer.name!r}, which contains it"
            raise ValueError(f"{self.name}: add: a model cannot be a layer of itself; got {what}")
        if any(known.name == layer.name for known in self._layers):
            raise ValueError(
                f"{self.name}: a layer is named {layer.name!r} already; names must differ"
            )
        if not self._layers and self._first is None:
            vars(self)["_first"] = _input_for(layer)
        self._layers.append(layer)
        if not self._trainable:
            layer.trainable = False
        configuration_changed()

    @property
    def layers(self) -> list[Layer]:
        """The layers, without an Input."""
        return list(self._layers)

    # ---- building

    def build(self, input_shape: Any = None) -> None:
        """Builds all layers for inputs of a shape, batch axis included."""
        if self._first is None:
            if input_shape is None:
                raise ValueError(f"{self.name}: build needs an input_shape")
            vars(self)["_first"] = InputLayer(batch_shape=standardize_shape(input_shape))
        self._trace()

    def _build_for(self, args: tuple, kwargs: dict) -> None:
        x = args[0] if args else kwargs["inputs"]
        if tree.is_nested(x):
            self._note_call(args, kwargs)
        elif self._first is None:
            shape = (None, *x.shape[1:])
            vars(self)["_first"] = InputLayer(batch_shape=shape, dtype=x.dtype)
        self._trace()

    def _trace(self) -> None:
        """Calls new layers on symbolic values: builds them and finds their shapes."""
        if self._first is None:
            return
        trail = self._trail
        if not trail:
            trail.append(self._first.output)
            self._expect(self._first.output)
        path = context.path
        context.path = (*path, self.name)
        try:
            for layer in self._layers[len(trail) - 1 :]:
                trail.append(layer(trail[-1]))
        finally:
            context.path = path
        if self._layers:
            self._finish_build((), {})

    # ---- calling

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        x = self._prepared(inputs) if self._trail else inputs
        for layer in self._layers:
            x = layer(x)
        return x

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if not self._trail:
            return self.call(inputs)  # builds the layers
        x = self._prepared(inputs)
        for layer in self._layers:
            x = layer.compute_output_spec(x)
        return x

    def _symbolic(self, what: str) -> Any:
        if not self._trail:
            raise AttributeError(
                f"{self.name} has no symbolic {what} yet: add an Input, build it or call it"
            )
        return self._trail[0 if what == "inputs" else -1]

    # ---- configuration

    def get_config(self) -> dict:
        layers = [] if self._first is None else [self._first]
        with SharedObjects():
            serialized = [serialize_keras_object(layer) for layer in layers + self._layers]
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": self.dtype,
            "layers": serialized,
            "build_input_shape": None if self._first is None else list(self._first.batch_shape),
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Self:
        with CustomObjectScope(custom_objects), SharedObjects():
            layers = [deserialize_keras_object(layer) for layer in config["layers"]]
        model = cls(layers, name=config.get("name"))
        vars(model)["_trainable"] = config.get("trainable", True)  # layers know their own
        shape = config.get("build_input_shape")
        if shape is not None and not model.built:
            model.build(shape)
        return model


def _input_for(layer: Layer) -> InputLayer | None:
    """The Input that a first layer asks for, if it does."""
    if layer._input_shape_arg is not None:
        return InputLayer(batch_shape=layer._input_shape_arg)
    if isinstance(layer, Model) and hasattr(layer, "_input_structure"):
        x = layer._input_structure
        if not tree.is_nested(x):
            return InputLayer(batch_shape=x.shape, dtype=x.dtype)
    return None
