"""docs/keras-names.md: what it lists is here, what it misses is not, and Keras has no more."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

import fastnn as fn

PAGE = Path(__file__).resolve().parents[2] / "docs" / "keras-names.md"
SECTION = re.compile(r"^## keras\.([\w.]+)\n+```text\n(.*?)```\n(.*?)(?=^## |\Z)", re.M | re.S)
ROW = re.compile(r"^\| `(\w+)` \| (.+) \|$", re.M)

TEXT = PAGE.read_text(encoding="utf-8")
HERE = {module: names.split() for module, names, _ in SECTION.findall(TEXT)}
MISSING = {module: dict(ROW.findall(table)) for module, _, table in SECTION.findall(TEXT)}
MODULES = sorted(HERE)
REPEATED = ("ops.linalg", "ops.nn", "ops.numpy")  # these have names of keras.ops again


def found(package, module, name):
    """What a module has under a name, unless it is a module itself."""
    value = package
    for part in module.split("."):
        value = getattr(value, part)
    value = getattr(value, name, None)
    return None if inspect.ismodule(value) else value


def test_the_page_is_read():
    assert len(MODULES) == TEXT.count("\n## ") == 12
    assert sum(map(len, HERE.values())) > 600 and sum(map(len, MISSING.values())) > 20
    rows = [line for line in TEXT.splitlines() if line.startswith("|") and "`" in line]
    assert len(rows) == sum(map(len, MISSING.values()))


@pytest.mark.parametrize("module", MODULES)
def test_what_is_listed_is_here(module):
    assert HERE[module] == sorted(set(HERE[module])), "names come once and in order"
    for name in HERE[module]:
        value = found(fn, module, name)
        assert callable(value), f"keras.{module}.{name} is listed as here, but it is not"
        home = inspect.getmodule(value)
        assert home is None or home.__name__.split(".")[0] == "fastnn"
        if name[0].isupper() and name != "Input" and "ops" not in module:
            assert inspect.isclass(value), f"keras.{module}.{name} is a class"


@pytest.mark.parametrize("module", MODULES)
def test_what_is_missing_is_not_here(module):
    for name, reason in MISSING[module].items():
        assert found(fn, module, name) is None, f"keras.{module}.{name} is here now: list it so"
        assert name not in HERE[module] and reason.strip()


@pytest.mark.parity
@pytest.mark.parametrize("module", [*MODULES, *REPEATED])
def test_the_page_has_all_names_of_keras(module):
    keras = pytest.importorskip("keras")
    (documented,) = re.findall(r"as of Keras (\d+\.\d+)", TEXT)
    if not keras.__version__.startswith(f"{documented}."):
        pytest.skip(f"the page is of Keras {documented}, here is {keras.__version__}")
    theirs = importlib.import_module(f"keras.{module}")
    names = {
        name
        for name, value in vars(theirs).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    listed = module if module in HERE else "ops"
    here, missing = set(HERE[listed]), set(MISSING[listed])
    assert not names - here - missing, "names of Keras that the page lacks"
    if module in HERE:
        assert not (here | missing) - names, "names on the page that Keras lacks"
        return
    for name in names & here:
        assert found(fn, module, name) is found(fn, "ops", name), f"keras.{module}.{name}"


# Arguments of Keras that have no meaning here, and one order that Keras has only there.
UNKNOWN = {
    "input_axes": "of initializers",
    "output_axes": "of initializers",
    "crop_to_aspect_ratio": "of image.resize",
    "pad_to_aspect_ratio": "of image.resize",
    "fill_mode": "of image.resize",
    "fill_value": "of image.resize",
}
OTHER_ORDER = {"Conv3DTranspose", "Convolution3DTranspose"}
OWN = {"serialize", "deserialize", "get"}  # whose one argument has no name to speak of


def arguments(function):
    """Names in order, and whether there may be any others."""
    parameters = inspect.signature(function).parameters.values()
    several = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    names = [p.name for p in parameters if p.kind not in several]
    return names, any(p.kind == inspect.Parameter.VAR_KEYWORD for p in parameters)


@pytest.mark.parity
@pytest.mark.parametrize("module", MODULES)
def test_arguments_are_those_of_keras(module):
    keras = pytest.importorskip("keras")
    wrong = []
    for name in HERE[module]:
        theirs = found(keras, module, name)
        if name in OWN or theirs is None:
            continue
        wanted, _ = arguments(theirs)
        names, others = arguments(found(fn, module, name))
        missing = [n for n in wanted if n not in names and n not in UNKNOWN and not others]
        common = [n for n in wanted if n in names]
        in_order = [n for n in names if n in common] == common or name in OTHER_ORDER
        if missing or not in_order:
            wrong.append(f"{name}{tuple(names)} for {tuple(wanted)}")
    assert not wrong
