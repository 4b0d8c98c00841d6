"""Weights without a name are numbered by their layer, so that files fit any instance."""

import numpy as np

import fastnn as fn


class Affine(fn.layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 3))
        self.mean = self.add_weight(shape=(3,), trainable=False)
        self.b = self.add_weight(shape=(3,), initializer="uniform")

    def call(self, x):
        return x @ self.w + self.b - self.mean


def model():
    return fn.Sequential([fn.Input((2,)), Affine(), Affine()])


def test_each_layer_counts_for_itself():
    for layer in model().layers:
        assert [v.name for v in (layer.w, layer.mean, layer.b)] == [
            "variable",
            "variable_1",
            "variable_2",
        ]


def test_a_layer_that_is_made_frozen_has_each_weight_once():
    layer = fn.layers.Dense(2, trainable=False)
    layer.build((None, 3))
    assert [v.name for v in layer._trainable_variables] == ["kernel", "bias"]
    assert not layer._non_trainable_variables and not layer.trainable_weights


def test_files_fit_other_instances(tmp_path):
    first, second = model(), model()
    x = np.random.default_rng(0).standard_normal((4, 2)).astype("float32")
    first.save_weights(tmp_path / "weights.fastnn")
    second.load_weights(tmp_path / "weights.fastnn")
    first.save(tmp_path / "model.fastnn")
    third = fn.saving.load_model(tmp_path / "model.fastnn", {"Affine": Affine})
    want = first.predict(x, verbose=0)
    np.testing.assert_array_equal(second.predict(x, verbose=0), want)
    np.testing.assert_array_equal(third.predict(x, verbose=0), want)


def test_weights_whose_names_were_chosen_by_hand(tmp_path):
    class Scales(fn.layers.Layer):
        def build(self, shape):
            self.scales = [self.add_weight(shape=(1,), name=n) for n in ("w", "w", "w_1", "w_1")]

        def call(self, x):
            return x * self.scales[0]

    def made():
        layer = Scales()
        layer.build((None, 1))
        return fn.Sequential([fn.Input((1,)), layer])

    one, other = made(), made()
    one.set_weights([np.full(1, i) for i in range(4)])
    one.save_weights(tmp_path / "weights")
    other.load_weights(tmp_path / "weights")
    assert [w.item() for w in other.get_weights()] == [0, 1, 2, 3]
