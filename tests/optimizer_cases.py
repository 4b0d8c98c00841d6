"""Optimizers by name: how one is made from a module of ours or Keras's, and its formula."""

import numpy as np
import optimizer_formulas as f
import pytest

import fastnn as fn

SHAPES = [(3, 4), (4,), (4, 2), (2,)]


def drawn(seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in SHAPES]


def run(optimizer, steps=10, dtype=np.float64):
    """The weights after some steps with fixed gradients."""
    variables = [fn.Variable(w, name=f"w{i}") for i, w in enumerate(drawn(0, dtype))]
    for step in range(steps):
        gradients = [fn.tensor(g) for g in drawn(100 + step, dtype)]
        optimizer.apply(gradients, variables)
    return [v.numpy() for v in variables]


CASES = {
    "sgd": (lambda o: o.SGD(0.1), lambda w, g: f.sgd(w, g, 0.1)),
    "momentum": (lambda o: o.SGD(0.1, momentum=0.9), lambda w, g: f.sgd(w, g, 0.1, 0.9)),
    "nesterov": (
        lambda o: o.SGD(0.1, momentum=0.9, nesterov=True),
        lambda w, g: f.sgd(w, g, 0.1, 0.9, True),
    ),
    "adagrad": (lambda o: o.Adagrad(), f.adagrad),
    "adagrad_options": (
        lambda o: o.Adagrad(0.1, initial_accumulator_value=0.0, epsilon=1e-3),
        lambda w, g: f.adagrad(w, g, 0.1, 0.0, 1e-3),
    ),
    "adadelta": (lambda o: o.Adadelta(), f.adadelta),
    "adadelta_options": (
        lambda o: o.Adadelta(1.0, rho=0.8, epsilon=1e-3),
        lambda w, g: f.adadelta(w, g, 1.0, 0.8, 1e-3),
    ),
    "rmsprop": (lambda o: o.RMSprop(), f.rmsprop),
    "rmsprop_momentum": (
        lambda o: o.RMSprop(0.01, momentum=0.5),
        lambda w, g: f.rmsprop(w, g, 0.01, 0.9, 0.5),
    ),
    "rmsprop_centered": (
        lambda o: o.RMSprop(0.01, epsilon=1e-3, centered=True),
        lambda w, g: f.rmsprop(w, g, 0.01, 0.9, 0.0, 1e-3, True),
    ),
    "rmsprop_options": (
        lambda o: o.RMSprop(0.01, rho=0.8, momentum=0.5, epsilon=1e-3, centered=True),
        lambda w, g: f.rmsprop(w, g, 0.01, 0.8, 0.5, 1e-3, True),
    ),
    "adam": (lambda o: o.Adam(), f.adam),
    "adam_options": (
        lambda o: o.Adam(0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-3),
        lambda w, g: f.adam(w, g, 0.01, 0.8, 0.99, 1e-3),
    ),
    "amsgrad": (
        lambda o: o.Adam(0.01, amsgrad=True),
        lambda w, g: f.adam(w, g, 0.01, amsgrad=True),
    ),
    "adamw": (lambda o: o.AdamW(0.01), lambda w, g: f.adam(w, g, 0.01, decay=0.004)),
    "adamax": (lambda o: o.Adamax(), f.adamax),
    "adamax_options": (
        lambda o: o.Adamax(0.01, 0.8, 0.9, 1e-3),
        lambda w, g: f.adamax(w, g, 0.01, 0.8, 0.9, 1e-3),
    ),
    "nadam": (lambda o: o.Nadam(), f.nadam),
    "nadam_options": (
        lambda o: o.Nadam(0.01, 0.8, 0.9, 1e-3),
        lambda w, g: f.nadam(w, g, 0.01, 0.8, 0.9, 1e-3),
    ),
    "ftrl": (lambda o: o.Ftrl(), f.ftrl),
    "ftrl_options": (
        lambda o: o.Ftrl(0.1, -0.3, 0.2, 0.3, 0.02, 0.01, 0.4),
        lambda w, g: f.ftrl(w, g, 0.1, -0.3, 0.2, 0.3, 0.02, 0.01, 0.4),
    ),
    "lion": (lambda o: o.Lion(), f.lion),
    "lion_options": (lambda o: o.Lion(0.01, 0.5, 0.8), lambda w, g: f.lion(w, g, 0.01, 0.5, 0.8)),
    "lamb": (lambda o: o.Lamb(), f.lamb),
    "lamb_options": (
        lambda o: o.Lamb(0.01, 0.8, 0.9, 1e-3),
        lambda w, g: f.lamb(w, g, 0.01, 0.8, 0.9, 1e-3),
    ),
    "adafactor": (lambda o: o.Adafactor(), f.adafactor),
    "adafactor_options": (
        lambda o: o.Adafactor(0.5, -0.5, 1e-3, 0.01, 0.5),
        lambda w, g: f.adafactor(w, g, 0.5, -0.5, 1e-3, 0.01, 0.5),
    ),
    "muon": (lambda o: o.Muon(), f.muon),
    "muon_options": (
        lambda o: o.Muon(
            0.01,
            0.8,
            0.9,
            None,
            1e-3,
            0.1,
            muon_a=3.0,
            muon_b=-4.0,
            muon_c=2.0,
            adam_lr_ratio=0.5,
            momentum=0.7,
            ns_steps=3,
            nesterov=False,
            rms_rate=None,
        ),
        lambda w, g: f.muon(
            w, g, 0.01, (0.8, 0.9, 0.0, 1e-3, 0.5), 0.1, (3.0, -4.0, 2.0), 0.7, 3, False, None
        ),
    ),
    "schedule_free": (lambda o: o.ScheduleFreeAdamW(), f.schedule_free),
    "schedule_free_options": (
        lambda o: o.ScheduleFreeAdamW(0.01, 0.8, 0.9, 1e-3, 4),
        lambda w, g: f.schedule_free(w, g, 0.01, 0.8, 0.9, 1e-3, 4),
    ),
}


def keras_case(name, *values):
    """A parameter for a comparison with Keras, whose free schedule differs between its backends:
    on PyTorch its weights leave the formula's from the first steps."""
    marks = pytest.mark.jax if name.lower().startswith("schedule") else ()
    return pytest.param(name, *values, marks=marks)
