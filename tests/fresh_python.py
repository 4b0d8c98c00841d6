"""A Python of its own for what must be seen from its start: imports, caches, the environment."""

import os
import pathlib
import subprocess
import sys

import fastnn


def run_python(program, **environment):
    """Runs a program on the package under test, where warnings are errors: the ended process."""
    package = str(pathlib.Path(fastnn.__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=os.environ | {"PYTHONPATH": package} | environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def output_of(program, **environment):
    """What a program prints; it must end well."""
    done = run_python(program, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout
