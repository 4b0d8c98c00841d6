"""Calls for the gradient check that are no names of ops: indexing, images, and functions that
losses and layers call."""

import numpy as np
from composed_rows import weighted
from gradient_rows import (
    ATTENTION,
    CUBE,
    IMAGES,
    MASK,
    PLACES,
    ROW,
    SEEN,
    TRANSFORMS,
    WIDE,
    P,
    X,
    Y,
    rng,
)

from fastnn import ops
from fastnn.ops import random as random_ops
from fastnn.ops.attention import fused_attention
from fastnn.ops.batch_normalization import masked_moments, normalize_batch
from fastnn.tensor import Variable


def dropped(x):
    return random_ops.dropout(x, 0.4, Variable(np.array([5, 0]), trainable=False))


def attended(*operands):
    """Attention with dropout: every call draws the same."""
    state = Variable(np.array([5, 0]), trainable=False)
    return fused_attention(*operands, mask=SEEN, is_causal=True, rate=0.4, state=state)


INDICES = {
    "row": np.s_[1],
    "last": np.s_[-1],
    "rows": np.s_[1:],
    "steps": np.s_[::2, ::-1, 1:3],
    "backwards": np.s_[::-1],
    "mixed": np.s_[0, ..., None, 1:],
    "empty": np.s_[1:1],
    "list": np.s_[[1, 0, 1]],
    "middle": np.s_[:, [2, 0, 0]],
    "pair": np.s_[[0, 1, 1], :, [3, 0, 0]],
    "adjacent": np.s_[:, [0, 2], [1, 1]],
    "adjacent first": np.s_[[0, 1], [1, 1]],
    "grid": np.s_[:, [[0], [2]], [1, 3]],
    "integer and list": np.s_[0, :, [1, 2]],
    "mask": np.s_[np.array([True, False])],
    "mask of two axes": np.s_[:, rng.random((3, 4)) < 0.5],
    "mask of all": np.s_[rng.random((2, 3, 4)) < 0.5],
}
EXTRA = {
    "image.resize": [
        (lambda x: ops.image.resize(x, (7, 2)), IMAGES),
        (lambda x: ops.image.resize(x, (2, 3), crop_to_aspect_ratio=True), IMAGES),
        (lambda x: ops.image.resize(x, (3, 8), pad_to_aspect_ratio=True), IMAGES),
        (lambda x: ops.image.resize(x, (3, 9), "nearest", data_format="channels_first"), IMAGES[0]),
    ],
    "image.affine_transform": [
        (lambda x, t: ops.image.affine_transform(x, t, "bilinear", "reflect"), IMAGES, TRANSFORMS),
        (lambda x: ops.image.affine_transform(x, TRANSFORMS, "nearest", "wrap"), IMAGES),
    ],
    "image.map_coordinates": [
        (lambda x, c, mode=mode: ops.image.map_coordinates(x, c, 1, mode), CUBE, PLACES)
        for mode in ("constant", "nearest", "wrap", "mirror", "reflect")
    ],
    "image.crop_images": [(lambda x: ops.image.crop_images(x, 1, 1, 1, 1), IMAGES)],
    "image.pad_images": [(lambda x: ops.image.pad_images(x, 1, 2, 0, 1), IMAGES)],
    "image.rgb_to_grayscale": [(ops.image.rgb_to_grayscale, IMAGES)],
    "normalize_batch": [
        (lambda x, b, g: normalize_batch(x, 1, b, g, 1e-3), CUBE, P[0], ROW),
        (lambda x: normalize_batch(x, -1, None, None, 1e-3), WIDE),
    ],
    "masked_moments": [(lambda x: weighted(masked_moments(x, MASK, 1, 1e-7)), CUBE)],
    "dropout": [(dropped, X)],
    "fused_attention": [(attended, *ATTENTION)],
    "operators": [
        (lambda x: (1.0 - x) * 3.0 / (x + 4.0) - x**2.0, X),
        (lambda a, b: -a + abs(b) + a % 1.5 + a @ b.T @ b, X, Y),
        (lambda a, b: a * b + a - b / a, X, Y),
    ],
    **{f"x[{name}]": [(lambda x, key=key: x[key], CUBE)] for name, key in INDICES.items()},
}
