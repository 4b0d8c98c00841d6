"""predict: what it returns for outputs of any number of rows."""

import numpy as np
import pytest

import fastnn as fn


class FirstRow(fn.layers.Layer):
    def call(self, x):
        return x[:1]


class Total(fn.layers.Layer):
    def call(self, x):
        return fn.ops.sum(x)


class LastShort(fn.layers.Layer):
    """Whole batches as they are, of smaller ones the first row."""

    def call(self, x):
        return x if x.shape[0] == 4 else x[:1]


def test_an_output_with_fewer_rows_than_its_batch_is_collected():
    x = np.arange(20, dtype=np.float32).reshape(10, 2)
    np.testing.assert_array_equal(fn.Sequential([FirstRow()]).predict(x, 4, 0), x[[0, 4, 8]])
    np.testing.assert_array_equal(
        fn.Sequential([LastShort()]).predict(x, 4, 0), x[[0, 1, 2, 3, 4, 5, 6, 7, 8]]
    )


def test_outputs_of_different_numbers_of_rows():
    inputs = fn.Input((2,))
    model = fn.Model(inputs, [inputs * 2.0, FirstRow()(inputs)])
    x = np.arange(20, dtype=np.float32).reshape(10, 2)
    whole, first = model.predict(x, 4, 0)
    np.testing.assert_array_equal(whole, x * 2)
    np.testing.assert_array_equal(first, x[[0, 4, 8]])


@pytest.mark.parametrize("x", [np.ones((4, 2)), iter([np.ones((4, 2))])])
def test_a_scalar_output_is_refused(x):
    with pytest.raises(ValueError, match="predict: an output is a scalar"):
        fn.Sequential([Total()]).predict(x, verbose=0)
