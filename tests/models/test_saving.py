"""Files: round trips, damage, hostile content, failing writes, custom classes, training state."""

import copy
import json
import os
import pickle
import stat

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers
from fastnn.models import container


def data(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def sequential():
    return fn.Sequential(
        [
            fn.Input((4,)),
            layers.Dense(5, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(2, activation="softmax"),
        ]
    )


def functional():
    a = fn.Input((3,), name="a")
    shared = layers.Dense(3)
    inner = fn.Model(a, shared(a))
    x, y = fn.Input((3,), name="x"), fn.Input((3,), name="y")
    h = inner(x) * 2.0 + shared(y)
    return fn.Model({"x": x, "y": y}, [layers.Concatenate()([h, y]), h[:, 1:]])


class Net(fn.Model):
    """A model with a call of its own."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [layers.Dense(units) for _ in range(2)]
        self.norm = Shift()

    def call(self, inputs, training=None):
        x = inputs["x"]
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class Shift(layers.Layer):
    def build(self, input_shape):
        self.count = self.add_weight(shape=(), dtype="int32", trainable=False, name="count")
        self.offset = self.add_weight(shape=input_shape[-1:], initializer="ones", name="offset")

    def call(self, x):
        return x + self.offset


CUSTOM = {"Net": Net, "Shift": Shift}


def subclassed():
    net = Net(4)
    net({"x": data(1, 3)})
    return net


CASES = {
    "sequential": (sequential, lambda: data(6, 4)),
    "functional": (functional, lambda: {"x": data(6, 3), "y": data(6, 3, seed=2)}),
    "subclassed": (subclassed, lambda: {"x": data(6, 3)}),
}


@pytest.mark.parametrize("case", CASES)
def test_round_trip(case, tmp_path):
    make, inputs = CASES[case]
    model, path = make(), tmp_path / "model.fastnn"
    model.set_weights([data(*w.shape, seed=i) for i, w in enumerate(model.get_weights())])
    model.save(path)
    again = fn.models.load_model(path, custom_objects=CUSTOM)
    assert type(again) is type(model)
    assert again.name == model.name
    for got, want in zip(*(fn.utils.tree.flatten(each(inputs())) for each in (again, model))):
        np.testing.assert_array_equal(got, want)
    for got, want in zip(again.get_weights(), model.get_weights()):
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)
    assert os.listdir(tmp_path) == ["model.fastnn"]


@pytest.mark.parametrize("case", CASES)
def test_weights_only(case, tmp_path):
    make, inputs = CASES[case]
    model, other, path = make(), make(), tmp_path / "w"
    model.set_weights([data(*w.shape, seed=i) for i, w in enumerate(model.get_weights())])
    model.save_weights(path)
    other.load_weights(path)
    for got, want in zip(*(fn.utils.tree.flatten(each(inputs())) for each in (other, model))):
        np.testing.assert_array_equal(got, want)
    with pytest.raises(ValueError, match="holds weights only"):
        fn.models.load_model(path)
    model.save(path)  # weights may also come from a whole model
    make().load_weights(path)


@pytest.mark.parametrize("case", CASES)
def test_copies_and_pickles(case):
    make, inputs = CASES[case]
    model = make()
    before = fn.utils.tree.flatten(model(inputs()))
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        for got, want in zip(fn.utils.tree.flatten(again(inputs())), before):
            np.testing.assert_array_equal(got, want)
        for weight in again.weights:
            weight.assign(np.zeros(weight.shape))
    for got, want in zip(fn.utils.tree.flatten(model(inputs())), before):
        np.testing.assert_array_equal(got, want)


def test_pickle_of_a_layer():
    layer = layers.Dense(3, activation="relu")
    layer(data(2, 4))
    again = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(again(data(2, 4)), layer(data(2, 4)))


def test_state_of_random_generators(tmp_path):
    model = sequential()
    x = data(6, 4)
    model(x, training=True)
    model.save(tmp_path / "m")
    again = fn.models.load_model(tmp_path / "m")
    np.testing.assert_array_equal(again(x, training=True), model(x, training=True))


def test_file_is_plain_safetensors(tmp_path):
    from safetensors import safe_open

    model = sequential()
    model.save(tmp_path / "m")
    with safe_open(tmp_path / "m", "np") as file:
        metadata = file.metadata()
        kernel = file.get_tensor("weights/dense/kernel")
    np.testing.assert_array_equal(kernel, model.get_weights()[0])
    assert json.loads(metadata["model"])["class_name"] == "Sequential"
    assert metadata["format_version"] == "1"


def test_overwrite(tmp_path):
    model, path = sequential(), tmp_path / "m"
    model.save(path)
    with pytest.raises(FileExistsError, match="exists"):
        model.save(path, overwrite=False)
    model.save(path)
    assert stat.S_IMODE(os.stat(path).st_mode) == stat.S_IMODE(os.stat(_touched(tmp_path)).st_mode)


def _touched(folder):
    path = folder / "touched"
    path.write_bytes(b"")
    return path


def test_nothing_to_save():
    with pytest.raises(ValueError, match="is not built: call it on data"):
        fn.Sequential([layers.Dense(2)]).save("never")
    with pytest.raises(ValueError, match="is not built"):
        fn.Sequential([layers.Dense(2)]).save_weights("never")
    model = fn.Sequential([fn.Input((2,)), layers.Activation(lambda x: x)])
    with pytest.raises(ValueError, match="a lambda cannot be saved"):
        model.save("never")
    assert not os.path.exists("never")


# ---- damage


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing: there is no such file"):
        fn.models.load_model(tmp_path / "nothing")
    with pytest.raises(ValueError, match="is a folder"):
        fn.models.load_model(tmp_path)
    for name, content in {"empty": b"", "text": b"hello", "long": b"x" * 1000}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}: is damaged or was not saved by fastnn"):
            fn.models.load_model(tmp_path / name)
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3)}, tmp_path / "other")
    with pytest.raises(ValueError, match="other: was not saved by fastnn"):
        sequential().load_weights(tmp_path / "other")


def test_newer_format(tmp_path, monkeypatch):
    model = sequential()
    monkeypatch.setattr(container, "FORMAT_VERSION", 2)
    model.save(tmp_path / "m")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="m: has format 2, this fastnn reads formats up to 1"):
        fn.models.load_model(tmp_path / "m")


def test_truncated(tmp_path):
    path = tmp_path / "m"
    sequential().save(path)
    content = path.read_bytes()
    for length in [*range(0, len(content), 97), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="m: is damaged or was not saved"):
            fn.models.load_model(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(ValueError, match="m: is damaged"):
        fn.models.load_model(path)


def test_every_flipped_bit_is_found(tmp_path):
    path = tmp_path / "m"
    model = fn.Sequential([fn.Input((2,)), layers.Dense(1)])
    model.save_weights(path)
    content = path.read_bytes()
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1 << (position % 8)
        path.write_bytes(flipped)
        with pytest.raises(ValueError, match=r"m: (is damaged|was not saved|has format)"):
            model.load_weights(path)


def test_weights_of_another_model(tmp_path):
    sequential().save_weights(tmp_path / "w")
    model = fn.Sequential([fn.Input((4,)), layers.Dense(5), layers.Dense(3)], name="other")
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"does not fit model 'other': weights dense_1/kernel has "
                                         r"shape \(5, 3\), in the file \(5, 2\)"):  # fmt: skip
        model.load_weights(tmp_path / "w")
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    model.load_weights(tmp_path / "w", skip_mismatch=True)
    assert not np.array_equal(before[0], model.get_weights()[0])
    small = fn.Sequential([fn.Input((4,)), layers.Dense(5)])
    with pytest.raises(ValueError, match="has weights that are not needed: dense_1"):
        small.load_weights(tmp_path / "w")


# ---- failing writes


@pytest.mark.parametrize("where", ["write", "rename"])
def test_failed_write_leaves_the_old_file(where, tmp_path, monkeypatch):
    model, path = sequential(), tmp_path / "m"
    model.save(path)
    old = path.read_bytes()
    model.set_weights([w + 1 for w in model.get_weights()])

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace" if where == "rename" else "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        model.save(path)
    assert os.listdir(tmp_path) == ["m"]
    assert path.read_bytes() == old


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_full_disk_leaves_the_old_file(tmp_path):
    import resource
    import signal

    small, path = sequential(), tmp_path / "m"
    small.save(path)
    old = path.read_bytes()
    large = fn.Sequential([fn.Input((300,)), layers.Dense(300)])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match="m: cannot be written"):
            large.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert os.listdir(tmp_path) == ["m"]
    assert path.read_bytes() == old


def test_missing_folder(tmp_path):
    with pytest.raises(OSError, match="m: cannot be written"):
        sequential().save(tmp_path / "no" / "m")


# ---- hostile content


def rewrite(path, change):
    """Changes a file's architecture as somebody who knows the format could."""
    tensors, metadata = container.read(path)
    model = json.loads(metadata["model"])
    metadata["model"] = json.dumps(change(model) or model)
    metadata.pop("checksum")
    container.write(path, tensors, metadata)


def _dense(model):
    return next(x for x in model["config"]["layers"] if x["class_name"] == "Dense")


def _module(model):
    _dense(model).update(module="os", class_name="system", config={"command": "touch hacked"})


def _function(model):
    _dense(model)["config"]["activation"] = {
        "module": "os", "class_name": "function", "config": "getcwd", "registered_name": "getcwd"
    }  # fmt: skip


def _private(model):
    _dense(model).update(class_name="_function", module="fastnn.layers")


def _huge(model):
    _dense(model)["config"]["units"] = 10**9


def _endless(model):
    for _ in range(3000):
        model = {"class_name": "Sequential", "module": "fastnn.models",
                 "config": {"layers": [model], "name": "x"}}  # fmt: skip
    return model


def _no_model(model):
    return {"module": "fastnn.initializers", "class_name": "Zeros", "config": {}}


def _incomplete(model):
    del model["config"]["layers"]


def _wrong_type(model):
    model["config"]["layers"] = 5


def _other_units(model):
    _dense(model)["config"]["units"] = 4


@pytest.mark.parametrize("change", [_module, _function, _private, _huge, _no_model, _incomplete,
                                    _wrong_type, _other_units])  # fmt: skip
def test_hostile_architecture(change, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sequential().save("m")
    rewrite("m", change)
    with pytest.raises(ValueError, match="m: the model cannot be restored"):
        fn.models.load_model("m")
    assert os.listdir() == ["m"]


def test_endless_nesting(tmp_path):
    path = tmp_path / "m"
    sequential().save(path)
    tensors, metadata = container.read(path)
    text = metadata["model"]
    start = '{"class_name": "Sequential", "module": "fastnn.models", "config": {"layers": ['
    metadata["model"] = start * 5000 + text + "]}}" * 5000
    container.write(path, tensors, metadata)
    with pytest.raises(ValueError, match="m: the model cannot be restored"):
        fn.models.load_model(path)


def test_bad_json(tmp_path):
    path = tmp_path / "m"
    sequential().save(path)
    tensors, metadata = container.read(path)
    for key in ("model", "build", "training"):
        container.write(path, tensors, {**metadata, key: "{"})
        with pytest.raises(ValueError, match="m: the model cannot be restored"):
            fn.models.load_model(path)


# ---- custom classes


def test_unknown_class(tmp_path):
    subclassed().save(tmp_path / "m")
    with pytest.raises(ValueError, match=r"m: .*unknown class or function 'Net': pass custom_obj"):
        fn.models.load_model(tmp_path / "m")


def test_registered_class_and_function(tmp_path):
    @fn.utils.register_keras_serializable("tests")
    class Twice(layers.Layer):
        def call(self, x):
            return x * 2

    @fn.utils.register_keras_serializable("tests")
    def halved(x):
        return x * 0.5

    model = fn.Sequential([fn.Input((3,)), Twice(), layers.Dense(2, activation=halved)])
    model.save(tmp_path / "m")
    again = fn.models.load_model(tmp_path / "m")
    np.testing.assert_array_equal(again(data(2, 3)), model(data(2, 3)))
    assert again.layers[1].activation is halved


def test_custom_object_scope(tmp_path):
    subclassed().save(tmp_path / "m")
    with fn.utils.custom_object_scope(CUSTOM):
        assert fn.models.load_model(tmp_path / "m").blocks[0].units == 4
