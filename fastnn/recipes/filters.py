"""What the layers of a convolutional network see: kernels, exciting patches, gradient ascent.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slides "Why
CNN for Image" (a neuron as "beak" detector) and "CNN - Convolution" ("Each filter detects a small
pattern"), lecture IV, slide "Deep Dream" (the input is changed, not the network).

Ascent: D. Erhan, Y. Bengio, A. Courville, P. Vincent, "Visualizing higher-layer features of a deep
network", technical report 1341, Université de Montréal (2009); a price on ink for the outputs:
K. Simonyan, A. Vedaldi, A. Zisserman, "Deep inside convolutional networks", arXiv:1312.6034.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import ops, plots
from fastnn.recipes import mnist_cnn
from fastnn.recipes.common import Claim, Info, folder_for, load_digits, print_table, save_picture

INFO = Info(
    lecture="III",
    slide="Why CNN for Image; CNN - Convolution",
    question="What do the filters of a trained network look for?",
    minutes=0.5,
    dataset="mnist",
    fallback="digits",
)
# Layers of the network's list; a map's value sees `size` pixels a side, and its neighbour those
# `stride` further. Padding of the 8x8 digits lets the first one begin `before` the image.
FIRST = {"depth": 1, "size": 3, "stride": 1, "before": 1}
SECOND = {"depth": 3, "size": 8, "stride": 2, "before": 3}


def maps(model: fn.Sequential, images: np.ndarray | fn.Tensor, depth: int) -> fn.Tensor:
    """The output of the first `depth` layers: [n, rows, columns, filters] of a convolution."""
    x = ops.convert_to_tensor(images)
    for layer in model.layers[:depth]:
        x = layer(x)
    return x


def before_relu(model: fn.Sequential, images: np.ndarray | fn.Tensor, depth: int) -> fn.Tensor:
    """The same of a convolution before ReLU, whose slope is nowhere zero."""
    layer = model.layers[depth - 1]
    x = maps(model, images, depth - 1)
    return ops.conv(x, layer.kernel, 1, layer.padding) + layer.bias


def logits(model: fn.Sequential, images: fn.Tensor) -> fn.Tensor:
    """The ten outputs before softmax, [n, 10]."""
    last = model.layers[-1]
    return ops.matmul(maps(model, images, len(model.layers) - 1), last.kernel) + last.bias


def patches(
    model: fn.Sequential, images: np.ndarray, layer: dict, count: int = 9
) -> tuple[np.ndarray, np.ndarray]:
    """Of each filter the `count` images that excite it most, cut to what it sees there.

    Returns:
        patches [filters, count, size, size], and the greatest activation of each filter [filters].
    """
    with fn.no_grad():
        active = maps(model, images, layer["depth"]).numpy()
    n, rows, columns, filters = active.shape
    flat = active.reshape(n, rows * columns, filters)
    best, where = flat.max(axis=1), flat.argmax(axis=1)
    size, stride = layer["size"], layer["stride"]
    before = layer["before"] if images.shape[1] == 8 else 0
    padded = np.pad(images[..., 0], [(0, 0), (before, size), (before, size)])
    cut = np.zeros((filters, count, size, size), "float32")
    for f in range(filters):
        for k, i in enumerate(np.argsort(-best[:, f], kind="stable")[:count]):
            row, column = (stride * v for v in divmod(int(where[i, f]), columns))
            cut[f, k] = padded[i, row : row + size, column : column + size]
    return cut, best.max(axis=0)


def ascend(
    objective: Callable[[fn.Tensor], fn.Tensor], start: np.ndarray, steps: int, rate: float = 0.1
) -> np.ndarray:
    """Images that make `objective` large: steps along its gradient, pixels kept within 0 and 1.

    objective: of images [n, rows, columns, 1] a sum over the images, so that each goes its own way
    start: the first images
    rate: mean change of a pixel in the first step; later ones are smaller, down to none
    """
    images, gradient = start, fn.grad(objective)
    for step in range(steps):
        slope = gradient(images).numpy()
        size = np.abs(slope).mean(axis=(1, 2, 3), keepdims=True)
        change = rate * (1 - step / steps) * slope / (size + 1e-12)
        images = np.clip(images + change, 0, 1).astype("float32")
    return images


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains the network of `mnist-cnn`, looks into it, and saves four pictures.

    Returns:
        dict: test accuracy; filters and those of them that no test image excites, a layer;
        the share of filters whose made image excites them more than any test image does; the
        network's belief in its made digits, and their ink, without and with a price on ink.
    """
    folder = folder_for("filters", out)
    fn.utils.set_random_seed(seed)
    digits = load_digits(10000 if quick else None)
    small = digits.name == "digits"
    count, batch = epochs or (20 if small else 1 if quick else 2), batch_size or 100
    shape = digits.x_train.shape[1:]
    model = mnist_cnn.build(shape, 2e-3, count * -(-len(digits.x_train) // batch))
    model.fit(
        digits.x_train,
        digits.y_train,
        batch_size=batch,
        epochs=count,
        verbose=2 if quick else "auto",
    )
    seen = digits.x_test[: 1000 if quick else 5000]
    figures: dict = {
        "dataset": digits.name,
        "accuracy": float(model.evaluate(digits.x_test, digits.y_test, verbose=0)[1]),
    }
    cut = {}
    for name, layer in (("first", FIRST), ("second", SECOND)):
        cut[name], best = patches(model, seen, layer)
        figures[name] = {"filters": len(best), "silent": int(np.sum(best <= 0))}

    # Inputs that excite the filters of the second convolution, one image a filter.
    generator = np.random.default_rng(seed)
    steps, filters = 40 if quick else 100, figures["second"]["filters"]
    own = np.eye(filters, dtype="float32")[:, None, None, :]
    start = generator.uniform(0.4, 0.6, (filters, *shape)).astype("float32")
    made = ascend(lambda x: (before_relu(model, x, SECOND["depth"]) * own).mean(), start, steps)
    with fn.no_grad():
        by_made = np.diagonal(before_relu(model, made, SECOND["depth"]).numpy().mean(axis=(1, 2)))
        by_real = before_relu(model, seen, SECOND["depth"]).numpy().mean(axis=(1, 2)).max(axis=0)
    figures["beaten"] = float(np.mean(by_made > by_real))

    # Inputs that the network takes for the ten digits, with and without a price on ink.
    labels = np.eye(10, dtype="float32")
    blank = generator.uniform(0, 0.1, (10, *shape)).astype("float32")
    drawn = {}
    for name, price in (("free", 0.0), ("priced", 0.02 if not small else 0.1)):

        def belief_less_ink(x: fn.Tensor, price: float = price) -> fn.Tensor:
            return (logits(model, x) * labels).sum() - price * x.sum()

        drawn[name] = ascend(belief_less_ink, blank, steps)
        belief = np.diagonal(model.predict(drawn[name], verbose=0))
        figures[name] = {"belief": float(belief.min()), "ink": float(drawn[name].mean())}
    ink = float(digits.x_test.mean())
    print_table(
        f"A network of two convolutions, test accuracy {figures['accuracy']:.4f}",
        ["", "here"],
        [
            ["filters of the first convolution", figures["first"]["filters"]],
            [f"  that none of {len(seen):,} test images excites", figures["first"]["silent"]],
            ["filters of the second convolution", figures["second"]["filters"]],
            [f"  that none of {len(seen):,} test images excites", figures["second"]["silent"]],
            ["  that a made image excites more than all of them, share", figures["beaten"]],
            ["ten made digits: the network's least belief in one", figures["free"]["belief"]],
            [f"  ink of a pixel (real digits {ink:.2f})", figures["free"]["ink"]],
            ["with a price on ink: least belief in one", figures["priced"]["belief"]],
            ["  ink of a pixel", figures["priced"]["ink"]],
        ],
    )
    print("The course shows no figures here; what the filters look for is in the pictures.")
    save_pictures(folder, model, cut, made, drawn)
    return figures


def save_pictures(
    folder: Path, model: fn.Sequential, cut: dict, made: np.ndarray, drawn: dict
) -> None:
    """Saves kernels.png, patches.png, ascent.png and digits.png."""
    kernels = np.moveaxis(model.layers[0].kernel.numpy()[:, :, 0], -1, 0)
    limit = float(np.abs(kernels).max())
    signs = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    ink = {"cmap": "gray_r", "vmin": 0, "vmax": 1}
    pages: dict[str, tuple[list, str, dict]] = {
        "kernels": (
            [kernels[i : i + 5] for i in range(0, 25, 5)],
            "first convolution: 25 kernels\n(red +, blue -)",
            signs,
        ),
        "patches": (
            [*cut["first"][:6], *cut["second"][:8]],
            "what excites a filter most in the test digits",
            {"row_labels": [f"{n}, {i}" for n, k in (("1st", 6), ("2nd", 8)) for i in range(k)]}
            | ink,
        ),
        "ascent": (
            [made[i : i + 10, ..., 0] for i in range(0, len(made), 10)],
            "inputs that excite the filters of the second convolution",
            ink,
        ),
        "digits": (
            [drawn["free"][..., 0], drawn["priced"][..., 0]],
            "what the network takes for 0 to 9: ink free, ink at a price",
            ink,
        ),
    }
    for name, (rows, title, options) in pages.items():
        save_picture(folder / f"{name}.png", plots.images, rows, title=title, **options)


def claims(figures: dict) -> list[Claim]:
    """Ascent finds what excites a filter more than any test image, and digits that the network is
    sure of."""
    silent = figures["first"]["silent"] + figures["second"]["silent"]
    return [
        Claim("test accuracy", figures["accuracy"], at_least=0.97),
        Claim("filters that no test digit excites", silent),
        Claim("share of filters that a made image excites most", figures["beaten"], at_least=0.95),
        Claim("least belief in ten made digits", figures["free"]["belief"], at_least=0.95),
        Claim("the same with a price on ink", figures["priced"]["belief"], at_least=0.9),
    ]
