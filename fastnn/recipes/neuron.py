"""The worked numbers of lecture I, computed by layers of this library.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture I, slides
"Neural Network", "Fully Connect Feedforward Network", "Output Layer (Option)", "Gradient Descent"
and "Backpropagation".
"""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn.recipes.common import Info, print_table

INFO = Info(
    lecture="I",
    slide="Fully Connect Feedforward Network",
    question="What does a network compute, and what does back-propagation give?",
    minutes=0.1,
)

# As on the slides: one row a neuron, then the biases.
LAYERS = (
    ([[1, -2], [-1, 1]], [1, 0]),
    ([[2, -1], [-2, -1]], [0, 0]),
    ([[3, -1], [-1, 4]], [-2, 2]),
)
DESCENT = {"w1": (0.2, 0.15, 0.09), "w2": (-0.1, 0.05, 0.15), "b1": (0.3, 0.2, 0.10)}


def neuron() -> tuple[float, float]:
    """One neuron: the weighted sum z and its sigmoid."""
    x = np.array([[2.0, -1.0, 1.0]])
    weights = [np.array([[1.0], [-2.0], [-1.0]]), np.array([1.0])]
    results = []
    for activation in ("linear", "sigmoid"):
        layer = fn.layers.Dense(1, activation=activation)
        layer.build((None, 3))
        layer.set_weights(weights)
        results.append(layer(x).item())
    return results[0], results[1]


def network(dtype: str = "float32") -> fn.Sequential:
    """The 2-2-2-2 sigmoid network of the slides."""
    model = fn.Sequential([fn.Input((2,))])
    for _ in LAYERS:
        model.add(fn.layers.Dense(2, activation="sigmoid", dtype=dtype))
    model.set_weights(
        [
            np.array(w, dtype).T if i == 0 else np.array(w, dtype)
            for layer in LAYERS
            for i, w in enumerate(layer)
        ]
    )
    return model


def activities(x: tuple[float, float]) -> list[np.ndarray]:
    """The outputs of the three layers for one input."""
    value = np.array([x], "float32")
    outputs = []
    for layer in network().layers:
        value = layer(value)
        outputs.append(value.numpy()[0])
    return outputs


def softmax() -> tuple[np.ndarray, np.ndarray]:
    """Exponentials and softmax of (3, 1, -3)."""
    z = np.array([3.0, 1.0, -3.0])
    return fn.ops.exp(z).numpy(), fn.ops.softmax(z).numpy()


def gradients() -> dict[str, list[np.ndarray]]:
    """Gradients of the squared error of the network at (1, -1) against (1, 0), three ways."""
    x, target = np.array([[1.0, -1.0]]), np.array([[1.0, 0.0]])
    weights = [
        np.array(w, float).T if i == 0 else np.array(w, float)
        for layer in LAYERS
        for i, w in enumerate(layer)
    ]

    def loss(*parameters: np.ndarray) -> fn.Tensor:
        a = fn.tensor(x)
        for w, b in zip(parameters[::2], parameters[1::2]):
            a = fn.ops.dense(a, w, b, activation="sigmoid")
        return fn.ops.sum(fn.ops.square(a - target))

    tape = fn.grad(loss, argnums=tuple(range(len(weights))))(*weights)
    return {
        "by hand": _gradients_by_hand(x, target, weights),
        "by the tape": [np.asarray(g) for g in tape],
        "by differences": _gradients_by_differences(loss, weights),
    }


def _gradients_by_hand(
    x: np.ndarray, target: np.ndarray, weights: list[np.ndarray]
) -> list[np.ndarray]:
    """The chain rule written out: error signals from the last layer to the first."""
    a = [x]
    for w, b in zip(weights[::2], weights[1::2]):
        a.append(1 / (1 + np.exp(-(a[-1] @ w + b))))
    signal = 2 * (a[-1] - target)
    result: list[np.ndarray] = []
    for layer in (2, 1, 0):
        signal = signal * a[layer + 1] * (1 - a[layer + 1])
        result = [a[layer].T @ signal, signal[0], *result]
        signal = signal @ weights[2 * layer].T
    return result


def _gradients_by_differences(
    loss: Callable, weights: list[np.ndarray], step: float = 1e-5
) -> list[np.ndarray]:
    """The change of the loss over the change of one weight, weight by weight."""
    result = []
    for index, weight in enumerate(weights):
        slope = np.zeros_like(weight)
        for place in np.ndindex(weight.shape):
            values = []
            for sign in (1, -1):
                moved = [w.copy() for w in weights]
                moved[index][place] += sign * step
                values.append(loss(*moved).item())
            slope[place] = (values[0] - values[1]) / (2 * step)
        result.append(slope)
    return result


def descent(rate: float = 0.1) -> dict[str, list[float]]:
    """Two steps of gradient descent with the gradients that give the slide's values."""
    optimizer = fn.optimizers.SGD(learning_rate=rate)
    variables = {name: fn.Variable(np.float64(path[0])) for name, path in DESCENT.items()}
    seen = {name: [variable.item()] for name, variable in variables.items()}
    for step in (1, 2):
        slopes = [
            fn.tensor(np.float64((path[step - 1] - path[step]) / rate)) for path in DESCENT.values()
        ]
        optimizer.apply(slopes, list(variables.values()))
        for name, variable in variables.items():
            seen[name].append(variable.item())
    return seen


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Prints the course's worked numbers beside this library's; nothing is trained.

    Returns:
        dict of the figures: neuron, activities, softmax, gradients, descent.
    """
    z, a = neuron()
    print_table(
        "One neuron: inputs (2, -1, 1), weights (1, -2, -1), bias 1",
        ["", "course", "here"],
        [["z", 4, z], ["sigmoid", 0.98, a]],
    )
    rows = []
    passes = {
        (1, -1): ((0.98, 0.12), (0.86, 0.11), (0.62, 0.83)),
        (0, 0): ((0.73, 0.5), (0.72, 0.12), (0.51, 0.85)),
    }
    outputs = {x: activities(x) for x in passes}
    for x, course in passes.items():
        for layer in range(3):
            here = ", ".join(f"{v:.2f}" for v in outputs[x][layer])
            rows.append([x, layer + 1, ", ".join(map(str, course[layer])), here])
    print_table("A 2-2-2-2 network of sigmoids", ["input", "layer", "course", "here"], rows)
    exponentials, shares = softmax()
    print_table(
        "Softmax of (3, 1, -3)",
        ["", "course", "here"],
        [
            ["exponentials", "20, 2.7, 0.05", ", ".join(f"{v:.3g}" for v in exponentials)],
            ["result", "0.88, 0.12, ~0", ", ".join(f"{v:.2f}" for v in shares)],
        ],
    )
    ways = gradients()
    places = [(i, place) for i, g in enumerate(ways["by hand"]) for place in np.ndindex(g.shape)]
    print_table(
        "Back-propagation at (1, -1), target (1, 0), squared error",
        ["parameter", *ways],
        [
            [
                f"{'wb'[i % 2]}{i // 2 + 1}{list(place)}",
                *(f"{g[i][place]:+.6f}" for g in ways.values()),
            ]
            for i, place in places
        ],
    )
    path = descent()
    print_table(
        "Gradient descent, rate 0.1",
        ["", "course", "here", "steps -rate * gradient"],
        [
            [
                name,
                ", ".join(map(str, DESCENT[name])),
                ", ".join(f"{v:.2f}" for v in seen),
                ", ".join(f"{b - a:+.2f}" for a, b in pairwise(seen)),
            ]
            for name, seen in path.items()
        ],
    )
    return {
        "neuron": (z, a),
        "activities": outputs,
        "softmax": (exponentials, shares),
        "gradients": ways,
        "descent": path,
    }
