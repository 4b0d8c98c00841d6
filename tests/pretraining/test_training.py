"""fit: what it learns, that it is the update rule, and the same bits however it runs."""

import numpy as np
import pytest
from rbm_cases import KINDS, data_for, machine_of, states
from same_bits import same_for_threads

import fastnn as fn
from fastnn.pretraining import BernoulliRBM, GaussianRBM
from fastnn.pretraining.contrastive_divergence import contrast


def bars_and_stripes():
    """The 14 pictures of 3 x 3 whose rows, or whose columns, are each all on or all off."""
    rows = np.repeat(states(3), 3, axis=1)
    columns = np.tile(states(3), 3)
    return np.unique(np.concatenate([rows, columns]), axis=0)


# No machine can have more than -log 14 = -2.64 on average; one of independent units has
# -9 log 2 = -6.24, and so have these at their start. Of each way five seeds were at least 0.1
# above the bar.
@pytest.mark.parametrize(
    "bar, epochs, how",
    [
        (-3.7, 400, {"learning_rate": 0.2}),
        (-3.5, 400, {"learning_rate": 0.2, "k": 5, "sample_visible": True}),
        (-3.6, 1500, {"learning_rate": 0.05, "persistent": True}),
    ],
)
def test_likelihood_of_bars_and_stripes_rises(bar, epochs, how):
    x = bars_and_stripes()
    assert len(x) == 14
    machine = BernoulliRBM(8, seed=0)
    machine.build(x.shape)
    assert machine.log_likelihood(x).numpy().mean() == pytest.approx(-9 * np.log(2), abs=0.01)
    history = machine.fit(np.tile(x, (10, 1)), epochs=epochs, batch_size=70, verbose=0, **how)
    assert machine.log_likelihood(x).numpy().mean() > bar
    errors = history.history["reconstruction_error"]
    assert errors[0] > 0.2 and errors[-1] < 0.02


def test_likelihood_of_real_valued_data_rises_above_that_of_one_normal():
    rng = np.random.default_rng(0)
    centres = np.array([[2.0, 2.0, -2.0], [-2.0, 2.0, 2.0]])
    x = centres[rng.integers(0, 2, 400)] + rng.standard_normal((400, 3))
    machine = GaussianRBM(4, seed=0)
    machine.fit(x, epochs=60, batch_size=20, verbose=0)
    # The best normal distribution of unit variance, which is a machine without hidden units.
    squares = ((x - x.mean(0)) ** 2).sum(1)
    normal = (-squares / 2 - 1.5 * np.log(2 * np.pi)).mean()
    assert machine.log_likelihood(x).numpy().mean() > normal + 1.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("persistent", [False, True])
def test_steps_are_those_of_momentum_and_decay(kind, persistent):
    """Against a loop of one's own over the same gradients, with the update in NumPy."""
    rate, momentum, decay = 0.05, 0.6, 0.01
    x = data_for(kind, rows=24)
    machine, weights = machine_of(kind)
    machine.fit(
        x,
        batch_size=8,
        epochs=3,
        learning_rate=rate,
        momentum=momentum,
        weight_decay=decay,
        k=2,
        persistent=persistent,
        shuffle=False,
        verbose=0,
    )
    twin, _ = machine_of(kind)
    chains = fn.Variable(np.zeros((8, 3)), trainable=False) if persistent else None
    velocity = [np.zeros_like(weight) for weight in weights]
    for start in (0, 8, 16) * 3:
        with fn.no_grad():
            batch = fn.tensor(x[start : start + 8])
            gradients, _ = contrast(twin, batch, 2, chains, persistent)
        gradients = [gradient.numpy() for gradient in gradients]
        gradients[0] = gradients[0] + decay * weights[0]
        velocity = [momentum * v - rate * g for v, g in zip(velocity, gradients)]
        weights = [w + v for w, v in zip(weights, velocity)]
        twin.set_weights(weights)
    for found, expected in zip(machine.get_weights(), weights):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_same_bits_on_any_number_of_threads(kind):
    # Large enough that products and draws are shared out.
    x = np.random.default_rng(0).random((230, 150)).astype("float32")

    def train():
        machine = kind(120, seed=4)
        history = machine.fit(x, epochs=3, batch_size=50, persistent=True, k=2, verbose=0)
        return [*machine.get_weights(), history.history["reconstruction_error"]]

    same_for_threads(lambda: [np.asarray(value) for value in train()])


def test_the_seed_decides_everything():
    x = data_for(BernoulliRBM, rows=50)

    def trained(seed):
        machine = BernoulliRBM(3, seed=seed)
        machine.fit(x, epochs=3, batch_size=10, verbose=0)
        return machine.get_weights()[0]

    assert (trained(1) == trained(1)).all()
    assert not (trained(1) == trained(2)).any()
    fn.utils.set_random_seed(5)
    first = trained(None)
    fn.utils.set_random_seed(5)
    assert (trained(None) == first).all()


def test_batches_are_shuffled_and_the_last_one_may_be_smaller():
    """With rate 0 the machine stays: the error of an epoch is the mean over all samples."""
    machine, _ = machine_of(BernoulliRBM, 2, 2)
    machine.set_weights([1000 * np.eye(2), [-500, -500], [-500, 500]])
    x = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]])  # one of six values is not reproduced
    history = machine.fit(x, batch_size=2, learning_rate=0, verbose=0)
    assert history.history["reconstruction_error"] == [pytest.approx(1 / 6)]

    def after(shuffle):
        machine, _ = machine_of(GaussianRBM)
        machine.fit(data_for(GaussianRBM, rows=40), batch_size=4, shuffle=shuffle, verbose=0)
        return machine.get_weights()[2]

    assert not (after(True) == after(False)).any()


def test_rates_may_be_a_schedule():
    x = data_for(BernoulliRBM, rows=40)
    schedule = fn.optimizers.schedules.PiecewiseConstantDecay([9], [0.0, 1.0])
    machine, weights = machine_of(BernoulliRBM)
    machine.fit(x, batch_size=4, learning_rate=schedule, verbose=0)  # ten steps, the last counts
    assert (machine.get_weights()[0] == weights[0]).all()
    machine.fit(x, batch_size=4, epochs=2, learning_rate=schedule, verbose=0)
    assert not (machine.get_weights()[0] == weights[0]).any()


def test_figures_of_each_epoch_are_kept_and_printed(capsys):
    machine, _ = machine_of(BernoulliRBM)
    x = data_for(BernoulliRBM)
    history = machine.fit(x, epochs=2, verbose=2, log_likelihood=True)
    assert history.epoch == [0, 1]
    assert set(history.history) == {"reconstruction_error", "log_likelihood"}
    last = history.history["log_likelihood"][1]
    assert last == pytest.approx(machine.log_likelihood(x).numpy().mean(), rel=1e-12)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2" and len(lines) == 4
    assert "reconstruction_error: " in lines[1] and "log_likelihood: -" in lines[1]
