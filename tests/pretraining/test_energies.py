"""Probabilities of machines, against sums over all states in NumPy's float64."""

import numpy as np
import pytest
from rbm_cases import KINDS, data_for, joint, machine_of, mean_statistics, mixture, states

import fastnn as fn
from fastnn.pretraining import BernoulliRBM, GaussianRBM

EXACT = {"rtol": 1e-12, "atol": 1e-13}  # float64, sums of a few hundred terms


def log_density(weights, x):
    """log of the mixture of normals that a Gaussian machine is."""
    p, means = mixture(weights)
    squares = ((x[:, None] - means) ** 2).sum(-1)
    return np.log((p * np.exp(-squares / 2)).sum(1)) - x.shape[1] * np.log(2 * np.pi) / 2


# The second has fewer visible units than hidden ones, so that the other side is summed over.
@pytest.mark.parametrize("visible, hidden", [(5, 3), (3, 5), (1, 1)])
def test_likelihood_of_binary_units_is_that_of_the_enumerated_joint(visible, hidden):
    machine, weights = machine_of(BernoulliRBM, visible, hidden)
    expected = np.log(joint(weights).sum(1))
    found = machine.log_likelihood(states(visible)).numpy()
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, **EXACT)
    np.testing.assert_allclose(np.exp(found).sum(), 1, **EXACT)


@pytest.mark.parametrize("visible, hidden", [(4, 3), (2, 6)])
def test_likelihood_of_real_valued_units_is_that_of_a_mixture_of_normals(visible, hidden):
    machine, weights = machine_of(GaussianRBM, visible, hidden)
    x = data_for(GaussianRBM, visible=visible)
    np.testing.assert_allclose(machine.log_likelihood(x), log_density(weights, x), **EXACT)


def test_density_of_one_real_valued_unit_has_the_integral_one():
    machine, _ = machine_of(GaussianRBM, 1, 3)
    x = np.linspace(-20, 20, 20001)[:, None]
    # The trapezoidal rule is exact to rounding for smooth functions that vanish at both ends.
    assert abs(np.trapezoid(np.exp(machine.log_likelihood(x).numpy()), x[:, 0]) - 1) < 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_free_energy_is_minus_the_log_of_the_sum_over_hidden_states(kind):
    machine, (kernel, hidden_bias, visible_bias) = machine_of(kind)
    x, h = data_for(kind), states(3)
    alone = x @ visible_bias if kind is BernoulliRBM else -((x - visible_bias) ** 2).sum(1) / 2
    expected = -np.log(np.exp(alone[:, None] + x @ kernel @ h.T + h @ hidden_bias).sum(1))
    np.testing.assert_allclose(machine.free_energy(x).detach(), expected, **EXACT)


def test_probabilities_of_hidden_units_are_conditionals_of_the_joint():
    machine, weights = machine_of(BernoulliRBM)
    p = joint(weights)
    expected = p / p.sum(1, keepdims=True) @ states(3)
    np.testing.assert_allclose(machine.transform(states(4)), expected, **EXACT)
    np.testing.assert_allclose(machine(states(4)).detach(), expected, **EXACT)


def test_means_of_visible_units_are_conditionals_of_the_joint():
    machine, weights = machine_of(BernoulliRBM)
    p = joint(weights).T
    expected = p / p.sum(1, keepdims=True) @ states(4)
    found = machine.visible_means(fn.tensor(states(3)))
    np.testing.assert_allclose(found, expected, **EXACT)


def test_means_of_real_valued_units_are_those_of_the_mixture():
    machine, weights = machine_of(GaussianRBM)
    found = machine.visible_means(fn.tensor(states(3)))
    np.testing.assert_allclose(found, mixture(weights)[1], **EXACT)


def test_reconstruction_is_the_means_given_the_probabilities_of_hidden_units():
    machine, (kernel, hidden_bias, visible_bias) = machine_of(BernoulliRBM)
    x = data_for(BernoulliRBM)
    hidden = 1 / (1 + np.exp(-(x @ kernel + hidden_bias)))
    expected = 1 / (1 + np.exp(-(hidden @ kernel.T + visible_bias)))
    np.testing.assert_allclose(machine.reconstruct(x), expected, **EXACT)


def test_a_large_machine_is_summed_a_part_at_a_time():
    machine, (_, hidden_bias, visible_bias) = machine_of(BernoulliRBM, 30, 14)
    kernel = np.zeros((30, 14))
    kernel[:, 0] = 0.3  # so that Z has a closed form
    machine.set_weights([kernel, hidden_bias, visible_bias])
    x = data_for(BernoulliRBM, visible=30)
    on = hidden_bias[0] + np.logaddexp(0, visible_bias + 0.3).sum()
    log_z = np.logaddexp(on, np.logaddexp(0, visible_bias).sum())
    log_z += np.logaddexp(0, hidden_bias[1:]).sum()
    np.testing.assert_allclose(
        machine.log_likelihood(x), -log_z - machine.free_energy(x).detach().numpy(), rtol=1e-12
    )


def test_more_units_than_can_be_summed_over_are_refused():
    machine, _ = machine_of(BernoulliRBM, 21, 21)
    with pytest.raises(ValueError, match=r"at most 20 hidden or visible units.* 21 visible and 21"):
        machine.log_likelihood(np.zeros((1, 21)))
    machine, _ = machine_of(GaussianRBM, 2, 21)  # its visible states cannot be listed
    with pytest.raises(ValueError, match=r"at most 20 hidden units.* 2 visible and 21"):
        machine.log_likelihood(np.zeros((1, 2)))
    machine = BernoulliRBM(21)
    with pytest.raises(ValueError, match="at most 20"):
        machine.fit(np.ones((4, 30)), log_likelihood=True, verbose=0)
    assert not machine.visible_bias.numpy().any()  # it was not trained before that


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_of_the_likelihood_is_data_less_model(kind):
    machine, weights = machine_of(kind)
    x = data_for(kind)
    hidden = 1 / (1 + np.exp(-(x @ weights[0] + weights[1])))
    data = x.T @ hidden / len(x), hidden.mean(0), x.mean(0)
    model = mean_statistics(weights, kind is BernoulliRBM)
    step = 1e-5  # its square and eps / step are both near 1e-10
    for which, weight in enumerate(weights):
        slopes = np.zeros_like(weight)
        for at in np.ndindex(weight.shape):
            values = []
            for side in (step, -step):
                moved = [w.copy() for w in weights]
                moved[which][at] += side
                machine.set_weights(moved)
                values.append(machine.log_likelihood(x).numpy().mean())
            slopes[at] = (values[0] - values[1]) / (2 * step)
        np.testing.assert_allclose(slopes, data[which] - model[which], atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_of_free_energies_is_minus_the_statistics_of_the_data(kind):
    machine, weights = machine_of(kind)
    x = data_for(kind)

    def mean_energy(kernel):
        return machine.free_energy(x).mean()

    gradient = fn.grad(mean_energy)(machine.kernel)
    hidden = 1 / (1 + np.exp(-(x @ weights[0] + weights[1])))
    np.testing.assert_allclose(gradient, -x.T @ hidden / len(x), **EXACT)


def test_samples_have_the_frequencies_of_the_model():
    machine, weights = machine_of(BernoulliRBM, scale=0.7)
    n = 40_000
    found = machine.sample(n, steps=40).numpy() @ [8, 4, 2, 1]
    counts = np.bincount(found.astype(int), minlength=16)
    p = joint(weights).sum(1)
    deviations = (counts - n * p) / np.sqrt(n * p * (1 - p))
    assert np.abs(deviations).max() < 4  # 16 normal numbers: chance 1e-3


def test_samples_of_real_valued_units_have_the_moments_of_the_mixture():
    machine, weights = machine_of(GaussianRBM, scale=0.7)
    n = 40_000
    x = machine.sample(n, steps=40).numpy()
    p, means = mixture(weights)
    second = np.eye(4) + means.T @ (p[:, None] * means)
    mean = p @ means
    error = np.sqrt(np.diag(second - np.outer(mean, mean)) / n)
    assert (np.abs(x.mean(0) - mean) < 4 * error).all()
    products = x[:, :, None] * x[:, None]
    error = products.std(0) / np.sqrt(n)
    assert (np.abs(products.mean(0) - second) < 4 * error).all()
