"""Convolution layers: weights, shapes, messages, saving; small nets learn; Keras.

Values are compared with formulas in tests/ops/test_ops_conv.py.
"""

import numpy as np
import pytest
from keras_on_torch import gradients, host, leaf

import fastnn as fn
from fastnn import layers, ops

RNG = np.random.default_rng(0)
SIGNAL, IMAGE, VOLUME = (
    RNG.standard_normal(shape).astype("float32")
    for shape in ((2, 9, 4), (2, 8, 7, 4), (2, 5, 4, 6, 4))
)
# name, arguments, input, shapes of weights, output shape
CASES = [
    ("Conv1D", {"filters": 6, "kernel_size": 3}, SIGNAL, [(3, 4, 6), (6,)], (2, 7, 6)),
    (
        "Conv1D",
        {"filters": 6, "kernel_size": 3, "padding": "causal", "dilation_rate": 2, "groups": 2},
        SIGNAL,
        [(3, 2, 6), (6,)],
        (2, 9, 6),
    ),
    (
        "Conv2D",
        {"filters": 6, "kernel_size": (3, 2), "strides": 2, "padding": "same", "use_bias": False},
        IMAGE,
        [(3, 2, 4, 6)],
        (2, 4, 4, 6),
    ),
    (
        "Conv2D",
        {"filters": 5, "kernel_size": 2, "data_format": "channels_first", "activation": "relu"},
        IMAGE,
        [(2, 2, 8, 5), (5,)],
        (2, 5, 6, 3),
    ),
    (
        "Conv2D",
        {"filters": 4, "kernel_size": 3, "activation": "softmax"},
        IMAGE,
        [(3, 3, 4, 4), (4,)],
        (2, 6, 5, 4),
    ),
    (
        "Conv3D",
        {"filters": 3, "kernel_size": 2, "activation": "gelu"},
        VOLUME,
        [(2, 2, 2, 4, 3), (3,)],
        (2, 4, 3, 5, 3),
    ),
    (
        "Conv1DTranspose",
        {"filters": 3, "kernel_size": 2, "strides": 3},
        SIGNAL,
        [(2, 3, 4), (3,)],
        (2, 27, 3),
    ),
    (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "tanh"},
        IMAGE,
        [(3, 3, 3, 4), (3,)],
        (2, 16, 14, 3),
    ),
    (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": (3, 4), "strides": (2, 3), "output_padding": 1},
        IMAGE,
        [(3, 4, 3, 4), (3,)],
        (2, 18, 23, 3),
    ),
    (
        "Conv3DTranspose",
        {"filters": 2, "kernel_size": 3, "padding": "same", "dilation_rate": 2},
        VOLUME,
        [(3, 3, 3, 2, 4), (2,)],
        (2, 5, 4, 6, 2),
    ),
    (
        "DepthwiseConv1D",
        {"kernel_size": 3, "depth_multiplier": 2},
        SIGNAL,
        [(3, 4, 2), (8,)],
        (2, 7, 8),
    ),
    (
        "DepthwiseConv2D",
        {"kernel_size": 3, "strides": 2, "padding": "same", "activation": "silu"},
        IMAGE,
        [(3, 3, 4, 1), (4,)],
        (2, 4, 4, 4),
    ),
    (
        "SeparableConv1D",
        {"filters": 5, "kernel_size": 3, "padding": "same"},
        SIGNAL,
        [(3, 4, 1), (1, 4, 5), (5,)],
        (2, 9, 5),
    ),
    (
        "SeparableConv2D",
        {"filters": 5, "kernel_size": 3, "depth_multiplier": 2, "data_format": "channels_first"},
        IMAGE,
        [(3, 3, 8, 2), (1, 1, 16, 5), (5,)],
        (2, 5, 5, 2),
    ),
]
ROWS = [pytest.param(*case, id=f"{case[0]}-{i}") for i, case in enumerate(CASES)]


@pytest.mark.parametrize("name, arguments, x, weights, shape", ROWS)
def test_shapes_and_configuration(name, arguments, x, weights, shape):
    layer = getattr(layers, name)(**arguments)
    y = layer(x)
    assert [w.shape for w in layer.weights] == weights
    assert y.shape == layer.compute_output_shape(x.shape) == shape
    assert layer(layers.Input(x.shape[1:])).shape == (None, *shape[1:])
    config = layer.get_config()
    twin = type(layer).from_config(config)
    assert twin.get_config() == config
    twin.build(x.shape)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(x), y)


def test_unknown_extents_stay_unknown():
    layer = layers.Conv2D(3, 3, strides=2, padding="same")
    assert layer.compute_output_shape((None, None, 9, 1)) == (None, None, 5, 3)
    layer = layers.Conv1DTranspose(3, 3, 2)
    assert layer.compute_output_shape((None, None, 1)) == (None, None, 3)


@pytest.mark.parametrize("name", ["Convolution2D", "Convolution3DTranspose"])
def test_aliases_are_the_layers(name):
    assert getattr(layers, name) is getattr(layers, name.replace("olution", ""))
    assert layers.SeparableConvolution1D is layers.SeparableConv1D


def test_an_activation_that_is_not_fused_is_applied():
    layer = layers.Conv2D(4, 3, activation="softmax")
    np.testing.assert_allclose(np.sum(layer(IMAGE), axis=-1), 1, rtol=1e-6)
    layer = layers.Conv2D(4, 3, activation=lambda x: x * 0 + 2.0)
    assert np.unique(layer(IMAGE)).tolist() == [2.0]


def test_causal_results_do_not_see_what_follows():
    layer = layers.Conv1D(2, 3, padding="causal", dilation_rate=2)
    before = np.asarray(layer(SIGNAL))
    changed = SIGNAL.copy()
    changed[:, 5:] += 1
    after = np.asarray(layer(changed))
    np.testing.assert_array_equal(before[:, :5], after[:, :5])
    assert (before[:, 5:] != after[:, 5:]).all()


def test_regularizers_and_constraints_belong_to_their_weights():
    layer = layers.SeparableConv2D(
        3,
        3,
        depthwise_regularizer=fn.regularizers.L2(0.5),
        pointwise_constraint="non_neg",
        bias_initializer="ones",
    )
    layer(IMAGE)
    (loss,) = layer.losses
    expected = 0.5 * np.sum(np.square(np.asarray(layer.depthwise_kernel), dtype=np.float64))
    np.testing.assert_allclose(loss, expected, rtol=1e-6)
    assert layer.pointwise_kernel.constraint is layer.pointwise_constraint
    assert layer.bias.numpy().tolist() == [1.0] * 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Conv2D(0, 3), "Conv2D: filters is 0, expected an integer of 1 or more"),
        (lambda: layers.Conv2D(4, 0), "Conv2D: kernel_size is 0"),
        (lambda: layers.Conv2D(4, (3, 3, 3)), "Conv2D: kernel_size is"),
        (lambda: layers.Conv3D(4, 3, strides=0), "Conv3D: strides is 0"),
        (lambda: layers.Conv1D(4, 3, dilation_rate=-1), "Conv1D: dilation_rate is -1"),
        (lambda: layers.Conv1D(4, 3, padding="full"), "valid, same, causal"),
        (lambda: layers.Conv2D(4, 3, padding="causal"), "Conv2D: padding is 'causal'"),
        (lambda: layers.Conv2D(4, 3, data_format="last"), "Conv2D: data_format is 'last'"),
        (lambda: layers.Conv2D(4, 3, groups=3), "Conv2D: filters is 4, expected a multiple of"),
        (lambda: layers.Conv2D(4, 3, groups=0), "Conv2D: groups is 0"),
        (lambda: layers.Conv2D(0, 3), "Conv2D: filters is 0, expected an integer of 1 or more$"),
        (lambda: layers.Conv2D(4, 3, activation="none"), "none"),
        (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), "depth_multiplier is 0"),
        (lambda: layers.Conv2DTranspose(4, 3, 2, output_padding=2), "Conv2DTranspose: output_pad"),
        (lambda: layers.Conv2D(4, 3, groups=2, name="c")(IMAGE[..., :3]), "c: the input has 3"),
        (lambda: layers.Conv2D(4, 3, name="c")(SIGNAL), "c: the input must have 4 axes"),
        (lambda: layers.Conv2D(4, 9, name="c")(IMAGE), "c: a window covers"),
        (lambda: layers.Conv2D(4, 3, name="c")(layers.Input((8, 8, None))), "c: the input must"),
    ],
)
def test_messages(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_order_of_arguments_is_keras():
    layer = layers.Conv3DTranspose(2, 2, 3, "same", "channels_first", 1)
    assert (layer.data_format, layer.output_padding) == ("channels_first", (1, 1, 1))
    assert layers.SpatialDropout1D(0.5, 7).seed == layers.SpatialDropout2D(0.5, None, 7).seed == 7


def test_types_that_are_refused():
    with pytest.raises(TypeError, match="Permute: dims must be integers in a tuple, got 5"):
        layers.Permute(5)
    with pytest.raises(TypeError, match=r"BatchNormalization: axis must be an integer, got 0\.5"):
        layers.BatchNormalization(0.5)
    with pytest.raises(TypeError, match="fuse: model must be a Model, got None"):
        fn.fuse(None)


@pytest.mark.parametrize("call", [fn.ops.conv, fn.ops.depthwise_conv])
def test_what_there_is_no_memory_for(call):
    kernel = np.ones((3, 3, 3, 6))
    message = f"^{call.__name__}: out of memory, with [0-9.e+]+ GB for results and"
    with pytest.raises(MemoryError, match=message):
        call(np.ones((1, 8, 8, 3)), kernel, padding=((10**7, 10**7),) * 2)


def test_a_built_layer_refuses_other_channels():
    layer = layers.Conv2D(4, 3, name="c")
    layer(IMAGE)
    with pytest.raises(ValueError, match="c: axis -1 of the input must be 4"):
        layer(IMAGE[..., :3])


def net():
    fn.utils.set_random_seed(1)
    model = fn.Sequential(
        [
            fn.Input((8, 8, 1)),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.SeparableConv2D(12, 3, strides=2, padding="same", activation="gelu"),
            layers.Conv2DTranspose(4, 2, strides=2, activation="tanh"),
            layers.DepthwiseConv2D(3, strides=3),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def digits():
    (x, y), (x_test, y_test) = fn.datasets.digits.load_data()
    return (x[..., None] / 16, y), (x_test[..., None] / 16, y_test)


def test_a_net_of_convolutions_learns_digits_and_is_saved(tmp_path):
    (x, y), test = digits()
    model = net()
    model.fit(x, y, epochs=20, verbose=0)
    accuracy = model.evaluate(*test, verbose=0)[1]
    assert accuracy >= 0.9  # a tenth by guessing
    model.save(tmp_path / "net.fastnn")
    loaded = fn.models.load_model(tmp_path / "net.fastnn")
    for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(
        loaded.predict(test[0], verbose=0), model.predict(test[0], verbose=0)
    )


@pytest.mark.parametrize("winograd", [True, False])
def test_recorded_steps_have_the_bits_of_eager_ones(winograd):
    x, y = (part[:200] for part in digits()[0])
    results = []
    try:
        fn.config.allow_winograd = winograd
        for eager in (False, True):
            model = net()
            model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
            model.fit(x, y, epochs=3, verbose=0, shuffle=False)
            results.append([w.tobytes() for w in (*model.get_weights(), model.predict(x))])
            replayed = [step.explain() for _, step in model._records.steps.values()]
            assert any(" replays " in text for text in replayed) != eager
    finally:
        fn.config.allow_winograd = True
    assert results[0] == results[1]


def test_captured_functions_notice_the_switch():
    x = fn.tensor(RNG.standard_normal((2, 20, 20, 64)).astype("float32"))
    kernel = fn.tensor(RNG.standard_normal((3, 3, 64, 64)).astype("float32"))
    step = fn.capture(lambda x: ops.conv(x, kernel, padding="same"))
    fast = [step(x).numpy() for _ in range(4)][-1]
    try:
        fn.config.allow_winograd = False
        exact = [step(x).numpy() for _ in range(4)][-1]
    finally:
        fn.config.allow_winograd = True
    assert not np.array_equal(fast, exact)
    np.testing.assert_array_equal(step(x), fast)


# ---- Keras ---------------------------------------------------------------------------------------


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name, arguments, x, weights, shape", ROWS)
def test_as_keras(name, arguments, x, weights, shape):
    """Results and gradients of float32: 1e-5 of the largest value."""
    import keras

    if arguments.get("data_format") == "channels_first" and name == "SeparableConv2D":
        arguments = {**arguments, "data_format": "channels_last"}
        weights = [(3, 3, 4, 2), (1, 1, 8, 5), (5,)]
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    ours(x)
    theirs.build(x.shape)
    assert [w.shape for w in theirs.weights] == weights
    assert [w.name for w in theirs.weights] == [w.name for w in ours.weights]
    values = [RNG.standard_normal(w).astype("float32") for w in weights]
    ours.set_weights(values)
    dy = RNG.standard_normal(ours(x).shape).astype("float32")

    theirs.set_weights(values)
    given = leaf(x)
    y = theirs(given)
    expected = [host(y), *gradients([y], [dy], [given, *(w.value for w in theirs.weights)])]
    tensor = fn.tensor(x, requires_grad=True)
    y = ours(tensor)
    y.backward(dy)
    for a, b in zip([y, tensor.grad, *(w.grad for w in ours.weights)], expected, strict=True):
        assert np.abs(np.asarray(a) - b).max() <= 1e-5 * max(np.abs(b).max(), 1)
    assert tuple(theirs.compute_output_shape(x.shape)) == ours.compute_output_shape(x.shape)
    mine, kept = ours.get_config(), theirs.get_config()
    same = {key for key, value in kept.items() if not isinstance(value, dict)} - {"name"}
    assert same - set(mine) <= {"quantization_config"}
    assert {k: mine[k] for k in same & set(mine)} == {k: kept[k] for k in same & set(mine)}
