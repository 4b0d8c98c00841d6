"""Training, saving and settings on CUDA, in the simulator, beside the reference backend."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops
from fastnn.backends.jit_cuda import memory

X = np.random.default_rng(1).normal(size=(8, 16)).astype("f4")
Y = np.arange(8) % 4


def network():
    layers = fn.layers
    return fn.Sequential(
        [
            fn.Input((16,)),
            layers.Dense(8, activation="relu", kernel_initializer=fn.initializers.GlorotUniform(1)),
            layers.Dense(4, kernel_initializer=fn.initializers.GlorotUniform(2)),
        ]
    )


def losses(optimizer, steps=5):
    """Of steps on one batch, by hand; how often the host read meanwhile."""
    model, loss_of = network(), fn.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = fn.tensor(X), fn.tensor(Y)
    found, start = [], memory.transfers
    for _ in range(steps):
        loss = loss_of(y, model(x))
        weights = model.trainable_variables
        optimizer.apply(fn.autograd.gradients(loss, weights), weights)
        found.append(loss.detach())
    reads = memory.transfers - start
    return [loss.item() for loss in found], reads, {loss.device for loss in found}


OPTIMIZERS = {
    "SGD": lambda: fn.optimizers.SGD(0.1, momentum=0.9),
    "Adam": lambda: fn.optimizers.Adam(0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_five_steps_are_the_references(name):
    with fn.backends.use_backend("reference"):
        expected, _, _ = losses(OPTIMIZERS[name]())
    with fn.device("cuda"):
        got, reads, devices = losses(OPTIMIZERS[name]())
    assert devices == {"cuda"}
    assert reads == 0
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)
    assert got[-1] < got[0]


def compiled(model):
    model.compile(
        fn.optimizers.Adam(0.01),
        fn.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def test_fit_evaluate_predict():
    def run():
        fn.utils.set_random_seed(3)
        model = compiled(network())
        history = model.fit(X, Y, batch_size=4, epochs=2, verbose=0).history
        figures = model.evaluate(X, Y, batch_size=8, verbose=0)
        return model, [history, figures, model.predict(X, batch_size=8, verbose=0)]

    _, expected = run()
    with fn.device("cuda"):
        model, got = run()
    assert {v.device for v in [*model.variables, *model.optimizer.variables]} == {"cuda"}
    assert got[0].keys() == expected[0].keys()
    for name, values in expected[0].items():
        np.testing.assert_allclose(got[0][name], values, atol=1e-5)
    np.testing.assert_allclose(got[1], expected[1], atol=1e-5)
    np.testing.assert_allclose(got[2], expected[2], atol=1e-5)


def test_fit_reads_figures_at_the_end_of_an_epoch_alone():
    with fn.device("cuda"):
        model = compiled(network())
        model.fit(X, Y, batch_size=8, verbose=0)
        reads = []
        for batch_size in (8, 2):
            start = memory.transfers
            model.fit(X, Y, batch_size=batch_size, verbose=0)
            reads.append(memory.transfers - start)
    assert reads[0] == reads[1] <= 3  # of one step and of four


def test_a_model_computes_where_its_weights_lie():
    with fn.device("cuda"):
        model = network()
    compiled(model)  # its optimizer and its metrics are made on the host
    model.fit(X, Y, batch_size=8, verbose=0)
    model.train_on_batch(fn.tensor(X), fn.tensor(Y))
    assert {v.device for v in model.optimizer.variables} == {"cuda"}
    assert model.predict_on_batch(X[:2]).shape == (2, 4)
    assert fn.backends.current_device() == "cpu"


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "SimpleRNN"])
def test_gradients_through_time(cell):
    x = np.random.default_rng(2).normal(size=(2, 3, 2)).astype("f4")

    def gradient():
        first, then = fn.initializers.GlorotUniform(seed=1), fn.initializers.Orthogonal(seed=2)
        layer = getattr(fn.layers, cell)(2, kernel_initializer=first, recurrent_initializer=then)
        v = fn.Variable(x)
        layer(v).sum().backward()
        return v.grad

    expected = gradient()
    with fn.device("cuda"):
        got = gradient()
    assert got.device == "cuda"
    np.testing.assert_allclose(got.numpy(), expected.numpy(), atol=1e-5)


def test_what_was_made_on_the_host_joins_the_model():
    dropout, area = fn.layers.Dropout(0.5), fn.metrics.AUC()
    with fn.device("cuda"):
        dense = fn.layers.Dense(1, activation="sigmoid")
        model = fn.Sequential([fn.Input((16,)), dropout, dense])
    model.compile("sgd", "mse", metrics=["mae", area])
    logs = model.fit(X, (Y > 1).astype("f4"), batch_size=8, verbose=0).history
    assert np.isfinite([values[-1] for values in logs.values()]).all()
    assert {v.device for v in [*model.variables, *area.variables]} == {"cuda"}


def test_an_unbuilt_model_is_at_home_where_it_is_fitted():
    model = fn.Sequential([fn.layers.Dense(2), fn.layers.Dropout(0.5), fn.layers.Dense(1)])
    model.compile("sgd", "mse")
    with fn.device("cuda"):
        model.fit(X, np.ones((8, 1), "f4"), batch_size=8, verbose=0)
    assert {v.device for v in model.weights} == {"cuda"}


def test_tensors_of_the_device_are_data():
    with fn.device("cuda"):
        model = compiled(network())
        x, y = fn.tensor(X), fn.tensor(Y)
    assert np.isfinite(model.fit(x, y, batch_size=8, verbose=0).history["loss"]).all()
    with pytest.raises(ValueError, match="y holds NaN"):
        model.fit(x, fn.tensor(np.full(8, np.nan), device="cuda"), verbose=0)


@pytest.mark.parametrize(("there", "back"), [("cuda", "cpu"), ("cpu", "cuda")])
def test_saved_on_one_device_and_loaded_on_another(tmp_path, there, back):
    with fn.device(there):
        model = compiled(network())
        model.train_on_batch(X, Y)
        model.save(tmp_path / "model.fnn")
        expected = model.predict_on_batch(X)
    model.reset_metrics()  # which a file does not hold
    with fn.device(back):
        loaded = fn.models.load_model(tmp_path / "model.fnn")
        assert {v.device for v in loaded.variables} == {back}
        np.testing.assert_allclose(loaded.predict_on_batch(X), expected, atol=1e-5)
        a, b = (m.train_on_batch(X, Y, return_dict=True)["loss"] for m in (loaded, model))
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_weights_are_set_from_everywhere():
    with fn.device("cuda"):
        model = network()
    weights = [np.asarray(w) + 1 for w in model.get_weights()]
    model.set_weights(weights)
    assert {v.device for v in model.variables} == {"cuda"}
    for got, expected in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_learning_rate_is_set():
    with fn.device("cuda"):
        optimizer = fn.optimizers.SGD(0.5)
        w = fn.Variable([1.0])
        optimizer.learning_rate = 0.25
        optimizer.apply([fn.tensor([1.0])], [w])
    assert w.tolist() == [0.75]
    assert float(optimizer.learning_rate) == 0.25


def test_dropout_draws_the_hosts_numbers():
    x = np.ones((4, 5), "f4")
    expected = fn.random.dropout(x, 0.5, seed=9).numpy()
    there = fn.tensor(x, device="cuda")
    np.testing.assert_array_equal(fn.random.dropout(there, 0.5, seed=9).numpy(), expected)


def test_a_gradient_through_an_embedding():
    with fn.device("cuda"):
        table = fn.Variable(np.ones((4, 2), "f4"))
        _, gradient = fn.value_and_grad(
            lambda t: ops.sum(ops.embedding(np.array([3, 1, 3]), t) * 2.0)
        )(table)
    np.testing.assert_array_equal(gradient.numpy(), [[0, 0], [2, 2], [0, 0], [4, 4]])


def test_a_loss_scale_reads_once_a_step():
    with fn.device("cuda"):
        w = fn.Variable([1.0, 2.0])
        optimizer = fn.optimizers.LossScaleOptimizer(fn.optimizers.SGD(0.5), 4.0, 2)
        optimizer.build([w])
    scales, reads = [], []
    for gradient in ([4.0, 4.0], [np.inf, 1.0], [2.0, 2.0], [2.0, 2.0], [4.0, 0.0]):
        start = memory.transfers
        optimizer.apply([fn.tensor(np.float32(gradient), device="cuda")], [w])
        reads.append(memory.transfers - start)
        scales.append(optimizer.dynamic_scale.item())
    assert reads == [0] * 5
    assert scales == [4.0, 2.0, 2.0, 4.0, 4.0]
    assert w.tolist() == [-1.0, 0.5]


def test_a_model_whose_layers_are_put_on_another_device_is_trained_on():
    model = fn.Sequential([fn.Input((1,)), fn.layers.Dense(1)])
    x = np.ones((4, 1), np.float32)
    for device in ("cpu", "cuda", "cpu"):
        model.pop()
        with fn.device(device):
            model.add(fn.layers.Dense(1))
        model.compile("sgd", "mse")
        model.fit(x, x, batch_size=2, verbose=0)
        assert {weight.device for weight in model.weights} == {device}
