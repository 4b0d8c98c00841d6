"""Finding a file of a data set: FASTNN_DATA, the user's cache folder, the mirrors."""

import gzip
import hashlib
import os
import tempfile
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# A mirror that sends nothing for so long has stalled; a file takes no longer than this in all.
STALL_SECONDS = 20.0
LIMIT_SECONDS = 300.0


@dataclass(frozen=True)
class RemoteFile:
    """A file of a data set, gzip or plain, and how its content is recognised.

    Attributes:
        name: the file's name without ``.gz``.
        sha256: digest of the uncompressed content (gzip wrappings differ between mirrors), or
        md5: digest of the compressed file, where only that has been published.
        patience: how many times LIMIT_SECONDS a mirror may take for it.
        published: the file's name at the mirrors; None: name + ``.gz``.
        source: the publishers' page, for messages about a file without mirrors.
    """

    name: str
    sha256: str | None = None
    md5: str | None = None
    patience: float = 1
    published: str | None = None
    source: str | None = None

    @property
    def remote(self) -> str:
        """The file's name at the mirrors."""
        return self.published or f"{self.name}.gz"

    @property
    def kept(self) -> str:
        """The name that a download is kept under: as it came, gzip or plain."""
        return f"{self.name}.gz" if self.remote.endswith(".gz") else self.name

    def content(self, raw: bytes, downloaded: bool = False) -> bytes:
        """The uncompressed content of a file as it was found, which somebody may have unpacked, or
        as a mirror gave it; ValueError if it is not the one."""
        compressed = raw[:2] == b"\x1f\x8b"
        has_md5 = self.md5 is not None and (compressed or downloaded)
        if has_md5 and hashlib.md5(raw).hexdigest() != self.md5:
            raise ValueError("its MD5 is not the published one")
        try:
            content = gzip.decompress(raw) if compressed else raw
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"it is not a complete gzip file ({error})") from error
        if self.sha256 is not None and hashlib.sha256(content).hexdigest() != self.sha256:
            raise ValueError("the SHA-256 of its content is not the published one")
        return content


def cache_folder() -> Path:
    """The folder that downloads are kept in: ``$XDG_CACHE_HOME/fastnn`` or ``~/.cache/fastnn``."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "fastnn"


def local_folders(dataset: str) -> list[Path]:
    """Where the files of a data set are looked for, in order."""
    given = os.environ.get("FASTNN_DATA")
    return ([Path(given) / dataset] if given else []) + [cache_folder() / dataset]


def find(dataset: str, file: RemoteFile) -> Path | None:
    """The file in one of the local folders, or None."""
    for folder in local_folders(dataset):
        for name in (file.name + ".gz", file.name):
            if (folder / name).is_file():
                return folder / name
    return None


def load(dataset: str, file: RemoteFile, mirrors: Sequence[str]) -> bytes:
    """The content of a file, found or downloaded, checked.

    Args:
        dataset: folder name, such as "mnist".
        file: which file.
        mirrors: URLs of folders that have ``file.remote``, tried in turn; none: the file has no
            lasting address, and must be put where it is looked for.

    Raises:
        ValueError: a file that was found is not the published one.
        OSError: it is not here and no mirror gave it.
        ImportError: it is not here and pooch, which downloads, is not installed.
    """
    found = find(dataset, file)
    if found is None and not mirrors:
        raise FileNotFoundError(
            f"{dataset}: {file.name} is not here, and has no lasting address to load it from. "
            f"{_by_hand(dataset, file)}"
        )
    if found is None:
        return _download(dataset, file, mirrors)
    try:
        return file.content(found.read_bytes())
    except ValueError as error:
        remedy = "Remove it to have it downloaded again." if mirrors else _by_hand(dataset, file)
        raise ValueError(
            f"{dataset}: {found} is damaged or another file: {error}. {remedy}"
        ) from error


def _by_hand(dataset: str, file: RemoteFile) -> str:
    folders = " or ".join(str(folder) for folder in local_folders(dataset))
    page = f". The data set's page: {file.source}" if file.source else ""
    return (
        f"By hand: put {file.name} or {file.name}.gz into {folders}, or set FASTNN_DATA to a "
        f"folder that has {dataset}/{page}"
    )


def _download(dataset: str, file: RemoteFile, mirrors: Sequence[str]) -> bytes:
    try:
        import pooch  # noqa: F401  (before anything is tried)
    except ImportError as error:
        raise ImportError(
            f"{dataset}: {file.kept} is not here, and downloading needs pooch: "
            f"pip install 'fastnn[data]'. {_by_hand(dataset, file)}"
        ) from error
    folder = cache_folder() / dataset
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for mirror in mirrors:
        handle, temporary = tempfile.mkstemp(prefix=file.name, suffix=".part", dir=folder)
        os.close(handle)
        try:
            _fetch(f"{mirror.rstrip('/')}/{file.remote}", temporary, file.patience)
            content = file.content(Path(temporary).read_bytes(), downloaded=True)
            os.replace(temporary, folder / file.kept)
            return content
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            failures.append(f"  {mirror}: {error}")
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)
    tried = "\n".join(failures)
    raise OSError(
        f"{dataset}: {file.kept} could not be downloaded:\n{tried}\n{_by_hand(dataset, file)}"
    )


def _fetch(url: str, path: str, patience: float) -> None:
    import pooch

    with _Progress(url, patience * LIMIT_SECONDS) as progress:
        downloader = pooch.HTTPDownloader(timeout=STALL_SECONDS, progressbar=progress)
        downloader(url, path, None)


class _Progress:
    """A progress bar as pooch wants it, which also watches the time limit."""

    def __init__(self, url: str, limit: float) -> None:
        from rich.progress import Progress

        self.total = 0
        self._bar = Progress(transient=True)
        self._task = self._bar.add_task(url.rsplit("/", 1)[-1], total=None)
        self._limit = limit
        self._deadline = time.monotonic() + limit

    def __enter__(self) -> "_Progress":
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def update(self, count: int) -> None:
        if time.monotonic() > self._deadline:
            raise OSError(f"took longer than {self._limit:.0f} seconds")
        self._bar.update(self._task, advance=count, total=self.total or None)

    def reset(self) -> None:
        self._bar.reset(self._task)

    def close(self) -> None:
        pass
