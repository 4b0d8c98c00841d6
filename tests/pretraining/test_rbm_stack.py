"""RBMStack: greedy training, and what a model is given."""

import re

import numpy as np
import pytest

import fastnn as fn
from fastnn.pretraining import BernoulliRBM, GaussianRBM, RBMStack

X = (np.random.default_rng(0).random((60, 9)) < 0.4).astype("float32")


def trained(**settings):
    stack = RBMStack([BernoulliRBM(7, seed=1), BernoulliRBM(5, seed=2)])
    return stack, stack.fit(X, verbose=0, batch_size=20, **settings)


def network(*extra, activation="sigmoid", use_bias=True, widths=(7, 5)):
    dense = [fn.layers.Dense(n, activation, use_bias=use_bias) for n in widths]
    return fn.Sequential([fn.Input((9,)), dense[0], *extra, *dense[1:]])


def equal_bits(first, second):
    return np.asarray(first).tobytes() == np.asarray(second).tobytes()


def test_each_machine_is_trained_on_the_probabilities_of_the_one_before():
    stack, histories = trained(epochs=3)
    x = X
    for machine, history in zip([BernoulliRBM(7, seed=1), BernoulliRBM(5, seed=2)], histories):
        alone = machine.fit(x, epochs=3, batch_size=20, verbose=0)
        assert alone.history == history.history
        x = machine.transform(x)
    assert equal_bits(stack.transform(X), x)
    assert equal_bits(stack(X).detach(), x)


def test_settings_may_have_a_value_for_each_machine():
    _, histories = trained(epochs=[1, 4], learning_rate=(0.1, 0.2))
    assert [len(history.epoch) for history in histories] == [1, 4]
    with pytest.raises(ValueError, match="epochs has 3 values for 2 machines"):
        trained(epochs=[1, 2, 3])


def test_a_model_gets_the_weights_bit_for_bit():
    stack, _ = trained(epochs=2)
    model = stack.to_sequential()
    assert [layer.activation for layer in model.layers] == [fn.activations.sigmoid] * 2
    for layer, machine in zip(model.layers, stack.machines):
        assert equal_bits(layer.kernel, machine.kernel)
        assert equal_bits(layer.bias, machine.hidden_bias)
    assert equal_bits(model(X).detach(), stack.transform(X))
    before = stack.get_weights()
    model.compile("sgd", "mse")
    model.fit(X, X[:, :5], verbose=0)
    assert all(equal_bits(a, b) for a, b in zip(before, stack.get_weights()))  # copies


def test_layers_may_lie_between_and_above():
    stack, _ = trained()
    model = network(fn.layers.Dropout(0.5), widths=(7, 5, 3))
    top = model.layers[-1].get_weights()
    stack.initialize(model)
    for layer, machine in zip((model.layers[0], model.layers[2]), stack.machines):
        assert equal_bits(layer.kernel, machine.kernel)
        assert equal_bits(layer.bias, machine.hidden_bias)
    assert equal_bits(model.layers[-1].kernel, top[0])


@pytest.mark.parametrize(
    "model, message",
    [
        (network(widths=(7,)), "has 1 Dense layers for 2 machines"),
        (network(widths=(7, 6)), r"has a kernel of shape \(7, 6\), expected .* \(7, 5\)"),
        (network(activation="tanh"), "has the activation tanh"),
        (network(use_bias=False), "has no bias"),
        (fn.Sequential([fn.layers.Dense(7, "sigmoid"), fn.layers.Dense(5)]), "is not built"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_unchanged(model, message):
    stack, _ = trained()
    before = [w.copy() for w in model.get_weights()]
    with pytest.raises(ValueError, match=message):
        stack.initialize(model)
    assert all(equal_bits(a, b) for a, b in zip(before, model.get_weights()))


def test_machines_without_weights_are_refused():
    stack = RBMStack([BernoulliRBM(2)])
    for call in (stack.to_sequential, lambda: stack.initialize(network())):
        with pytest.raises(ValueError, match="has no weights yet"):
            call()
    stack.build((None, 9))
    assert stack.to_sequential().layers[0].kernel.shape == (9, 2)


@pytest.mark.parametrize("machines", [[], [fn.layers.Dense(3)]])
def test_what_is_no_stack_of_machines_is_refused(machines):
    with pytest.raises(ValueError, match="RBMStack"):
        RBMStack(machines)
    machine = BernoulliRBM(3)
    with pytest.raises(ValueError, match="different machines"):
        RBMStack([machine, machine])


def test_machines_that_do_not_fit_each_other_are_refused():
    machine = BernoulliRBM(3)
    machine.build((None, 8))
    with pytest.raises(ValueError, match=r"8 visible units.* \(None, 7\)"):
        RBMStack([BernoulliRBM(7), machine]).build((None, 9))


def test_weights_and_models_are_written_and_read(tmp_path):
    stack, _ = trained()
    file = tmp_path / "stack.safetensors"
    fn.saving.save_weights(stack, file)
    other = RBMStack([BernoulliRBM(7), BernoulliRBM(5)])
    other.build((None, 9))
    fn.saving.load_weights(other, file)
    assert all(equal_bits(a, b) for a, b in zip(stack.get_weights(), other.get_weights()))
    with pytest.raises(ValueError, match=re.escape(str(file))):
        wrong = RBMStack([BernoulliRBM(7), BernoulliRBM(6)])
        wrong.build((None, 9))
        fn.saving.load_weights(wrong, file)

    # As a layer of a model, with its random states: a machine goes on with the same draws.
    model = fn.Sequential([fn.Input((9,)), RBMStack([GaussianRBM(7), BernoulliRBM(5, seed=3)])])
    model.layers[0].fit(X, verbose=0)
    model.save(tmp_path / "model.fastnn")
    read = fn.models.load_model(tmp_path / "model.fastnn")
    assert equal_bits(read(X).detach(), model(X).detach())
    first, second = (m.layers[0].machines[1].sample(4, steps=3) for m in (model, read))
    assert equal_bits(first, second)


def test_a_model_trains_what_its_output_needs():
    stack, _ = trained()
    model = fn.Sequential([fn.Input((9,)), stack, fn.layers.Dense(2)])
    model.compile("sgd", "mse")
    before = [w.copy() for w in stack.get_weights()]
    model.fit(X, X[:, :2], verbose=0)
    names = [w.name for w in stack.weights]
    moved = {n for n, a, b in zip(names, before, stack.get_weights()) if not equal_bits(a, b)}
    assert moved == {"kernel", "hidden_bias"}
