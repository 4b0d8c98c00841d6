"""RBMStack: machines that are trained one after the other, and the model that they start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastnn import activations
from fastnn.callbacks import History
from fastnn.layers import Dense, Input
from fastnn.layers.layer import Layer
from fastnn.models import Sequential
from fastnn.pretraining.rbm import RBM
from fastnn.tensor import Tensor
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object

if TYPE_CHECKING:
    from typing_extensions import Self


class RBMStack(Layer):
    """Restricted Boltzmann machines on top of each other, for greedy layer-wise pre-training.

    Each machine is trained on the hidden probabilities of the one before it. Then their kernels
    and hidden biases are the first weights of a network of sigmoid layers, which is trained as
    ever. Hinton, Osindero and Teh, "A fast learning algorithm for deep belief nets" (2006).

    The stack is a layer: called on data [samples, visible] it gives the probabilities of the last
    machine's hidden units.

    Args:
        machines: ``BernoulliRBM``s; the first one may be a ``GaussianRBM``.
        kwargs: name and the others of ``Layer``.

    Raises:
        ValueError: no machines, something else, or one that is there twice.

    >>> import fastnn as fn, numpy as np
    >>> x = np.random.default_rng(0).standard_normal((100, 6))
    >>> stack = RBMStack([fn.pretraining.GaussianRBM(5), fn.pretraining.BernoulliRBM(4)])
    >>> histories = stack.fit(x, epochs=[3, 1], learning_rate=[0.01, 0.1], verbose=0)
    >>> [len(history.epoch) for history in histories]
    [3, 1]
    >>> model = stack.to_sequential()
    >>> bool((model.layers[1].kernel.numpy() == stack.machines[1].kernel.numpy()).all())
    True
    """

    def __init__(self, machines: Sequence[RBM], **kwargs: Any):
        super().__init__(**kwargs)
        machines = list(machines)
        for machine in machines:
            if not isinstance(machine, RBM):
                raise ValueError(
                    f"RBMStack: machines must be restricted Boltzmann machines, got {machine!r}"
                )
        if not machines or len(set(map(id, machines))) < len(machines):
            raise ValueError(f"RBMStack: expected one or more different machines, got {machines}")
        self.machines = machines

    def build(self, input_shape: tuple) -> None:
        for machine in self.machines:
            if not machine.built:
                machine.build(input_shape)
            elif machine.kernel.shape[0] != input_shape[-1]:
                raise ValueError(
                    f"{self.name}: {machine.name} has {machine.kernel.shape[0]} visible units, "
                    f"but its input has shape {tuple(input_shape)}"
                )
            input_shape = machine.compute_output_shape(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        for machine in self.machines:
            inputs = machine(inputs)
        return inputs

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], self.machines[-1].units)

    def get_config(self) -> dict:
        machines = [serialize_keras_object(machine) for machine in self.machines]
        return {**super().get_config(), "machines": machines}

    @classmethod
    def from_config(cls, config: dict) -> Self:
        machines = [deserialize_keras_object(machine) for machine in config["machines"]]
        return cls(**{**config, "machines": machines})

    def fit(self, x: Any, **settings: Any) -> list[History]:
        """Trains each machine on the hidden probabilities of the one before it.

        Args:
            x: [samples, visible].
            settings: those of ``BernoulliRBM.fit``; a list or tuple has a value for each machine.

        Returns:
            list: a History for each machine.

        Raises:
            ValueError: a list of another length than there are machines; what ``fit`` refuses.
        """
        each = self._settings_of_each(settings)
        histories = []
        for machine, own in zip(self.machines, each):
            histories.append(machine.fit(x, **own))
            x = machine.transform(x)
        if not self.built:
            self.build((None, self.machines[0].kernel.shape[0]))
        return histories

    def _settings_of_each(self, settings: dict) -> list[dict]:
        count = len(self.machines)
        for name, value in settings.items():
            if isinstance(value, (list, tuple)) and len(value) != count:
                raise ValueError(
                    f"{self.name}: fit: {name} has {len(value)} values for {count} machines"
                )
        return [
            {n: v[i] if isinstance(v, (list, tuple)) else v for n, v in settings.items()}
            for i in range(count)
        ]

    def transform(self, x: Any) -> Tensor:
        """The probabilities of the last machine's hidden units, [samples, units].

        x: [samples, visible]
        Raises ValueError for another width or values that visible units cannot have.
        """
        for machine in self.machines:
            x = machine.transform(x)
        return x

    def to_sequential(self) -> Sequential:
        """A new model of sigmoid ``Dense`` layers that computes what ``transform`` does; add an
        output layer and train it.

        Raises ValueError while machines have no weights.
        """
        self._require_weights("to_sequential")
        model = Sequential([Input((self.machines[0].kernel.shape[0],))])
        for machine in self.machines:
            model.add(Dense(machine.units, "sigmoid", dtype=machine.dtype))
        self.initialize(model)
        return model

    def initialize(self, model: Any) -> None:
        """Sets the first ``Dense`` layers of a model to the machines' kernels and hidden biases.

        model: a built one; other layers may lie between those, and more above them
        Raises ValueError, with nothing changed, for too few Dense layers, or one without bias, of
        another shape or with another activation than sigmoid.
        """
        self._require_weights("initialize")
        denses = [layer for layer in model.layers if type(layer) is Dense]
        if len(denses) < len(self.machines):
            raise ValueError(
                f"{self.name}: initialize: {model.name} has {len(denses)} Dense layers for "
                f"{len(self.machines)} machines"
            )
        pairs = list(zip(denses, self.machines))
        for dense, machine in pairs:
            self._check_fits(dense, machine)
        for dense, machine in pairs:
            dense.kernel.assign(machine.kernel)
            dense.bias.assign(machine.hidden_bias)

    def _require_weights(self, operation: str) -> None:
        for machine in self.machines:
            if not machine.built:
                raise ValueError(
                    f"{self.name}: {operation}: {machine.name} has no weights yet: fit the stack "
                    "first, or build((None, visible))"
                )

    def _check_fits(self, dense: Dense, machine: RBM) -> None:
        problem = ""
        if not dense.built:
            problem = "is not built"
        elif dense.kernel.shape != machine.kernel.shape:
            problem = f"has a kernel of shape {dense.kernel.shape}"
        elif dense.bias is None:
            problem = "has no bias"
        elif dense.activation is not activations.sigmoid:
            problem = f"has the activation {activations.serialize(dense.activation)}"
        if problem:
            raise ValueError(
                f"{self.name}: initialize: layer {dense.name} {problem}, expected a built sigmoid "
                f"Dense layer with a bias and a kernel of shape {machine.kernel.shape}, that of "
                f"{machine.name}"
            )
