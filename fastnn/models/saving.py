"""Saving and loading models and weights.

A model file holds the architecture, the training configuration and what else is not an array as
JSON in its metadata; weights, the optimizer's state and the states of seed generators as tensors.
Nothing in a file is run, and no weight is made that the file does not hold.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from fastnn.context import context
from fastnn.models import container
from fastnn.tensor import Variable
from fastnn.utils import naming
from fastnn.utils.serialization import (
    CustomObjectScope,
    deserialize_keras_object,
    serialize_keras_object,
)

_WEIGHT, _OPTIMIZER, _RANDOM = "weights/", "optimizer/", "random/"


def named_weights(layer: Any) -> dict[str, Variable]:
    """All weights by keys that depend on the structure only: dense/kernel, dense_1/kernel ..."""
    return dict(_walk(layer, "", set()))


def _walk(layer: Any, prefix: str, seen: set[int]) -> Iterator[tuple[str, Variable]]:
    seen.add(id(layer))
    counters: dict[str, int] = {}
    taken: set[str] = set()

    def unique(name: str) -> str:
        key = naming.counted(name, counters)
        while key in taken:  # a name that was chosen by hand: w, w, w_1
            key = naming.counted(name, counters)
        taken.add(key)
        return key

    for variable in layer._trainable_variables + layer._non_trainable_variables:
        yield prefix + unique(variable.name.rsplit("/", 1)[-1]), variable
    for sublayer in layer._layers:
        name = unique(naming.to_snake_case(type(sublayer).__name__))
        if id(sublayer) not in seen:
            yield from _walk(sublayer, f"{prefix}{name}/", seen)


def _random_states(model: Any) -> list[Variable]:
    found = {}
    for layer in model._flatten_layers():
        for seed in layer._seed_generators:
            found[id(seed.state)] = seed.state
    return list(found.values())


def _arrays(variables: dict[str, Variable]) -> dict[str, np.ndarray]:
    return {key: np.array(variable.numpy()) for key, variable in variables.items()}


def _numbered(variables: list[Variable]) -> dict[str, Variable]:
    return {str(number): variable for number, variable in enumerate(variables)}


def _prefixed(prefix: str, variables: dict[str, Variable]) -> dict[str, Variable]:
    return {prefix + key: variable for key, variable in variables.items()}


def _state(model: Any, include_optimizer: bool = True) -> dict[str, Variable]:
    """All that training changes, by the keys that it has in files."""
    state = _prefixed(_WEIGHT, named_weights(model))
    state |= _prefixed(_RANDOM, _numbered(_random_states(model)))
    optimizer = model.optimizer
    if include_optimizer and optimizer is not None and optimizer.built:
        state |= _prefixed(_OPTIMIZER, _numbered(optimizer.variables))
    return state


# ---- models


def save_model(model: Any, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
    """Saves a model: architecture, weights, training configuration and state, in one file.

    Raises:
        ValueError: the model is not built, or has something that cannot be saved.
        FileExistsError: there is a file and ``overwrite`` is False.
        OSError: the file cannot be written; an old one is unchanged.
    """
    include_optimizer = kwargs.pop("include_optimizer", True)
    kwargs.pop("save_format", None)
    kwargs.pop("zipped", None)
    if kwargs:
        raise ValueError(f"save: unexpected argument(s) {', '.join(sorted(kwargs))}")
    _check_target(filepath, overwrite)
    if not model.built:
        raise ValueError(
            f"save: model {model.name!r} is not built: call it on data, or build(input_shape)"
        )
    container.write(filepath, *contents(model, include_optimizer))


def contents(model: Any, include_optimizer: bool = True) -> tuple[dict, dict[str, str]]:
    """What a model file holds: arrays and texts."""
    optimized = _optimized(model) if include_optimizer else None
    tensors = _arrays(_state(model, optimized is not None))
    metadata = {
        "kind": "model",
        "model": json.dumps(serialize_keras_object(model)),
        "build": json.dumps(model.get_build_config()),
        "training": json.dumps(model.get_training_state()),
    }
    compiled = model.get_compile_config()
    if compiled:
        metadata["compile"] = json.dumps(compiled)
    if optimized is not None:
        metadata["optimized"] = json.dumps(optimized)
    return tensors, metadata


def _optimized(model: Any) -> list[str] | None:
    """The keys of the weights that the optimizer was built for: not those that may be trained now,
    if the program has changed its mind since. None if there is no state to keep."""
    optimizer = model.optimizer
    if optimizer is None or not optimizer.built:
        return None
    keys = {id(variable): key for key, variable in named_weights(model).items()}
    others = [v.path for v in optimizer._parameters if id(v) not in keys]
    if others:
        warnings.warn(
            f"the optimizer's state is left out: it was built for {', '.join(others[:5])} too, "
            f"which model {model.name!r} does not have",
            stacklevel=3,
        )
        return None
    return [keys[id(variable)] for variable in optimizer._parameters]


def load_model(
    filepath: Any, custom_objects: dict | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """A model that ``save`` wrote, with its state: training may go on where it stopped.

    Args:
        filepath: the file.
        custom_objects: classes and functions of one's own, by name.
        compile: whether the training configuration and the optimizer's state are restored.
        safe_mode: ignored: nothing in a file is ever run.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, foreign, newer, or needs unknown classes; names the file.
    """
    tensors, metadata = container.read(filepath)
    if metadata.get("kind") != "model":
        raise ValueError(f"{filepath}: holds weights only; make the model and use load_weights")
    try:
        return restore(tensors, metadata, custom_objects, compile)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, LookupError) as error:
        raise ValueError(f"{filepath}: the model cannot be restored: {error}") from error
    except (RecursionError, MemoryError, OverflowError) as error:
        raise ValueError(
            f"{filepath}: the model cannot be restored: {type(error).__name__}"
        ) from error


def restore(
    tensors: dict[str, np.ndarray],
    metadata: dict[str, str],
    custom_objects: dict | None = None,
    compile: bool = True,
) -> Any:
    """The model that ``contents`` described."""
    from fastnn.models.model import Model

    stored = {key: value for key, value in tensors.items() if key.startswith(_WEIGHT)}
    context.budget = sum(value.size for value in stored.values())
    try:
        model = deserialize_keras_object(json.loads(metadata["model"]), custom_objects)
        if not isinstance(model, Model):
            raise ValueError(f"it holds a {type(model).__name__}, not a model")
        build_config = json.loads(metadata["build"])
        if not model.built and build_config:
            model.build_from_config(build_config)
    finally:
        context.budget = None
    _assign(named_weights(model), stored, _WEIGHT)
    _assign(_numbered(_random_states(model)), tensors, _RANDOM)
    model.set_training_state(json.loads(metadata["training"]))
    if compile and "compile" in metadata:
        with CustomObjectScope(custom_objects):
            model.compile_from_config(json.loads(metadata["compile"]))
            if "optimized" in metadata and model.optimizer is not None:
                _restore_optimizer(model, tensors, json.loads(metadata["optimized"]))
    return model


def _restore_optimizer(model: Any, tensors: dict, optimized: list[str]) -> None:
    weights = named_weights(model)
    unknown = [key for key in optimized if key not in weights]
    if unknown:
        raise ValueError(f"the optimizer was built for weights that are not there: {unknown[:5]}")
    variables = [weights[key] for key in optimized]
    if _optimized(model) != optimized:
        model.optimizer = deserialize_keras_object(serialize_keras_object(model.optimizer))
        model.optimizer.build(variables)
    _assign(_numbered(model.optimizer.variables), tensors, _OPTIMIZER)


def _assign(
    variables: dict[str, Variable], tensors: dict[str, np.ndarray], prefix: str, skip: bool = False
) -> None:
    """Sets variables from the tensors of a prefix; all are checked before any is changed."""
    stored = {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}
    what = prefix.rstrip("/") or "state"
    if not skip:
        missing = [key for key in variables if key not in stored]
        if missing:
            raise ValueError(f"the file lacks {what} {', '.join(missing[:5])}")
        extra = [key for key in stored if key not in variables]
        if extra:
            raise ValueError(f"the file has {what} that are not needed: {', '.join(extra[:5])}")
        for key, variable in variables.items():
            if tuple(variable.shape) != stored[key].shape:
                raise ValueError(
                    f"{what} {key} has shape {tuple(variable.shape)}, in the file "
                    f"{stored[key].shape}"
                )
    for key, variable in variables.items():
        if key in stored and tuple(variable.shape) == stored[key].shape:
            variable.assign(stored[key])


# ---- the state of training


def save_training(model: Any, filepath: Any, progress: dict) -> None:
    """Saves what training changes, for a model that the program makes again itself; ``progress``
    is what ``load_training`` returns."""
    state = {"progress": progress, **model.get_training_state()}
    container.write(
        filepath, _arrays(_state(model)), {"kind": "training", "training": json.dumps(state)}
    )


def load_training(model: Any, filepath: Any) -> dict:
    """Sets a built and compiled model of the same structure to what ``save_training`` saved.

    Raises:
        ValueError: the file is damaged, foreign, or of another model; nothing is changed then.
    """
    tensors, metadata = container.read(filepath)
    if metadata.get("kind") != "training":
        raise ValueError(f"{filepath}: holds no state of training")
    model.optimizer.build(model.trainable_variables)
    try:
        state = json.loads(metadata["training"])
        _assign(_state(model), tensors, "")
        model.set_training_state(state)
        return state["progress"]
    except (ValueError, KeyError) as error:
        raise ValueError(f"{filepath}: does not fit model {model.name!r}: {error}") from error


# ---- weights


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Saves a model's or layer's weights."""
    _check_target(filepath, overwrite)
    if not model.built:
        raise ValueError(f"save_weights: {model.name!r} is not built: it has no weights yet")
    weights = _arrays(_prefixed(_WEIGHT, named_weights(model)))
    container.write(filepath, weights, {"kind": "weights"})


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False) -> None:
    """Sets the weights of a model of the same structure from a file; none if one does not fit.

    Raises:
        ValueError: the file is damaged or foreign, or its weights are others.
    """
    tensors, _ = container.read(filepath)
    if not model.built:
        raise ValueError(
            f"load_weights: {model.name!r} is not built: call it on data, or build(input_shape)"
        )
    stored = {key: value for key, value in tensors.items() if key.startswith(_WEIGHT)}
    try:
        _assign(named_weights(model), stored, _WEIGHT, skip_mismatch)
    except ValueError as error:
        raise ValueError(f"{filepath}: does not fit model {model.name!r}: {error}") from error


def _check_target(filepath: Any, overwrite: bool) -> None:
    if not overwrite and os.path.exists(filepath):
        raise FileExistsError(f"{filepath}: exists; pass overwrite=True to replace it")


def model_from_json(text: str, custom_objects: dict | None = None) -> Any:
    """A new model of the architecture that ``to_json`` gave."""
    return deserialize_keras_object(json.loads(text), custom_objects)


def clone_model(model: Any) -> Any:
    """A new model of the same architecture with new first weights, which lie where `fn.device`
    says."""
    with CustomObjectScope(own_classes(model)):
        return type(model).from_config(model.get_config())


def own_classes(model: Any) -> dict[str, type]:
    """The classes of a model's layers that are not fastnn's, by name."""
    classes = {type(layer) for layer in model._flatten_layers()}
    return {c.__name__: c for c in classes if not c.__module__.startswith("fastnn.")}
