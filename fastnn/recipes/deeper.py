"""Deeper is not always better: nine sigmoid layers do not learn, as their gradients vanish.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slides
"Hard to get the power of Deep ..." and "Vanishing Gradient Problem" (3 layers 0.84, 9 layers 0.11).
"""

from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import Claim, Info, Table, save_picture
from fastnn.recipes.digit_nets import Net, Setting, experiment, setting

INFO = Info(
    lecture="II",
    slide="Vanishing Gradient Problem",
    question="Why does a network of nine sigmoid layers learn nothing where three do?",
    minutes=2,
    dataset="mnist",
    fallback="digits",
)


def nets(quick: bool = False) -> dict[str, Net]:
    """Both networks; quick: narrower ones."""
    units = 200 if quick else 500
    return {"3 layers": Net((units,) * 2), "9 layers": Net((units,) * 8)}


COURSE = {"3 layers": 0.84, "9 layers": 0.11}
PROBES = 200  # digits that gradients are measured on


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains both networks; measures the gradient by layer, twice, before training.

    Returns:
        dict: "dataset"; for each network what ``digit_nets.Setting.train`` gives, and "gradients"
        and "perturbed", lists of one norm a layer.
    """
    common = setting(quick, seed, epochs, batch_size)
    figures, folder = experiment("deeper", "Sigmoid layers", nets(quick), COURSE, common, out)
    for name, net in nets(quick).items():
        back, perturbed = gradients_by_layer(net, common)
        figures[name].update({"gradients": back, "perturbed": perturbed})
        with Table(
            f"{name}: the loss's gradient by a layer's kernel, before training",
            ["layer", "back-propagation", "delta l / delta w"],
        ) as table:
            for layer, row in enumerate(zip(back, perturbed), 1):
                table.add(layer, *row)
    save_picture(
        folder / "gradients.png",
        plots.lines,
        {n: (range(1, len(g) + 1), g) for n in COURSE for g in [figures[n]["gradients"]]},
        "layer",
        "norm of the gradient",
        markers=True,
        yscale="log",
    )
    return figures


def gradients_by_layer(net: Net, common: Setting) -> tuple[list[float], list[float]]:
    """Norms of the gradient by each kernel: by back-propagation, and by moving the weights.

    Weights are moved along the gradient, both ways, by so little that the loss changes in
    proportion: delta l / delta w is then the norm. In float64, where such changes are told apart.
    """
    kind = fn.config.floatx()
    fn.config.set_floatx("float64")
    try:
        fn.utils.set_random_seed(common.seed)
        model = net.build(common.digits.x_train.shape[1])
        x = common.digits.x_train[:PROBES].astype("float64")
        y = fn.utils.to_categorical(common.digits.y_train[:PROBES], 10).astype("float64")
        kernels = [layer.kernel for layer in model.layers if hasattr(layer, "kernel")]

        def loss(*_):
            return fn.ops.mean(fn.losses.categorical_crossentropy(y, model(x)))

        gradients = fn.grad(loss, argnums=tuple(range(len(kernels))))(*kernels)
        back, moved = [], []
        for kernel, gradient in zip(kernels, gradients):
            norm = float(np.linalg.norm(gradient.numpy()))
            before, step = kernel.numpy(), 1e-2
            ends = []
            for sign in (1, -1):
                kernel.assign(before + sign * step * gradient.numpy() / norm)
                ends.append(float(loss()))
            kernel.assign(before)
            back.append(norm)
            moved.append((ends[0] - ends[1]) / (2 * step))
        return back, moved
    finally:
        fn.config.set_floatx(kind)


def claims(figures: dict) -> list[Claim]:
    """Three layers learn, nine do not; their first gradients are far below their last."""
    three, nine = (figures[name] for name in COURSE)
    ratios = {n: figures[n]["gradients"][-1] / figures[n]["gradients"][0] for n in COURSE}
    apart = max(
        abs(a - b) / a
        for n in COURSE
        for a, b in zip(figures[n]["gradients"], figures[n]["perturbed"])
    )
    return [
        Claim("3 layers, test accuracy", three["accuracy"], at_least=0.82, course=0.84),
        Claim("9 layers, test accuracy", nine["accuracy"], course=0.11),
        Claim("3 - 9 layers", three["accuracy"] - nine["accuracy"], at_least=0.6, course=0.73),
        Claim("gradient, last over first layer, 9 layers", ratios["9 layers"], at_least=1e4),
        Claim("gradient, last over first layer, 3 layers", ratios["3 layers"], at_most=100),
        Claim(
            "delta l / delta w is the gradient: largest relative difference", apart, at_most=1e-2
        ),
    ]
