"""Models: functional, sequential and subclassed ones, and their files."""

from fastnn.models.fusing import fuse
from fastnn.models.model import Model
from fastnn.models.saving import clone_model, load_model, model_from_json, save_model
from fastnn.models.sequential import Sequential

__all__ = [
    "Model",
    "Sequential",
    "clone_model",
    "fuse",
    "load_model",
    "model_from_json",
    "save_model",
]
