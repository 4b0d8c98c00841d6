"""An optimizer's state as arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnn.tensor import Variable


class Saved:
    """What has `variables` that are stored under their numbers."""

    name: str
    built: bool

    @property
    def variables(self) -> list[Variable]:
        """The whole state, in an order that stays."""
        raise NotImplementedError

    def save_own_variables(self, store: dict) -> None:
        """Puts every variable's array into `store` under its number."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = np.array(variable.numpy())

    def load_own_variables(self, store: dict) -> None:
        """The inverse of `save_own_variables`, for an optimizer built for the same parameters."""
        self.set_weights([store[str(i)] for i in range(len(store))])

    def set_weights(self, weights: Sequence) -> None:
        """Assigns the arrays `weights` to `variables`, one for one.

        Raises:
            ValueError: another number of arrays, or another shape.
        """
        variables = self.variables
        if len(weights) != len(variables):
            raise ValueError(
                f"{self.name}: expected {len(variables)} arrays (built: {self.built}), "
                f"got {len(weights)}"
            )
        for variable, value in zip(variables, weights):
            if tuple(np.shape(value)) != tuple(variable.shape):
                raise ValueError(
                    f"{self.name}: {variable.name} has shape {variable.shape}, "
                    f"but the array has {np.shape(value)}"
                )
        for variable, value in zip(variables, weights):
            variable.assign(np.asarray(value))
