"""The systems and experiments of Hung-yi Lee's course, one runnable file each.

"Understanding deep learning in one day", Hung-yi Lee, DSC 2016. Each file has ``INFO`` and
``run(quick=False, seed=0, epochs=None, batch_size=None, out=None)``, which prints a table, saves
its pictures and returns its figures; with ``claims(figures)`` it says what they have to show. The
recipe "mnist-cnn" is the file ``mnist_cnn.py``.
"""

from difflib import get_close_matches
from importlib import import_module
from types import ModuleType

# In the order of the course.
NAMES = (
    "neuron",
    "gradient-descent",
    "digits",
    "mnist",
    "structure",
    "universality",
    "deep-or-fat",
    "modular",
    "recipe",
    "loss-choice",
    "mini-batch",
    "deeper",
    "pretraining",
    "relu",
    "activations",
    "learning-rate",
    "optimizers",
    "momentum",
    "overfitting",
    "early-stopping",
    "weight-decay",
    "dropout",
    "dropout-kinds",
    "augmentation",
    "documents",
    "convolution",
    "mnist-cnn",
    "filters",
    "cifar-cnn",
    "go-next-move",
    "word-hashing",
    "slot-filling",
    "lstm-by-hand",
    "sentiment",
    "speech-digits",
    "speech-ctc",
    "translation",
    "language-model",
    "char-rnn",
    "irnn",
    "clockwork",
    "residual",
)


def get(name: str) -> ModuleType:
    """The module of a recipe; "mnist-cnn" may be written "mnist_cnn" too.

    Raises:
        ValueError: there is no recipe of that name; the message has the nearest.
    """
    if name.replace("_", "-") not in NAMES:
        near = get_close_matches(name.replace("_", "-"), NAMES, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(NAMES)}"
        raise ValueError(f"recipe: there is no {name!r}; {hint} (fastnn list shows all)")
    return import_module("fastnn.recipes." + name.replace("-", "_"))


def name_of(recipe: ModuleType) -> str:
    """The name of a recipe's module, as in NAMES."""
    return recipe.__name__.rsplit(".", 1)[-1].replace("_", "-")
