"""Pictures in folders as batches, against Pillow's own decoding."""

import builtins
import os

import numpy as np
import pytest

import fastnn as fn
from fastnn.utils import image_dataset_from_directory as from_directory

Image = pytest.importorskip("PIL.Image", reason="pictures need Pillow (extra: images)")


@pytest.fixture
def folder(tmp_path):
    """Seven pictures of noise in two classes, PNG and JPEG, and a text that is none."""
    random = np.random.default_rng(0)
    for kind, names in (("cat", "dcba"), ("ant", "xyz")):
        (tmp_path / kind / "more").mkdir(parents=True)
        for i, name in enumerate(names):
            pixels = random.integers(0, 256, (8, 6, 3), dtype=np.uint8)
            path = tmp_path / kind / ("more" if i == 2 else "")
            Image.fromarray(pixels).save(path / (name + (".png" if i else ".JPG")))
        (tmp_path / kind / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


ORDER = ["ant/x.JPG", "ant/y.png", "ant/more/z.png"]
ORDER += ["cat/a.png", "cat/c.png", "cat/d.JPG", "cat/more/b.png"]


def decoded(path, mode="RGB"):
    with Image.open(path) as image:
        return np.array(image.convert(mode))


def test_pictures_and_labels(folder, capsys):
    data = from_directory(folder, image_size=(8, 6), batch_size=3, shuffle=False)
    assert capsys.readouterr().out == "Found 7 files belonging to 2 classes.\n"
    assert [os.path.relpath(p, folder) for p in data.file_paths] == ORDER
    assert data.class_names == ["ant", "cat"] and len(data) == 3
    batches = list(data)
    assert [len(images) for images, _ in batches] == [3, 3, 1]
    images, labels = (np.concatenate(part) for part in zip(*batches))
    assert images.dtype == np.float32 and images.shape == (7, 8, 6, 3)
    assert labels.dtype == np.int32 and labels.tolist() == [0, 0, 0, 1, 1, 1, 1]
    for name, image in zip(ORDER, images):
        assert np.array_equal(image, decoded(folder / name))


@pytest.mark.parametrize(
    "label_mode, expected",
    [("int", [0, 1]), ("binary", [[0], [1]]), ("categorical", [[1, 0], [0, 1]])],
)
def test_label_modes(folder, label_mode, expected):
    arguments = {"shuffle": False, "batch_size": 7, "image_size": (2, 2), "verbose": False}
    _, labels = next(iter(from_directory(folder, label_mode=label_mode, **arguments)))
    assert labels[[0, -1]].tolist() == expected
    assert labels.dtype == (np.int32 if label_mode == "int" else np.float32)
    turned = from_directory(folder, class_names=["cat", "ant"], label_mode=label_mode, **arguments)
    assert turned.file_paths[0].endswith("a.png") and turned.class_names == ["cat", "ant"]
    assert next(iter(turned))[1][0].tolist() == expected[0]


def test_pictures_without_labels(folder):
    for arguments in ({"labels": None}, {"label_mode": None}):
        data = from_directory(folder, image_size=(2, 2), batch_size=7, verbose=False, **arguments)
        (images,) = data
        assert images.shape == (7, 2, 2, 3)


def test_given_labels(folder):
    given = [3, 0, 1, 2, 2, 2, 0]
    data = from_directory(folder, labels=given, batch_size=7, shuffle=False, verbose=False)
    assert next(iter(data))[1].tolist() == given


@pytest.mark.parametrize("mode, pillows", [("grayscale", "L"), ("rgba", "RGBA")])
def test_color_modes(folder, mode, pillows):
    data = from_directory(folder, color_mode=mode, image_size=(8, 6), shuffle=False, verbose=False)
    expected = decoded(folder / ORDER[1], pillows).reshape(8, 6, -1)
    assert np.array_equal(next(iter(data))[0][1], expected)


def test_resizing(folder):
    """Nearest to twice the size repeats pixels; bilinear to half means the middle four."""
    arguments = {"shuffle": False, "verbose": False}
    large = from_directory(folder, image_size=(16, 12), interpolation="nearest", **arguments)
    expected = decoded(folder / ORDER[0]).repeat(2, 0).repeat(2, 1)
    assert np.array_equal(next(iter(large))[0][0], expected)
    small = from_directory(folder, image_size=(4, 3), **arguments)
    quads = decoded(folder / ORDER[0]).reshape(4, 2, 3, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(next(iter(small))[0][0], quads, atol=1e-4)  # of 255


def test_cropping_keeps_proportions(folder):
    data = from_directory(
        folder, image_size=(6, 6), crop_to_aspect_ratio=True, shuffle=False, verbose=False
    )
    assert np.array_equal(next(iter(data))[0][0], decoded(folder / ORDER[0])[1:7])


def labels_of(data):
    return np.concatenate([labels for _, labels in data]).tolist()


def test_shuffling(folder):
    def passes(seed):
        numbered = from_directory(
            folder, labels=list(range(7)), seed=seed, image_size=(2, 2), verbose=False
        )
        return labels_of(numbered), labels_of(numbered)

    first, second = passes(1)
    assert sorted(first) == sorted(second) == list(range(7)) and first != second
    assert passes(1) == (first, second) != passes(2)
    fn.utils.set_random_seed(5)
    unseeded = passes(None)
    fn.utils.set_random_seed(5)
    assert passes(None) == unseeded


def test_a_split_shares_the_files_out(folder):
    arguments = {"seed": 3, "validation_split": 0.4, "verbose": False}
    parts = [from_directory(folder, subset=s, **arguments) for s in ("training", "validation")]
    assert [len(part.file_paths) for part in parts] == [5, 2]
    assert len({path for part in parts for path in part.file_paths}) == 7
    both = from_directory(folder, subset="both", **arguments)
    assert [b.file_paths for b in both] == [p.file_paths for p in parts]
    # Keras shuffles with NumPy's old generator, then cuts the last ones off.
    order = np.arange(7)
    np.random.RandomState(3).shuffle(order)
    kept = [os.path.relpath(path, folder) for path in parts[1].file_paths]
    assert kept == [ORDER[i] for i in order[5:]]


def test_fit_evaluate_predict(tmp_path):
    for kind, gray in (("dark", 40), ("light", 215)):
        (tmp_path / kind).mkdir()
        for i in range(20):
            Image.new("L", (5, 5), gray + i).save(tmp_path / kind / f"{i}.png")
    arguments = {"image_size": (4, 4), "label_mode": "binary", "seed": 0, "verbose": False}
    train, test = from_directory(tmp_path, validation_split=0.25, subset="both", **arguments)
    fn.utils.set_random_seed(0)
    model = fn.Sequential([fn.Input((4, 4, 3)), fn.layers.Flatten()])
    model.add(fn.layers.BatchNormalization(momentum=0.5))
    model.add(fn.layers.Dense(1, activation="sigmoid"))
    model.compile(fn.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(train, epochs=30, validation_data=test, verbose=0).history
    assert history["val_accuracy"][-1] == 1.0
    assert model.evaluate(test, verbose=0)[1] == 1.0
    assert model.predict(test, verbose=0).shape == (10, 1)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"label_mode": "onehot"}, "label_mode: expected one of 'int', 'categorical'.*'onehot'"),
        ({"color_mode": "hsv"}, "color_mode: expected one of 'grayscale'"),
        ({"interpolation": "cubic"}, "interpolation: expected one of 'bilinear'"),
        ({"labels": "guessed"}, "labels: expected one of 'inferred'"),
        ({"labels": [1, 2]}, "labels: expected one for each of the 7 files"),
        ({"labels": [-1] * 7}, "labels: expected integers from 0"),
        ({"labels": [0.5] * 7}, "labels: expected integers from 0"),
        ({"class_names": ["ant", "dog"]}, "class_names: expected the folders' names"),
        ({"batch_size": 0}, "batch_size: expected a positive integer, got 0"),
        ({"image_size": (4,)}, "image_size: expected two positive integers"),
        ({"image_size": 4}, "image_size: expected two positive integers"),
        ({"image_size": (4, -1)}, "image_size: expected two positive integers"),
        ({"subset": "training"}, "validation_split: expected together with subset"),
        ({"validation_split": 0.5}, "validation_split: expected together with subset"),
        ({"subset": "test", "validation_split": 0.5}, "subset: expected one of 'training'"),
        ({"subset": "training", "validation_split": 1.5}, "a number between 0 and 1"),
        ({"subset": "training", "validation_split": 0.5}, "seed"),
        ({"subset": "validation", "validation_split": 0.01, "seed": 0}, "some validation pictures"),
        ({"label_mode": "binary", "labels": [0, 1, 2, 0, 0, 0, 0]}, "two classes"),
    ],
)
def test_what_it_refuses(folder, arguments, message):
    with pytest.raises(ValueError, match=message):
        from_directory(folder, **arguments)


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        from_directory(tmp_path / "nowhere")
    (tmp_path / "class").mkdir()
    with pytest.raises(ValueError, match="holds no pictures"):
        from_directory(tmp_path)


@pytest.mark.parametrize("name", ["cat/a.png", "cat/d.JPG"])
def test_a_damaged_picture_is_named(folder, name):
    content = (folder / name).read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"not a picture"):
        (folder / name).write_bytes(damaged)
        with pytest.raises(ValueError, match=f"{name[4:]} is not a picture that can be read"):
            list(from_directory(folder, verbose=False))


def test_without_pillow_the_extra_is_named(folder, monkeypatch):
    imported = builtins.__import__

    def without_pillow(name, *arguments, **keywords):
        if name.startswith("PIL"):
            raise ImportError(name)
        return imported(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without_pillow)
    with pytest.raises(ImportError, match=r"pip install 'fastnn\[images\]'"):
        from_directory(folder)
