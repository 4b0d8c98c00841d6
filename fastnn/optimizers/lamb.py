"""Lamb.

You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", ICLR 2020.
"""

from __future__ import annotations

from fastnn.optimizers.adam import _Moments


class Lamb(_Moments):
    """Adam's direction, as long for each variable as its weights are: for very large batches.

    At step t: m and v as Adam's, `u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)`,
    `w -= rate * |w| / |u| * u`, with 1 in the place of `|w| / |u|` where one of the two norms is 0.
    The weight decay is decoupled, as Keras has it; the paper's is part of u. A step needs room for
    all u: as much as the weights take.

    Args:
        beta_1, beta_2: decay of the two means.
        epsilon: added to the root of the corrected mean square.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float, an argument out of its range.

    >>> import fastnn as fn
    >>> w = fn.Variable([3.0, 4.0])
    >>> fn.optimizers.Lamb(0.1).apply([fn.tensor([1.0, 1.0])], [w])
    >>> w.numpy().round(4)  # 5 / sqrt(2) times 0.1 less each
    array([2.6464, 3.6464], dtype=float32)
    """

    rule = "lamb"
    row_steps = False  # the lengths are of whole variables
