"""EinsumDense: values, weights, messages. tests/layers/test_attention_peers.py has Keras."""

import numpy as np
import pytest

from fastnn import layers

rng = np.random.default_rng(0)
X = rng.normal(size=(2, 5, 6))


@pytest.mark.parametrize(
    "equation, output_shape, bias_axes, shape, kernel, bias",
    [
        ("ab,bc->ac", 5, "c", (3, 4), (4, 5), (5,)),
        ("...x,xy->...y", 5, None, (3, 2, 4), (4, 5), None),
        ("abc,cde->abde", (None, 5, 6), "de", (3, 2, 4), (4, 5, 6), (5, 6)),
        ("abc,cde->abde", (None, 5, 6), "e", (3, 2, 4), (4, 5, 6), (6,)),
        ("abc,cde->abde", (None, 5, 6), "d", (3, 2, 4), (4, 5, 6), (5, 1)),
        ("abc,bcd->ad", 5, "d", (3, 2, 4), (2, 4, 5), (5,)),
        ("ab...,bc->ac...", 5, "c", (3, 4, 2), (4, 5), (5, 1)),
        ("abc,dc->abd", (None, 5), "d", (3, 2, 4), (5, 4), (5,)),
        ("abc,bd->acd", (4, 5), None, (3, 2, 4), (2, 5), None),
        ("abc,bcd->abd", (None, 5), "bd", (3, 2, 4), (2, 4, 5), (2, 5)),
    ],
)
def test_einsum_dense(equation, output_shape, bias_axes, shape, kernel, bias):
    x = rng.normal(size=shape)
    layer = layers.EinsumDense(equation, output_shape, "tanh", bias_axes, dtype="float64")
    layer.build(shape)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    assert [w.shape for w in layer.weights] == [kernel, bias][: 1 if bias is None else 2]
    z = np.einsum(equation, x, layer.kernel.numpy())
    if bias is not None:
        z = z + layer.bias.numpy()
    np.testing.assert_allclose(layer(x), np.tanh(z), rtol=1e-11)
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *z.shape[1:])
    again = layers.EinsumDense.from_config(layer.get_config())
    again.build(shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x), layer(x))


MESSAGES = [
    (lambda: layers.EinsumDense("ab,bc->ac", 3)(X), "expected the axes 'ab' of equation"),
    (lambda: layers.EinsumDense("abc,cd->abd", 3)(X), r"output_shape is \(3,\), expected as many"),
    (lambda: layers.EinsumDense("abc,cd->abd", (4, 3))(X), "is 5 in the input's shape .* 4 in"),
    (lambda: layers.EinsumDense("abc,cd->abd", (5, None))(X), "axis 'd' of .* must have an extent"),
    (lambda: layers.EinsumDense("abc,cd->abd", (5, 2), None, "x")(X), "bias_axes is 'x', expected"),
    (lambda: layers.EinsumDense("aac,cd->aad", (5, 2))(X), "has an axis twice in 'aac', expected"),
    (lambda: layers.EinsumDense("abc,cd->add", (3, 3))(X), "has an axis twice in 'add', expected"),
    (lambda: layers.EinsumDense("abc,cd->abd", (5, 0)), "output_shape must be a positive integer"),
    (lambda: layers.EinsumDense("abc,cd->abd", None), "output_shape must be .* got None"),
]


@pytest.mark.parametrize("index", range(len(MESSAGES)))
def test_messages(index):
    call, message = MESSAGES[index]
    with pytest.raises(ValueError, match=message):
        call()


def test_an_input_of_another_width():
    layer = layers.EinsumDense("...a,ab->...b", 3, name="e")
    layer(X)
    with pytest.raises(ValueError, match=r"e: kernel has shape .* but the input's shape is"):
        layer(X[..., :4])
