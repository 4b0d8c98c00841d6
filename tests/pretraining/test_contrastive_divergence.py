"""The gradients of contrastive divergence, against exact expectations of small machines."""

import numpy as np
import pytest
from rbm_cases import KINDS, data_for, machine_of, mean_statistics

import fastnn as fn
from fastnn.pretraining import BernoulliRBM
from fastnn.pretraining.contrastive_divergence import contrast

ROUNDS = 100


def exact_gradient(kind, weights, x):
    """Of minus the mean log-likelihood, flat."""
    hidden = 1 / (1 + np.exp(-(x @ weights[0] + weights[1])))
    data = x.T @ hidden / len(x), hidden.mean(0), x.mean(0)
    model = mean_statistics(weights, kind is BernoulliRBM)
    return np.concatenate([(m - d).ravel() for m, d in zip(model, data)])


def mean_and_error(rounds):
    """The mean of independent rounds, and its standard error."""
    found = np.array([np.concatenate([np.ravel(g) for g in round]) for round in rounds])
    return found.mean(0), found.std(0, ddof=1) / np.sqrt(len(found))


def contrastive_divergence(machine, x, k):
    """What many draws say: 100 rounds of 200 chains from each row."""
    rows = fn.tensor(np.repeat(x, 200, axis=0))
    with fn.no_grad():
        return mean_and_error([contrast(machine, rows, k, None, True)[0] for _ in range(ROUNDS)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_chain_points_along_the_gradient_and_a_long_one_is_it(kind):
    machine, weights = machine_of(kind, scale=1.4)
    x = data_for(kind)
    exact = exact_gradient(kind, weights, x)
    biases = []
    for k in (1, 60):
        mean, error = contrastive_divergence(machine, x, k)
        cosine = mean @ exact / np.linalg.norm(mean) / np.linalg.norm(exact)
        assert cosine > 0.6, (k, cosine)
        biases.append(np.abs((mean - exact) / error).max())
    # In standard errors, of 19 numbers: chance alone exceeds 4.5 once in 2,500 times (Student's t).
    assert biases[1] < 4.5, biases
    # There are enough draws to tell: the bias of a short chain is seen.
    assert biases[0] > 10, biases


def test_persistent_chains_come_to_the_gradient_with_one_step_each():
    machine, weights = machine_of(BernoulliRBM)
    x = data_for(BernoulliRBM)
    data = fn.tensor(x)
    last = []
    with fn.no_grad():
        for _ in range(ROUNDS):
            chains = fn.Variable(np.zeros((1000, 3)), trainable=False)
            for _ in range(60):
                gradients, _ = contrast(machine, data, 1, chains, True)
            last.append(gradients)
    mean, error = mean_and_error(last)
    exact = exact_gradient(BernoulliRBM, weights, x)
    assert np.abs((mean - exact) / error).max() < 4.5
    assert set(np.unique(chains.numpy())) == {0, 1}


def test_means_in_place_of_drawn_visible_units_have_less_noise():
    machine, _ = machine_of(BernoulliRBM)
    x = fn.tensor(data_for(BernoulliRBM))

    def noise(sample_visible):
        with fn.no_grad():
            rounds = [contrast(machine, x, 1, None, sample_visible)[0] for _ in range(ROUNDS)]
        return np.linalg.norm(mean_and_error(rounds)[1])

    assert noise(False) < 0.7 * noise(True)


def test_error_is_that_of_one_reconstruction():
    """With extreme weights nothing is left to chance."""
    machine, _ = machine_of(BernoulliRBM, 2, 2)
    machine.set_weights([1000 * np.eye(2), [-500, -500], [-500, 500]])
    # Hidden units are the visible ones; of these the first is that, the second is always on.
    x = np.array([[0.0, 0.0], [1.0, 1.0]])
    with fn.no_grad():
        _, error = contrast(machine, fn.tensor(x), 1, None, False)
    assert error.item() == pytest.approx(1 / 4)
