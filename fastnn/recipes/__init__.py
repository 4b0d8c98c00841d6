"""The systems and experiments of Hung-yi Lee's course, one runnable file each.

"Understanding deep learning in one day", Hung-yi Lee, DSC 2016. Each file has ``INFO`` and
``run(quick=False, seed=0, epochs=None, batch_size=None, out=None)``, which prints a table, saves
its pictures and returns its figures.
"""

from importlib import import_module
from types import ModuleType

# In the order of the course.
NAMES = ("neuron", "digits", "mnist", "convolution")


def get(name: str) -> ModuleType:
    """The module of a recipe.

    Raises:
        ValueError: there is no recipe of that name; the message lists those there are.
    """
    if name not in NAMES:
        raise ValueError(f"recipe: there is no {name!r}, known are {', '.join(NAMES)}")
    return import_module(f"fastnn.recipes.{name}")
