"""Recurrent layers: what they refuse, in which words."""

import numpy as np
import pytest
from recurrent_layers import KINDS, MADE, MASK, X, every

import fastnn as fn
from fastnn import layers

pytestmark = pytest.mark.usefixtures("seeded")


def test_nan_stays_in_its_row():
    x = X.copy()
    x[2, 3, 1] = np.nan
    for make in MADE.values():
        y = make()(x).numpy()
        assert np.isnan(y[2]).any() and not np.isnan(y[[0, 1, 3]]).any()


@every
def test_bad_inputs(make):
    layer = make(name="mine")
    with pytest.raises(ValueError, match="mine: the input must have the axes batch, steps and fea"):
        layer(X[:, 0])
    with pytest.raises(ValueError, match=r"mine: the input must have the axes .*None"):
        layer(fn.Input((5, None)))
    layer(X)
    with pytest.raises(ValueError, match="axis 2 of the input must be 3, its shape is"):
        layer(X[:, :, :2])
    with pytest.raises(ValueError, match=r"the input must have 3 axes, its shape is \(4, 3\)"):
        layer(X[:, 0])
    with pytest.raises(ValueError, match=r"mine: mask has shape \(4, 5\), expected \(4, 6\)"):
        layer(X, mask=MASK[:, :5])
    with pytest.raises(TypeError, match="mine: mask must be bool or integer, it is float32"):
        layer(X, mask=MASK.astype("float32"))
    with pytest.raises(ValueError, match=r"mine: the input has no steps, its shape is \(4, 0, 3\)"):
        layer(X[:, :0])
    with pytest.raises(ValueError, match=r"mine: initial_state has shape\(s\) .*\(4, 9\)"):
        layer(X, initial_state=[np.ones((4, 9), "float32")] * 4)
    with pytest.raises(ValueError, match="initial_state has shape"):
        layer(X, initial_state=[np.ones((3, 5), "float32")] * 2)
    with pytest.raises(ValueError, match="initial_state has shape"):
        layer(X, initial_state=np.float32(3))
    assert layer(X[:0]).shape[0] == 0


def test_bad_arguments():
    for kind in (*KINDS, layers.LSTMCell):
        for units in (0, -1, 2.5, True, "3"):
            with pytest.raises(ValueError, match="units must be a positive integer, got"):
                kind(units)
        with pytest.raises(ValueError, match="activation"):
            kind(3, activation="nothing")
        with pytest.raises(ValueError, match=r"dropout must be a number from 0 to 1, got 1.5"):
            kind(3, dropout=1.5)
        with pytest.raises(ValueError, match=r"unexpected argument\(s\) gates"):
            kind(3, gates=2)
    with pytest.raises(ValueError, match="use_cudnn must be"):
        layers.LSTM(3, use_cudnn="yes")
    with pytest.raises(AttributeError, match="LSTM has no attribute 'nothing'"):
        _ = layers.LSTM(3).nothing
    with pytest.raises(ValueError, match="RNN: the cell must have call, got 3"):
        layers.RNN(3)
    with pytest.raises(ValueError, match="the cell must have state_size"):
        layers.RNN(layers.Dense(3))
    with pytest.raises(ValueError, match="cells must be a list of cells"):
        layers.RNN([])
    with pytest.raises(ValueError, match="Bidirectional: layer must be a recurrent layer"):
        layers.Bidirectional(layers.Dense(3))
    with pytest.raises(ValueError, match=r"merge_mode must be one of .*, got 'max'"):
        layers.Bidirectional(layers.GRU(3), merge_mode="max")
    with pytest.raises(ValueError, match="one of the layers must go backwards"):
        layers.Bidirectional(layers.GRU(3), backward_layer=layers.GRU(3))
    with pytest.raises(ValueError, match="return_state is False in the forward layer, True in the"):
        back = layers.GRU(3, return_state=True, go_backwards=True)
        layers.Bidirectional(layers.GRU(3), backward_layer=back)
    with pytest.raises(ValueError, match=r"RNN: dtype is float64, that of gru_cell.* is float32"):
        layers.RNN(layers.GRUCell(3), dtype="float64")
    with pytest.raises(ValueError, match="TimeDistributed: layer must be a layer, got 3"):
        layers.TimeDistributed(3)
    with pytest.raises(ValueError, match="the input must have the axes batch, steps and one more"):
        layers.TimeDistributed(layers.Dense(3))(X[:, 0])
    with pytest.raises(ValueError, match=r"mask has shape \(4, 5\), which must begin with \(4, 6"):
        layers.TimeDistributed(layers.Dense(3))(X, mask=MASK[:, :5])


def test_arguments_of_the_cell_cannot_be_set():
    layer = layers.LSTM(3)
    for name in ("units", "dropout", "recurrent_activation"):
        with pytest.raises(AttributeError, match=f"LSTM: {name} cannot be set; make a new layer"):
            setattr(layer, name, getattr(layer, name))
    layer.trainable = False
    assert not layer.trainable


def test_sizes_from_numpy():
    """As from ids.max() + 1; the kernels and a saved configuration get plain integers."""
    for layer in (
        layers.LSTM(np.int64(3)),
        layers.Dense(np.int32(3)),
        layers.Embedding(np.int64(7), np.int64(3)),
        layers.RepeatVector(np.int64(3)),
    ):
        sizes = [v for k, v in layer.get_config().items() if k in ("units", "output_dim", "n")]
        assert sizes == [3] and type(sizes[0]) is int
    for units in (0, -1, True, 2.0, None, np.bool_(True)):
        with pytest.raises(ValueError, match=r"LSTM(Cell)?: units must be a positive integer"):
            layers.LSTM(units)


CELLS = [layers.SimpleRNNCell, layers.GRUCell, layers.LSTMCell, layers.PeepholeLSTMCell]


@pytest.mark.parametrize("kind", CELLS)
def test_cells_called_with_other_shapes(kind):
    cell = kind(2, name="cell")
    x, state = np.ones((3, 4), np.float32), np.ones((3, 2), np.float32)
    states = [state] * (2 if issubclass(kind, layers.LSTMCell) else 1)
    for wrong in (x[0], x[None], [x, x]):
        with pytest.raises(ValueError, match=r"^cell: inputs has shape .* expected \(batch, feat"):
            cell(wrong, states)
    message = r"^cell: states has shape\(s\) \[.*\], expected \(batch, 2\)"
    for bad in ([], [*states, state], [x] * len(states), [state[None]] * len(states)):
        with pytest.raises(ValueError, match=message):
            cell(x, bad)
    assert cell(x, states)[0].shape == (3, 2)


def test_lists_of_the_operation():
    x, kernel, recurrent = np.ones((2, 3, 4)), np.ones((4, 2)), np.ones((2, 2))
    for weights, message in [
        (None, "rnn: weights must be a list of arrays, got None"),
        ([kernel, None], r"rnn: weights\[1\] must be numbers .* got NoneType"),
    ]:
        with pytest.raises(TypeError, match=message):
            fn.ops.rnn(x, weights)
    for states, message in [
        (3, "rnn: initial_state must be a list of arrays, got 3"),
        (["a"], r"rnn: initial_state\[0\] must be numbers .* got str"),
    ]:
        with pytest.raises(TypeError, match=message):
            fn.ops.rnn(x, [kernel, recurrent], states)
