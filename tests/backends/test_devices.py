"""Devices without the simulator: what an import touches, what is chosen, what is missing."""

import importlib.util

import fresh_python
import pytest

import fastnn
from fastnn import cli
from fastnn.backends import current_device, devices

HAS_NUMBA = importlib.util.find_spec("numba") and importlib.util.find_spec("numba_cuda")
needs_numba = pytest.mark.skipif(not HAS_NUMBA, reason="numba and numba-cuda are not installed")


def run_python(program, **environment):
    return fresh_python.run_python(program, **{"NUMBA_ENABLE_CUDASIM": "0", **environment})


def test_the_host_is_where_threads_start():
    assert current_device() == "cpu"
    assert fastnn.tensor([1.0]).device == "cpu"
    with fastnn.device("cpu"):
        assert fastnn.ops.zeros(2).to("cpu").device == "cpu"


@pytest.mark.parametrize("environment", [{}, {"FASTNN_DEVICE": "cuda"}])
def test_an_import_touches_neither_numba_nor_a_gpu(environment):
    code = "import sys, fastnn.models, fastnn.optimizers; assert 'numba' not in sys.modules"
    done = run_python(code, **environment)
    assert done.returncode == 0, done.stderr


def test_an_unknown_device_in_the_environment():
    done = run_python("import fastnn", FASTNN_DEVICE="tpu")
    assert "ImportError: FASTNN_DEVICE: there is no device 'tpu', expected cpu or" in done.stderr


@needs_numba
@pytest.mark.parametrize("first", ["", "import os; os.environ['FASTNN_DEVICE'] = 'cuda'; "])
def test_the_environment_chooses_the_device(first):
    environment = {"NUMBA_ENABLE_CUDASIM": "1", **({} if first else {"FASTNN_DEVICE": "cuda"})}
    code = "import fastnn as fn; x = fn.tensor([1.0, 2.0]) * 2.0; print(x.device, x.tolist())"
    done = run_python(first + code, **environment)
    assert done.stdout.split(maxsplit=1) == ["cuda", "[2.0, 4.0]\n"], done.stderr


@pytest.mark.parametrize("package", ["numba", "numba-cuda"])
def test_a_package_is_missing(monkeypatch, package):
    real = importlib.util.find_spec
    missing = package.replace("-", "_")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == missing else real(name)
    )
    devices._require_cuda.cache_clear()
    with pytest.raises(ImportError, match=r"device: cuda needs numba.*'fastnn\[cuda\]'"):
        fastnn.device("cuda")
    devices._require_cuda.cache_clear()
    assert current_device() == "cpu"


PROBLEMS = {
    "no driver": ("driver.driver.initialization_error = 'not here'", "not here"),
    "no gpu": (
        "FakeDriver.count = 0",
        "NVIDIA's driver finds no GPU",
    ),
    "old driver": (
        "FakeDriver.version = (12, 4)",
        "NVIDIA's driver is too old: it knows CUDA 12.4, the compiler that is installed writes for "
        "13.1; update the driver, or pip install 'numba-cuda[cu12]'",
    ),
    "older driver": ("FakeDriver.version = (11, 4)", "writes for 13.1; update the driver\n"),
    "no toolkit": (
        "fail = DynamicLibNotFoundError('libnvrtc.so is not here\\nnor there')",
        "the compiler of the CUDA toolkit (NVRTC, NVVM) is not installed: "
        "pip install 'numba-cuda[cu13]' (libnvrtc.so is not here)\n",
    ),
    "no toolkit, CUDA 12": (
        "FakeDriver.version = (12, 4); fail = ImportError('libNVVM is not available')",
        "pip install 'numba-cuda[cu12]' (libNVVM is not available)\n",
    ),
}

FAKE = """
from cuda.pathfinder import DynamicLibNotFoundError
from numba.cuda.cudadrv import driver
class FakeDriver:
    count, version = 1, (13, 0)
    def get_device_count(self): return self.count
fail = None
def toolkit_version():
    if fail: raise fail
    return 13, 1
{setting}
import fastnn
if {fake}:
    from fastnn.backends.jit_cuda import driver as ours
    ours.driver = type("module", (), dict(
        driver=FakeDriver(), get_version=lambda: FakeDriver.version,
        CudaAPIError=driver.CudaAPIError))
    ours.runtime = type("module", (), dict(get_version=toolkit_version))
    ours.nvvm = type("module", (), dict(NVVM=lambda: None))
try:
    fastnn.device("cuda")
except RuntimeError as error:
    print(error)
print(fastnn.backends.current_device())
"""


@needs_numba
@pytest.mark.parametrize("name", PROBLEMS)
def test_what_is_missing_is_told(name):
    setting, words = PROBLEMS[name]
    if name == "no driver":
        setting = "driver.driver.is_initialized = True; " + setting
    done = run_python(FAKE.format(setting=setting, fake=name != "no driver"))
    assert done.stdout.startswith("device: cuda cannot be used here: "), done.stderr
    assert words in done.stdout
    assert done.stdout.endswith("\ncpu\n")


def test_the_command_line_chooses_a_device(monkeypatch, capsys):
    chosen = []
    monkeypatch.setattr(fastnn.backends, "device", chosen.append)
    monkeypatch.setattr(devices, "check_device", lambda setting, name: name)
    assert cli.main(["run", "no-such-recipe", "--device", "cuda"]) == 1
    assert chosen == ["cuda"]

    def missing(setting, name):
        raise RuntimeError(f"{setting}: {name} cannot be used here: there is no GPU")

    monkeypatch.setattr(devices, "check_device", missing)
    capsys.readouterr()
    assert cli.main(["run", "digits", "--device", "cuda"]) == 1
    assert capsys.readouterr().err == (
        "fastnn: --device: cuda cannot be used here: there is no GPU\n"
    )


# The installed command, without a package and without a driver.
COMMAND = """
import importlib.util, sys
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == {hidden!r} else find_spec(name)
if {driverless}:
    from numba.cuda.cudadrv import driver
    driver.driver.is_initialized, driver.driver.initialization_error = True, "not here"
from fastnn.cli import main
sys.exit(main())
"""
DRIVERLESS = "cuda cannot be used here: it needs an NVIDIA GPU and its driver: "


def run_command(folder, *arguments, hidden="", driverless=False, **environment):
    script = folder / "fastnn"
    script.write_text(COMMAND.format(hidden=hidden, driverless=driverless))
    call = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, {str(script)!r}, "
    return run_python(call + f"*{arguments!r}]))", **environment)


@pytest.mark.parametrize(
    "words",
    [
        "cuda needs numba, which is not installed: pip install",
        pytest.param(DRIVERLESS, marks=needs_numba),
    ],
)
def test_the_command_tells_in_a_line_why_the_device_cannot_be_used(tmp_path, words):
    lacking = {"driverless": True} if words == DRIVERLESS else {"hidden": "numba"}
    done = run_command(tmp_path, "run", "digits", "--quick", **lacking, FASTNN_DEVICE="cuda")
    assert done.returncode == 1
    assert done.stderr.startswith(f"fastnn: FASTNN_DEVICE: {words}"), done.stderr
    assert done.stderr.count("\n") == 1


def test_the_configuration_tells_what_a_device_lacks(tmp_path):
    done = run_command(tmp_path, "info", hidden="numba_cuda", FASTNN_DEVICE="cuda")
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line)
    assert rows["device"].startswith("cuda needs numba"), done.stderr
    absent = next(line for line in done.stdout.splitlines() if line.startswith("packages absent"))
    assert "numba_cuda" in absent


DAEMON = """
import threading, time
import numpy as np
import fastnn as fn

x = fn.tensor(np.ones(2, "f4"), device="cuda")

def loop():
    while True:
        x.numpy()
        fn.tensor([1.0, 2.0], device="cuda")

threading.Thread(target=loop, daemon=True).start()
end = time.time() + 0.3
while time.time() < end:
    pass
"""


@needs_numba
def test_a_daemon_thread_lives_through_the_end_of_the_process():
    for _ in range(2):
        done = run_python(DAEMON, NUMBA_ENABLE_CUDASIM="1")
        assert done.returncode == 0, done.stderr


# The driver's functions that graphs need, as its documentation has them, in place of a GPU.
CAPTURE = """
import inspect
from types import SimpleNamespace
from fastnn.backends.jit_cuda import driver as ours

real, seen, failing = ours.driver.binding, [], set()
relaxed = real.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
parameters = dict(cuStreamCreate=1, cuStreamBeginCapture=2, cuStreamEndCapture=1,
                  cuGraphInstantiate=2, cuGraphDestroy=1, cuGraphLaunch=2, cuGraphExecDestroy=1)
results = dict(cuStreamCreate=7, cuStreamEndCapture=8, cuGraphInstantiate=9)

class Driver:
    def __getattr__(self, name):
        assert hasattr(real, name), name
        def call(*arguments):
            assert len(arguments) == parameters[name]
            seen.append((name, *arguments))
            if name in failing:
                raise RuntimeError(name)
            return results.get(name)
        return call

class Stop:
    def __enter__(self): seen.append("no cleanup")
    def __exit__(self, *exception): seen.append("cleanup")

context = SimpleNamespace(deallocations=SimpleNamespace(disable=Stop))
ours.get_context = lambda: context
ours.driver = SimpleNamespace(driver=Driver(), binding=real)
ours.cuda = SimpleNamespace(external_stream=lambda handle: SimpleNamespace(handle=handle))

def took():
    done = seen[:]
    seen.clear()
    return done

capture = ours.Capture()
assert took() == [("cuStreamCreate", 1), ("cuStreamBeginCapture", 7, relaxed), "no cleanup"]
graph = capture.end(True)
assert took() == ["cleanup", ("cuStreamEndCapture", 7), ("cuGraphInstantiate", 8, 0),
                  ("cuGraphDestroy", 8)]
graph.launch(ours.new_stream())
assert took() == [("cuStreamCreate", 0), ("cuGraphLaunch", 9, 7)]
del graph
assert took() == [("cuGraphExecDestroy", 9)]

assert ours.Capture().end(False) is None
assert took() == [("cuStreamBeginCapture", 7, relaxed), "no cleanup", "cleanup",
                  ("cuStreamEndCapture", 7), ("cuGraphDestroy", 8)]
for function, after in (("cuStreamEndCapture", []), ("cuGraphInstantiate", ["cuGraphDestroy"])):
    failing.add(function)
    capture = ours.Capture()
    took()
    try:
        capture.end(True)
    except RuntimeError:
        names = [call[0] for call in took()[1:]]
        assert names[names.index(function) + 1:] == after
    else:
        raise AssertionError(function)
    assert ours.Capture().end(False) is None
    took()
    failing.clear()
print("done")
"""


@needs_numba
def test_a_capture_calls_the_driver_in_order():
    done = run_python(CAPTURE)
    assert done.stdout == "done\n", done.stderr
