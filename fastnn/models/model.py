"""Model: layers with training, saving and a summary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastnn import ops
from fastnn.layers.input_layer import InputLayer
from fastnn.layers.layer import Layer
from fastnn.layers.symbolic import KerasTensor
from fastnn.models import saving, summary
from fastnn.models.graph import Graph
from fastnn.models.graph_config import (
    graph_config,
    graph_from_config,
    symbol_config,
    symbols_from_config,
)
from fastnn.models.placement import home_of
from fastnn.models.training import Trainer
from fastnn.tensor import Tensor, copied_at
from fastnn.utils import naming, tree
from fastnn.utils.serialization import CustomObjectScope, SharedObjects, serialize_keras_object

if TYPE_CHECKING:
    from typing_extensions import Self


class Model(Trainer, Layer):
    """A functional model ``Model(inputs, outputs)``, or the base of models with their own ``call``.

    Args:
        inputs: an ``Input`` or a list, tuple or dict of them.
        outputs: what layers made of them, in the same way.
        name: snake_case of the class and a counter if None.

    >>> from fastnn import layers
    >>> import numpy as np
    >>> x = layers.Input((3,))
    >>> model = Model(x, layers.Dense(2)(x))
    >>> model(np.ones((4, 3))).shape
    (4, 2)
    """

    _graph: Graph | None = None
    _input_structure: Any
    _usual: tuple[tuple, str] | None  # shape without batch axis and dtype of the only input

    def __init__(
        self, inputs: Any = None, outputs: Any = None, *, name: str | None = None, **kwargs: Any
    ):
        if (inputs is None) != (outputs is None):
            missing = "outputs" if outputs is None else "inputs"
            raise ValueError(f"Model: {missing} is needed too, for a functional model")
        if name is None and inputs is not None and type(self) is Model:
            name = naming.auto_name("Functional")
        Layer.__init__(self, name=name, **kwargs)
        Trainer.__init__(self)
        if inputs is not None:
            self._set_graph(Graph(_unpacked(inputs), _unpacked(outputs)))

    def _set_graph(self, graph: Graph) -> None:
        store = vars(self)
        store["_graph"] = graph
        store["_takes_none"] = True  # for an optional input; `_fitted` names the others
        self._layers[:] = [layer for layer in graph.operations if isinstance(layer, Layer)]
        self._expect(graph.inputs)
        if not self.trainable:
            self.trainable = False
        self._finish_build((), {})

    def _expect(self, inputs: Any) -> None:
        """Notes what data must look like."""
        store = vars(self)
        store["_input_structure"] = inputs
        store["_expected"] = [
            (_input_name(x), x.shape, x.dtype, _is_optional(x)) for x in tree.flatten(inputs)
        ]
        free_batch = not tree.is_nested(inputs) and inputs.shape[:1] == (None,)
        store["_usual"] = (inputs.shape[1:], inputs.dtype) if free_batch else None

    # ---- calling

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if self._graph is None:
            raise NotImplementedError(
                f"{type(self).__name__}: the class defines no call method and is not a functional "
                "model"
            )
        return self._graph.run(self._prepared(inputs))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if self._graph is None:
            if type(self).compute_output_shape is Model.compute_output_shape:
                return self._spec_by_trial(args, kwargs)
            return super().compute_output_spec(*args, **kwargs)
        return self._graph.output_spec(self._prepared(args[0]))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs for shapes of the inputs."""
        leaves = [KerasTensor(tuple(s)) for s in _flat_shapes(input_shape)]
        packed = leaves[0] if len(leaves) == 1 else leaves
        spec = self.compute_output_spec(packed)
        return tree.map_structure(lambda x: x.shape, spec)

    def _prepared(self, inputs: Any) -> Any:
        """Inputs in the model's structure, each checked and cast to its Input's dtype."""
        usual = self._usual
        if (
            usual is not None
            and isinstance(inputs, Tensor)
            and inputs.shape[1:] == usual[0]
            and inputs.dtype == usual[1]
        ):
            return inputs
        wanted = self._input_structure
        if not tree.is_nested(wanted):
            if isinstance(inputs, dict) and len(inputs) == 1:
                inputs = next(iter(inputs.values()))
            elif isinstance(inputs, (list, tuple)) and len(inputs) == 1:
                inputs = inputs[0]
            return self._fitted(inputs, self._expected[0])
        if isinstance(inputs, dict):
            keys = sorted(wanted) if isinstance(wanted, dict) else [e[0] for e in self._expected]
            missing = [key for key in keys if key not in inputs]
            if missing:
                raise ValueError(
                    f"{self.name}: the data lacks input {missing[0]!r}; there is "
                    f"{', '.join(map(repr, sorted(inputs)))}"
                )
            values = [inputs[key] for key in keys]
        else:
            values = tree.flatten(inputs)
        if len(values) != len(self._expected):
            names = ", ".join(entry[0] for entry in self._expected)
            raise ValueError(
                f"{self.name}: {len(self._expected)} inputs are needed ({names}), got {len(values)}"
            )
        values = [self._fitted(x, entry) for x, entry in zip(values, self._expected)]
        return tree.pack_sequence_as(wanted, values)

    def _fitted(self, x: Any, expected: tuple) -> Any:
        name, shape, dtype, optional = expected
        if x is None and optional:
            return None
        if not isinstance(x, (Tensor, KerasTensor)):
            raise ValueError(
                f"{self.name}: input {name!r} must be an array or tensor, got {x!r:.80}"
            )
        given = x.shape
        if given[1:] != shape[1:] or len(given) != len(shape) or shape[0] is not None:
            x = self._reshaped(x, name, shape)
        if x.dtype != dtype and isinstance(x, Tensor):
            x = ops.cast(x, dtype)
        return x

    def _reshaped(self, x: Any, name: str, shape: tuple) -> Any:
        """An input whose shape is not literally the Input's: free axes, or a last axis of 1."""
        given = tuple(x.shape)
        if isinstance(x, Tensor):
            if len(given) == len(shape) + 1 and given[-1] == 1:
                x = ops.squeeze(x, -1)
            elif len(given) == len(shape) - 1 and shape[-1] == 1:
                x = ops.expand_dims(x, -1)
        fits = len(x.shape) == len(shape) and all(
            n is None or m is None or n == m for n, m in zip(shape, x.shape)
        )
        if not fits:
            raise ValueError(f"{self.name}: input {name!r} has shape {given}, expected {shape}")
        return x

    # ---- what the model consists of

    @property
    def layers(self) -> list[Layer]:
        """The layers, in the order of their weights."""
        return [layer for layer in self._layers if isinstance(layer, Layer)]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of a name or at an index of ``layers``."""
        if (name is None) == (index is None):
            raise ValueError(f"{self.name}: get_layer needs a name or an index")
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"{self.name}: no layer {index}, there are {len(layers)}")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"{self.name}: no layer is named {name!r}; there are "
            f"{', '.join(layer.name for layer in layers)}"
        )

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs as a list."""
        return tree.flatten(self.input)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs as a list."""
        return tree.flatten(self.output)

    @property
    def input(self) -> Any:
        """The symbolic inputs in their structure."""
        return self._symbolic("inputs")

    @property
    def output(self) -> Any:
        """The symbolic outputs in their structure."""
        return self._symbolic("outputs")

    def _symbolic(self, what: str) -> Any:
        if self._graph is None:
            raise AttributeError(f"{self.name} has no symbolic {what}: it is not functional")
        return getattr(self._graph, what)

    @property
    def input_shape(self) -> Any:
        """The shapes of the symbolic inputs."""
        return tree.map_structure(lambda x: x.shape, self.input)

    @property
    def output_shape(self) -> Any:
        """The shapes of the symbolic outputs."""
        return tree.map_structure(lambda x: x.shape, self.output)

    @property
    def output_names(self) -> list[str]:
        """The names of the layers that make the outputs."""
        return [_input_name(x) for x in self.outputs]

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return [_input_name(x) for x in self.inputs]

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: list | None = None,
    ) -> None:
        """Prints a table of the layers: names, output shapes, numbers of parameters.

        Args:
            line_length: its width.
            positions: where columns end, as shares of the width.
            print_fn: called with the text instead of printing it.
            expand_nested: whether layers of inner models get lines.
            show_trainable: whether there is a column for ``trainable``.
            layer_range: names of the first and last layer to show.
        """
        summary.print_summary(
            self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range
        )

    # ---- configuration and files

    def get_config(self) -> dict:
        if self._graph is None or type(self).__init__ is not Model.__init__:
            return super().get_config()
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}
        with SharedObjects():
            return {**config, **graph_config(self._graph)}

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Self:
        """A model from ``get_config``'s dictionary."""
        if "input_layers" not in config or "layers" not in config:
            return super().from_config(config)
        with CustomObjectScope(custom_objects), SharedObjects():
            inputs, outputs = graph_from_config(config)
        settings = {key: config[key] for key in ("name", "dtype") if key in config}
        model = cls(inputs, outputs, **settings)
        vars(model)["_trainable"] = config.get("trainable", True)  # layers know their own
        return model

    def to_json(self, **kwargs: Any) -> str:
        """The architecture as JSON, for ``models.model_from_json``; no weights."""
        return json.dumps(serialize_keras_object(self), **kwargs)

    def get_build_config(self) -> dict | None:
        """The arguments of the first call by shape and dtype, for a model with its own ``call``."""
        return vars(self).get("_first_call")

    def build_from_config(self, config: dict) -> None:
        """Builds by calling the model on symbolic values like those of its first call."""
        decoded = symbols_from_config(config)
        self(*decoded["args"], **decoded["kwargs"])

    def _build_for(self, args: tuple, kwargs: dict) -> None:
        self._note_call(args, kwargs)
        super()._build_for(args, kwargs)

    def _note_call(self, args: tuple, kwargs: dict) -> None:
        """Notes the first call, for `build_from_config`."""
        given = {"args": list(args), "kwargs": kwargs}
        vars(self)["_first_call"] = tree.map_structure(symbol_config, given)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Copies and pickles of a built model are made as its file is."""
        if not self.built:
            return super().__reduce_ex__(protocol)
        return saving.restore, (*saving.contents(self), saving.own_classes(self))

    def __deepcopy__(self, memo: dict | None = None) -> Model:
        """A copy that lies where this model does."""
        return copied_at(home_of(self), self, memo)

    __copy__ = __deepcopy__

    def save(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Saves architecture, weights, training configuration and state to a file.

        Args:
            filepath: a path; any name, ``.fastnn`` by custom.
            overwrite: False raises FileExistsError if there is a file.

        The old file stays as it is unless the new one is complete.
        """
        saving.save_model(self, filepath, overwrite, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Saves the weights only."""
        saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False) -> None:
        """Loads weights saved by ``save_weights`` or ``save`` of a model of the same structure.

        Args:
            skip_mismatch: leave weights as they are that the file lacks or has in another shape.
        """
        saving.load_weights(self, filepath, skip_mismatch)


def _unpacked(values: Any) -> Any:
    """What a list of one holds."""
    return values[0] if isinstance(values, (list, tuple)) and len(values) == 1 else values


def _input_name(x: KerasTensor) -> str:
    return x.name if x._history is None else x._history.operation.name


def _is_optional(x: KerasTensor) -> bool:
    operation = None if x._history is None else x._history.operation
    return isinstance(operation, InputLayer) and operation.optional


def _flat_shapes(structure: Any) -> list[tuple]:
    if isinstance(structure, dict):
        return [s for key in sorted(structure) for s in _flat_shapes(structure[key])]
    if structure and isinstance(structure[0], (list, tuple)):
        return [s for member in structure for s in _flat_shapes(member)]
    return [tuple(structure)]
