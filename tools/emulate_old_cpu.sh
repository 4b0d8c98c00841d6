#!/usr/bin/env bash
# Imports fastnn and runs tools/smoke.py on an emulated processor without AVX (qemu-user).
source "$(dirname "$0")/venv.sh"
command -v qemu-x86_64 >/dev/null || { echo "needs qemu-user (apt install qemu-user)"; exit 1; }
install_fastnn
interpreter=$(readlink -f "$work/venv/bin/python")
site=$("$work/venv/bin/python" -c "import sysconfig; print(sysconfig.get_path('purelib'))")
old() { PYTHONPATH=$site qemu-x86_64 -cpu Nehalem "$interpreter" "$@"; }
cd "$work"  # the checkout has a fastnn without its module

old "$root/tools/smoke.py" scalar
if message=$(FASTNN_ISA=avx2 old -c "import fastnn._core" 2>&1); then
  echo "FASTNN_ISA=avx2 was accepted on a processor without AVX2"; exit 1
fi
grep -F "ImportError: FASTNN_ISA=avx2: this processor cannot run it; it can run: scalar" <<<"$message"
