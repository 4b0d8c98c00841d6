"""Choosing a backend, falling back, and what FASTNN_BACKEND and FASTNN_STRICT_BACKEND do."""

import os
import pathlib
import subprocess
import sys
import threading

import numpy as np
import pytest

import fastnn
from fastnn import _core, ops
from fastnn.backends import backend, backends, register_backend, registry, use_backend


@pytest.fixture
def calls():
    """A backend that has one primitive, and the calls that it got."""
    seen = []

    def unary(x, *, op, a, b):
        seen.append((op, a, b))
        return x + 40

    register_backend("one_primitive", lambda: {"unary": unary})
    return seen


def tensor():
    return _core.from_numpy(np.array([1.0, 2.0]))


def run_python(code, **environment):
    package = str(pathlib.Path(fastnn.__file__).parents[1])
    environment = dict(os.environ, PYTHONPATH=package, **environment)
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )


def test_backends_are_named():
    assert backends()[:2] == ("native", "reference")


def test_use_backend_as_a_context():
    before = backend()
    with use_backend("reference"):
        assert backend() == "reference"
        with use_backend("native"):
            assert backend() == "native"
        assert backend() == "reference"
    assert backend() == before


def test_use_backend_ends_with_an_exception():
    before = backend()
    with pytest.raises(KeyError), use_backend("reference"):
        raise KeyError
    assert backend() == before


def test_use_backend_as_a_function():
    before = backend()
    use_backend("reference")
    assert backend() == "reference"
    use_backend(before)
    assert backend() == before


def test_use_backend_is_for_this_thread():
    names = []
    with use_backend("reference"):
        thread = threading.Thread(target=lambda: names.append(backend()))
        thread.start()
        thread.join()
    assert names == ["native"]


def test_unknown_backend():
    before = backend()
    with pytest.raises(
        ValueError, match="there is no backend 'cudda', expected native or reference or jit"
    ):
        use_backend("cudda")
    assert backend() == before


def test_a_backend_gets_names_and_defaults(calls):
    with use_backend("one_primitive"):
        assert _core.unary(tensor(), "exp", 2.0).tolist() == [41, 42]
    assert calls == [("exp", 2.0, 0.0)]


def test_what_a_backend_lacks_runs_on_the_reference(calls):
    with use_backend("one_primitive"):
        assert _core.binary(tensor(), tensor(), "add").tolist() == [2, 4]
    assert calls == []


def test_strict_makes_a_fallback_an_error(calls):
    _core.set_strict_backend(True)
    try:
        with (
            use_backend("one_primitive"),
            pytest.raises(RuntimeError, match="binary: the one_primitive backend has no such"),
        ):
            _core.binary(tensor(), tensor(), "add")
    finally:
        _core.set_strict_backend(False)


@pytest.mark.parametrize("result", [np.zeros(3), np.zeros(2, np.float32), np.zeros((2, 1))])
def test_a_wrong_shape_or_dtype_from_a_backend_is_an_error(result):
    register_backend("wrong", lambda: {"unary": lambda x, **attributes: result})
    with use_backend("wrong"), pytest.raises(RuntimeError, match="unary: the wrong backend"):
        _core.unary(tensor(), "exp")


def test_operands_of_a_backend_are_read_only():
    def unary(x, **attributes):
        x[0] = 1
        return x

    register_backend("writing", lambda: {"unary": unary})
    with use_backend("writing"), pytest.raises(ValueError, match="read-only"):
        _core.unary(tensor(), "exp")


def step(name):
    """A training step of a small network on one backend: loss and gradients."""
    random = np.random.default_rng(0)
    x, w, b = (random.normal(size=s) for s in ((8, 5), (5, 4), (4,)))
    with use_backend(name):
        parameters = [fastnn.Variable(w), fastnn.Variable(b)]
        logits = ops.dense(x, *parameters, activation="tanh")
        labels = np.arange(8) % 4
        loss = ops.mean(ops.sparse_categorical_crossentropy(labels, logits, from_logits=True))
        loss.backward()
        return [np.array(v) for v in (loss, *(p.grad for p in parameters))]


def test_whole_programs_run_on_the_reference():
    for ours, theirs in zip(step("native"), step("reference"), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_the_reference_is_imported_when_it_is_used():
    done = run_python(
        "import sys, numpy, fastnn.backends as b\n"
        "from fastnn import _core\n"
        "print('fastnn.backends.reference' in sys.modules)\n"
        "b.use_backend('reference')\n"
        "_core.unary(_core.from_numpy(numpy.ones(1)), 'exp')\n"
        "print('fastnn.backends.reference' in sys.modules)"
    )
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_environment_names_the_backend():
    code = "from fastnn.backends import backend; print(backend())"
    assert run_python(code, FASTNN_BACKEND="reference").stdout == "reference\n"
    done = run_python(code, FASTNN_BACKEND="cudda")
    assert done.returncode == 1
    assert "ImportError: FASTNN_BACKEND: there is no backend 'cudda', expected nat" in done.stderr


@pytest.mark.parametrize(("value", "strict"), [("1", True), ("0", False), ("", False)])
def test_environment_makes_fallbacks_errors(value, strict):
    code = (
        "import numpy\n"
        "from fastnn import _core\n"
        "from fastnn.backends import register_backend, use_backend\n"
        "register_backend('empty', dict)\n"
        "use_backend('empty')\n"
        "_core.unary(_core.from_numpy(numpy.ones(1)), 'exp')\n"
    )
    done = run_python(code, FASTNN_STRICT_BACKEND=value)
    assert (done.returncode == 1) == strict
    assert ("FASTNN_STRICT_BACKEND forbids a fallback" in done.stderr) == strict


@pytest.mark.parametrize("value", ["q", "2", "true"])
def test_environment_with_a_strictness_that_is_none(value):
    done = run_python("import fastnn", FASTNN_STRICT_BACKEND=value)
    assert done.returncode == 1
    assert f"ImportError: FASTNN_STRICT_BACKEND: expected 0 or 1, got '{value}'" in done.stderr


def test_what_native_lacks_needs_no_numba(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert registry._plan_jit("row_norm", 0, [], {}) is None  # the reference takes its place
