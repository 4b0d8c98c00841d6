"""Training that is taken up again equals training that never stopped, to the bit."""

import subprocess
import sys

import numpy as np
import pytest

import fastnn as fn

X = np.random.default_rng(0).normal(size=(100, 8)).astype(np.float32)
LABELS = np.arange(100) % 4


def make_model(optimizer="adam", seed=3):
    fn.utils.set_random_seed(seed)
    model = fn.Sequential(
        [
            fn.Input((8,)),
            fn.layers.Dense(16, activation="relu"),
            fn.layers.Dropout(0.3),
            fn.layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


OPTIMIZERS = {
    "sgd": lambda: fn.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: fn.optimizers.Adam(0.01, amsgrad=True),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_from_a_file(name, tmp_path):
    whole = make_model(OPTIMIZERS[name]())
    logs = whole.fit(X, LABELS, epochs=4, verbose=0).history
    first = make_model(OPTIMIZERS[name]())
    first.fit(X, LABELS, epochs=2, verbose=0)
    first.optimizer.learning_rate = first.optimizer.learning_rate.item()
    first.save(tmp_path / "model.fastnn")
    fn.utils.set_random_seed(99)
    second = fn.models.load_model(tmp_path / "model.fastnn")
    again = second.fit(X, LABELS, epochs=4, initial_epoch=2, verbose=0).history
    assert again["loss"] == logs["loss"][2:]
    for a, b in zip(whole.get_weights(), second.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_from_the_parts_of_the_state():
    whole = make_model()
    whole.fit(X, LABELS, epochs=3, verbose=0)
    first = make_model()
    first.fit(X, LABELS, epochs=1, verbose=0)
    second = make_model(seed=42)
    second.optimizer.build(second.trainable_variables)
    second.optimizer.set_weights([v.numpy() for v in first.optimizer.variables])
    for mine, theirs in zip(second.variables, first.variables):
        mine.assign(theirs.numpy())
    second.set_training_state(first.get_training_state())
    second.fit(X, LABELS, epochs=3, initial_epoch=1, verbose=0)
    for a, b in zip(whole.get_weights(), second.get_weights()):
        np.testing.assert_array_equal(a, b)


PROGRAM = """
import hashlib, sys
import numpy as np
import fastnn as fn
fn.set_num_threads(int(sys.argv[1]))
fn.utils.set_random_seed(5)
x = np.random.default_rng(0).normal(size=(300, 50)).astype(np.float32)
model = fn.Sequential([fn.Input((50,)), fn.layers.Dense(120, activation="relu"),
                       fn.layers.Dense(4, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, np.arange(300) % 4, epochs=2, batch_size=64, verbose=0)
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
"""


def test_runs_of_the_same_program_give_the_same_bits():
    digests = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, threads], check=True, capture_output=True, text=True
        ).stdout
        for threads in ("1", "2", "3")
    }
    assert len(digests) == 1
