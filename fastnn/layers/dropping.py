"""What dropout layers share: a rate that may change between steps, and a random state."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import random
from fastnn.layers.layer import Layer
from fastnn.tensor import Variable
from fastnn.utils.numbers import number
from fastnn.utils.tracking import configuration_changed


class Dropping(Layer):
    """Base class: a layer that drops something with probability ``rate`` while training.

    ``layer.rate = 0.2`` holds from the next step on. Steps read the rate from a Variable, as they
    do the optimizer's learning rate, so that recorded ones follow without being recorded anew;
    only from or to 0, where the layer does nothing, the step itself is another.

    Args:
        rate: the share that is dropped, 0 to 1.
        seed: an integer; None draws one from Python's ``random``.
    """

    _quiet = Layer._quiet | {"rate"}
    allows_one = True  # whether everything may be dropped
    seed_generator: random.SeedGenerator  # once the rate has been above 0
    _rate: Variable

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = seed
        self.rate = rate
        self.supports_masking = True

    @property
    def rate(self) -> float:
        """The share that is dropped; set it between steps."""
        return vars(self)["rate"]

    @rate.setter
    def rate(self, value: float) -> None:
        name, upto = f"{type(self).__name__}: rate", "1" if self.allows_one else "below 1"
        value = number(
            name,
            value,
            f"a number from 0 to {upto}",
            lambda rate: 0 <= rate < 1 or (rate == 1 and self.allows_one),
        )
        store = vars(self)  # past __setattr__: the Variable is no part of the layer's state
        if bool(value) != bool(store.get("rate", 0)):
            configuration_changed()
        if value and "seed_generator" not in store:
            self.seed_generator = random.SeedGenerator(self.seed)
        if "rate" not in store:
            store["_rate"] = Variable(np.asarray(value, self.dtype), trainable=False, name="rate")
        store["_rate"].assign(np.asarray(value, self.dtype))
        store["rate"] = value

    def get_config(self) -> dict:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
