#!/usr/bin/env bash
# Runs the conformance tests on the 16-lane kernels, built for pairs of AVX2 registers: all of the
# avx512 target but simd/vec_avx512.h itself. Arguments go to pytest.
source "$(dirname "$0")/venv.sh"
install_fastnn FASTNN_EMULATE_AVX512=ON
cd "$work"
FASTNN_ISA=avx512 "$work/venv/bin/python" "$root/tools/smoke.py" avx512
FASTNN_ISA=avx512 "$work/venv/bin/pytest" -q -c "$root/pyproject.toml" "${@:-$root/tests/conformance}"
