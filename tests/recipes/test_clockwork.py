"""A waveform from memory: the net without an input, the waveforms, and the order."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import recipes
from fastnn.recipes import clockwork as recipe


@pytest.mark.parametrize("net", recipe.NETS)
def test_weights_and_first_state_are_all_it_has(net):
    fn.utils.set_random_seed(0)
    model = recipe.build(net)
    units = recipe.NETS[net][0]
    weights = {"RNN": units**2 + units, "LSTM": 4 * (units**2 + units)}
    modules = len(recipe.PERIODS)
    size = units // modules
    weights["clockwork RNN"] = size**2 * modules * (modules + 1) // 2 + units
    states = 2 if net == "LSTM" else 1
    assert model.count_params() == weights[net] + states * units + units + 1
    ones = np.ones((1, recipe.SAMPLES, 1), "float32")
    variables = model.trainable_variables
    gradients = fn.grad(lambda _: fn.ops.sum(fn.ops.square(model(ones))))(variables)
    # Every weight is in use, the first states too.
    assert all(np.abs(gradient.numpy()).max() > 0 for gradient in gradients)


def test_forget_gates_begin_open():
    model = recipe.build("LSTM")
    kernel = model.layer.get_weights()[0].reshape(4, -1)
    assert (kernel[1] == recipe.FORGET).all() and np.abs(kernel[[0, 2, 3]]).max() < 2


def test_the_loudest_piece():
    signal = np.zeros(1000, "float32")
    signal[400:720], signal[100:130] = 0.25, 0.5
    assert recipe.loudest(signal).tolist() == [1.0] * 320


def test_made_up_sounds_differ_and_stay_the_same():
    waves = [recipe.made_up(number) for number in (0, 1, 0)]
    assert waves[0].shape == (recipe.SAMPLES,) and np.abs(waves[0]).max() == 1
    np.testing.assert_array_equal(waves[0], waves[2])
    assert np.abs(np.corrcoef(waves[0], waves[1])[0, 1]) < 0.9


def test_the_clockwork_remembers_best(tmp_path, without_data, capsys, pictures):
    figures = recipes.get("clockwork").run(quick=True, out=tmp_path)
    assert "made-up sounds take their place" in capsys.readouterr().out
    errors = {net: figures[net]["errors"][0] for net in recipe.NETS}
    assert errors["clockwork RNN"] <= 0.1  # 1 for silence
    assert min(errors["RNN"], errors["LSTM"]) >= 2 * errors["clockwork RNN"]
    assert [claim.what for claim in recipe.claims(figures) if not claim.holds] == []
    assert pictures("waves.png", "training.png")
