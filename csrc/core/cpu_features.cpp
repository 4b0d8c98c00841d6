// CPUID and XGETBV on x86 (Intel SDM vol. 1, 13.2 and 14.3; vol. 2, CPUID), hwcap on AArch64.
//
// Asked here and not through __builtin_cpu_supports, which reads an object of the compiler's
// run-time library and on some versions leaves the operating system's part out.
#include "core/cpu_features.h"

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace fastnn {
namespace {

#if defined(__x86_64__)

constexpr bool bit(uint32_t word, int index) { return (word >> index) & 1; }

// The register states that the operating system saves (XCR0).
uint64_t saved_states() {
  uint32_t low, high;
  // The bytes of `xgetbv`: a baseline assembler need not know the name.
  __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

CpuFeatures detect() {
  constexpr uint64_t kYmm = 0x6;   // xmm and the upper halves of ymm
  constexpr uint64_t kZmm = 0xe6;  // these, mask registers and all of zmm
  CpuFeatures features;
  uint32_t a, b, c, d;

  if (__get_cpuid(0x80000004, &a, &b, &c, &d)) {
    for (uint32_t leaf = 0; leaf < 3; ++leaf) {
      uint32_t words[4];
      __get_cpuid(0x80000002 + leaf, &words[0], &words[1], &words[2], &words[3]);
      std::memcpy(features.name + 16 * leaf, words, 16);
    }
  }

  if (!__get_cpuid(1, &a, &b, &c, &d)) return features;
  const uint64_t states = bit(c, 27) ? saved_states() : 0;  // OSXSAVE
  const bool ymm = bit(c, 28) && (states & kYmm) == kYmm;   // AVX
  const bool zmm = ymm && (states & kZmm) == kZmm;
  features.fma = ymm && bit(c, 12);
  features.f16c = ymm && bit(c, 29);

  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return features;
  features.avx2 = ymm && bit(b, 5);
  features.avx512f = zmm && bit(b, 16);
  features.avx512dq = zmm && bit(b, 17);
  features.avx512bw = zmm && bit(b, 30);
  features.avx512vl = zmm && bit(b, 31);
  return features;
}

#elif defined(__aarch64__)

CpuFeatures detect() {
  CpuFeatures features;
#if defined(__linux__)
  constexpr unsigned long kAdvancedSimd = 1ul << 1;  // HWCAP_ASIMD
  features.neon = (getauxval(AT_HWCAP) & kAdvancedSimd) != 0;
#else
  features.neon = true;  // part of the ABI
#endif
  return features;
}

#else

CpuFeatures detect() { return {}; }

#endif

}  // namespace

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = detect();
  return features;
}

}  // namespace fastnn
