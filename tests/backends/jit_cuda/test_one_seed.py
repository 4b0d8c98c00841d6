"""Training from one seed, on the CPU and on CUDA: the same losses, the same accuracy in the end.

On a GPU these are the course's networks on MNIST, or on the embedded digits where MNIST is not; in
the simulator they have a few units and see a few digits.
"""

import gpu
import numpy as np
import pytest

import fastnn as fn
from fastnn import layers
from fastnn.recipes.common import is_here

FIRST = 20  # losses that are compared one by one
# Units of the dense network; filters and units of the convolutional one; images a batch; images
# to train with beyond the first batches, and to test with.
if gpu.simulated():
    DENSE, CONV, BATCH, TRAIN, TEST = (6,), (2, 2, 4), 3, 6, 20
else:
    DENSE, CONV, BATCH, TRAIN, TEST = (500, 500), (25, 50, 100), 100, 60_000, 10_000


def images():
    """Training and test images of [0, 1] with their labels: [rows, columns, 1] each."""
    whole = not gpu.simulated() and is_here("mnist")
    dataset = fn.datasets.mnist if whole else fn.datasets.digits
    found = []
    for x, y in dataset.load_data():
        x = x.astype("f4")
        found.append((x[..., None] / x.max(), y.astype("i4")))
    return found


def dense(shape):
    hidden = [layers.Dense(units, activation="relu") for units in DENSE]
    return [fn.Input(shape), layers.Flatten(), *hidden, layers.Dense(10, activation="softmax")]


def convolutional(shape):
    first, second, units = CONV
    return [
        fn.Input(shape),
        layers.Conv2D(first, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(second, 3, activation="relu", padding="same"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(0.25),
        layers.Dense(units, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]


def trained(network):
    """The losses of the first batches, then, trained on, the accuracy on the test images."""
    (x, y), (x_test, y_test) = images()
    fn.utils.set_random_seed(1)
    model = fn.Sequential(network(x.shape[1:]))
    model.compile(fn.optimizers.Adam(), "sparse_categorical_crossentropy", metrics=["accuracy"])
    losses = []
    for start in range(0, FIRST * BATCH, BATCH):
        model.reset_metrics()
        rows = slice(start, start + BATCH)
        losses.append(model.train_on_batch(x[rows], y[rows], return_dict=True)["loss"])
    model.fit(x[:TRAIN], y[:TRAIN], batch_size=BATCH, verbose=0)
    _, accuracy = model.evaluate(x_test[:TEST], y_test[:TEST], batch_size=BATCH, verbose=0)
    return losses, accuracy, {v.device for v in model.variables}


@pytest.mark.parametrize("network", [dense, convolutional])
def test_losses_and_accuracy(network):
    with fn.device("cpu"):
        expected, accuracy, _ = trained(network)
    with fn.device("cuda"):
        got, there, devices = trained(network)
    assert devices == {"cuda"}
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4)
    assert np.ptp(expected) > 0.01  # it learns
    assert abs(there - accuracy) <= 0.003
