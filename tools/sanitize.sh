#!/usr/bin/env bash
# Runs tests on a build with the address and undefined-behaviour sanitizers, after showing that a
# planted overflow is found; then the native checks under the thread sanitizer. Arguments go to
# pytest (default: tests/core and tests/conformance).
source "$(dirname "$0")/venv.sh"
tests=()
for test in "$@"; do tests+=("$(realpath "$test")"); done
install_fastnn FASTNN_SANITIZE=address,undefined
compiler=${CXX:-c++}
# libstdc++ too: the sanitizer must find __cxa_throw when it starts. Leaks are not looked for, since
# the interpreter leaves much for the end of the process.
preload="$($compiler -print-file-name=libasan.so) $($compiler -print-file-name=libstdc++.so)"
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 TSAN_OPTIONS=allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1
run() { LD_PRELOAD=$preload "$@"; }
cd "$work"

if message=$(run venv/bin/python -c "from fastnn import _core; _core.write_past_end(100)" 2>&1); then
  echo "the planted overflow was not found"; exit 1
fi
grep -F "heap-buffer-overflow" <<<"$message" || { echo "$message"; exit 1; }

[ ${#tests[@]} -gt 0 ] || tests=("$root/tests/core" "$root/tests/conformance")
# Limits on memory cannot be tested: the sanitizer reserves terabytes.
run venv/bin/python -m pytest -q -c "$root/pyproject.toml" -k "not out_of_memory" "${tests[@]}"

# setarch: the thread sanitizer of older compilers cannot live with much address randomisation.
FASTNN_TEST_CXXFLAGS=-fsanitize=thread setarch -R venv/bin/python -m pytest -q \
  -c "$root/pyproject.toml" "$root/tests/core/test_native_checks.py" -k "not fork and not out_of_memory"
