"""Convolution as a matrix product: the elements that each window meets are copied into a row.

The explicit im2col of K. Chellapilla, S. Puri and P. Simard, "High performance convolutional
neural networks for document processing" (2006). Groups are products of their own: rows, weights
and results stand apart by group. The C++ twin packs windows inside the product instead
(csrc/ops/conv*.cpp).
"""

from __future__ import annotations

from .compile import kernel
from .gemm import epilogue, matrix_product
from .loops import permuted, put_back
from .program import Array, Operand, Scratch, Stage, blocks, stage
from .reduce import fold
from .windows import Geometry, corner_of, element_at

_TASK = 16_384


@kernel
def _windows_to_rows(columns, x, rows, outputs, taps, elements, each, groups, many, table, task):
    """columns[group, row, tap, channel]: what a window meets; 0 beyond the edges."""
    for row in range(task * many, min(rows, (task + 1) * many)):
        image = row // outputs
        corner = corner_of(table, row - image * outputs)
        for tap in range(taps):
            element = element_at(table, corner, tap)
            for group in range(groups):
                to = ((group * rows + row) * taps + tap) * each
                if element < 0:
                    for i in range(each):
                        columns[to + i] = 0
                else:
                    source = ((image * elements + element) * groups + group) * each
                    for i in range(each):
                        columns[to + i] = x[source + i]


@kernel
def _rows_to_windows(x, columns, rows, outputs, taps, elements, each, groups, table, task):
    """The transpose, one image a task: x gets the sum of what stands in columns for it."""
    image = task
    size = elements * groups * each
    for i in range(image * size, (image + 1) * size):
        x[i] = 0
    for output in range(outputs):
        row = image * outputs + output
        corner = corner_of(table, output)
        for tap in range(taps):
            element = element_at(table, corner, tap)
            if element < 0:
                continue
            for group in range(groups):
                source = ((group * rows + row) * taps + tap) * each
                to = ((image * elements + element) * groups + group) * each
                for i in range(each):
                    x[to + i] += columns[source + i]


def rows_of_windows(x: Operand, geometry: Geometry, groups: int) -> tuple[Scratch, list[Stage]]:
    """[groups, images * outputs, taps * channels / groups], and the stage that fills it."""
    images, channels = x.shape[0], x.shape[-1]
    rows, each = images * geometry.outputs, channels // groups
    width = geometry.taps * each
    columns = Scratch((groups, rows, width), x.dtype)
    many = max(1, _TASK // max(1, width * groups))
    numbers = [rows, geometry.outputs, geometry.taps, geometry.elements, each, groups, many]
    filling = stage(
        _windows_to_rows,
        [columns, x],
        numbers,
        table=geometry.table,
        tasks=blocks(rows, many) if width else 0,
    )
    return columns, [filling]


def by_group(x: Operand, groups: int) -> tuple[Array, list[Stage]]:
    """[.., filters] as [groups, rows, filters / groups]."""
    filters = x.shape[-1]
    rows = x.size // max(1, filters)
    view = x.reshaped(rows, groups, filters // groups)
    return permuted(view, (1, 0, 2)) if groups > 1 else (view.reshaped(1, rows, filters), [])


def _product_at(groups: int, matrix: int) -> list[int]:
    return [number for group in range(groups) for number in (group * matrix, group)]


def conv(
    y: Operand,
    z: Operand | None,
    x: Operand,
    w: Operand,
    bias: Operand | None,
    residual: Operand | None,
    *,
    strides: tuple,
    pads: tuple,
    dilation: tuple,
    groups: int,
    activation: str,
    a: float,
    want_preactivation: bool,
    algorithm: str,
) -> list[Stage]:
    """y = activation(x * w + bias + residual)."""
    if not y.size:
        return []
    geometry = Geometry(x.shape[1:-1], w.shape[:-2], strides, pads, dilation)
    columns, stages = rows_of_windows(x, geometry, groups)
    kernels, moving = by_group(w, groups)
    stages += moving
    _, rows, width = columns.shape
    each = w.shape[-1] // groups
    extras = {"bias": bias, "residual": residual}
    plain = activation == "linear" and not any(extras.values()) and not z
    sums: Array = y if plain else Scratch(y.shape, y.dtype)
    to: Array = sums if groups == 1 else Scratch((groups, rows, each), y.dtype)
    at = _product_at(groups, rows * width)
    stages += matrix_product(to, columns, kernels, (rows, each, width), at)
    if groups > 1:
        stages += put_back(sums.reshaped(rows, groups, each), to, (1, 0, 2))
    if plain:
        return stages
    if z:
        stages += epilogue(z, sums, "linear", extras, alpha=1.0, beta=0.0, a=0.0)
        return stages + epilogue(y, z, activation, {}, alpha=1.0, beta=0.0, a=a)
    return stages + epilogue(y, sums, activation, extras, alpha=1.0, beta=0.0, a=a)


def conv_backward_input(
    dx: Operand,
    dy: Operand,
    w: Operand,
    *,
    strides: tuple,
    pads: tuple,
    dilation: tuple,
    groups: int,
    extents: tuple,
    algorithm: str,
) -> list[Stage]:
    """dx: each window's part of dy @ w.T, added up where the window lay."""
    if not dx.size:
        return []
    geometry = Geometry(extents, w.shape[:-2], strides, pads, dilation)
    signal, stages = by_group(dy, groups)
    kernels, moving = by_group(w, groups)
    _, rows, each = signal.shape
    channels = w.shape[-2]
    width = geometry.taps * channels
    columns = Scratch((groups, rows, width), dx.dtype)
    at = _product_at(groups, rows * each)
    stages += moving
    stages += matrix_product(columns, signal, kernels, (rows, width, each), at, trans_b=True)
    numbers = [rows, geometry.outputs, geometry.taps, geometry.elements, channels, groups]
    adding = stage(
        _rows_to_windows, [dx, columns], numbers, table=geometry.table, tasks=dx.shape[0]
    )
    return [*stages, adding]


def conv_backward_kernel(
    dw: Operand,
    db: Operand | None,
    x: Operand,
    dy: Operand,
    *,
    strides: tuple,
    pads: tuple,
    dilation: tuple,
    groups: int,
    window: tuple,
    want_db: bool,
    algorithm: str,
) -> list[Stage]:
    """dw = the rows of windows, transposed, @ dy; db = the sum of dy."""
    geometry = Geometry(x.shape[1:-1], window, strides, pads, dilation)
    stages: list[Stage] = []
    if dw.size:
        columns, stages = rows_of_windows(x, geometry, groups)
        signal, moving = by_group(dy, groups)
        _, rows, width = columns.shape
        each = dy.shape[-1] // groups
        to: Array = dw if groups == 1 else Scratch((groups, width, each), dw.dtype)
        at = _product_at(groups, rows * width)
        stages += moving
        stages += matrix_product(to, columns, signal, (width, each, rows), at, trans_a=True)
        if groups > 1:
            stages += put_back(dw.reshaped(width, groups, each), to, (1, 0, 2))
    if db:
        filters = dy.shape[-1]
        stages += fold(db, dy, (1, dy.size // max(1, filters), filters), "sum")
    return stages


PLANNERS = {f.__name__: f for f in (conv, conv_backward_input, conv_backward_kernel)}
