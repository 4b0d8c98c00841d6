"""The graph of a functional model: found from symbolic values, run as a flat list of calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn.layers.symbolic import KerasTensor, Node
from fastnn.utils import naming, tree


class Graph:
    """The calls that lead from inputs to outputs, in an order in which they can be made.

    Args:
        inputs, outputs: structures (lists, tuples, dicts) of symbolic values.

    Raises:
        ValueError: an output does not depend on the inputs alone, the graph has a cycle, or two
            layers have one name.
    """

    def __init__(self, inputs: Any, outputs: Any):
        self.inputs, self.outputs = inputs, outputs
        self.flat_inputs = _symbols(inputs, "inputs")
        self.flat_outputs = _symbols(outputs, "outputs")
        if len({id(x) for x in self.flat_inputs}) < len(self.flat_inputs):
            raise ValueError("Model: the same symbolic value is given twice as an input")
        self._find_nodes()
        self._order()
        self._compile()

    # ---- finding the calls

    def _find_nodes(self) -> None:
        """Nodes in an order in which each comes after those it reads (a depth-first walk)."""
        given = {id(x) for x in self.flat_inputs}
        self.nodes: list[Node] = []
        self._first_seen: dict[int, int] = {}  # of operations, by id
        done: set[int] = set()
        open_nodes: set[int] = set()
        for output in self.flat_outputs:
            stack: list[tuple[KerasTensor, Node | None]] = [(output, None)]
            while stack:
                x, finished = stack.pop()
                if finished is not None:
                    open_nodes.discard(id(finished))
                    done.add(id(finished))
                    self.nodes.append(finished)
                    continue
                node = _node_of(x)
                if id(x) in given and (node is None or not node.is_input):
                    continue
                if node is None or (node.is_input and id(x) not in given):
                    raise ValueError(
                        f"Model: output {output.name!r} depends on {x.name!r}, which is not among "
                        f"the inputs {[known.name for known in self.flat_inputs]}"
                    )
                if id(node) in done:
                    continue
                if id(node) in open_nodes:
                    raise ValueError(
                        f"Model: the graph has a cycle through {node.operation.name!r}"
                    )
                open_nodes.add(id(node))
                self._first_seen.setdefault(id(node.operation), len(self._first_seen))
                stack.append((x, node))
                stack.extend((parent, None) for parent in reversed(node.inputs))

    def _order(self) -> None:
        """Operations by decreasing distance from the outputs, as Keras lists layers."""
        depth: dict[int, int] = {}
        operation_depth: dict[int, int] = {}
        in_graph = {id(node) for node in self.nodes}
        operations = {}
        for node in reversed(self.nodes):
            key = id(node.operation)
            operations[key] = node.operation
            level = max(depth.get(id(node), 0), operation_depth.get(key, 0))
            depth[id(node)] = operation_depth[key] = level
            for x in node.inputs:
                parent = _node_of(x)
                if parent is not None and id(parent) in in_graph:
                    depth[id(parent)] = max(level + 1, depth.get(id(parent), 0))
        for x in self.flat_inputs:  # inputs that no output needs
            own = _node_of(x)
            if own is not None and own.is_input and id(own.operation) not in operations:
                operations[id(own.operation)] = own.operation
                operation_depth[id(own.operation)] = 0
                self._first_seen[id(own.operation)] = -1
                self.nodes.append(own)
        order = sorted(operations, key=lambda key: (-operation_depth[key], self._first_seen[key]))
        self.operations = [operations[key] for key in order]
        self._check_names()

    def _check_names(self) -> None:
        """Names must differ, for they stand for layers in files; automatic ones give way."""
        names = [operation.name for operation in self.operations]
        for operation in self.operations:
            while getattr(operation, "automatic_name", False) and names.count(operation.name) > 1:
                names.remove(operation.name)
                operation.name = naming.auto_name(operation.function)
                names.append(operation.name)
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"Model: the name {name!r} is used {names.count(name)} times; layers' names "
                    "must differ"
                )

    # ---- running

    def _compile(self) -> None:
        """Calls with the numbers of the slots they read and write."""
        slots: dict[int, int] = {}
        for x in self.flat_inputs:
            slots[id(x)] = len(slots)
        calls = [node for node in self.nodes if not node.is_input]
        for node in calls:
            for output in tree.flatten(node.outputs):
                slots.setdefault(id(output), len(slots))
        self._slot_count = len(slots)
        self._targets = [slots[id(x)] for x in self.flat_outputs]
        last_use = {slot: len(calls) for slot in self._targets}
        for step in reversed(range(len(calls))):
            for x in calls[step].inputs:
                last_use.setdefault(slots[id(x)], step)
        self._steps = []
        for step, node in enumerate(calls):
            freed = tuple({slots[id(x)] for x in node.inputs if last_use[slots[id(x)]] == step})
            self._steps.append(
                (
                    node.operation,
                    _reader(node, slots),
                    [slots[id(x)] for x in tree.flatten(node.outputs)],
                    tree.is_nested(node.outputs),
                    freed,
                )
            )
        self._chain = self._as_chain(calls)

    def _as_chain(self, calls: list[Node]) -> list | None:
        """The operations if the graph is a plain chain, which needs no slots."""
        if tree.is_nested(self.inputs) or tree.is_nested(self.outputs):
            return None
        x = self.inputs
        for node in calls:
            plain = len(node.args) == 1 and node.args[0] is x and not node.kwargs
            if not plain or tree.is_nested(node.outputs):
                return None
            x = node.outputs
        return [node.operation for node in calls] if x is self.outputs else None

    def run(self, values: Any) -> Any:
        """The outputs for inputs of the same structure."""
        if self._chain is not None:
            for operation in self._chain:
                values = operation(values)
            return values
        flat = self._execute(tree.flatten(values), lambda operation: operation)
        return _like(self.outputs, flat)

    def output_spec(self, values: Any) -> Any:
        """Symbolic outputs for symbolic inputs of the same structure, without new nodes."""
        flat = self._execute(tree.flatten(values), lambda operation: operation.compute_output_spec)
        return _like(self.outputs, [KerasTensor(x.shape, x.dtype) for x in flat])

    def _execute(self, values: list, how: Callable) -> list:
        slots: list = [None] * self._slot_count
        slots[: len(values)] = values
        for operation, reader, written, nested, freed in self._steps:
            args, kwargs = reader(slots)
            results = how(operation)(*args, **kwargs)
            if nested:
                for slot, result in zip(written, tree.flatten(results)):
                    slots[slot] = result
            else:
                slots[written[0]] = results
            for slot in freed:
                slots[slot] = None
        return [slots[slot] for slot in self._targets]


def _symbols(structure: Any, what: str) -> list[KerasTensor]:
    leaves = tree.flatten(structure)
    for leaf in leaves:
        if type(leaf) is not KerasTensor:
            raise ValueError(
                f"Model: {what} must be symbolic values made from fastnn.Input, got {leaf!r} of "
                f"type {type(leaf).__name__}"
            )
    if not leaves:
        raise ValueError(f"Model: {what} is empty")
    return leaves


def _node_of(x: KerasTensor) -> Node | None:
    history = x._history
    return None if history is None else history.operation._inbound_nodes[history.node_index]


def _like(structure: Any, leaves: list) -> Any:
    return leaves[0] if not tree.is_nested(structure) else tree.pack_sequence_as(structure, leaves)


def _reader(node: Node, slots: dict[int, int]) -> Callable[[list], tuple[tuple, dict]]:
    """A function that reads a call's arguments from the slots."""
    if not node.kwargs and all(type(x) is KerasTensor for x in node.args):
        numbers = [slots[id(x)] for x in node.args]
        if len(numbers) == 1:
            only = numbers[0]
            return lambda values: ((values[only],), {})
        return lambda values: (tuple([values[number] for number in numbers]), {})

    def read(values: list) -> tuple[tuple, dict]:
        def leaf(x: Any) -> Any:
            return values[slots[id(x)]] if type(x) is KerasTensor else x

        return tree.map_structure(leaf, node.args), tree.map_structure(leaf, node.kwargs)

    return read
