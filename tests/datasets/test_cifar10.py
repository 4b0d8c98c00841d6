"""CIFAR-10: the published format on a toy archive, picture files against Pillow's own decoding."""

import gzip
import hashlib
import io
import pickle
import tarfile
import zipfile

import numpy as np
import pytest

from fastnn.datasets import cifar10
from fastnn.datasets.fetch import RemoteFile


def record(label, seed=0):
    """A label and a picture [32, 32, 3], and their bytes in the published order."""
    image = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    planes = b"".join(image[..., channel].tobytes() for channel in range(3))
    return image, bytes([label]) + planes


def archive(files):
    """A tar.gz of these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Makes bytes the archive that load_data finds, with its published checksum or without."""
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def put(content, md5=None):
        (tmp_path / "cifar10").mkdir(exist_ok=True)
        (tmp_path / "cifar10" / "cifar-10-binary.tar.gz").write_bytes(content)
        digest = md5 or hashlib.md5(content).hexdigest()
        monkeypatch.setattr(cifar10, "FILES", (RemoteFile("cifar-10-binary.tar", md5=digest),))

    return put


def good_files():
    return {
        name: record(i, seed=i)[1] + record(9 - i, seed=10 + i)[1]
        for i, name in enumerate((*cifar10.TRAIN_FILES, *cifar10.TEST_FILES))
    }


def test_the_published_format(put):
    put(archive(good_files()))
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    assert x_train.dtype == y_train.dtype == np.uint8
    assert x_train.shape == (10, 32, 32, 3) and y_train.shape == (10, 1)
    assert y_train[:, 0].tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
    assert y_test.tolist() == [[5], [4]]
    for i in range(5):
        assert np.array_equal(x_train[2 * i], record(i, seed=i)[0])
    assert np.array_equal(x_test[1], record(4, seed=15)[0])


def test_another_archive_than_the_published_one_is_refused(put):
    put(archive(good_files()), md5="0" * 32)
    with pytest.raises(ValueError, match="MD5"):
        cifar10.load_data()


def changed(name, content):
    return archive(good_files() | {name: content})


BATCH = cifar10.TRAIN_FILES[1]


@pytest.mark.parametrize(
    "content, message",
    [
        (gzip.compress(b"no archive" * 100), "not the published one"),
        (archive({}), "not the published one.*data_batch_1"),
        (changed(BATCH, record(3)[1][:-1]), "3072 bytes are not records"),
        (changed(BATCH, record(10)[1]), "label 10"),
        (changed(BATCH, bytes(3073 * 10_001)), "at most 30730000"),
    ],
    ids=["no archive", "an empty one", "a record cut off", "an unknown label", "too many records"],
)
def test_damaged_archives_are_clear_errors(put, content, message):
    put(content)
    with pytest.raises(ValueError, match=message):
        cifar10.load_data()


def test_nothing_in_a_file_is_executed(put, tmp_path):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "sprung"), "w")

    put(changed(BATCH, pickle.dumps({b"data": Trap()})))
    with pytest.raises(ValueError, match="records"):
        cifar10.load_data()
    assert not (tmp_path / "sprung").exists()


# Picture files.


@pytest.fixture
def pictures(tmp_path):
    """Two pictures of train and one of test, as folders."""
    image = pytest.importorskip("PIL.Image", reason="pictures need Pillow (extra: images)")
    for name in ("train/bird/0001.jpg", "train/airplane/0000.jpg", "test/truck/0000.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        image.fromarray(record(0, seed=len(name))[0]).save(tmp_path / name)
    return tmp_path


def pack(folder):
    for part in cifar10.SUBSET:
        with zipfile.ZipFile(folder / f"{part}.zip", "w") as packed:
            for path in (folder / part).glob("*/*"):
                packed.write(path, path.relative_to(folder / part))


@pytest.mark.parametrize("packed", [False, True], ids=["folders", "zip files"])
def test_the_subset_from_pictures(pictures, packed):
    from PIL import Image

    if packed:
        pack(pictures)
    (x_train, y_train), (x_test, y_test) = cifar10.load_subset(pictures)
    assert x_train.dtype == y_train.dtype == np.uint8 and x_train.shape == (2, 32, 32, 3)
    assert y_train.tolist() == [[0], [2]] and y_test.tolist() == [[9]]
    with Image.open(pictures / "train/bird/0001.jpg") as image:
        assert np.array_equal(x_train[1], np.array(image))
    with Image.open(pictures / "test/truck/0000.jpg") as image:
        assert np.array_equal(x_test[0], np.array(image))


@pytest.mark.parametrize("packed", [False, True], ids=["folders", "zip files"])
def test_bad_pictures_are_named(pictures, packed):
    from PIL import Image

    def refuses(message):
        if packed:
            pack(pictures)
        with pytest.raises(ValueError, match=message):
            cifar10.load_subset(pictures)

    bad = pictures / "train" / "bird" / "0001.jpg"
    whole = bad.read_bytes()
    bad.write_bytes(whole[: len(whole) // 2])
    refuses("bird/0001.jpg.*not a picture")
    Image.new("RGB", (33, 32)).save(bad)
    refuses("bird/0001.jpg.*32 x 33, not 32 x 32")
    bad.write_bytes(whole)
    (pictures / "train" / "bird").rename(pictures / "train" / "birds")
    refuses("birds/0001.jpg is in no folder of a class")


def test_large_or_damaged_zip_files(pictures):
    (pictures / "train/bird/0001.jpg").write_bytes(bytes(cifar10.PICTURE_BYTES + 1))
    pack(pictures)
    with pytest.raises(ValueError, match="larger than a picture"):
        cifar10.load_subset(pictures)
    (pictures / "train.zip").write_bytes(b"PK nonsense")
    with pytest.raises(ValueError, match=r"train\.zip is damaged"):
        cifar10.load_subset(pictures)


def test_a_folder_without_either(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"neither train\.zip nor train/"):
        cifar10.load_subset(tmp_path)


def test_without_pictures_the_subset_is_the_first_of_each_class(put):
    put(archive(good_files()))
    assert cifar10.is_here()
    (x_train, y_train), (_, y_test) = cifar10.load_subset()
    assert y_train[:, 0].tolist() == list(range(10)) and y_test[:, 0].tolist() == [4, 5]
    assert np.array_equal(x_train[3], record(3, seed=3)[0])


def test_the_subset_when_it_is_here():
    from fastnn.datasets.fetch import local_folders

    if not any((folder / "train.zip").is_file() for folder in local_folders("cifar10")):
        pytest.skip("the subset of CIFAR-10 is not here: set FASTNN_DATA to a folder with cifar10/")
    image = pytest.importorskip("PIL.Image", reason="pictures need Pillow (extra: images)")
    (x_train, y_train), (x_test, y_test) = cifar10.load_subset()
    assert np.bincount(y_train[:, 0]).tolist() == [500] * 10
    assert np.bincount(y_test[:, 0]).tolist() == [100] * 10 and x_test.shape == (1000, 32, 32, 3)
    (folder,) = (f for f in local_folders("cifar10") if (f / "train.zip").is_file())
    with zipfile.ZipFile(folder / "train.zip") as packed, packed.open("frog/0007.jpg") as file:
        assert np.array_equal(x_train[6 * 500 + 7], np.array(image.open(file)))
