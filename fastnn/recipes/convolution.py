"""The worked images of lecture III: convolution, pooling, flattening, and what they save.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slides
"Why CNN for Image?", "CNN - Convolution", "CNN - Zero Padding", "CNN - Colorful image",
"CNN - Max Pooling", "Flatten", and those that rebuild a convolution from connected neurons
("Less parameters!", "Only 9 x 2 = 18 parameters").
"""

from pathlib import Path
from typing import Any

import numpy as np

import fastnn as fn
from fastnn.recipes.common import Info, print_table

INFO = Info(
    lecture="III",
    slide="CNN - Convolution",
    question="What does a convolutional layer compute, and why has it few parameters?",
    minutes=0.1,
)

IMAGE = np.array(
    [
        [1, 0, 0, 0, 0, 1],
        [0, 1, 0, 0, 1, 0],
        [0, 0, 1, 1, 0, 0],
        [1, 0, 0, 0, 1, 0],
        [0, 1, 0, 0, 1, 0],
        [0, 0, 1, 0, 1, 0],
    ],
    "float32",
)
FILTERS = np.array(
    [
        [[1, -1, -1], [-1, 1, -1], [-1, -1, 1]],
        [[-1, 1, -1], [-1, 1, -1], [-1, 1, -1]],
    ],
    "float32",
)
# The slides' results, a row of text a row of the image.
COURSE = {
    "filter 1, stride 1": "3 -1 -3 -1 / -3 1 0 -3 / -3 -3 0 1 / 3 -2 -2 -1",
    "filter 1, stride 2": "3 -3 / -3 0",
    "filter 2, stride 1": "-1 -1 -1 -1 / -1 -1 -2 1 / -1 -1 -2 1 / -1 0 -4 3",
    "filter 1, max pooling": "3 0 / 3 1",
    "filter 2, max pooling": "-1 1 / 0 3",
    "flattened, map by map": "3 0 3 1 -1 1 0 3",
    "zero padding keeps": "6 x 6",
}


def as_text(values: Any) -> str:
    """A matrix in one line; whole numbers without a point."""
    rows = np.atleast_2d(np.asarray(values)) + 0.0
    return " / ".join(" ".join(f"{v:g}" for v in row) for row in rows)


def feature_maps(image: np.ndarray, filters: np.ndarray, **arguments: Any) -> fn.Tensor:
    """[1, rows, columns, filters] of an image [rows, columns, channels] by a layer without bias.

    filters: [filters, 3, 3, channels]
    """
    layer = fn.layers.Conv2D(len(filters), 3, use_bias=False, **arguments)
    layer.build((None, *image.shape))
    layer.set_weights([np.moveaxis(filters, 0, -1)])
    return layer(image[None])


def worked() -> dict[str, str]:
    """The slides' numbers, from layers; keys are those of COURSE and a few more."""
    gray, filters = IMAGE[..., None], FILTERS[..., None]
    maps = feature_maps(gray, filters).numpy()
    steps = feature_maps(gray, filters, strides=2).numpy()
    kept = feature_maps(gray, filters, padding="same").shape
    small = fn.layers.MaxPooling2D(2)(maps).numpy()
    colour = feature_maps(np.repeat(gray, 3, -1), np.repeat(filters, 3, -1)).numpy()
    results = {}
    for i in (0, 1):
        results[f"filter {i + 1}, stride 1"] = as_text(maps[0, :, :, i])
        results[f"filter {i + 1}, max pooling"] = as_text(small[0, :, :, i])
        results[f"filter {i + 1}, colour image"] = as_text(colour[0, :, :, i])
    results["filter 1, stride 2"] = as_text(steps[0, :, :, 0])
    results["flattened, map by map"] = as_text(np.moveaxis(small, -1, 1).reshape(-1))
    results["flattened, channels last"] = as_text(fn.layers.Flatten()(small))
    results["zero padding keeps"] = f"{kept[1]} x {kept[2]}"
    return results


def wired() -> np.ndarray:
    """The convolution as weights [36 pixels, 32 neurons]: nine a neuron, the same for each."""
    weights = np.zeros((6, 6, 4, 4, 2), "float32")
    for row in range(4):
        for column in range(4):
            weights[row : row + 3, column : column + 3, row, column] = np.moveaxis(FILTERS, 0, -1)
    return weights.reshape(36, 32)


def connected(weights: np.ndarray) -> fn.Tensor:
    """The 32 outputs of a fully connected layer with these weights."""
    layer = fn.layers.Dense(weights.shape[1], use_bias=False)
    layer.build((None, weights.shape[0]))
    layer.set_weights([weights])
    return layer(IMAGE.reshape(1, 36))


def maxout(weights: np.ndarray) -> np.ndarray:
    """A Maxout layer: groups of four neurons, those of one pooling window, and their maximum."""
    groups = weights.reshape(36, 2, 2, 2, 2, 2).transpose(0, 1, 3, 5, 2, 4).reshape(36, 32)
    return fn.ops.max(fn.ops.reshape(connected(groups), (2, 2, 2, 4)), axis=-1).numpy()


def equivalences() -> dict[str, bool]:
    """Whether a convolution is what the slides say it is, each shown by building the other."""
    maps = feature_maps(IMAGE[..., None], FILTERS[..., None])
    weights = wired()
    inputs = (np.flatnonzero(weights[:, 0]) + 1).tolist()
    pooled = fn.layers.MaxPooling2D(2)(maps).numpy()
    return {
        "the first neuron is wired to 1 2 3 7 8 9 13 14 15": (
            inputs == [1, 2, 3, 7, 8, 9, 13, 14, 15]
        ),
        "sparse and shared weights give the same maps": bool(
            np.array_equal(connected(weights).numpy(), maps.numpy().reshape(1, 32))
        ),
        "with max pooling it is a Maxout layer": bool(np.array_equal(maxout(weights), pooled[0])),
        "a shifted digit gives a shifted map": shifted(),
    }


def shifted(down: int = 2, right: int = 3) -> bool:
    """Whether the maps of a digit that has moved are the digit's maps, moved."""
    digit = fn.datasets.digits.load_data()[1][0][0].astype("float32")
    maps = []
    for row, column in ((2, 2), (2 + down, 2 + right)):
        canvas = np.zeros((16, 16, 1), "float32")
        canvas[row : row + 8, column : column + 8, 0] = digit
        maps.append(feature_maps(canvas, FILTERS[..., None]).numpy()[0])
    moved = np.roll(maps[0], (down, right), (0, 1))
    return bool(np.array_equal(moved, maps[1]))


def parameters() -> dict[str, int]:
    """Weights of connected layers and of convolutions, counted by layers that are built."""

    def count(layer: fn.Layer, *shape: int) -> int:
        layer.build((None, *shape))
        return layer.count_params()

    conv, dense = fn.layers.Conv2D, fn.layers.Dense
    return {
        "6 x 6 image to 4 x 4 x 2, dense": count(dense(32, use_bias=False), 36),
        "6 x 6 image to 4 x 4 x 2, convolution": count(conv(2, 3, use_bias=False), 6, 6, 1),
        "100 x 100 x 3 image to 1,000, dense": count(dense(1000, use_bias=False), 30000),
        "100 x 100 x 3 image, 1,000 filters 3 x 3": count(
            conv(1000, 3, use_bias=False), 100, 100, 3
        ),
    }


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Prints the course's worked images beside this library's; nothing is trained.

    Returns:
        dict of the figures: worked, equivalences, parameters.
    """
    figures: dict[str, dict] = {
        "worked": worked(),
        "equivalences": equivalences(),
        "parameters": parameters(),
    }
    print_table(
        "A 6 x 6 image and two filters 3 x 3",
        ["", "course", "here"],
        [[name, COURSE.get(name, ""), here] for name, here in figures["worked"].items()],
    )
    print_table(
        "What a convolution is",
        ["", "course", "here"],
        [[name, "yes", "yes" if here else "no"] for name, here in figures["equivalences"].items()],
    )
    course = ["36 x 32 = 1152", "9 x 2 = 18", "3 x 10^7", ""]
    print_table(
        "Weights",
        ["layer", "course", "here"],
        [
            [name, said, f"{here:,}"]
            for (name, here), said in zip(figures["parameters"].items(), course, strict=True)
        ],
    )
    return figures
