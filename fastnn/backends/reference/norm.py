"""Layer, RMS, group and instance normalization, and their gradients."""

from __future__ import annotations

import numpy as np


@np.errstate(all="ignore")
def row_norm(
    x: np.ndarray,
    gamma: np.ndarray | None,
    beta: np.ndarray | None,
    *,
    kind: str = "layer",
    epsilon: float = 1e-3,
) -> tuple:
    """y = (x - mean) * rstd * gamma + beta for x [batch, positions, groups, width].

    Mean and variance of an element of the batch and a group are over positions and width; rstd is
    1 / sqrt(variance + epsilon). kind "rms": the mean counts as zero and the variance is the mean
    square. gamma and beta have groups * width elements. Returns y, mean [batch, groups] (None for
    rms), rstd [batch, groups].
    """
    if x.size == 0:
        zeros = np.zeros((x.shape[0], x.shape[2]), x.dtype)
        return x.copy(), zeros if kind == "layer" else None, zeros
    mean = np.mean(x, axis=(1, 3)) if kind == "layer" else None
    centred = x if mean is None else x - mean[:, None, :, None]
    rstd = (1 / np.sqrt(np.mean(centred * centred, axis=(1, 3)) + epsilon)).astype(x.dtype)
    y = (centred * rstd[:, None, :, None]).reshape(*x.shape[:2], -1)
    if gamma is not None:
        y = y * gamma
    if beta is not None:
        y = y + beta
    return y.reshape(x.shape), mean, rstd


@np.errstate(all="ignore")
def row_norm_backward(
    dy: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray | None,
    rstd: np.ndarray,
    gamma: np.ndarray | None,
    *,
    want_dx: bool = True,
    want_dgamma: bool = True,
    want_dbeta: bool = True,
) -> tuple:
    """The gradients of ``row_norm``, from what it returned; without a mean those of kind "rms".

    With xh = (x - mean) * rstd and g = dy * gamma: dx = rstd * (g - mean(g) - xh * mean(g * xh)),
    the second term for a mean only; dgamma and dbeta are the sums of dy * xh and dy over batch and
    positions.
    """
    columns = (*x.shape[:2], x.shape[2] * x.shape[3])
    centred = x if mean is None else x - mean[:, None, :, None]
    xh = centred * rstd[:, None, :, None]
    dgamma = np.sum((dy * xh).reshape(columns), axis=(0, 1)) if want_dgamma else None
    dbeta = np.sum(dy.reshape(columns), axis=(0, 1)) if want_dbeta else None
    if not want_dx:
        return None, dgamma, dbeta
    if x.size == 0:
        return x.copy(), dgamma, dbeta
    g = dy if gamma is None else (dy.reshape(columns) * gamma).reshape(x.shape)
    dx = g - xh * np.mean(g * xh, axis=(1, 3), keepdims=True)
    if mean is not None:
        dx = dx - np.mean(g, axis=(1, 3), keepdims=True)
    return dx * rstd[:, None, :, None], dgamma, dbeta
