"""Embedding: a trained row of numbers for each id."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fastnn import _core, constraints, initializers, ops, regularizers
from fastnn.dtypes import FLOATS
from fastnn.layers import masks
from fastnn.layers.layer import Layer
from fastnn.layers.sizes import positive_integer
from fastnn.tensor import Tensor
from fastnn.utils.serialization import serialize_keras_object


class Embedding(Layer):
    """Ids [...] to vectors [..., output_dim]: rows of embeddings [input_dim, output_dim].

    Training reads and writes the rows of a batch and no others, of the table and of the optimizer's
    slots, whatever the vocabulary's size: the gradient holds those rows (`fastnn.row_gradient`).
    So a row that a batch does not have keeps its momentum and its means as they are, and no weight
    decay, until it is met again; with `SGD` without momentum and `Adagrad`, and without weight
    decay, nothing differs from a step of the whole table. Clipping by value or norm does what it
    does to the whole gradient.

    The gradient is a whole one, and every row is stepped, if the table has a regularizer or a
    constraint, if the loss reads it otherwise than by this layer (tied weights), with
    `use_ema` or `gradient_accumulation_steps`, with an optimizer that overrides `update_step` or
    whose `row_steps` is False, and in a loop of one's own whose `value_and_grad` is not told
    `sparse=True`.

    Where a recurrent layer follows at once, and the table has at most half as many rows as a batch
    has ids, of 32 numbers or more, that layer multiplies, in training, each row by its kernel once
    and looks the products up. That is the same but for rounding: gradients are summed in another
    order.

    Args:
        input_dim: how many ids there are: 0 to input_dim - 1.
        output_dim: how many numbers each gets.
        embeddings_initializer: a name, initializer or function.
        embeddings_regularizer, embeddings_constraint: functions, names or None.
        mask_zero: whether id 0 is no data but filling, which later layers are told by a mask.
        weights: the table, or a list with it, in place of the initializer.

    Raises:
        ValueError: input_dim or output_dim is no positive integer; weights of another shape.
        IndexError: an id that is not in the vocabulary, also a fraction or NaN.

    Ids are integers, or floats that are whole numbers.

    >>> import numpy as np
    >>> layer = Embedding(3, 2, weights=np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]))
    >>> layer(np.array([[2, 1]])).tolist()
    [[[3.0, 4.0], [1.0, 2.0]]]
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        **kwargs: Any,
    ):
        input_dim = positive_integer("Embedding", "input_dim", input_dim)
        output_dim = positive_integer("Embedding", "output_dim", output_dim)
        if kwargs.pop("input_length", None) is not None:
            warnings.warn("Embedding: input_length has no effect; leave it out", stacklevel=2)
        super().__init__(**kwargs)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.autocast = False  # ids stay what they are
        self.embeddings: Any = None
        if mask_zero:
            masks.state.in_use = True
        if weights is not None:
            self.build()
            single = isinstance(weights, (list, tuple)) and len(weights) == 1
            self.set_weights(weights if single else [weights])

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    def call(self, inputs: Tensor) -> Tensor:
        ids = self._whole(inputs) if inputs.dtype in FLOATS else inputs
        return ops.embedding(ids, self.embeddings, self.name)

    def _whole(self, ids: Tensor) -> Tensor:
        """Floats as integers. In a recorded step the first, eager run has looked whether they are
        whole numbers; what is none then becomes -1, which is not in the vocabulary."""
        whole = ops.equal(ops.floor(ids), ids)
        if not _core.is_recording():
            wrong = np.argwhere(~whole.numpy())
            if len(wrong):
                place = tuple(wrong[0].tolist())
                position = place[0] if len(place) == 1 else place
                raise IndexError(
                    f"{self.name}: id {ids.numpy()[place]} at position {position} is not in the "
                    f"vocabulary, expected whole numbers from 0 to {self.input_dim - 1} (input_dim "
                    f"is {self.input_dim})"
                )
        return ops.cast(ops.where(whole, ids, -1.0), "int64")

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Which ids are not 0; None without `mask_zero`."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict:
        kept = ("embeddings_initializer", "embeddings_regularizer", "activity_regularizer",
                "embeddings_constraint")  # fmt: skip
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            **{name: serialize_keras_object(getattr(self, name)) for name in kept},
            "mask_zero": self.mask_zero,
        }
