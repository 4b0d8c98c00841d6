"""How large the gradient is in each layer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn.autograd import grad
from fastnn.models.training_step import batch_loss
from fastnn.plots import style
from fastnn.plots.drawing import Drawing, drawing_on
from fastnn.plots.model_loss import batches_of, check_ready, kept
from fastnn.tensor import Tensor
from fastnn.utils.naming import counted


def gradient_norms(
    model: Any, x: Any, y: Any = None, sample_weight: Any = None, *, ax: Any = None
) -> Drawing:
    """Draws the Euclidean norm of the loss's gradient with respect to each layer's weights: where
    it vanishes, layers do not learn; where it explodes, steps go wild.

    The gradient is that of one training step on all of the data (dropout drops, batch
    normalization reads the batch), which is not taken: the model is afterwards what it was.

    Args:
        model: a compiled model with weights.
        x, y, sample_weight: arrays, as for `fit`, taken as one batch.
        ax: the Axes to draw on; a new figure if None.

    Returns:
        A Drawing; values: {layer's name: norm} for the layers that are trained, from the input on.

    Raises:
        ImportError: matplotlib (extra `demo`) is not installed.
        ValueError: a model without loss or weights; what `fit` refuses.

    >>> import fastnn as fn, numpy as np
    >>> model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.array([[3.0, 4.0]]), np.array([[0.5]])
    >>> [round(norm, 3) for norm in fn.plots.gradient_norms(model, x, y).values.values()]
    [5.099]
    """
    style.need_matplotlib()
    check_ready("gradient_norms", model)
    norms = _norms(model, *_one_batch(x, y, sample_weight))
    ax = style.one_axes("gradient_norms", ax, (6, max(2.4, 0.22 * len(norms) + 1.2)))
    places = range(len(norms))
    drawable = [norm if 0 < norm < math.inf else math.nan for norm in norms.values()]
    ax.plot(drawable, places, "o-", color=style.BLUE, linewidth=1, markersize=5)
    finite = [norm for norm in drawable if norm == norm]
    if finite and max(finite) > 10 * min(finite):
        ax.set_xscale("log")
    else:
        ax.set_xlim(left=0)
    for place, norm in zip(places, norms.values()):
        if not 0 < norm < math.inf:  # has no place on the scale
            beside = ax.get_yaxis_transform()
            ax.text(0.01, place, f"{norm:g}", color=style.RED, va="center", transform=beside)
    size = style.SMALL if len(norms) > 12 else None
    ax.set_yticks(places, norms, size=size)
    ax.set_ylim(len(norms) - 0.5, -0.5)
    ax.set(xlabel="norm of the gradient", ylabel="layer, input first")
    style.dress(ax)
    return drawing_on(ax, norms)


def _one_batch(x: Any, y: Any, sample_weight: Any) -> tuple:
    batches = batches_of(x, y, sample_weight, 2**31)
    if len(batches) > 1:
        raise ValueError(f"gradient_norms: x must be one batch, got {len(batches)}")
    return batches[0]


def _norms(model: Any, x: Any, y: Any, weight: Any) -> dict[str, float]:
    variables = model.trainable_variables

    def loss(_: Any) -> Tensor:
        return batch_loss(model, x, y, weight, training=True)

    with kept(model):
        gradients = grad(loss)(variables)
    squares = {
        id(variable): float(np.sum(np.square(gradient.numpy().astype(np.float64))))
        for variable, gradient in zip(variables, gradients)
    }
    norms: dict[str, float] = {}
    names: dict[str, int] = {}
    for owner in (*model.layers, model):  # weights of the model's own are in no layer
        own = [squares.pop(id(v)) for v in owner.trainable_variables if id(v) in squares]
        if own:
            norms[counted(owner.name, names)] = math.sqrt(sum(own))
    return norms
