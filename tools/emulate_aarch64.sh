#!/usr/bin/env bash
# Cross-builds fastnn for AArch64 and runs it on an emulated processor (qemu-user), with a Python of
# Debian's archive: the native checks, the smoke test, the bits of neon against those of this
# machine, and the conformance tests. Arguments go to pytest.
# PYTHON: Debian's own interpreter, whose version is what the archive has for AArch64.
PYTHON=${PYTHON:-/usr/bin/python3}
source "$(dirname "$0")/venv.sh"
for tool in aarch64-linux-gnu-g++ qemu-aarch64 apt-get dpkg; do
  command -v "$tool" >/dev/null || { echo "needs $tool (apt install g++-aarch64-linux-gnu qemu-user)"; exit 1; }
done
install_fastnn
"$work/venv/bin/pip" install --quiet --disable-pip-version-check cmake ninja pybind11 cython
PATH=$work/venv/bin:$PATH
version=$(python -c "import sys; print('%d.%d' % sys.version_info[:2])")
system=$work/system site=$work/site

# Packages of the archive, unpacked: apt with a state of its own, in which nothing is installed.
mkdir -p "$work"/apt/{lists,cache/archives}/partial "$system" "$site"
touch "$work/apt/status"
cat >"$work/apt.conf" <<EOF
Dir::State "$work/apt"; Dir::State::status "$work/apt/status"; Dir::Cache "$work/apt/cache";
APT::Architecture "arm64"; APT::Architectures "arm64"; APT::Install-Recommends "false";
Debug::NoLocking "true"; APT::Sandbox::User "";
EOF
export APT_CONFIG=$work/apt.conf
apt-get -qq update
apt-get -qq -y --download-only install "python$version-minimal" "libpython$version-dev" libstdc++6
for package in "$work"/apt/cache/archives/*.deb; do dpkg -x "$package" "$system"; done
include=$system/usr/include
cp "$include/aarch64-linux-gnu/python$version/pyconfig.h" "$include/python$version/"
pip install --quiet --disable-pip-version-check --target "$site" --only-binary=:all: \
  --python-version "$version" --platform manylinux_2_28_aarch64 --platform manylinux2014_aarch64 \
  "numpy>=2" safetensors rich "pytest>=8" pytest-benchmark hypothesis

cmake -S "$root" -B "$work/cross" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
  -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
  -DPython_EXECUTABLE="$(command -v python)" -DPython_INCLUDE_DIR="$include/python$version" \
  -Dpybind11_DIR="$(python -m pybind11 --cmakedir)" -DSKBUILD_PROJECT_VERSION=0.1.0 >/dev/null
cmake --build "$work/cross"
cp -r "$root/fastnn" "$site/"
find "$site/fastnn" -name '*.so' -delete
cp "$work"/cross/_core.*.so "$site/fastnn/_core.so"  # named for the interpreter that configured
for module in _words _trigrams; do
  cp "$work"/cross/$module*.so "$site/fastnn/text/$module.so"
done
emulated() {
  PYTHONHOME=$system/usr PYTHONPATH=$site:$root/tests:$root PYTHONDONTWRITEBYTECODE=1 \
    qemu-aarch64 -L "$system" "$system/usr/bin/python$version" "$@"
}
cd "$work"

# qemu-user ignores limits on memory, and dies of threads made in the child of a fork.
for program in memory_pool_checks thread_pool_checks; do
  aarch64-linux-gnu-g++ -std=c++17 -O2 -pthread -static -I"$root/csrc" -o $program \
    "$root/tests/core/native/$program.cpp" "$root"/csrc/core/{config,memory_pool,thread_pool}.cpp
  for check in $(qemu-aarch64 ./$program | grep -v -e fork -e out_of_memory); do
    qemu-aarch64 ./$program "$check"
  done
done
emulated "$root/tools/smoke.py" neon

list='from tests.conformance.test_offsets import digests
for call, number in digests(): print(call, number)'
packages=$(python -c "import sysconfig; print(sysconfig.get_path('purelib'))")
PYTHONPATH=$packages:$root python -c "$list" >here
emulated -c "$list" >there
diff here there
echo "$(wc -l <here) calls give the same bits here and there"

# No test that starts a Python of its own: the kernel here cannot run that file.
emulated -m pytest -q -p no:cacheprovider -c "$root/pyproject.toml" \
  --ignore "$root/tests/conformance/test_targets.py" "${@:-$root/tests/conformance}"
