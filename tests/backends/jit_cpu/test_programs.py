"""What holds of every program: cached, recorded, the same bits, nothing out of bounds."""

import os

import numpy as np
import pytest
from fresh_python import output_of

import fastnn as fn
from fastnn import _core
from fastnn.backends import use_backend

pytest.importorskip("numba", reason="Numba is not here")


def run_python(program, **environment):
    return output_of(program, FASTNN_STRICT_BACKEND="1", **environment)


COUNT = """
import numpy as np
from numba.core.ccallback import CFunc
compiled = []
usual = CFunc._compile_uncached
CFunc._compile_uncached = lambda self: (compiled.append(1), usual(self))[1]
import fastnn as fn
with fn.use_backend("jit_cpu"):
    print(fn.ops.exp(np.float32([0, 1])).numpy().tolist(), len(compiled))
"""


def test_kernels_are_kept_for_the_next_process(tmp_path):
    first = run_python(COUNT, NUMBA_CACHE_DIR=str(tmp_path)).split()
    second = run_python(COUNT, NUMBA_CACHE_DIR=str(tmp_path)).split()
    assert (first[-1], second[-1]) == ("1", "0")
    assert first[:-1] == second[:-1]


def cut_off(content):
    return content[: len(content) // 2]


def not_machine_code(content):  # what LLVM ends the process for
    assert b"\x7fELF" in content
    return content.replace(b"\x7fELF", b"\x7fELX")


@pytest.mark.parametrize("damaged", [cut_off, not_machine_code])
def test_a_file_that_was_damaged_is_made_again(tmp_path, damaged):
    run_python(COUNT, NUMBA_CACHE_DIR=str(tmp_path))
    (file,) = tmp_path.rglob("*.bin")
    file.write_bytes(damaged(file.read_bytes()))
    assert run_python(COUNT, NUMBA_CACHE_DIR=str(tmp_path)).split()[-1] == "1"
    assert run_python(COUNT, NUMBA_CACHE_DIR=str(tmp_path)).split()[-1] == "0"


def test_without_a_folder_to_write_nothing_is_kept(tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert run_python(COUNT, NUMBA_CACHE_DIR=str(tmp_path / "file")).split()[-1] == "1"


OWN = """
import numpy as np
import fastnn as fn
from fastnn.backends import jit_cpu
from fastnn.backends.jit_cpu.compile import kernel
from fastnn.backends.jit_cpu.program import stage

@kernel
def constant(y, n, task):
    for i in range(n):
        y[i] = NUMBER

jit_cpu.set_planner("unary", lambda y, x, **attributes: [stage(constant, [y], [y.size])])
with fn.use_backend("jit_cpu"):
    print(fn.ops.exp(np.zeros(2, np.float32)).tolist())
"""


def test_a_kernel_of_ones_own_may_change(tmp_path):
    for number in ("1", "2"):
        text = run_python(OWN.replace("NUMBER", number), NUMBA_CACHE_DIR=str(tmp_path))
        assert text.strip() == f"[{number}.0, {number}.0]"


def test_without_numba_it_says_what_to_install(tmp_path):
    code = """
import sys
sys.modules["numba"] = None
import importlib.util
usual = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "numba" else usual(name, *rest)
import fastnn as fn
print(fn.ops.exp([0.0]).numpy().tolist())
try:
    fn.use_backend("jit_cpu")
except ImportError as error:
    print(error)
"""
    text = run_python(code)
    assert (
        "[1.0]" in text and "use_backend: jit_cpu needs Numba: pip install 'fastnn[numba]'" in text
    )


def train(backend, steps=6, threads=2):
    """Losses of a small network with every kind of primitive, and its weights."""
    fn.utils.set_random_seed(0)
    random = np.random.default_rng(1)
    x = random.normal(size=(24, 9, 9, 3)).astype(np.float32)
    y = random.integers(0, 5, 24)
    with use_backend(backend), fn.num_threads(threads):
        model = fn.Sequential(
            [
                fn.Input((9, 9, 3)),
                fn.layers.Conv2D(6, 3, activation="relu"),
                fn.layers.MaxPooling2D(2),
                fn.layers.Reshape((9, 6)),
                fn.layers.LSTM(7),
                fn.layers.LayerNormalization(),
                fn.layers.Dropout(0.2),
                fn.layers.Dense(5, activation="softmax"),
            ]
        )
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, batch_size=8, epochs=steps, verbose=0)
        return history.history["loss"], model.get_weights()


@pytest.mark.filterwarnings("error")  # a step that cannot be recorded warns
def test_a_network_trains_as_natively():
    ours, weights = train("jit_cpu")
    theirs, expected = train("native")
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    for a, b in zip(weights, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4)


def test_one_thread_gives_the_same_bits():
    for a, b in zip(train("jit_cpu", 2, 1)[1], train("jit_cpu", 2, 2)[1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_values_that_are_wrong_write_nothing():
    table = fn.Variable(np.zeros((3, 2), np.float32))
    with use_backend("jit_cpu"), pytest.raises(IndexError, match="index 7 at position 1"):
        _core.scatter_add(
            table,
            _core.from_numpy(np.ones((2, 2), np.float32)),
            _core.from_numpy(np.array([0, 7])),
            0,
            True,
        )
    np.testing.assert_array_equal(table.numpy(), 0)


def test_many_kinds_of_calls():
    """Each shape has a program of its own; the old ones make room."""
    with use_backend("jit_cpu"):
        for n in range(1, 5000):
            assert float(fn.ops.sum(fn.ops.negative(np.ones(n, np.float32)))) == -n


FORK = """
import os, signal, threading, time, warnings
import numpy as np
import fastnn as fn

warnings.simplefilter("ignore")
signal.alarm(100)  # for a child that hangs
scaled = fn.elementwise(lambda x, by=2.0: by * x)
x = np.ones(100_001, np.float32)
scaled(x)
done = False

def call():
    by = 0.0
    while not done:
        by += 1.0  # another kind of call, which is planned
        scaled(x, by=by)

threads = [threading.Thread(target=call) for _ in range(3)]
for thread in threads:
    thread.start()
for i in range(250):
    time.sleep(0.01)
    child = os.fork()
    if child == 0:
        scaled(x, by=-1.0 - i)
        os._exit(0)
    os.waitpid(child, 0)
done = True
for thread in threads:
    thread.join()
print("all children came back")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_is_not_left_with_a_lock(tmp_path):
    assert "all children" in run_python(FORK, NUMBA_CACHE_DIR=str(tmp_path))


EXIT = """
import threading, time
import numpy as np
import fastnn as fn
from fastnn.backends import jit_cpu

asked = threading.Event()

def slow(y, x, **attributes):
    asked.set()
    while True:  # gives the lock away again and again, as a compilation does
        time.sleep(0.001)

jit_cpu.set_planner("unary", slow)

def call():
    with fn.use_backend("jit_cpu"):
        fn.ops.exp(np.zeros(1_000_000, np.float32))

threading.Thread(target=call, daemon=True).start()
asked.wait()
time.sleep(0.05)
"""


def test_a_thread_that_plans_lives_through_the_end_of_the_process():
    for _ in range(3):
        run_python(EXIT)
