"""Helpers around models: seeds, labels, names, configurations."""

from fastnn.utils.batches import pack_x_y_sample_weight, unpack_x_y_sample_weight
from fastnn.utils.categorical import normalize, to_categorical
from fastnn.utils.edit_distance import edit_distances
from fastnn.utils.image_dataset import image_dataset_from_directory
from fastnn.utils.naming import clear_session
from fastnn.utils.random_seed import set_random_seed
from fastnn.utils.sequences import pad_sequences
from fastnn.utils.serialization import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)

__all__ = [
    "CustomObjectScope",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "edit_distances",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "image_dataset_from_directory",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
