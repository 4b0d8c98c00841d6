"""Batch normalization of columns, and its gradients."""

from __future__ import annotations

import numpy as np


@np.errstate(all="ignore")
def batch_norm(
    x: np.ndarray,
    gamma: np.ndarray | None,
    beta: np.ndarray | None,
    given_mean: np.ndarray | None,
    given_variance: np.ndarray | None,
    moving_mean: np.ndarray | None,
    moving_variance: np.ndarray | None,
    *,
    epsilon: float = 1e-3,
    momentum: float = 0.99,
) -> tuple:
    """y = (x - mean) * rstd * gamma + beta for x [rows, channels].

    rstd is 1 / sqrt(variance + epsilon). Mean and variance (the biased one) are given, or those of
    the rows; then moving ones, if there are any, become moving * momentum + own * (1 - momentum).
    Returns y, mean, rstd, and the moving ones as they are then.
    """
    mean = np.mean(x, axis=0) if given_mean is None else given_mean
    variance = np.var(x, axis=0) if given_variance is None else given_variance
    if moving_mean is not None:
        keep, rest = x.dtype.type(momentum), x.dtype.type(1 - momentum)
        moving_mean = moving_mean * keep + mean * rest
        moving_variance = moving_variance * keep + variance * rest
    rstd = 1 / np.sqrt(variance + x.dtype.type(epsilon))
    y = (x - mean) * (rstd if gamma is None else rstd * gamma)
    return y if beta is None else y + beta, mean, rstd, moving_mean, moving_variance


@np.errstate(all="ignore")
def batch_norm_backward(
    dy: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray,
    rstd: np.ndarray,
    gamma: np.ndarray | None,
    *,
    batch_statistics: bool = True,
    want_dx: bool = True,
) -> tuple:
    """The gradients of ``batch_norm``, from the mean and rstd that it returned.

    With xh = (x - mean) * rstd: dgamma and dbeta are the sums of dy * xh and dy over the rows;
    dx = gamma * rstd * (dy - dbeta / rows - xh * dgamma / rows), without the last two terms if
    mean and variance were given.
    """
    xh = (x - mean) * rstd
    dgamma, dbeta = np.sum(dy * xh, axis=0), np.sum(dy, axis=0)
    if not want_dx:
        return None, dgamma, dbeta
    factor = rstd if gamma is None else rstd * gamma
    if not batch_statistics or not len(x):
        return dy * factor, dgamma, dbeta
    return factor * (dy - dbeta / len(x) - xh * (dgamma / len(x))), dgamma, dbeta
