"""The spoken digits: from an archive made here, from bad ones, and the recordings themselves."""

import io
import os
import wave
import zipfile

import numpy as np
import pytest

from fastnn.datasets import fsdd
from fastnn.recipes.common import is_here


def wav(values, rate=fsdd.RATE, channels=1):
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((channels, 2, rate, 0, "NONE", ""))
        writer.writeframes(np.asarray(values, "<i2").tobytes())
    return file.getvalue()


def archive(path, members):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_order_split_and_values(tmp_path):
    path = archive(
        tmp_path / "some.zip",
        {
            "README.md": b"not a recording",
            "release-1/recordings/7_theo_10.wav": wav([3]),
            "release-1/recordings/7_theo_5.wav": wav([16384, -32768]),
            "release-1/recordings/7_ann_5.wav": wav([2]),
            "release-1/recordings/0_theo_4.wav": wav([1]),
        },
    )
    (x, y), (x_test, y_test) = fsdd.load_data(path)
    assert [len(signal) for signal in x] == [1, 2, 1]  # ann 5, theo 5, theo 10
    assert x[1].tolist() == [0.5, -1.0] and x[1].dtype == np.float32
    assert y.tolist() == [7, 7, 7] and y.dtype == np.int64
    assert len(x_test) == 1 and y_test.tolist() == [0]
    speakers, test_speakers = fsdd.load_speakers(path)
    assert speakers.tolist() == ["ann", "theo", "theo"] and test_speakers.tolist() == ["theo"]


GOOD = wav([1, 2, 3])


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"../0_ann_5.wav": GOOD}, "'../0_ann_5.wav', outside of its folder"),
        ({"a/../../0_ann_5.wav": GOOD}, "outside of its folder"),
        ({"/tmp/0_ann_5.wav": GOOD}, "outside of its folder"),
        ({"..\\0_ann_5.wav": GOOD}, "outside of its folder"),
        ({"C:0_ann_5.wav": GOOD}, "outside of its folder"),
        ({"../README": b"", "0_ann_5.wav": GOOD}, "outside of its folder"),
        ({"ten_ann_5.wav": GOOD}, "'ten_ann_5.wav', expected digit_speaker_take.wav"),
        ({"٣_ann_5.wav": GOOD}, "expected digit_speaker_take.wav"),
        ({f"1_ann_{'5' * 5000}.wav": GOOD}, "expected digit_speaker_take.wav"),
        ({"0_ann.wav": GOOD}, "expected digit_speaker_take.wav"),
        ({"README": b""}, "has no recordings"),
        ({}, "has no recordings"),
        ({"0_ann_5.wav": GOOD[:-2]}, "0_ann_5.wav: read_wav: the file is truncated"),
        ({"0_ann_5.wav": b"an apple"}, "0_ann_5.wav: read_wav: the file is not a WAV file"),
        ({"0_ann_5.wav": b""}, "is not a WAV file"),
        ({"0_ann_5.wav": wav([1], 16000)}, "has 16000 samples a second, expected 8000"),
        ({"0_ann_5.wav": wav([])}, "has 0 samples"),
        ({"a/0_ann_5.wav": wav([1, 2], channels=2)}, "a/0_ann_5.wav has 2 channels, expected 1"),
    ],
)
def test_bad_archives(members, message, tmp_path):
    folder = tmp_path / "in" / "here"
    folder.mkdir(parents=True)
    path = archive(folder / "bad.zip", members)
    with pytest.raises(ValueError, match=message):
        fsdd.load_data(path)
    assert [p.name for p in tmp_path.rglob("*")] == ["in", "here", "bad.zip"]


@pytest.mark.parametrize("path", [5, b"some.zip"])
def test_what_is_no_path(path):
    for load in (fsdd.load_data, fsdd.load_speakers):
        with pytest.raises(
            TypeError, match=f"fsdd: path must be a str, a Path or None, got {path}"
        ):
            load(path)


def test_paths_of_no_file(tmp_path):
    for load in (fsdd.load_data, fsdd.load_speakers):
        with pytest.raises(IsADirectoryError, match="fsdd: path must be a file, got a folder: '"):
            load(tmp_path)
        for name in ("a\0b.zip", "\ud800.zip"):
            with pytest.raises(ValueError, match=r"^fsdd: path .* names no file: "):
                load(name)


def test_damaged_archives(tmp_path, monkeypatch):
    path = archive(tmp_path / "some.zip", {"0_ann_5.wav": GOOD})
    whole = path.read_bytes()
    for name, content in {"cut": whole[:60], "text": b"hello", "empty": b""}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name} is not a zip archive"):
            fsdd.load_data(tmp_path / name)
    spoilt = bytearray(whole)
    spoilt[whole.index(b"RIFF") + 46] ^= 1  # of the samples: only the check sum tells
    path.write_bytes(spoilt)
    with pytest.raises(ValueError, match=r"0_ann_5\.wav: Bad CRC-32"):
        fsdd.load_data(path)
    for place in range(len(whole)):
        spoilt = bytearray(whole)
        spoilt[place] ^= 0x55
        path.write_bytes(spoilt)
        try:
            fsdd.load_data(path)
        except ValueError:
            pass
    path.write_bytes(whole)
    monkeypatch.setattr(fsdd, "MOST_BYTES", 49)
    with pytest.raises(ValueError, match="has 50 bytes, more than 49"):
        fsdd.load_data(path)


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_spoilt_members_of_every_packing(packing, tmp_path):
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(path, "w", packing) as file:
        file.writestr("0_ann_5.wav", wav(np.arange(3000)))
    content = bytearray(path.read_bytes())
    fsdd.load_data(path)
    for place in range(41, len(content) - 120, 97):  # between its header and the list at the end
        spoilt = bytearray(content)
        spoilt[place : place + 8] = b"\xff" * 8
        path.write_bytes(spoilt)
        with pytest.raises(ValueError, match=r"fsdd: 0_ann_5\.wav: "):
            fsdd.load_data(path)


def test_a_missing_file_says_where_to_put_it(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"By hand: put.*https://github.com/Jakobovski"):
        fsdd.load_data()
    assert not is_here("fsdd") and os.listdir(tmp_path) == []
    (tmp_path / "fsdd").mkdir()
    (tmp_path / "fsdd" / "recordings.zip").write_bytes(b"another file")
    with pytest.raises(ValueError, match="damaged or another file: the SHA-256"):
        fsdd.load_data()


def test_the_recordings():
    if not is_here("fsdd"):
        pytest.skip("fsdd is not here: set FASTNN_DATA to a folder with it")
    (x, y), (x_test, y_test) = fsdd.load_data()
    assert np.bincount(y).tolist() == [90] * 10 and np.bincount(y_test).tolist() == [30] * 10
    speakers, test_speakers = fsdd.load_speakers()
    names, counts = np.unique(speakers, return_counts=True)
    assert names.tolist() == ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]
    assert counts.tolist() == [150] * 6 and len(test_speakers) == 300
    seconds = np.array([len(signal) for signal in (*x, *x_test)]) / fsdd.RATE
    assert seconds.min() > 0.1 and seconds.max() < 3 and 0.4 < seconds.mean() < 0.5
    assert all(signal.dtype == np.float32 and abs(signal).max() <= 1 for signal in x)
