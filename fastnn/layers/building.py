"""How a layer gets its weights: by a shape, or by the arguments of its first call."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from fastnn.context import context
from fastnn.layers.call_spec import Signature, bind, first_argument, signature_of
from fastnn.layers.state import LayerState
from fastnn.layers.symbolic import as_shapes, shapes_of
from fastnn.utils.tracking import configuration_changed

_LOCKED = (
    "{}: no variable or layer can be added to a layer that is built: make all of them in "
    "__init__ or build"
)


class Buildable(LayerState):
    """A layer's state with `build`, which makes it and then locks it."""

    _call_signature: Signature  # Layer's
    _build_signature: Signature

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "build" in vars(cls):
            cls.build = _marking(cls.build)  # type: ignore[method-assign]
        cls._build_signature = signature_of(cls.build)

    def build(self, *input_shape: Any) -> None:
        """Makes the weights for inputs of a shape (a structure of shapes for several inputs)."""
        self._finish_build(input_shape, {})

    def _finish_build(self, args: tuple, kwargs: dict) -> None:
        shapes = bind(self._build_signature, args, kwargs)
        vars(self).update(_build_shapes=shapes, built=True, _mode=0)
        self._tracker.locked = _LOCKED.format(self.name)
        self._tracker.locked_stores = ("trainable", "non_trainable", "layers")
        configuration_changed()

    def _build_for(self, args: tuple, kwargs: dict) -> None:
        """Builds by the shapes of a call's arguments."""
        wanted = self._build_signature.names
        if type(self).build is Buildable.build:
            if not self._layers:
                self._finish_build((), {})
            return  # sublayers are built when they are called
        given = bind(self._call_signature, args, kwargs)
        if len(wanted) == 1:
            self.build(shapes_of(first_argument(self._call_signature, args, kwargs)))
            return
        shapes = {f"{name}_shape": shapes_of(value) for name, value in given.items()}
        missing = [n for n in wanted if n not in shapes and n not in self._build_signature.defaults]
        if missing and not self._build_signature.variadic:
            raise ValueError(
                f"{self.name}: build expects {', '.join(missing)}, but the call was given "
                f"{', '.join(given)}"
            )
        self.build(**{name: shapes[name] for name in wanted if name in shapes})

    def get_build_config(self) -> dict | None:
        """What ``build_from_config`` needs to build an equal layer before there is data."""
        return vars(self).get("_build_shapes")

    def build_from_config(self, config: dict) -> None:
        """Builds from ``get_build_config``'s dictionary."""
        self.build(**{name: as_shapes(value) for name, value in config.items()})


def _marking(build: Callable) -> Callable:
    """A ``build`` that marks its layer as built."""

    @functools.wraps(build)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
        if vars(self).get("_building"):  # super().build()
            build(self, *args, **kwargs)
            return
        store, path = vars(self), context.path
        store["_building"] = True
        context.path = (*path, self.name)
        try:
            build(self, *args, **kwargs)
        finally:
            store["_building"] = False
            context.path = path
        self._finish_build(args, kwargs)

    return wrapper
