"""@elementwise: where operations run: backends, recorded steps, threads, layers."""

import copy
import pickle

import numpy as np
import pytest
from elementwise_functions import X, scaled, swish

import fastnn as fn
from fastnn.backends import use_backend

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("backend", ["reference", "jit_cpu"])
def test_every_backend_for_cpus_compiles_it(backend):
    x = fn.tensor(X)
    expected = swish(x).numpy()
    with use_backend(backend):
        assert np.array_equal(swish(x).numpy(), expected)


def test_calls_are_recorded_and_replayed():
    @fn.capture
    def step(x):
        return fn.value_and_grad(lambda x: (swish(x) * 2).sum())(x)

    for i in range(6):
        x = fn.tensor(X + i)
        value, gradient = step(x)
        s = 1 / (1 + np.exp(-1.5 * (X + i)))
        np.testing.assert_allclose(value.item(), 2 * ((X + i) * s).sum(), rtol=1e-14)
        slope = 2 * (s + 1.5 * (X + i) * s * (1 - s))
        np.testing.assert_allclose(gradient.numpy(), slope, rtol=1e-13)
    assert "replays" in step.explain()


def test_bits_do_not_depend_on_threads():
    x = fn.tensor(RNG.standard_normal(200_003).astype(np.float32))
    results = []
    for threads in (1, 2):
        with fn.num_threads(threads):
            results.append((swish(x).numpy(), fn.grad(lambda x: swish(x).sum())(x).numpy()))
    for one, two in zip(*results):
        assert np.array_equal(one, two)


def test_an_activation_of_a_layer_learns():
    x = RNG.standard_normal((64, 3)).astype(np.float32)
    y = (x[:, :1] * x[:, 1:2]).astype(np.float32)
    model = fn.Sequential([fn.layers.Dense(16, activation=swish), fn.layers.Dense(1)])
    model.compile(optimizer=fn.optimizers.Adam(0.02), loss="mse")
    losses = model.fit(x, y, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 4


def test_an_operation_is_pickled_and_saved_as_a_function_is(tmp_path):
    assert pickle.loads(pickle.dumps(swish)) is swish and copy.deepcopy(swish) is swish
    model = fn.Sequential([fn.layers.Input((3,)), fn.layers.Dense(2, activation=swish)])
    model.save(tmp_path / "model.fastnn")
    again = fn.models.load_model(tmp_path / "model.fastnn", custom_objects={"swish": swish})
    x = RNG.standard_normal((4, 3)).astype(np.float32)
    assert np.array_equal(model(x).numpy(), again(x).numpy())


def test_a_functional_model_has_it_in_a_layer():
    x = fn.Input((3,))
    with pytest.raises(TypeError, match=r"has no value: .* other functions in a Lambda layer"):
        swish(x)
    y = fn.layers.Lambda(lambda xs: scaled(*xs))([fn.layers.Activation(swish)(x), x])
    data = RNG.standard_normal((2, 3)).astype(np.float32)
    assert np.array_equal(fn.Model(x, y)(data).numpy(), scaled(swish(data), data).numpy())
