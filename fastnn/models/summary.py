"""The table that ``Model.summary`` prints."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from fastnn.layers.symbolic import KerasTensor, Node
from fastnn.utils import tree

_UNITS = ("B", "KB", "MB", "GB", "TB")


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: list[float] | None = None,
    print_fn: Callable[[str], None] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: list[str] | None = None,
) -> None:
    """Prints layers, output shapes and numbers of parameters; in colour on a terminal."""
    header, rows = _table(model, expand_nested, show_trainable, layer_range)
    totals = _totals(model)
    title = f'Model: "{model.name}"'
    if print_fn is None and sys.stdout.isatty():
        _print_rich(title, header, rows, totals, line_length)
        return
    text = _plain(title, header, rows, totals, line_length, positions)
    (print_fn or print)(text)


def _table(
    model: Any, expand_nested: bool, show_trainable: bool, layer_range: list[str] | None
) -> tuple[list[str], list[list[str]]]:
    graph = model._graph
    branched = graph is not None and graph._chain is None
    header = ["Layer (type)", "Output Shape", "Param #"]
    header += ["Connected to"] * branched + ["Trainable"] * show_trainable
    members = model.layers if graph is None else graph.operations
    nodes = {id(node) for node in graph.nodes} if graph is not None else _own_nodes(model)
    rows = []
    for layer in _in_range(list(members), layer_range):
        own = [node for node in layer._inbound_nodes if not nodes or id(node) in nodes]
        row = [f"{layer.name} ({_kind(layer)})", _shape(own), _params(layer)]
        row += [_origins(own)] * branched
        row += [_switch(layer)] * show_trainable
        rows.append(row)
        if expand_nested and hasattr(layer, "summary"):
            for inner in _table(layer, True, show_trainable, None)[1]:
                cells = [f"   {inner[0]}", *inner[1:3]]
                cells += [""] * branched + inner[len(inner) - show_trainable :]
                rows.append(cells)
    return header, rows


def _own_nodes(model: Any) -> set[int]:
    """The calls of a sequential model's layers, which others may have called too."""
    values = vars(model).get("_trail", ())
    histories = [x._history for x in values if x._history is not None]
    return {id(history.operation._inbound_nodes[history.node_index]) for history in histories}


def _in_range(layers: list, names: list[str] | None) -> list:
    if not names:
        return layers
    if len(names) != 2:
        raise ValueError(f"summary: layer_range must be two names, got {names!r}")
    found = [[i for i, x in enumerate(layers) if re.match(name, x.name)] for name in names]
    if not all(found):
        raise ValueError(f"summary: layer_range: no layer fits {names!r}")
    return layers[min(found[0]) : max(found[1]) + 1]


def _kind(layer: Any) -> str:
    if getattr(layer, "_graph", None) is not None and type(layer).__name__ == "Model":
        return "Functional"
    return getattr(layer, "function", type(layer).__name__)


def _shape(nodes: list[Node]) -> str:
    shapes = {str(x.shape) for node in nodes for x in tree.flatten(node.outputs)}
    if len(shapes) == 1:
        return shapes.pop()
    if not nodes:
        return "?"
    return ", ".join(str(x.shape) for x in tree.flatten(nodes[0].outputs))


def _params(layer: Any) -> str:
    if not hasattr(layer, "weights"):
        return "0"
    if not layer.built and not layer.weights:
        return "0 (unbuilt)" if not layer._inbound_nodes else "0"
    return f"{_count(layer.weights):,}"


def _origins(nodes: list[Node]) -> str:
    names = []
    for node in nodes:
        for x in node.inputs:
            history = x._history if type(x) is KerasTensor else None
            if history is not None:
                names.append(f"{history.operation.name}[{history.node_index}][{history[2]}]")
    return ", ".join(names) or "-"


def _switch(layer: Any) -> str:
    if not getattr(layer, "weights", None):
        return "-"
    return "Y" if layer.trainable else "N"


def _count(variables: list) -> int:
    return sum(variable.size for variable in variables)


def _totals(model: Any) -> list[str]:
    optimizer = getattr(model, "optimizer", None)
    state = list(optimizer.variables) if optimizer is not None and optimizer.built else []
    lines = [
        ("Total", model.weights + state),
        ("Trainable", model.trainable_weights),
        ("Non-trainable", model.non_trainable_weights),
    ]
    lines += [("Optimizer", state)] if state else []
    return [
        f" {what} params: {_count(variables):,} ({_size(sum(v.nbytes for v in variables))})"
        for what, variables in lines
    ]


def _size(count: float) -> str:
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            return f"{count:.2f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")


def _plain(
    title: str,
    header: list[str],
    rows: list[list[str]],
    totals: list[str],
    line_length: int | None,
    positions: list[float] | None,
) -> str:
    widths = _widths(header, rows, line_length, positions)
    width = sum(widths) + 2 * (len(widths) - 1)

    def line(cells: list[str]) -> str:
        fitted = []
        for i, (cell, size) in enumerate(zip(cells, widths)):
            cell = cell if len(cell) <= size else cell[: size - 1] + "…"
            fitted.append(cell.rjust(size) if header[i] == "Param #" else cell.ljust(size))
        return "  ".join(fitted).rstrip()

    body = [line(row) for row in rows]
    return "\n".join([title, line(header), "=" * width, *body, "-" * width, *totals])


def _widths(
    header: list[str], rows: list[list[str]], line_length: int | None, positions: Any
) -> list[int]:
    if positions and line_length:
        ends = [int(line_length * p) if p <= 1 else int(p) for p in positions[: len(header)]]
        return [max(4, end - start - 2) for start, end in zip([0, *ends], ends)]
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    if line_length:
        room = line_length - sum(widths) - 2 * (len(widths) - 1)
        widths[0] = max(len(header[0]), widths[0] + room)
    return widths


def _print_rich(
    title: str, header: list[str], rows: list[list[str]], totals: list[str], width: int | None
) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=None, width=width, show_lines=False)
    for name in header:
        table.add_column(name, justify="right" if name == "Param #" else "left")
    for row in rows:
        name = re.sub(r"\((\w+)\)$", r"([blue]\1[/blue])", escape(row[0]))
        table.add_row(name, *(escape(cell) for cell in row[1:]))
    console = Console()
    console.print(f"[bold]{escape(title)}[/bold]")
    console.print(table)
    for total in totals:
        console.print(f"[bold]{escape(total)}[/bold]")
