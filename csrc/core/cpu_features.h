// What this processor offers and the operating system lets us use.
#pragma once

namespace fastnn {

// A flag is set when the processor has the instructions and the system saves their registers.
struct CpuFeatures {
  bool avx2 = false;
  bool fma = false;
  bool f16c = false;
  bool avx512f = false;
  bool avx512bw = false;
  bool avx512dq = false;
  bool avx512vl = false;
  bool neon = false;
  char name[49] = "";  // as the processor calls itself; empty when it does not say
};

const CpuFeatures& cpu_features();

}  // namespace fastnn
