"""The memory cell worked by hand, and why recurrent networks are hard to train.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slides
"Long Short-term Memory (LSTM)", "The error surface is rough", "Why?" (the toy example w^999) and
"Helpful Techniques".

The error surface follows R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training
recurrent neural networks", ICML 2013, section 2.3: one unit that is fed back for 50 steps and has
no input. IRNN: Q. V. Le, N. Jaitly, G. E. Hinton, "A simple way to initialize recurrent networks of
rectified linear units", 2015.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np

import fastnn as fn
from fastnn import plots
from fastnn.layers import IRNN, LSTM, SimpleRNN
from fastnn.recipes.common import Claim, Info, folder_for, print_table, save_picture

INFO = Info(
    lecture="III",
    slide="Long Short-term Memory (LSTM)",
    question="What does a memory cell compute, and what goes wrong with gradients through time?",
    minutes=0.1,
)

# z, zi, zf, zo of two steps, the slides' memory and output after each, the memory before them.
STEPS = ((3, 10, 10, -10), (-3, 10, -10, 10))
COURSE_CELL = ((10, 0), (-3, -3))
MEMORY = 7
COURSE_CHAIN = {1.0: "1", 1.01: "about 20,000", 0.99: "about 0", 0.01: "about 0"}
COURSE_GRADIENT = {
    "SimpleRNN": "vanishes",
    "LSTM, forget gate open": "does not vanish",
    "LSTM, weights times 10": "can explode",
}

TARGET, DEPTH = 0.7, 50  # of the net whose error surface is drawn
START = (5.8, -2.4)  # of the paths that are drawn: w and b, near the wall
RATE, CLIP, DESCENT = 0.3, 1.0, 400  # learning rate, norm, steps

STEPS_BACK, UNITS = 100, 50
OPEN = 5.0  # bias of a forget gate: sigmoid(5) = 0.993


# ---- the memory cell


def cell_by_hand() -> list[tuple[float, float]]:
    """(memory, output) after each of STEPS: the slide's formulas."""

    def f(z: float) -> float:
        return 1 / (1 + math.exp(-z))

    memory, results = float(MEMORY), []
    for z, zi, zf, zo in STEPS:
        memory = z * f(zi) + memory * f(zf)
        results.append((memory, memory * f(zo)))
    return results


def cell() -> list[tuple[float, float]]:
    """The same by an LSTM of one unit whose four inputs go to its input and its three gates."""
    layer = LSTM(1, activation="linear", return_state=True, dtype="float64")
    layer.build((1, 1, 4))
    to_gates = np.eye(4)[:, [1, 2, 0, 3]]  # columns i, f, g, o read zi, zf, z, zo
    layer.set_weights([to_gates, np.zeros((1, 4)), np.zeros(4)])
    output, memory, results = np.zeros((1, 1)), np.full((1, 1), float(MEMORY)), []
    for inputs in STEPS:
        x = np.array([[inputs]], "float64")
        output, _, memory = layer(x, initial_state=[output, memory])
        results.append((memory.item(), output.item()))
    return results


# ---- the chain


def chain(w: float, steps: int = 1000) -> tuple[float, float]:
    """y = w^(steps - 1) and dy/dw, by a linear SimpleRNN whose first input is 1, the others 0."""
    layer = SimpleRNN(1, activation="linear", use_bias=False, dtype="float64")
    layer.build((1, steps, 1))
    layer.set_weights([[[1.0]], [[w]]])
    x = np.zeros((1, steps, 1))
    x[0, 0] = 1
    recurrent = layer.cell.recurrent_kernel
    y, slope = fn.value_and_grad(lambda _: fn.ops.sum(layer(x)))(recurrent)
    return y.item(), slope.item()


# ---- the error surface


def surface(w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """[len(b), len(w)]: the squared error of h' = sigmoid(w h + b) after DEPTH steps from 1/2.

    One call: a unit for each w, which hears only itself, and a row of the batch for each b.
    """
    layer = SimpleRNN(len(w), activation="sigmoid", use_bias=False, dtype="float64")
    layer.build((None, DEPTH, 1))
    layer.set_weights([np.ones((1, len(w))), np.diag(w)])
    inputs = np.repeat(b[:, None, None], DEPTH, axis=1)
    first = np.full((len(b), len(w)), 0.5)
    return np.square(layer(inputs, initial_state=[first]).numpy() - TARGET)


def descend(start: tuple[float, float], clipnorm: float | None) -> np.ndarray:
    """[DESCENT + 1, 3]: w, b and the error on the path of gradient descent."""
    layer = SimpleRNN(1, activation="sigmoid", dtype="float64")
    layer.build((1, DEPTH, 1))
    layer.set_weights([[[0.0]], [[start[0]]], [start[1]]])
    weights = [layer.cell.recurrent_kernel, layer.cell.bias]
    optimizer = fn.optimizers.SGD(RATE, global_clipnorm=clipnorm)
    inputs, first = np.zeros((1, DEPTH, 1)), np.full((1, 1), 0.5)

    def error(_: Any) -> fn.Tensor:
        return fn.ops.sum(fn.ops.square(layer(inputs, initial_state=[first]) - TARGET))

    path = []
    for _ in range(DESCENT + 1):
        value, gradients = fn.value_and_grad(error)(weights)
        path.append([*(v.item() for v in weights), value.item()])
        optimizer.apply(gradients, weights)
    return np.array(path)


def descents(seed: int, count: int) -> dict[str, dict]:
    """Gradient descent with and without clipping from the same random places near the wall: the
    share that ends with an error below 0.01, the longest step, and the path from START."""
    rng = np.random.default_rng(seed)
    w = rng.uniform(5, 7, count)
    starts = [START, *zip(w, -w / 2 + rng.uniform(0.1, 0.5, count))]
    results = {}
    for name, clipnorm in (("plain", None), ("clipped", CLIP)):
        paths = np.stack([descend(start, clipnorm) for start in starts])
        moves = np.linalg.norm(np.diff(paths[..., :2], axis=1), axis=-1)
        results[name] = {
            "arrived": float(np.mean(paths[1:, -1, 2] < 0.01)),
            "longest": float(moves.max()),
            "path": paths[0],
        }
    return results


# ---- gradients through time


def networks() -> dict[str, SimpleRNN | LSTM]:
    """Layers of UNITS units for inputs of 10 features, as they begin."""
    made: dict[str, SimpleRNN | LSTM] = {
        "SimpleRNN": SimpleRNN(UNITS),
        "LSTM": LSTM(UNITS),
        "LSTM, forget gate open": LSTM(UNITS),
        "IRNN": IRNN(UNITS),
        "LSTM, weights times 10": LSTM(UNITS),
    }
    for layer in made.values():
        layer.build((None, STEPS_BACK, 10))
    kernel, recurrent, bias = made["LSTM, forget gate open"].get_weights()
    bias[UNITS : 2 * UNITS] = OPEN
    made["LSTM, forget gate open"].set_weights([kernel, recurrent, bias])
    kernel, recurrent, bias = made["LSTM, weights times 10"].get_weights()
    made["LSTM, weights times 10"].set_weights([kernel, 10 * recurrent, bias])
    return made


def through_time(layer: SimpleRNN | LSTM, x: np.ndarray) -> np.ndarray:
    """[steps]: the norm of the gradient of the last output (its sum) with respect to the input at
    each step, over that at the last step."""
    gradient = fn.grad(lambda x: fn.ops.sum(layer(x)))(x).numpy().astype("float64")
    norms = np.sqrt(np.square(gradient).sum(axis=(0, 2)))
    return norms / norms[-1]


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Prints the course's numbers beside this library's, and saves two pictures.

    Returns:
        dict of the figures: cell, cell_by_hand, chain, through_time, descents.
    """
    folder = folder_for("lstm-by-hand", out)
    fn.utils.set_random_seed(seed)
    x = np.random.default_rng(seed).standard_normal((16, STEPS_BACK, 10)).astype("float32")
    figures: dict[str, Any] = {
        "cell": cell(),
        "cell_by_hand": cell_by_hand(),
        "chain": {f"{w:g}": chain(w) for w in COURSE_CHAIN},
        "through_time": {name: through_time(layer, x) for name, layer in networks().items()},
        "descents": descents(seed, 8 if quick else 20),
    }
    print_table("The course's numbers", ["", "course", "plain arithmetic", "here"], rows(figures))
    print("An LSTM's forget gate begins at sigmoid(1) = 0.73: it forgets until it learns not to.")
    save_picture(folder / "surface.png", landscape, figures["descents"], 81 if quick else 241)
    save_picture(folder / "gradients.png", norms_back, figures["through_time"])
    return figures


def rows(figures: dict) -> list[list[object]]:
    """The table: what it is, the course's figure, plain arithmetic's, this library's."""
    table: list[list[object]] = []
    pairs = zip(STEPS, COURSE_CELL, figures["cell_by_hand"], figures["cell"])
    for inputs, course, by_hand, here in pairs:
        z = "z {}, zi {}, zf {}, zo {}: ".format(*inputs)
        for i, name in enumerate(("memory", "output")):
            table.append([z + name, course[i], f"{by_hand[i]:.5f}", f"{here[i]:.5f}"])
    for w, said in COURSE_CHAIN.items():
        y, slope = figures["chain"][f"{w:g}"]
        table.append([f"w = {w:g}: w^999", said, w**999, y])
        table.append([f"w = {w:g}: its gradient", "", 999 * w**998, slope])
    for name, found in figures["descents"].items():
        table.append([f"descent, {name}: longest step", "", "", found["longest"]])
        table.append([f"descent, {name}: share that arrives", "", "", found["arrived"]])
    for name, norms in figures["through_time"].items():
        said = COURSE_GRADIENT.get(name, "")
        table.append([f"gradient 99 steps back, {name}", said, "", float(norms[0])])
    return table


def landscape(found: dict[str, dict], points: int) -> plots.Drawing:
    """The error over w and b, as a landscape and as a map with the two paths."""
    figure = plots.style.new_figure(12, 5)
    land = figure.add_subplot(1, 2, 1, projection="3d")
    flat = figure.add_subplot(1, 2, 2)
    paths = {f"{n}: error {f['path'][-1][2]:.2g}": f["path"][:, :2] for n, f in found.items()}

    def error(w: np.ndarray, b: np.ndarray) -> np.ndarray:
        return surface(w[0], b[:, 0])

    names = {"xlabel": "w", "ylabel": "b", "value": "error"}
    drawing = plots.surface(error, (2, 7), (-4, 1), paths, points=points, **names, ax=flat)
    flat.set_title("gradient descent")
    drawn = drawing.values
    grid = np.meshgrid(drawn.x, drawn.y)
    look = {"cmap": plots.style.VALUES, "rcount": points, "ccount": points, "lw": 0, "aa": False}
    land.plot_surface(*grid, drawn.z, **look)
    land.view_init(elev=30, azim=60)
    land.set(xlabel="w", ylabel="b", zlabel="error", title="flat, and a wall")
    return drawing


def norms_back(through: dict[str, np.ndarray]) -> plots.Drawing:
    """The norms of the gradients by the number of steps back."""
    back = np.arange(STEPS_BACK)
    return plots.lines(
        {name: (back, norms[::-1]) for name, norms in through.items()},
        "steps back",
        "norm of the gradient, last step = 1",
        yscale="log",
    )


def claims(figures: dict) -> list[Claim]:
    """The slides' numbers; clipping lets the descent arrive; who vanishes and who explodes."""
    (first, out), (second, last) = figures["cell"]
    slopes = {w: slope for w, (_, slope) in figures["chain"].items()}
    plain, clipped = figures["descents"]["plain"], figures["descents"]["clipped"]
    back = {name: norms[0] for name, norms in figures["through_time"].items()}
    return [
        Claim("memory, both gates open", first, 9.99, 10.01, course=10),
        Claim("output, gate closed", out, 0, 0.001, course=0),
        Claim("memory, forget gate closed", second, -3.01, -2.99, course=-3),
        Claim("output, gate open", last, -3.01, -2.99, course=-3),
        Claim("1.01^999 by the chain", figures["chain"]["1.01"][0], 20_000, 21_000, course=20_000),
        Claim("0.99^999 by the chain", figures["chain"]["0.99"][0], 0, 1e-4, course=0),
        Claim("gradient at 1.01 / at 0.99", slopes["1.01"] / slopes["0.99"], 1e8),
        Claim("descents that arrive, plain", plain["arrived"], at_most=0.9),
        Claim("descents that arrive, clipped", clipped["arrived"], at_least=0.95),
        Claim("longest step, plain", plain["longest"], at_least=2.0),
        Claim("longest step, clipped", clipped["longest"], at_most=RATE * CLIP * 1.001),
        Claim("gradient 99 steps back, SimpleRNN", back["SimpleRNN"], at_most=1e-9),
        Claim("the same, LSTM as it begins", back["LSTM"], at_most=1e-3),
        Claim("the same, forget gate open", back["LSTM, forget gate open"], 0.1, 100),
        Claim("the same, IRNN", back["IRNN"], 0.03, 10),
        Claim("the same, LSTM with weights times 10", back["LSTM, weights times 10"], at_least=1e3),
    ]
