"""Downloads, against a server on the loopback address that behaves well or badly."""

import gzip
import hashlib
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from fastnn.datasets import fetch, idx, mnist
from fastnn.datasets.fetch import RemoteFile

IMAGES = b"\x00\x00\x08\x03" + np.array([2, 2, 2], ">u4").tobytes() + bytes(range(8))
GOOD = gzip.compress(IMAGES)
PLAIN = b"words"
FILE = RemoteFile("images-idx3-ubyte", sha256=hashlib.sha256(IMAGES).hexdigest())


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        kind = self.path.split("/")[1]
        if kind == "missing":
            self.send_error(404)
            return
        if (kind == "plain") != self.path.endswith("/words.txt"):
            self.send_error(404)
            return
        body = {"wrong": gzip.compress(b"something else"), "plain": PLAIN}.get(kind, GOOD)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if kind == "truncated":
            body = body[: len(body) // 2]
        if kind == "stall":
            self.wfile.write(body[:5])
            self.wfile.flush()
            self.server.released.wait(10)
            return
        if kind == "drip":
            for byte in body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if self.server.released.wait(0.05):
                    return
            return
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    pytest.importorskip("pooch", reason="downloads need pooch (extra: data)")
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.released = threading.Event()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


def left_behind(tmp_path):
    return [path.name for path in (tmp_path / "fastnn" / "toy").iterdir()]


def test_good_bytes_are_returned_and_kept(server, tmp_path):
    assert fetch.load("toy", FILE, [server + "/good"]) == IMAGES
    assert left_behind(tmp_path) == ["images-idx3-ubyte.gz"]
    assert fetch.load("toy", FILE, []) == IMAGES  # the second time from the cache


def test_a_plain_file_is_kept_as_it_came(server, tmp_path):
    digest = hashlib.sha256(PLAIN).hexdigest()
    file = RemoteFile("words", sha256=digest, published="words.txt")
    assert fetch.load("toy", file, [server + "/plain"]) == PLAIN
    assert left_behind(tmp_path) == ["words"]
    assert fetch.load("toy", file, []) == PLAIN
    with pytest.raises(FileNotFoundError, match="words is not here"):
        fetch.load("other", file, [])


def test_a_page_in_place_of_a_file_of_known_md5_is_no_download(server, tmp_path):
    """As of a network that asks for a login: it is plain, and the digest is of what is packed."""
    file = RemoteFile("words", md5=hashlib.md5(GOOD).hexdigest(), published="words.txt")
    with pytest.raises(OSError, match="its MD5 is not the published one"):
        fetch.load("toy", file, [server + "/plain"])
    assert left_behind(tmp_path) == []
    (tmp_path / "fastnn" / "toy" / "words").write_bytes(PLAIN)  # unpacked by the user
    assert fetch.load("toy", file, []) == PLAIN


@pytest.mark.parametrize("kind", ["truncated", "wrong", "missing"])
def test_a_bad_mirror_is_passed_over(server, tmp_path, kind):
    assert fetch.load("toy", FILE, [f"{server}/{kind}", server + "/good"]) == IMAGES
    assert left_behind(tmp_path) == ["images-idx3-ubyte.gz"]


@pytest.mark.parametrize("kind", ["truncated", "wrong", "missing"])
def test_nothing_bad_is_kept_and_the_error_tells_where_to_put_the_file(server, tmp_path, kind):
    with pytest.raises(OSError, match="could not be downloaded") as caught:
        fetch.load("toy", FILE, [f"{server}/{kind}"])
    assert str(tmp_path / "fastnn" / "toy") in str(caught.value)
    assert left_behind(tmp_path) == []


def test_a_stalled_mirror_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "STALL_SECONDS", 0.3)
    start = time.monotonic()
    with pytest.raises(OSError, match="could not be downloaded"):
        fetch.load("toy", FILE, [server + "/stall"])
    assert time.monotonic() - start < 5
    assert left_behind(tmp_path) == []


def test_a_slow_mirror_meets_the_time_limit(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "LIMIT_SECONDS", 0.0)
    with pytest.raises(OSError, match="took longer than"):
        fetch.load("toy", FILE, [server + "/drip"])
    assert left_behind(tmp_path) == []


def test_a_large_file_may_take_longer(server, monkeypatch):
    monkeypatch.setattr(fetch, "LIMIT_SECONDS", 0.1)
    large = RemoteFile(FILE.name, sha256=FILE.sha256, patience=600)
    assert fetch.load("toy", large, [server + "/drip"]) == IMAGES


def test_a_damaged_local_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    (tmp_path / "toy").mkdir()
    path = tmp_path / "toy" / "images-idx3-ubyte.gz"
    path.write_bytes(GOOD[:-6])
    with pytest.raises(ValueError, match="damaged") as caught:
        fetch.load("toy", FILE, ["https://nowhere.invalid"])
    assert str(path) in str(caught.value) and "downloaded again" in str(caught.value)
    with pytest.raises(ValueError, match=r"damaged or another file: .*By hand: put") as caught:
        fetch.load("toy", replace(FILE, source="https://their.page"), [])
    assert "downloaded again" not in str(caught.value)
    assert str(caught.value).endswith("The data set's page: https://their.page")


def test_fastnn_data_comes_before_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path / "given"))
    for folder in (tmp_path / "given" / "toy", tmp_path / "cache" / "fastnn" / "toy"):
        folder.mkdir(parents=True)
        (folder / "images-idx3-ubyte").write_bytes(IMAGES)
    assert fetch.find("toy", FILE) == tmp_path / "given" / "toy" / "images-idx3-ubyte"


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x00\x0d\x01\x00\x00\x00\x01\x00", IMAGES[:10], IMAGES + b"\x00"]
)
def test_idx_rejects_what_is_not_idx(content):
    with pytest.raises(ValueError, match="idx"):
        idx.parse_idx(content)


def test_idx_reads_rows_in_order():
    assert idx.parse_idx(IMAGES).tolist() == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]


def test_mnist_when_it_is_here():
    if any(fetch.find("mnist", file) is None for file in mnist.FILES):
        pytest.skip("MNIST is not here: set FASTNN_DATA to a folder with mnist/")
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert x_train.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28)
    # The published number of each digit.
    assert np.bincount(y_train).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert y_test[:5].tolist() == [7, 2, 1, 0, 4]
