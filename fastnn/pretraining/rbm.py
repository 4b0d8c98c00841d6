"""What restricted Boltzmann machines share: weights, conditional probabilities, training."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from fastnn import _core, ops, random
from fastnn.autograd import no_grad
from fastnn.callbacks import CallbackList, History, ProgbarLogger
from fastnn.captured import capture
from fastnn.initializers import RandomNormal
from fastnn.layers.layer import Layer
from fastnn.layers.sizes import positive_integer
from fastnn.models.training_data import check_batch_size
from fastnn.ops.core import as_float
from fastnn.ops.products import dense
from fastnn.optimizers import SGD
from fastnn.pretraining.contrastive_divergence import contrast
from fastnn.pretraining.likelihood import log_partition, summed_units
from fastnn.tensor import Tensor, Variable
from fastnn.utils.integers import integer


class RBM(Layer):
    """Base class: hidden units are binary, and subclasses say what visible ones are."""

    binary: bool  # whether visible units are
    learning_rate: float  # of `fit` if none is given
    visible_activation: str  # from their field to their means, an op code
    kernel: Variable
    hidden_bias: Variable
    visible_bias: Variable

    def __init__(self, units: int, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = positive_integer(type(self).__name__, "units", units)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    def build(self, input_shape: tuple) -> None:
        if len(input_shape) != 2 or input_shape[1] is None:
            raise ValueError(
                f"{self.name}: data must be [samples, visible], its shape is {tuple(input_shape)}"
            )
        visible = input_shape[1]
        start = RandomNormal(stddev=0.01, seed=self.seed)
        self.kernel = self.add_weight((visible, self.units), start, name="kernel")
        self.hidden_bias = self.add_weight((self.units,), "zeros", name="hidden_bias")
        # Has no part in what the layer computes: nothing for a model around it to train.
        self.visible_bias = self.add_weight(
            (visible,), "zeros", trainable=False, name="visible_bias"
        )

    def call(self, inputs: Tensor) -> Tensor:
        return dense(inputs, self.kernel, self.hidden_bias, "sigmoid")

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units, "seed": self.seed}

    # ---- conditional distributions, of Tensors that fit

    def hidden_means(self, visible: Tensor) -> Tensor:
        """The probabilities of hidden units given visible states."""
        return self.call(visible)

    def visible_means(self, hidden: Tensor) -> Tensor:
        """The means of visible units given hidden states."""
        return _core.gemm(
            hidden, self.kernel, self.visible_bias, None, None, False, True, 1.0, 1.0,
            self.visible_activation,
        )[0]  # fmt: skip

    def draw_hidden(self, means: Tensor) -> Tensor:
        """Hidden states with these probabilities."""
        return self._draw_binary(means)

    def draw_visible(self, means: Tensor) -> Tensor:
        """Visible states with these means."""
        raise NotImplementedError

    def _draw_binary(self, means: Tensor) -> Tensor:
        chance = random.uniform(means.shape, dtype=means.dtype, seed=self.seed_generator)
        return ops.cast(chance < means, means.dtype)

    # ---- energies

    def log_visible_sum(self, field: Any, visible_bias: Tensor) -> Tensor:
        """log of the sum (or integral) over x of exp(x @ field - the energy of x alone), [rows]."""
        raise NotImplementedError

    def _visible_energy(self, x: Tensor, visible_bias: Tensor) -> Tensor:
        """The part of the energy that visible units have alone, [rows]."""
        raise NotImplementedError

    def free_energy_with(self, weights: list[Tensor], x: Any) -> Tensor:
        """Free energies under these weights, in their dtype."""
        kernel, hidden_bias, visible_bias = weights
        hidden = ops.sum(ops.softplus(dense(x, kernel, hidden_bias)), -1)
        return self._visible_energy(x, visible_bias) - hidden

    # ---- data

    def _check_values(self, operation: str, x: Tensor) -> None:
        """Raises ValueError for values that visible units cannot have."""
        raise NotImplementedError

    def _require_weights(self, operation: str) -> None:
        if not self.built:
            raise ValueError(
                f"{self.name}: {operation}: the machine has no weights yet: fit it, or "
                "build((None, visible))"
            )

    def _data(self, operation: str, x: Any) -> Tensor:
        """x as a Tensor of the machine's dtype, [samples, visible], its values checked."""
        x = as_float(x, f"{self.name}: {operation}: x")
        visible = self.kernel.shape[0] if self.built else "visible"
        if x.ndim != 2 or (self.built and x.shape[1] != visible):
            raise ValueError(
                f"{self.name}: {operation}: x must be [samples, {visible}], its shape is {x.shape}"
            )
        if not x.size:
            raise ValueError(f"{self.name}: {operation}: x is empty, its shape is {x.shape}")
        self._check_values(operation, x)
        return ops.cast(x, self.dtype)

    # ---- what a machine is used for

    @no_grad
    def transform(self, x: Any) -> Tensor:
        """The probabilities of the hidden units, [samples, units].

        x: [samples, visible]
        Raises ValueError for another width or values that visible units cannot have.
        """
        self._require_weights("transform")
        return self.hidden_means(self._data("transform", x))

    @no_grad
    def reconstruct(self, x: Any) -> Tensor:
        """The means of visible units given the probabilities of the hidden ones: nothing is drawn.

        x and result: [samples, visible]
        Raises ValueError for another width or values that visible units cannot have.
        """
        self._require_weights("reconstruct")
        return self.visible_means(self.hidden_means(self._data("reconstruct", x)))

    @no_grad
    def gibbs(self, x: Any, steps: int = 1) -> Tensor:
        """Visible states some steps of the Markov chain after x: each draws all hidden units, then
        all visible ones.

        x and result: [samples, visible]
        Raises ValueError for another width, values that visible units cannot have, no steps.
        """
        self._require_weights("gibbs")
        visible = self._data("gibbs", x)
        for _ in range(positive_integer(self.name, "gibbs: steps", steps)):
            hidden = self.draw_hidden(self.hidden_means(visible))
            visible = self.draw_visible(self.visible_means(hidden))
        return visible

    @no_grad
    def sample(self, n: int, steps: int = 1000) -> Tensor:
        """Visible states [n, visible] of chains that began with random hidden units.

        Raises ValueError unless n and steps are positive integers.
        """
        self._require_weights("sample")
        shape = (positive_integer(self.name, "sample: n", n), self.units)
        hidden = self.draw_hidden(ops.full(shape, 0.5, dtype=self.dtype))
        return self.gibbs(self.draw_visible(self.visible_means(hidden)), steps)

    def _weights(self) -> list[Any]:
        return [self.kernel, self.hidden_bias, self.visible_bias]

    def free_energy(self, x: Any) -> Tensor:
        """-log of the sum over hidden states of exp(-energy), [samples], in the machine's dtype.

        p(x) is exp(-free_energy(x)) / Z. Differentiable, by weights and by x.

        x: [samples, visible]
        Raises ValueError for another width or values that visible units cannot have.
        """
        self._require_weights("free_energy")
        return self.free_energy_with(self._weights(), self._data("free_energy", x))

    @no_grad
    def log_likelihood(self, x: Any) -> Tensor:
        """log p(x) of each sample, exactly and in float64, [samples]; of real-valued units the log
        of the density.

        By a sum over all states of the hidden (or, if binary, the visible) side.

        x: [samples, visible]
        Raises ValueError for more than 20 units there, another width or values that visible units
        cannot have.
        """
        self._require_weights("log_likelihood")
        x = ops.cast(self._data("log_likelihood", x), "float64")
        weights = [ops.cast(w, "float64") for w in self._weights()]
        return -self.free_energy_with(weights, x) - log_partition(self, weights)

    # ---- training

    @no_grad
    def fit(
        self,
        x: Any,
        *,
        batch_size: int | None = None,
        epochs: int = 1,
        learning_rate: Any = None,
        momentum: float = 0.5,
        weight_decay: float = 0.0,
        k: int = 1,
        persistent: bool = False,
        sample_visible: bool | None = None,
        shuffle: bool = True,
        log_likelihood: bool = False,
        verbose: Any = "auto",
    ) -> History:
        """Trains by contrastive divergence: gradient ascent of the log-likelihood, where a Markov
        chain of k steps stands for the machine's own distribution.

        Weights go on from where they are; velocities and persistent chains start at zero. The step
        is recorded (docs/recorded-steps.md).

        Args:
            x: [samples, visible].
            batch_size: samples a step; 32 if None.
            epochs: passes over x.
            learning_rate: a number, or a schedule or function as optimizers take; None: 0.1 with
                binary visible units, 0.01 with real-valued ones.
            momentum: 0 to 1. Hinton advises 0.5, and 0.9 once the error falls slowly.
            weight_decay: this times the kernel is added to its gradient.
            k: steps of the chain.
            persistent: chains, as many as a batch has samples, that go on from step to step; else
                they start anew at the samples.
            sample_visible: whether visible units are drawn along the chain. Their means instead
                have less noise: better features, at the price of a slightly worse density (Hinton,
                2010, section 3.2). None: with persistent chains only, as is usual.
            shuffle: a new order for each epoch.
            log_likelihood: whether the mean log-likelihood of x is computed after each epoch; for
                small machines.
            verbose: "auto", 0, 1 or 2 as in ``Model.fit``.

        Returns:
            History: ``history["reconstruction_error"]``, for each epoch the mean squared difference
            of x and what one draw of the hidden units makes of it, and perhaps ``log_likelihood``.

        Raises:
            ValueError: data of another width, or with values that visible units cannot have; a
                negative rate or decay, a momentum outside [0, 1], k or batch_size below 1, a
                machine too large for its log-likelihood.
            TypeError: epochs or batch_size is no integer, a rate no number.
        """
        k = positive_integer(self.name, "fit: k", k)
        epochs, batch_size = integer("fit: epochs", epochs), check_batch_size(batch_size)
        rate = self.learning_rate if learning_rate is None else learning_rate
        if not callable(rate):
            rate = _number(f"{self.name}: fit: learning_rate", rate)
        decay = _number(f"{self.name}: fit: weight_decay", weight_decay)
        optimizer = SGD(rate, _number(f"{self.name}: fit: momentum", momentum, most=1.0))
        x = self._data("fit", x)
        if not self.built:
            self.build(x.shape)
        if log_likelihood:
            summed_units(self)  # not after the first epoch
        draws = persistent if sample_visible is None else sample_visible
        chains = None
        if persistent:
            shape = (min(batch_size, x.shape[0]), self.units)
            chains = Variable(np.zeros(shape, self.dtype), trainable=False, name="chains")

        @capture
        def step(batch: Tensor) -> Tensor:
            gradients, error = contrast(self, batch, k, chains, draws)
            if decay:
                gradients[0] = gradients[0] + decay * self.kernel
            optimizer.apply(gradients, self._weights())
            return error

        steps = -(-x.shape[0] // batch_size)
        hooks = CallbackList([ProgbarLogger()], True, verbose=verbose, epochs=epochs, steps=steps)
        with hooks:
            for epoch in range(epochs):
                hooks.on_epoch_begin(epoch)
                order = random.permutation(x.shape[0], self.seed_generator) if shuffle else None
                total = 0.0
                for number, batch in enumerate(_batches(x, batch_size, order)):
                    error = step(batch).item()
                    total += error * batch.shape[0]
                    hooks.on_train_batch_end(number, {"reconstruction_error": error})
                logs = {"reconstruction_error": total / x.shape[0]}
                if log_likelihood:
                    logs["log_likelihood"] = ops.mean(self.log_likelihood(x)).item()
                hooks.on_epoch_end(epoch, logs)
        return hooks.history  # type: ignore[return-value]  # add_history is set


def _batches(x: Tensor, size: int, order: Tensor | None) -> Iterator[Tensor]:
    """The rows of x, some at a time, in their order or in another."""
    for start in range(0, x.shape[0], size):
        piece = slice(start, start + size)
        yield x[piece] if order is None else ops.take(x, order[piece], 0)


def _number(what: str, value: Any, most: float = math.inf) -> float:
    """A finite number of at least 0 as a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{what} must be a number, got {value!r}")
    if not 0 <= value <= most or value == math.inf:
        bound = "at least 0" if most == math.inf else f"from 0 to {most:g}"
        raise ValueError(f"{what} must be finite and {bound}, got {value!r}")
    return float(value)
