"""EinsumDense: a dense layer over the axes that an equation names."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from fastnn import activations, initializers, ops
from fastnn.layers.parameters import Parameterized, weight_arguments
from fastnn.layers.sizes import positive_integer
from fastnn.ops.products import dense
from fastnn.tensor import Tensor

_FORMS = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")
_SPARE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class _Plan(NamedTuple):
    """An equation for inputs of one rank, each axis with a label, and the extents by label."""

    inputs: str
    kernel: str
    outputs: str
    extents: dict[str, int | None]

    @property
    def summed(self) -> str:
        return "".join(c for c in self.kernel if c not in self.outputs)

    def is_one_product(self) -> bool:
        """Whether it is [rows, summed] @ [summed, columns], without a transposition."""
        rows, columns = self.inputs.removesuffix(self.summed), self.kernel[len(self.summed) :]
        return (
            self.inputs == rows + self.summed
            and self.kernel == self.summed + columns
            and self.outputs == rows + columns
        )


class EinsumDense(Parameterized):
    """activation(einsum(equation, inputs, kernel) + bias).

    Where the summed axes are the inputs' last and the kernel's first, it is one matrix product,
    which adds the bias and applies the activation on its way.

    Args:
        equation: ``"ab,bc->ac"``; with ``...`` before or after the named axes of inputs and result
            (``"...ab,bc->...ac"``, ``"ab...,bc->ac..."``).
        output_shape: the result's extents without the batch and what ``...`` stands for: an integer
            or a tuple; None in it where the inputs tell.
        activation: a name or function; None for none.
        bias_axes: which axes of the result the bias has; None for no bias.
        kernel_initializer, bias_initializer: names, initializers or functions.
        kernel_regularizer, bias_regularizer, activity_regularizer: functions, names or None.
        kernel_constraint, bias_constraint: functions, names or None.

    Raises:
        ValueError: an equation of another form or with an axis twice in a term, extents that are
            not positive, do not agree or are not known.

    >>> import numpy as np
    >>> EinsumDense("abc,cde->abde", (None, 4, 5), bias_axes="de")(np.ones((2, 6, 3))).shape
    (2, 6, 4, 5)
    """

    kernel_initializer: Any

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(weight_arguments(locals()), **kwargs)
        self.equation = equation
        self.partial_output_shape = _extents(output_shape)
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        self.kernel: Any = None
        self.bias: Any = None

    def _plan(self, input_shape: tuple) -> _Plan:
        """The labels of all axes for inputs of a shape."""
        form = _FORMS.fullmatch(self.equation.replace(" ", ""))
        groups = form.groups("") if form else ("",) * 7
        before, inputs, after, kernel, first, outputs, last = groups
        if form is None or (before and after) or before != first or after != last:
            raise ValueError(
                f"{self.name}: equation is {self.equation!r}, expected a form such as "
                "'ab,bc->ac', '...b,bc->...c' or 'ab...,bc->ac...'"
            )
        for term in (inputs, kernel, outputs):
            if len(set(term)) != len(term):
                raise ValueError(
                    f"{self.name}: equation is {self.equation!r}, which has an axis twice in "
                    f"{term!r}, expected each axis once in a term"
                )
        count = len(input_shape) - len(inputs)
        if count < 0 or (count and not (before or after)):
            raise ValueError(
                f"{self.name}: the input's shape is {tuple(input_shape)}, expected the axes "
                f"{inputs!r} of equation {self.equation!r}"
            )
        spare = "".join(c for c in _SPARE if c not in self.equation)[:count]
        inputs, outputs = (
            (spare + inputs, spare + outputs) if before else (inputs + spare, outputs + spare)
        )
        named = outputs.removeprefix(spare) if before else outputs[1 : len(outputs) - count]
        extents = dict(zip(inputs, input_shape))
        if len(named) != len(self.partial_output_shape):
            raise ValueError(
                f"{self.name}: output_shape is {self.partial_output_shape}, expected as many "
                f"extents as the axes {named!r} of equation {self.equation!r}"
            )
        for label, extent in zip(named, self.partial_output_shape):
            known = extents.get(label)
            if None not in (known, extent) and known != extent:
                raise ValueError(
                    f"{self.name}: axis {label!r} of equation {self.equation!r} is {known} in the "
                    f"input's shape {tuple(input_shape)}, {extent} in output_shape"
                )
            extents[label] = extent if known is None else known
        needed = kernel + (self.bias_axes or "")
        for label in kernel + outputs:
            if label not in extents or (label in needed and extents[label] is None):
                raise ValueError(
                    f"{self.name}: axis {label!r} of equation {self.equation!r} must have an "
                    f"extent; the input's shape is {tuple(input_shape)} and output_shape is "
                    f"{self.partial_output_shape}"
                )
        return _Plan(inputs, kernel, outputs, extents)

    def build(self, input_shape: tuple) -> None:
        plan = self._plan(input_shape)
        shape = tuple(plan.extents[c] for c in plan.kernel)
        self._expanded = f"{plan.inputs},{plan.kernel}->{plan.outputs}"
        self._summed = len(plan.summed) if plan.is_one_product() else 0
        self.kernel = self.add_parameter(
            "kernel", "kernel", shape, initializer=self._kernel_initializer(plan)
        )
        if self.bias_axes is None:
            return
        if not self.bias_axes or not set(self.bias_axes) <= set(plan.outputs):
            raise ValueError(
                f"{self.name}: bias_axes is {self.bias_axes!r}, expected axes of the result of "
                f"equation {self.equation!r}"
            )
        first = min(plan.outputs.index(c) for c in self.bias_axes)
        extents = [plan.extents[c] if c in self.bias_axes else 1 for c in plan.outputs[first:]]
        self.bias = self.add_parameter("bias", "bias", tuple(extents))
        if self.bias.shape != shape[self._summed :]:
            self._summed = 0

    def _kernel_initializer(self, plan: _Plan) -> Any:
        """Fans are the extents of the summed axes, and of the others."""
        initializer = self.kernel_initializer
        if not (isinstance(initializer, initializers.VarianceScaling) and plan.summed):
            return initializer

        def draw(shape: tuple, dtype: Any) -> Tensor:
            fan_in = math.prod(plan.extents[c] for c in plan.summed)  # type: ignore[misc]
            matrix = initializer((fan_in, math.prod(shape) // fan_in), dtype)
            return ops.reshape(matrix, shape)

        return draw

    def call(self, inputs: Tensor) -> Tensor:
        if not self._summed:
            y = ops.einsum(self._expanded, inputs, self.kernel)
            return self.activation(y if self.bias is None else y + self.bias)
        fused = activations.FUSED.get(self.activation)
        y = self._product(inputs, fused or "linear")
        return y if fused else self.activation(y)

    def _product(self, inputs: Tensor, activation: str) -> Tensor:
        """By a single matrix product."""
        rows, columns = inputs.shape[: -self._summed], self.kernel.shape[self._summed :]
        depth, width = self.kernel.shape[: self._summed], math.prod(columns)
        if inputs.shape[len(rows) :] != depth:
            raise ValueError(
                f"{self.name}: kernel has shape {self.kernel.shape} but the input's shape is "
                f"{inputs.shape}"
            )
        y = dense(
            ops.reshape(inputs, (math.prod(rows), math.prod(depth))),
            ops.reshape(self.kernel, (math.prod(depth), width)),
            None if self.bias is None else ops.reshape(self.bias, (width,)),
            activation,
        )
        return ops.reshape(y, (*rows, *columns))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        plan = self._plan(input_shape)
        return tuple(plan.extents[c] for c in plan.outputs)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "equation": self.equation,
            "output_shape": self.partial_output_shape,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
        }


def _extents(output_shape: Any) -> tuple:
    if not isinstance(output_shape, (tuple, list)):
        return (positive_integer("EinsumDense", "output_shape", output_shape),)
    return tuple(
        None if n is None else positive_integer("EinsumDense", "output_shape", n)
        for n in output_shape
    )
