"""NumPy's numbers as settings of whatever is saved with a model."""

import inspect
import json

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers, metrics, optimizers
from fastnn.optimizers import schedules
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object

KINDS = (
    optimizers.SGD,
    optimizers.Adam,
    optimizers.AdamW,
    optimizers.Nadam,
    optimizers.RMSprop,
    optimizers.Adagrad,
    optimizers.Adadelta,
    optimizers.Adamax,
    optimizers.Ftrl,
    optimizers.Lion,
    optimizers.Lamb,
    optimizers.Adafactor,
    optimizers.Muon,
    optimizers.ScheduleFreeAdamW,
    optimizers.VSGD,
    optimizers.AdaSecant,
)
COMMON = {
    "weight_decay": np.float32(0.5),
    "clipnorm": np.float32(1),
    "use_ema": True,
    "ema_momentum": np.float64(0.5),
    "ema_overwrite_frequency": np.int64(3),
    "gradient_accumulation_steps": np.int32(2),
    "loss_scale_factor": np.float32(2),
}
OBJECTS = {
    "ExponentialDecay": lambda f, i: schedules.ExponentialDecay(f(0.5), i(10), f(0.25)),
    "CosineDecay": lambda f, i: schedules.CosineDecay(f(0.5), i(10), f(0.25), warmup_steps=i(3)),
    "PiecewiseConstantDecay": lambda f, i: schedules.PiecewiseConstantDecay([i(3)], [f(1), f(0.5)]),
    "FBetaScore": lambda f, i: metrics.FBetaScore(beta=f(0.5), threshold=f(0.25)),
    "LayerNormalization": lambda f, i: layers.LayerNormalization(i(-1), epsilon=f(0.5)),
    "UnitNormalization": lambda f, i: layers.UnitNormalization(i(-1)),
    "GroupNormalization": lambda f, i: layers.GroupNormalization(i(2)),
    "ClockworkRNN": lambda f, i: layers.ClockworkRNN(i(4), (i(1), i(2))),
    "Constant": lambda f, i: fn.initializers.Constant(f(0.5)),
    "RandomNormal": lambda f, i: fn.initializers.RandomNormal(f(0.5), f(0.25), seed=i(3)),
    "L1L2": lambda f, i: fn.regularizers.L1L2(f(0.5), f(0.25)),
    "MaxNorm": lambda f, i: fn.constraints.MaxNorm(f(0.5), axis=i(0)),
}


def through_json(item):
    return deserialize_keras_object(json.loads(json.dumps(serialize_keras_object(item))))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_optimizers(kind):
    own = {
        name: np.float32(p.default)
        for name, p in inspect.signature(kind).parameters.items()
        if type(p.default) is float
    }
    optimizer = kind(**own)
    again = through_json(optimizer).get_config()
    for name, value in own.items():
        assert again[name] == value and type(again[name]) is float


def test_what_every_optimizer_takes():
    again = through_json(optimizers.SGD(momentum=np.float32(0.5), **COMMON))
    assert {name: getattr(again, name) for name in COMMON} == COMMON
    w = fn.Variable(np.ones(3, np.float32))
    for _ in range(4):  # it takes steps, too
        again.apply([fn.tensor(np.ones(3, np.float32))], [w])
    assert again.iterations.item() == 2 and w.numpy()[0] < 1


def test_configurations_of_the_user_keep_their_tuples():
    config = {"sizes": (np.int64(2), 3), np.int64(1): [np.float32(0.5)], "class_name": np.int64(3)}

    class Own(layers.Layer):
        def get_config(self):
            return config

    found = serialize_keras_object(Own())["config"]
    assert found == {"sizes": (2, 3), 1: [0.5], "class_name": 3}
    json.dumps(found)


@pytest.mark.parametrize("name", OBJECTS)
def test_objects(name):
    make = OBJECTS[name]
    again = through_json(make(np.float32, np.int64)).get_config()
    assert {**again, "name": 0} == {**make(float, int).get_config(), "name": 0}
