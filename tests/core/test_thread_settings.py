"""The number of threads: environment, affinity mask, control groups, and the calls that set it."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from fastnn import _core, runtime

SHOW = "from fastnn import _core; print(_core.get_num_threads(), _core.threads_origin())"
LINUX = sys.platform == "linux"
PROCESSORS = len(os.sched_getaffinity(0)) if LINUX else os.cpu_count()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"FASTNN_NUM_THREADS": "3"}, "3 FASTNN_NUM_THREADS"),
        ({"FASTNN_NUM_THREADS": " 5 ", "OMP_NUM_THREADS": "2"}, "5 FASTNN_NUM_THREADS"),
        ({"FASTNN_NUM_THREADS": "", "OMP_NUM_THREADS": "2"}, "2 OMP_NUM_THREADS"),
        ({"OMP_NUM_THREADS": "4,2"}, "4 OMP_NUM_THREADS"),
        ({"OMP_NUM_THREADS": "100000"}, "256 OMP_NUM_THREADS"),
        ({"OMP_NUM_THREADS": "99999999999999999999"}, "256 OMP_NUM_THREADS"),
    ],
)
def test_environment(run_python, variables, expected):
    result = run_python(SHOW, **variables)
    assert result.stdout.strip() == expected
    assert result.stderr == ""


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "3 4", "2,2"])
def test_bad_own_variable_is_an_error(run_python, value):
    result = run_python("import fastnn._core", check=False, FASTNN_NUM_THREADS=value)
    message = f"FASTNN_NUM_THREADS={value}: expected a whole number of threads, at least 1"
    assert result.stderr.strip().splitlines()[-1] == f"ImportError: {message}"


@pytest.mark.parametrize("value", ["0", "-1", "many", ",2"])
def test_bad_openmp_variable_is_a_warning(run_python, value):
    result = run_python(SHOW, OMP_NUM_THREADS=value)
    assert "affinity and cgroup" in result.stdout
    assert f"RuntimeWarning: OMP_NUM_THREADS={value} is not a number" in result.stderr


@pytest.mark.skipif(not LINUX, reason="no affinity masks")
def test_affinity_mask(run_python):
    one = min(os.sched_getaffinity(0))
    result = run_python(f"import os; os.sched_setaffinity(0, {{{one}}}); {SHOW}")
    assert result.stdout.strip() == "1 affinity and cgroup"


def _tree(root, group: str, mounts: list[str], files: dict[str, str]) -> str:
    files = {"proc/self/cgroup": group, "proc/self/mountinfo": "\n".join(mounts) + "\n"} | files
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return str(root)


def _v1(mount_root: str) -> list[str]:
    return [
        "25 30 0:22 / /proc rw,nosuid - proc proc rw",
        f"33 25 0:29 {mount_root} /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset",
        f"34 25 0:30 {mount_root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
    ]


V2 = ["30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"]
CPU1 = "sys/fs/cgroup/cpu,cpuacct"

CASES = {
    "v2 without a limit": ("0::/a\n", V2, {"sys/fs/cgroup/a/cpu.max": "max 100000\n"}, 0),
    "v2 quota": ("0::/a\n", V2, {"sys/fs/cgroup/a/cpu.max": "250000 100000\n"}, 2.5),
    "v2 other period": ("0::/a\n", V2, {"sys/fs/cgroup/a/cpu.max": "60000 20000\n"}, 3),
    "v2 root of a namespace": ("0::/\n", V2, {"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
    "v2 outside the namespace": (
        "0::/../b\n",
        V2,
        {"sys/fs/cgroup/cpu.max": "150000 100000\n"},
        1.5,
    ),
    "v2 parent is tighter": (
        "0::/a/b\n",
        V2,
        {
            "sys/fs/cgroup/a/cpu.max": "100000 100000\n",
            "sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
        },
        1,
    ),
    "v1 quota": (
        "4:cpuset:/x\n3:cpu,cpuacct:/a\n",
        _v1("/"),
        {f"{CPU1}/a/cpu.cfs_quota_us": "70000\n", f"{CPU1}/a/cpu.cfs_period_us": "20000\n"},
        3.5,
    ),
    "v1 without a limit": (
        "3:cpu,cpuacct:/a\n",
        _v1("/"),
        {f"{CPU1}/a/cpu.cfs_quota_us": "-1\n", f"{CPU1}/a/cpu.cfs_period_us": "100000\n"},
        0,
    ),
    "v1 container that sees its group as the root": (
        "3:cpu,cpuacct:/docker/123\n",
        _v1("/docker/123"),
        {f"{CPU1}/cpu.cfs_quota_us": "50000\n", f"{CPU1}/cpu.cfs_period_us": "100000\n"},
        0.5,
    ),
    "no control groups": ("", [], {}, 0),
    "damaged files": ("x\n::\n0::/a\n", ["- cgroup2"], {"sys/fs/cgroup/a/cpu.max": "?"}, 0),
}


@pytest.mark.parametrize("name", CASES)
def test_control_groups(tmp_path, name):
    group, mounts, files, expected = CASES[name]
    assert _core.cgroup_processors(_tree(tmp_path, group, mounts, files)) == expected


@pytest.mark.parametrize(("quota", "expected"), [(0.2, 1), (1, 1), (1.99, 1), (1e9, PROCESSORS)])
def test_quota_is_cut_to_whole_processors(tmp_path, quota, expected):
    files = {"sys/fs/cgroup/cpu.max": f"{quota * 1e5:.0f} 100000\n"}
    assert _core.usable_processors(_tree(tmp_path, "0::/\n", V2, files)) == expected


@pytest.fixture
def restore_threads():
    before = runtime.get_num_threads()
    yield
    runtime.set_num_threads(before)


def test_set_num_threads_is_for_the_process(restore_threads):
    runtime.set_num_threads(3)
    assert runtime.get_num_threads() == 3
    assert _core.threads_origin() == "set_num_threads"
    assert _in_thread(runtime.get_num_threads) == 3


def test_num_threads_is_for_the_calling_thread(restore_threads):
    runtime.set_num_threads(3)
    with runtime.num_threads(5):
        assert runtime.get_num_threads() == 5
        assert _in_thread(runtime.get_num_threads) == 3
        with runtime.num_threads(2):
            assert runtime.get_num_threads() == 2
        assert runtime.get_num_threads() == 5
        runtime.set_num_threads(4)
        assert runtime.get_num_threads() == 5
    assert runtime.get_num_threads() == 4


def test_num_threads_ends_with_an_exception(restore_threads):
    runtime.set_num_threads(3)
    with pytest.raises(KeyError), runtime.num_threads(1):
        raise KeyError
    assert runtime.get_num_threads() == 3


def _in_thread(function):
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


@pytest.mark.parametrize("n", [0, -1, 257, 10**30, -(10**30)])
def test_out_of_range(n):
    with pytest.raises(ValueError, match=rf"set_num_threads: n must be from 1 to 256, got {n}$"):
        runtime.set_num_threads(n)
    with pytest.raises(ValueError, match="num_threads: n must be from 1"), runtime.num_threads(n):
        pass


@pytest.mark.parametrize("n", [2.0, "2", None, True])
def test_not_an_integer(n):
    kind = type(n).__name__
    with pytest.raises(TypeError, match=f"set_num_threads: n must be an integer, got {kind}$"):
        runtime.set_num_threads(n)
