"""WAV files of all kinds, whole, cut and spoilt."""

import builtins
import io
import struct
import sys
import wave

import numpy as np
import pytest

from fastnn.audio import read_wav

RNG = np.random.default_rng(5)


def written(samples, width=2, channels=1, rate=8000):
    """The bytes of a WAV file of integer samples, by the standard library."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((channels, width, rate, 0, "NONE", ""))
        writer.writeframes(samples)
    return file.getvalue()


def floats_in_wav(values, rate=8000):
    """A WAV file of 32-bit floats, format 3, by hand."""
    data = np.asarray(values, "<f4").tobytes()
    head = struct.pack("<HHIIHH", 3, 1, rate, 4 * rate, 4, 32)
    chunks = b"fmt " + struct.pack("<I", len(head)) + head
    chunks += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def extensible(content, sub_format):
    """The same file in the form for many channels, by hand."""
    head = content[20:36].replace(b"\x01\x00", b"\xfe\xff", 1)
    head += struct.pack("<HHIH", 22, 16, 4, sub_format)
    head += bytes.fromhex("0000 0000 1000 8000 00aa 0038 9b71")
    chunks = b"fmt " + struct.pack("<I", len(head)) + head + content[36:]
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def test_extensible_files_of_integers_need_no_soundfile(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    content = written(b"\x00\x40\x00\xc0")
    signal, rate = read_wav(extensible(content, 1))
    assert signal.tolist() == [0.5, -0.5] and rate == 8000
    with pytest.raises(ImportError, match="samples that are not integers need soundfile"):
        read_wav(extensible(content, 3))
    with pytest.raises(ValueError, match="read_wav: the file is truncated"):
        read_wav(extensible(content, 1)[:-2])


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_integers_of_every_width(width, channels):
    top = 2 ** (8 * width - 1)
    values = [-top, top - 1, 0, 1, -1, *RNG.integers(-top, top, 7)]
    raw = b"".join(
        int(v + top).to_bytes(1, "little")
        if width == 1
        else int(v).to_bytes(width, "little", signed=True)
        for v in values
    )
    signal, rate = read_wav(written(raw, width, channels, 11025))
    expected = np.array([v / top for v in values])
    assert rate == 11025 and signal.dtype == np.float32
    assert signal.shape == ((12,) if channels == 1 else (6, 2))
    np.testing.assert_allclose(signal.ravel(), expected, rtol=1e-7)  # float32 has 24 bits


def test_paths_and_open_files(tmp_path):
    content = written(b"\x00\x40")
    path = tmp_path / "one.wav"
    path.write_bytes(content)
    for file in (
        path,
        str(path),
        content,
        bytearray(content),
        memoryview(content),
        io.BytesIO(content),
    ):
        assert read_wav(file, 8000)[0].tolist() == [0.5]
    with open(path, "rb") as file:
        assert read_wav(file)[1] == 8000
    with pytest.raises(FileNotFoundError, match=r"none\.wav"):
        read_wav(tmp_path / "none.wav")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a WAV file: it begins with b''"),
        (b"hello, this is text", "is not a WAV file"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "is not a WAV file"),
        (written(b"\x00" * 1000)[:300], "is truncated: it promises 500 samples, 128 are there"),
        (written(b"\x00" * 1000)[:30], "is (truncated|damaged)"),
        (
            floats_in_wav([0.5] * 100)[:-200],
            "is truncated: it promises 400 bytes .*, 200 are there",
        ),
        (written(b""), "has 0 samples, 8000 a second"),
    ],
)
def test_what_is_no_whole_wav(content, message):
    with pytest.raises(ValueError, match="read_wav: the file " + message):
        read_wav(content)


def test_another_rate_names_file_and_both(tmp_path):
    path = tmp_path / "fast.wav"
    path.write_bytes(written(b"\x00\x00", rate=16000))
    with pytest.raises(ValueError, match=r"fast\.wav has 16000 samples a second, expected 8000"):
        read_wav(path, 8000)


def test_what_is_no_file_and_no_rate():
    for file in (None, 5, ["a.wav"]):
        with pytest.raises(TypeError, match="read_wav: file must be a path, bytes or an open"):
            read_wav(file)
    for rate in ("8000", 8000.5):
        with pytest.raises(TypeError, match="read_wav: rate must be an integer, got"):
            read_wav(written(b"\x00\x00"), rate)
    with pytest.raises(ValueError, match="read_wav: rate must be at least 1, got 0"):
        read_wav(written(b"\x00\x00"), 0)


class Silent:
    def read(self):
        return None


def test_files_that_give_no_bytes():
    for file, kind in ((Silent(), "Silent that reads NoneType"), (io.StringIO("RIFF"), "StringIO")):
        with pytest.raises(TypeError, match=f"read_wav: file must be a path, bytes .*, got {kind}"):
            read_wav(file)
    file = io.BytesIO(written(b"\x00\x00"))
    file.close()
    with pytest.raises(ValueError, match="read_wav: file must be open, got the file, which is clo"):
        read_wav(file)


def test_cut_anywhere_or_spoilt_is_said():
    content = written(RNG.bytes(64))
    for length in range(len(content)):
        with pytest.raises(ValueError, match="read_wav"):
            read_wav(content[:length])
    for place in range(44):  # the header
        for value in (0, 1, 127, 255):
            spoilt = bytearray(content)
            spoilt[place] = value
            try:
                signal, rate = read_wav(bytes(spoilt))
            except (ValueError, ImportError):
                continue
            assert np.isfinite(signal).all() and len(signal) and rate > 0


def test_floats_need_soundfile(monkeypatch):
    def without(name, *args, **kwargs):
        if name == "soundfile":
            raise ImportError("absent")
        return real(name, *args, **kwargs)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"fastnn\[audio\]"):
        read_wav(floats_in_wav([0.5]))


@pytest.mark.parity
def test_agrees_with_soundfile():
    soundfile = pytest.importorskip("soundfile")
    values = [0.5, -1.0, 0.25]
    assert read_wav(floats_in_wav(values))[0].tolist() == values
    no_bits = bytearray(floats_in_wav(values))
    no_bits[34] = 0
    with pytest.raises(ValueError, match=r"read_wav: the file is damaged: [^<]+$"):
        read_wav(bytes(no_bits))
    with pytest.raises(ValueError, match="has no samples"):
        read_wav(floats_in_wav([]))
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match="has samples that are NaN or infinite"):
            read_wav(floats_in_wav([0.5, value]))
    for width in (1, 2, 3, 4):
        content = written(RNG.bytes(2 * width * 50), width, 2)
        theirs, rate = soundfile.read(io.BytesIO(content), dtype="float32")
        ours = read_wav(content)
        assert ours[1] == rate
        np.testing.assert_allclose(ours[0], theirs, rtol=1e-6)


def test_a_folder(tmp_path):
    with pytest.raises(IsADirectoryError, match="read_wav: file must be a file, got a folder: '"):
        read_wav(tmp_path)


@pytest.mark.parametrize("name", ["a\0b.wav", "\ud800.wav"])
def test_a_name_that_no_file_can_have(name):
    with pytest.raises(ValueError, match=r"^read_wav: file .* names no file: "):
        read_wav(name)
