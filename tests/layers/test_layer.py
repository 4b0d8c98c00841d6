"""The base class: weights, tracking, building, arguments, losses, configuration."""

import threading

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

# Of NumPy 2, about Keras's variables.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


class Scale(layers.Layer):
    """A layer with a weight of each kind."""

    def __init__(self, start=1.0, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape):
        self.count = self.add_weight(
            shape=(), initializer="zeros", dtype="int32", trainable=False, name="count"
        )
        self.factor = self.add_weight(
            shape=input_shape[-1:], initializer=fn.initializers.Constant(self.start), name="factor"
        )

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return {**super().get_config(), "start": self.start}


class Switch(layers.Layer):
    """Tells what ``training`` it got."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        vars(self)["seen"] = []

    def call(self, inputs, training=None):
        self.seen.append(training)
        return inputs


class Outer(layers.Layer):
    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


def ones(*shape):
    return np.ones(shape, "float32")


def test_build_by_first_call():
    layer = Scale(2.0, name="scale")
    assert not layer.built
    assert layer.weights == []
    np.testing.assert_array_equal(layer(ones(2, 3)), 2 * ones(2, 3))
    assert layer.built
    assert [v.path for v in layer.weights] == ["scale/factor", "scale/count"]
    assert [v.name for v in layer.trainable_weights] == ["factor"]
    assert [v.name for v in layer.non_trainable_weights] == ["count"]
    assert layer.count_params() == 4


def test_build_explicitly_and_with_super():
    class Twice(Scale):
        def build(self, input_shape):
            super().build(input_shape)
            self.offset = self.add_weight(shape=input_shape[-1:], name="offset")

        def call(self, inputs):
            return super().call(inputs) + self.offset

    layer = Twice(name="t")
    layer.build((None, 3))
    assert layer.built
    assert [v.path for v in layer.weights] == ["t/factor", "t/offset", "t/count"]


def test_build_with_several_shapes():
    class Pair(layers.Layer):
        def build(self, left_shape, right_shape):
            self.w = self.add_weight(shape=(left_shape[-1], right_shape[-1]), name="w")

        def call(self, left, right, option=None):
            return fn.ops.matmul(left, self.w) + right

    layer = Pair()
    assert layer(ones(2, 3), right=ones(2, 4), option="x").shape == (2, 4)
    assert layer.w.shape == (3, 4)


def test_arrays_are_cast_to_the_dtype():
    assert Scale(dtype="float64")(ones(2, 3)).dtype == "float64"
    assert Scale()(np.ones((2, 3))).dtype == "float32"
    assert Scale()(fn.tensor(np.ones((2, 3)))).dtype == "float32"
    switch = Switch()
    assert switch(np.arange(3)).dtype == "int64"


def test_gradient_flows_through_the_cast():
    x = fn.tensor(np.ones((2, 3)), requires_grad=True)
    Scale(3.0)(x).sum().backward()
    np.testing.assert_array_equal(x.grad, 3 * np.ones((2, 3)))


def test_tracking_in_containers():
    class Net(layers.Layer):
        def __init__(self):
            super().__init__()
            self.blocks = []
            self.last = layers.Dense(1, name="last")
            self.blocks.append(layers.Dense(2, name="b0"))
            self.named = {"z": layers.Dense(3, name="z"), "a": layers.Dense(4, name="a")}
            self.pair = (layers.Dense(5, name="t"), [layers.Dense(6, name="t2")])
            self.numbers = [1, 2, 3]

    net = Net()
    # In the order in which they were met, as in Keras.
    assert [x.name for x in net._layers] == ["last", "b0", "z", "a", "t", "t2"]
    net.blocks.pop()
    assert [x.name for x in net._layers] == ["last", "z", "a", "t", "t2"]
    net.named["q"] = layers.Dense(1, name="q")
    del net.named["z"]
    net.blocks.extend([layers.Dense(1, name="e")])
    net.blocks[0] = layers.Dense(1, name="f")
    assert [x.name for x in net._layers] == ["last", "a", "t", "t2", "q", "f"]
    assert net.numbers == [1, 2, 3]


def test_attributes_before_super_init():
    class Early(layers.Layer):
        def __init__(self):
            self.inner = layers.Dense(2)
            super().__init__()

        def call(self, x):
            return self.inner(x)

    layer = Early()
    layer(ones(1, 3))
    assert len(layer.weights) == 2


def test_forgotten_super_init():
    class Bad(layers.Layer):
        def __init__(self):
            pass

        def call(self, x):
            return x

    with pytest.raises(RuntimeError, match=r"Bad: call super\(\).__init__\(\)"):
        Bad()(ones(1))


def test_locked_after_build():
    layer = Scale()
    layer(ones(1, 2))
    with pytest.raises(ValueError, match="no variable or layer can be added"):
        layer.more = layers.Dense(2)


def test_shared_sublayer_counts_once():
    inner = Scale()
    outer = Outer(inner)
    outer.again = inner
    outer(ones(1, 2))
    assert len(outer.weights) == 2
    assert [v.path for v in outer.weights] == [f"{outer.name}/{inner.name}/factor",
                                               f"{outer.name}/{inner.name}/count"]  # fmt: skip


def test_trainable_switch_reaches_sublayers():
    outer = Outer(Scale())
    outer(ones(1, 2))
    assert len(outer.trainable_weights) == 1
    outer.trainable = False
    assert outer.trainable_weights == []
    assert len(outer.non_trainable_weights) == 2
    assert not outer.inner.factor.requires_grad
    outer.trainable = True
    assert [v.name for v in outer.trainable_weights] == ["factor"]
    assert outer.inner.factor.requires_grad
    assert not outer.inner.count.trainable or outer.inner.count.dtype == "int32"


def test_frozen_at_construction():
    layer = Scale(trainable=False)
    layer(ones(1, 2))
    assert layer.trainable_weights == []
    assert not layer.factor.trainable


def test_get_and_set_weights():
    layer = Scale(name="s")
    layer(ones(1, 2))
    before = layer.get_weights()
    layer.set_weights([np.array([5.0, 6.0]), np.array(3)])
    np.testing.assert_array_equal(layer.factor, [5, 6])
    np.testing.assert_array_equal(before[0], [1, 1])  # copies
    with pytest.raises(ValueError, match=r"s: set_weights got 1 array\(s\), the layer has 2"):
        layer.set_weights([np.zeros(2)])
    with pytest.raises(ValueError, match=r"s: set_weights: count has shape \(\), got .* \(2,\)"):
        layer.set_weights([np.zeros(2), np.zeros(2)])
    np.testing.assert_array_equal(layer.factor, [5, 6])  # nothing changed by failures


def test_training_argument():
    switch = Switch()
    switch(ones(1))
    switch(ones(1), training=True)
    switch(ones(1))
    assert switch.seen[1] is True
    assert not switch.seen[0]
    assert not switch.seen[2]


def test_training_reaches_inner_layers():
    inner = Switch()
    outer = Outer(inner)
    for training in (True, False, None, True):
        outer(ones(1), training=training)
    assert [bool(seen) for seen in inner.seen] == [True, False, False, True]
    with pytest.raises(ZeroDivisionError):
        Outer(Failing())(ones(1), training=True)
    outer(ones(1))
    assert not inner.seen[-1]  # an exception leaves no training state behind


class Failing(layers.Layer):
    def call(self, x):
        raise ZeroDivisionError


def test_training_is_per_thread():
    inner = Switch()
    outer = Outer(inner)
    outer(ones(1))

    class Nested(layers.Layer):
        def call(self, x):
            thread = threading.Thread(target=lambda: outer(ones(1)))
            thread.start()
            thread.join()
            return x

    Nested()(ones(1), training=True)
    assert not inner.seen[-1]


def test_add_loss_and_regularizer():
    class Penalty(layers.Layer):
        def call(self, x):
            self.add_loss(fn.ops.sum(x))
            return x

    outer = Outer(Penalty())
    for _ in range(3):  # losses of the last call only
        outer(ones(2, 2))
        assert [float(loss) for loss in outer.losses] == [4.0]
    dense = layers.Dense(
        2, kernel_initializer="ones", kernel_regularizer=lambda w: fn.ops.sum(w) * 0.5
    )
    dense(ones(1, 3))
    assert [float(loss) for loss in dense.losses] == [3.0]
    dense.trainable = False
    assert dense.losses == []
    with pytest.raises(ValueError, match="add_loss expects a scalar"):
        dense.add_loss(fn.tensor([1.0, 2.0]))


def test_losses_of_a_single_layer_do_not_pile_up():
    class Penalty(layers.Layer):
        def call(self, x):
            self.add_loss(fn.ops.sum(x))
            return x

    layer = Penalty()
    x = fn.tensor(ones(2))
    for _ in range(4):
        layer(x)
    assert len(layer.losses) == 1


def test_activity_regularizer_is_divided_by_the_batch():
    layer = layers.Activation("linear", activity_regularizer=lambda y: fn.ops.sum(y))
    layer(ones(4, 3))
    assert [float(loss) for loss in layer.losses] == [3.0]


def test_automatic_names():
    fn.utils.clear_session()
    names = [layers.Dense(1).name, layers.Dense(1).name, Scale().name, layers.InputLayer((1,)).name]
    assert names == ["dense", "dense_1", "scale", "input_layer"]
    assert layers.Dense(1, name="mine").name == "mine"
    fn.utils.clear_session()
    assert layers.Dense(1).name == "dense"


def test_config_round_trip():
    layer = Scale(2.5, name="x", dtype="float64", trainable=False)
    again = Scale.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.start, again.dtype, again.trainable) == (2.5, "float64", False)


def test_automatic_config():
    class Auto(layers.Layer):
        def __init__(self, units, rate=0.5, **kwargs):
            super().__init__(**kwargs)

    layer = Auto(3, rate=0.1, name="n")
    assert layer.get_config() == {
        "name": "n", "trainable": True, "dtype": "float32", "units": 3, "rate": 0.1
    }  # fmt: skip

    class Plain(layers.Layer):
        def __init__(self, f):
            super().__init__()

    with pytest.raises(NotImplementedError, match="define get_config"):
        Plain(lambda x: x).get_config()


def test_call_errors():
    with pytest.raises(ValueError, match=r"expected arrays or tensors, got 1\.0"):
        Scale()([[1.0, 2.0]])
    with pytest.raises(NotImplementedError, match="defines no call method"):
        layers.Layer.__new__(type("Empty", (layers.Layer,), {})).call()
    with pytest.raises(ValueError, match=r"Dense: unexpected argument\(s\) foo"):
        layers.Dense(1, foo=2)
    with pytest.raises(ValueError, match="not built"):
        Scale().count_params()


def test_input_spec():
    class Strict(layers.Layer):
        def __init__(self):
            super().__init__(name="strict")
            self.input_spec = layers.InputSpec(ndim=2, axes={-1: 3})

        def call(self, x):
            return x

    layer = Strict()
    layer(ones(1, 3))
    with pytest.raises(ValueError, match="strict: the input must have 2 axes"):
        layer(ones(3))
    with pytest.raises(ValueError, match=r"strict: axis -1 of the input must be 3.*\(1, 4\)"):
        layer(ones(1, 4))
    with pytest.raises(ValueError, match="strict: axis -1"):
        layer(layers.Input((4,)))


@pytest.mark.parity
def test_order_of_nested_weights_as_keras():
    import keras

    def build(base, dense):
        class Net(base):
            def __init__(self):
                super().__init__()
                self.blocks = []
                self.last = dense(1)
                self.blocks.append(dense(2))
                self.named = {"z": dense(3), "a": dense(4)}
                self.pair = (dense(5), [dense(6)])

            def build(self, input_shape):
                for part in (self.last, *self.blocks, *self.named.values(), self.pair[0],
                             self.pair[1][0]):  # fmt: skip
                    part.build(input_shape)
                self.own = self.add_weight(shape=(7,), trainable=False)
                self.other = self.add_weight(shape=(8,))

            def call(self, x):
                return x

        net = Net()
        net.build((None, 9))
        return [tuple(w.shape) for w in net.get_weights()]

    ours = build(layers.Layer, layers.Dense)
    assert ours == build(keras.layers.Layer, keras.layers.Dense)
