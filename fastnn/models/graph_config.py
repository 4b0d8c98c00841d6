"""Functional models to configurations and back, in Keras 3's form."""

from __future__ import annotations

from typing import Any

from fastnn.layers.operation import Operation
from fastnn.layers.symbolic import KerasTensor
from fastnn.models.graph import Graph
from fastnn.utils import tree
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object


def graph_config(graph: Graph) -> dict:
    """Layers, their calls, and which of the results are inputs and outputs."""
    own = {id(node) for node in graph.nodes}
    number = {}  # of a node among its operation's nodes in this graph
    calls: dict[int, list] = {}
    for operation in graph.operations:
        nodes = [node for node in operation._inbound_nodes if id(node) in own]
        calls[id(operation)] = nodes
        number.update({id(node): index for index, node in enumerate(nodes)})
    origin = {
        id(x): [node.operation.name, number[id(node)], index]
        for node in graph.nodes
        for index, x in enumerate(tree.flatten(node.outputs))
    }
    # An input that is the result of a layer outside of the graph becomes an Input of its own.
    layers = []
    for x in graph.flat_inputs:
        if id(x) not in origin:
            origin[id(x)] = [x.name, 0, 0]
            layers.append(_input_entry(x))

    def argument(x: Any) -> Any:
        if type(x) is KerasTensor:
            spec = {"shape": list(x.shape), "dtype": x.dtype, "keras_history": origin[id(x)]}
            return {"class_name": "__keras_tensor__", "config": spec}
        if isinstance(x, tuple):
            return {"class_name": "__tuple__", "items": [argument(member) for member in x]}
        if isinstance(x, list):
            return [argument(member) for member in x]
        if isinstance(x, dict):
            return {key: argument(member) for key, member in x.items()}
        if isinstance(x, slice):
            return {"class_name": "__slice__", "config": [x.start, x.stop, x.step]}
        if x is Ellipsis:
            return {"class_name": "__ellipsis__", "config": None}
        return serialize_keras_object(x)

    for operation in graph.operations:
        entry = _operation_entry(operation)
        entry["name"] = operation.name
        entry["inbound_nodes"] = [
            {
                "args": [argument(x) for x in node.args],
                "kwargs": argument(node.kwargs),
            }
            for node in calls[id(operation)]
            if not node.is_input
        ]
        layers.append(entry)

    return {
        "layers": layers,
        "input_layers": _places(graph.inputs, origin),
        "output_layers": _places(graph.outputs, origin),
    }


def _places(structure: Any, origin: dict[int, list]) -> Any:
    """Where the values of a structure come from."""
    if isinstance(structure, dict):
        return {key: _places(member, origin) for key, member in structure.items()}
    if isinstance(structure, (list, tuple)):
        return [_places(member, origin) for member in structure]
    return list(origin[id(structure)])


def _operation_entry(operation: Any) -> dict:
    if isinstance(operation, Operation):
        return {
            "module": "fastnn.ops",
            "class_name": "Operation",
            "config": operation.get_config(),
            "registered_name": None,
        }
    return serialize_keras_object(operation)


def _input_entry(x: KerasTensor) -> dict:
    config = {"batch_shape": list(x.shape), "dtype": x.dtype, "name": x.name}
    return {
        "module": "fastnn.layers",
        "class_name": "InputLayer",
        "config": config,
        "registered_name": None,
        "name": x.name,
        "inbound_nodes": [],
    }


def graph_from_config(config: dict) -> tuple[Any, Any]:
    """The symbolic inputs and outputs that a configuration describes, its layers made anew.

    Raises:
        ValueError: a call refers to a value that is never made, or the calls form a cycle.
    """
    operations: dict[str, Any] = {}
    pending: list[tuple[Any, dict]] = []
    for entry in config["layers"]:
        name = entry["name"]
        if name in operations:
            raise ValueError(f"functional model: two layers are named {name!r}")
        operations[name] = _make(entry)
        pending.extend((operations[name], call) for call in entry["inbound_nodes"])
    started = {name: len(operation._inbound_nodes) for name, operation in operations.items()}
    for name, operation in operations.items():  # an input's own node is its first
        if operation._inbound_nodes and operation._inbound_nodes[0].is_input:
            started[name] = 0

    def find(history: list) -> KerasTensor | None:
        name, node_index, tensor_index = history
        if name not in operations:
            raise ValueError(f"functional model: no layer is named {name!r}")
        nodes = operations[name]._inbound_nodes[started[name] :]
        if not 0 <= node_index < len(nodes):
            return None
        return tree.flatten(nodes[node_index].outputs)[tensor_index]

    while pending:
        waiting, blocked = [], set()
        for operation, call in pending:
            # Calls of one layer keep their order, by which they are referred to.
            if id(operation) in blocked or not _run(operation, call, find):
                blocked.add(id(operation))
                waiting.append((operation, call))
        if len(waiting) == len(pending):
            names = sorted({operation.name for operation, _ in waiting})
            raise ValueError(
                "functional model: the calls of these layers read values that are never made, or "
                f"form a cycle: {', '.join(names)}"
            )
        pending = waiting

    def located(structure: Any) -> Any:
        if _is_history(structure):
            found = find(structure)
            if found is None:
                raise ValueError(f"functional model: there is no value {structure}")
            return found
        if isinstance(structure, dict):
            return {key: located(value) for key, value in structure.items()}
        return [located(value) for value in structure]

    return located(config["input_layers"]), located(config["output_layers"])


def _make(entry: dict) -> Any:
    if entry["class_name"] == "Operation" and entry.get("module") == "fastnn.ops":
        return Operation.from_config(entry["config"])
    return deserialize_keras_object(entry)


def _is_history(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 3 and isinstance(value[0], str)


def _run(operation: Any, call: dict, find: Any) -> bool:
    """Makes a call if all it reads is there."""
    ready = True

    def argument(x: Any) -> Any:
        nonlocal ready
        if isinstance(x, dict):
            kind = x.get("class_name")
            if kind == "__keras_tensor__":
                found = find(x["config"]["keras_history"])
                ready = ready and found is not None
                return found
            if kind == "__slice__":
                return slice(*x["config"])
            if kind == "__ellipsis__":
                return Ellipsis
            if kind == "__tuple__":
                return tuple(argument(member) for member in x["items"])
            if kind is None:
                return {key: argument(value) for key, value in x.items()}
            return deserialize_keras_object(x)
        if isinstance(x, list):
            return [argument(member) for member in x]
        return x

    args = [argument(x) for x in call["args"]]
    kwargs = {key: argument(x) for key, x in call["kwargs"].items()}
    if ready:
        operation(*args, **kwargs)
    return ready


def symbol_config(x: Any) -> Any:
    """An argument of a call as a configuration: a tensor by its shape, with a free batch axis."""
    if hasattr(x, "shape"):
        spec = {"shape": [None, *x.shape[1:]] if x.shape else [], "dtype": x.dtype}
        return {"class_name": "__keras_tensor__", "config": spec}
    return serialize_keras_object(x)


def symbols_from_config(config: Any) -> Any:
    """The arguments that ``symbol_config`` described, tensors as symbolic values."""
    if isinstance(config, list):
        return [symbols_from_config(member) for member in config]
    if isinstance(config, dict) and config.get("class_name") == "__keras_tensor__":
        return KerasTensor(tuple(config["config"]["shape"]), config["config"]["dtype"])
    if isinstance(config, dict) and "class_name" not in config:
        return {key: symbols_from_config(member) for key, member in config.items()}
    return deserialize_keras_object(config)
