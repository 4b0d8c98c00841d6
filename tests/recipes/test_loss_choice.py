"""Cross-entropy learns where the squared error, at the same rate, hardly begins."""

import numpy as np
import pytest

import fastnn as fn
from fastnn.recipes import loss_choice, relu
from fastnn.recipes.digit_nets import Net, compare, setting


def test_cross_entropy_learns(mnist, tmp_path, capsys, pictures):
    figures = loss_choice.run(quick=True, out=tmp_path)
    entropy, squared = figures["cross-entropy"], figures["squared error"]
    assert entropy["accuracy"] >= 0.6 and entropy["accuracy"] - squared["accuracy"] >= 0.4
    assert "course" in capsys.readouterr().out
    assert pictures("training.png")


def test_it_learns_the_embedded_digits(without_data, tmp_path):
    figures = loss_choice.run(quick=True, out=tmp_path)
    assert figures["dataset"] == "digits"
    entropy, squared = figures["cross-entropy"], figures["squared error"]
    assert entropy["accuracy"] >= 0.8 and entropy["accuracy"] - squared["accuracy"] >= 0.4


@pytest.mark.parametrize("net", [Net(), relu.net(relu.DEEP, "relu")], ids=["loss-choice", "relu"])
def test_backends_agree_on_the_first_epoch(net):
    """Digits, once through, natively and in NumPy."""
    histories = []
    for backend in ("native", "reference"):
        with fn.use_backend(backend):
            common = setting(quick=True, epochs=1, images=500)
            histories.append(common.train(net)[1]["history"])
    native, reference = histories
    np.testing.assert_allclose(native["loss"], reference["loss"], rtol=1e-4)
    np.testing.assert_allclose(native["val_accuracy"], reference["val_accuracy"], atol=0.01)


def test_an_interrupt_keeps_the_table(without_data, capsys):
    class Interrupts(fn.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    nets = {"whole": Net((8,)), "cut": Net((8,), callbacks=lambda: [Interrupts()])}
    with pytest.raises(KeyboardInterrupt):
        compare("Nets", nets, setting(quick=True, epochs=2), {})
    text = capsys.readouterr().out
    assert "interrupted" in text and "whole" in text.split("interrupted")[1]


def test_claims():
    figures = {name: {"accuracy": 0.12} for name in loss_choice.NETS}
    figures["cross-entropy"]["accuracy"] = 0.84
    assert all(claim.holds for claim in loss_choice.claims(figures))
    figures["cross-entropy"]["accuracy"] = 0.6
    assert [claim.holds for claim in loss_choice.claims(figures)] == [True, False, False, True]
