# Sourced by the other scripts: a fresh virtual environment in a folder that goes away at exit.
# PYTHON names the interpreter (default: python3).
set -euo pipefail
unset PYTHONPATH  # what is tested is what gets installed
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}

# install_fastnn NAME=VALUE...: builds the tree with these CMake options and installs it.
install_fastnn() {
  "$python" -m venv "$work/venv"
  PYTHONWARNINGS=ignore "$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    --config-settings=build-dir="$work/build" "${@/#/--config-settings=cmake.define.}" "$root[test]"
}
