"""Each recipe runs in a folder of its own; what needs data says so when it is not here."""

import pytest

from fastnn.recipes.common import is_here


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def mnist():
    if not is_here("mnist"):
        pytest.skip("MNIST is not here: set FASTNN_DATA to a folder with mnist/")


@pytest.fixture
def without_data(tmp_path, monkeypatch):
    """Only what fastnn carries is found."""
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))


@pytest.fixture
def pictures(tmp_path):
    """A function: whether pictures of these names were saved into tmp_path (or cannot be)."""

    def saved(*names):
        pytest.importorskip("matplotlib", reason="pictures need matplotlib (extra: demo)")
        return all((tmp_path / n).read_bytes().startswith(b"\x89PNG") for n in names)

    return saved
