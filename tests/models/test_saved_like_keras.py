"""Models whose layers are partly frozen, whose classes are one's own: saved, cloned and loaded."""

import copy
import os

import numpy as np
import pytest

import fastnn as fn

X, Y = np.ones((20, 4), np.float32), np.ones((20, 1), np.float32)


class Twice(fn.layers.Layer):
    def call(self, x):
        return x * 2


def base(functional):
    if not functional:
        return fn.Sequential([fn.Input((4,)), fn.layers.Dense(3), fn.layers.Dense(3)])
    x = fn.Input((4,))
    return fn.Model(x, fn.layers.Dense(3)(fn.layers.Dense(3)(x)))


def flags(model):
    return [layer.trainable for layer in model._flatten_layers() if layer.weights]


@pytest.mark.parametrize("functional", [True, False])
@pytest.mark.parametrize("fitted", [True, False])
def test_what_is_trainable_stays_so(tmp_path, functional, fitted):
    inner = base(functional)
    inner.trainable = False
    inner.layers[-1].trainable = True
    model = fn.Sequential([fn.Input((4,)), inner, fn.layers.Dense(1)])
    model.compile("adam", "mse")
    if fitted:
        model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m")
    loaded = fn.models.load_model(tmp_path / "m")
    for other in (loaded, fn.models.clone_model(model), copy.deepcopy(model)):
        assert flags(other) == flags(model)
        assert len(other.trainable_variables) == len(model.trainable_variables)
    for each in (model, loaded):
        each.fit(X, Y, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("first", [True, False])
def test_files_of_models_whose_layers_were_frozen_after_compile(tmp_path, first):
    model = fn.Sequential([fn.Input((4,)), fn.layers.Dense(3), fn.layers.Dense(1)])
    model.layers[0].trainable = first
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.layers[0].trainable = not first
    model.save(tmp_path / "m")
    for other in (fn.models.load_model(tmp_path / "m"), copy.deepcopy(model)):
        assert flags(other) == flags(model)
        np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))
        for a, b in zip(other.optimizer.variables, model.optimizer.variables, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
        if first:
            other.fit(X, Y, verbose=0)


class Block(fn.layers.Layer):
    """Makes its layers itself; its configuration knows nothing of them."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = fn.layers.Dense(3)

    def call(self, x):
        return self.dense(x)


def test_what_a_frozen_layer_makes_is_frozen(tmp_path):
    inner = fn.Sequential([fn.Input((4,)), Block()])
    inner.trainable = False
    model = fn.Sequential([inner, fn.layers.Dense(1)])
    model.save(tmp_path / "m")
    others = fn.models.load_model(tmp_path / "m", {"Block": Block}), fn.models.clone_model(model)
    for other in (*others, copy.deepcopy(model)):
        assert len(other.trainable_variables) == len(model.trainable_variables) == 2


def test_an_optimizer_of_weights_that_are_gone_is_left_out(tmp_path):
    model = base(False)
    model.compile("adam", "mse")
    model.fit(X, np.ones((20, 3)), verbose=0)
    model.pop()
    with pytest.warns(UserWarning, match="state is left out: it was built for"):
        model.save(tmp_path / "m")
    loaded = fn.models.load_model(tmp_path / "m")
    np.testing.assert_array_equal(loaded(X), model(X))


def test_a_compile_of_ones_own_is_not_called(tmp_path):
    class Own(fn.Model):
        def __init__(self):
            super().__init__()
            self.dense = fn.layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def compile(self, critic, **options):
            super().compile(**options)
            self.critic = critic

    model = Own()
    model(X)
    model.compile(fn.optimizers.Adam(), optimizer="adam", loss="mse")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m")
    with pytest.warns(UserWarning, match="Own has a compile of its own, which was not called"):
        loaded = fn.models.load_model(tmp_path / "m", {"Own": Own})
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded(X), model(X))


def test_a_sequential_that_begins_with_several_inputs(tmp_path):
    model = fn.Sequential([fn.layers.Concatenate(), fn.layers.Dense(1)])
    y = model([X, X])
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(fn.models.load_model(tmp_path / "m")([X, X]), y)


def test_models_of_unregistered_layers_are_cloned_and_fused():
    x = fn.Input((4,))
    model = fn.Model(x, fn.layers.BatchNormalization()(fn.layers.Dense(2)(Twice()(x))))
    clone = fn.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone(X), model(X))
    np.testing.assert_allclose(fn.fuse(model)(X), model(X), rtol=1e-5)


def test_a_link_to_a_file_stays_one(tmp_path):
    model = base(True)
    model.save(tmp_path / "file")
    os.symlink(tmp_path / "file", tmp_path / "link")
    model.set_weights([w + 1 for w in model.get_weights()])
    model.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    np.testing.assert_array_equal(fn.models.load_model(tmp_path / "file")(X), model(X))


def test_run_eagerly_is_kept(tmp_path):
    model = base(True)
    model.compile("sgd", "mse", run_eagerly=True)
    model.save(tmp_path / "m")
    assert fn.models.load_model(tmp_path / "m").run_eagerly


def test_free_axes_hold_many_windows():
    class Halves(fn.layers.Layer):
        def __init__(self):
            super().__init__()
            self.pool = fn.layers.MaxPooling1D(2)

        def call(self, x):
            return self.pool(x)

    x = fn.Input((None, 8))
    assert x[:, ::4].shape == (None, None, 8)
    assert x[:, 3].shape == (None, 8)
    assert x[:, :50].shape == x[:, 4:].shape == (None, None, 8)
    assert fn.ops.abs(fn.Input((None, None, None, 64))).shape == (None, None, None, None, 64)
    assert fn.ops.top_k(fn.ops.sum(x, -1), 4)[0].shape == (None, 4)
    y = fn.layers.Conv1D(2, 3)(Halves()(Halves()(x)))
    assert y.shape == (None, None, 2)
    assert fn.Model(x, y)(np.ones((2, 40, 8), np.float32)).shape == (2, 8, 2)
