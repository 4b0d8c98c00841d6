"""The convolutional network beats the dense one, which had as much time."""

import numpy as np

import fastnn as fn
from fastnn.recipes import mnist_cnn
from fastnn.recipes.common import Clock


def test_it_learns(mnist, tmp_path, capsys, pictures):
    figures = mnist_cnn.run(quick=True, out=tmp_path)
    cnn, dense = figures["convolutional"], figures["dense"]
    assert cnn["accuracy"] >= 0.95  # after two epochs of 10,000; a tenth by guessing
    assert dense["accuracy"] >= 0.9 and dense["seconds"] >= cnn["seconds"]
    assert cnn["parameters"] == 25 * 10 + 50 * (25 * 9 + 1) + 100 * 1251 + 1010
    assert "course" in capsys.readouterr().out
    assert pictures("training.png", "hardest.png")


def test_it_learns_the_embedded_digits(without_data, tmp_path):
    figures = mnist_cnn.run(quick=True, out=tmp_path)
    assert figures["dataset"] == "digits"
    assert figures["convolutional"]["accuracy"] >= 0.93


def test_claims_depend_on_the_data():
    cnn = {"parameters": 1, "epochs": 6, "after_3_epochs": 0.986, "accuracy": 0.985, "best": 0.985}
    figures = {"dataset": "mnist", "convolutional": cnn, "dense": {**cnn, "best": 0.98}}
    assert [claim.holds for claim in mnist_cnn.claims(figures)] == [True, False, True, True, True]
    figures["dataset"] = "digits"
    assert all(claim.holds for claim in mnist_cnn.claims(figures))


def test_a_clock_ends_the_training():
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    model.compile("sgd", "mse")
    clock = Clock(limit=0.0)
    history = model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=5, callbacks=[clock], verbose=0)
    assert len(history.history["loss"]) == 1 == len(clock.seconds) and clock.seconds[0] > 0
    model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=3, callbacks=[free := Clock()], verbose=0)
    assert free.seconds == sorted(free.seconds) and len(free.seconds) == 3
