#!/usr/bin/env bash
# Runs the tests under a debug build of Python, which checks reference counts and misuse of the C
# interface. Takes one from the system (apt install python3-dbg) or from PYTHON. Arguments go to
# pytest.
debug=${PYTHON:-}
for name in python3-dbg python3.{10,11,12,13,14}-dbg; do
  [ -n "$debug" ] || debug=$(command -v "$name" || true)
done
if [ -z "$debug" ] || ! "$debug" -c "import sys; sys.gettotalrefcount()" 2>/dev/null; then
  echo "skipped: no debug build of Python here (apt install python3-dbg python3-venv)"; exit 0
fi
PYTHON=$debug
source "$(dirname "$0")/venv.sh"
install_fastnn
cd "$work"
venv/bin/python -X dev -W error -m pytest -q -c "$root/pyproject.toml" "${@:-$root/tests}"
