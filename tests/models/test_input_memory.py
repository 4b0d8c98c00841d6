"""Data sets are not copied: arrays are read where they are, and cast batch by batch."""

import gc
import sys
import threading
import tracemalloc

import numpy as np
import pytest

import fastnn as fn
from fastnn import _core
from fastnn.models.training_data import ArrayData

ROWS, COLUMNS = 4000, 500
IMAGES = np.random.default_rng(0).integers(0, 256, (ROWS, COLUMNS), dtype=np.uint8)
LABELS = np.random.default_rng(1).integers(0, 4, ROWS)


def small_model():
    fn.utils.set_random_seed(0)
    model = fn.Sequential([fn.Input((COLUMNS,)), fn.layers.Dense(4, activation="softmax")])
    model.compile(fn.optimizers.SGD(1e-4), "sparse_categorical_crossentropy")
    return model


class Peak(fn.callbacks.Callback):
    """The most memory that fastnn held after a batch."""

    most = 0

    def on_train_batch_end(self, batch, logs=None):
        self.most = max(self.most, _core.memory_stats()["in_use_bytes"])

    on_test_batch_end = on_train_batch_end


def fitted(x, **options):
    model = small_model()
    model.fit(x, LABELS, batch_size=100, epochs=2, verbose=0, **options)
    return b"".join(w.tobytes() for w in model.get_weights())


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float64", "int16", ">f4", "bool"])
def test_other_dtypes_train_as_floats_do(dtype, shuffle):
    x = (IMAGES > 128 if dtype == "bool" else IMAGES).astype(dtype)
    expected = fitted(x.astype("float32"), shuffle=shuffle)
    assert fitted(x, shuffle=shuffle) == expected


@pytest.mark.parametrize("dtype", ["uint8", "float64", "float32"])
def test_no_copy_of_the_data_set(dtype):
    x = IMAGES.astype(dtype)
    validation = x[:2000], LABELS[:2000]
    model, peak = small_model(), Peak()
    model.fit(x[:200], LABELS[:200], batch_size=100, verbose=0)  # what is kept for good
    gc.collect()
    before = _core.memory_stats()["in_use_bytes"]
    tracemalloc.start()
    try:
        model.fit(
            x, LABELS, batch_size=100, epochs=3, verbose=0, callbacks=[peak],
            validation_data=validation,
        )  # fmt: skip
        python_peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    batch = 100 * COLUMNS * 8
    assert 0 < peak.most - before < 4 * batch < IMAGES.nbytes
    assert python_peak < IMAGES.nbytes


def test_arrays_are_shared_and_let_go():
    x, y = IMAGES.astype("float32"), LABELS.copy()
    references = sys.getrefcount(x), sys.getrefcount(y)
    data = ArrayData(x, y)
    assert np.shares_memory(data.columns[0].numpy(), x)
    assert np.shares_memory(data.columns[1].numpy(), y)
    assert np.shares_memory(data.part(10, 20).columns[0].numpy(), x)
    assert np.shares_memory(next(data.batches())[0].numpy(), x)
    del data
    assert (sys.getrefcount(x), sys.getrefcount(y)) == references


def test_a_thread_without_python_lets_go():
    x = np.ones(1000, "float32")
    references = sys.getrefcount(x)
    shared = [_core.share_numpy(x) for _ in range(10)]
    thread = threading.Thread(target=shared.clear)
    thread.start()
    thread.join()
    assert sys.getrefcount(x) == references


def test_what_cannot_be_shared_is_copied():
    grid = np.arange(24, dtype="float32").reshape(4, 6)
    unaligned = np.frombuffer(bytes(1) + grid.tobytes(), "float32", offset=1).reshape(4, 6)
    for array in (grid.T, grid[:, ::2], grid.astype(">f4"), unaligned, grid > 3):
        tensor = _core.share_numpy(array)
        assert not np.shares_memory(tensor.numpy(), array)
        np.testing.assert_array_equal(tensor.numpy(), array)
    for array in (grid, grid[1:3], np.zeros((0, 3)), np.array(5.0)):
        np.testing.assert_array_equal(_core.share_numpy(array).numpy(), array)
    with pytest.raises(TypeError, match="share_numpy: expected a NumPy array"):
        _core.share_numpy([1.0])


def plan_of(model):
    return model._records.steps["training step on rows"][1].explain()


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_gathering_and_casting_are_one_call(dtype):
    model = small_model()
    model.fit(IMAGES.astype(dtype), LABELS, batch_size=100, epochs=1, verbose=0)
    calls = plan_of(model).splitlines()[2:]
    assert calls[0].startswith("gather_batch")
    assert not any(c.startswith("copy") and f"[100, {COLUMNS}]" in c for c in calls)


def test_more_columns_than_one_call_casts():
    inputs = [fn.Input((3,)) for _ in range(9)]
    model = fn.Model(inputs, fn.layers.Dense(1)(fn.layers.Concatenate()(inputs)))
    model.compile("sgd", "mse")
    kernel = model.get_weights()
    parts = [np.random.default_rng(i).random((40, 3)) for i in range(9)]
    y = np.zeros((40, 1))
    model.fit(parts, y, batch_size=8, epochs=2, verbose=0)
    first = model.get_weights()
    model.set_weights(kernel)
    model.set_training_state({"shuffle_seed": model._shuffle_seed})
    model.fit([p.astype("float32") for p in parts], y, batch_size=8, epochs=2, verbose=0)
    for a, b in zip(first, model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_a_train_step_of_the_users_sees_its_own_dtype():
    seen = []

    class Looking(fn.Model):
        def __init__(self):
            super().__init__()
            self.dense = fn.layers.Dense(4, activation="softmax")

        def call(self, x):
            seen.append(x.dtype)
            return self.dense(fn.ops.cast(x, "float32"))

    model = Looking()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(IMAGES[:200], LABELS[:200], verbose=0)
    assert set(seen) == {"uint8"}
