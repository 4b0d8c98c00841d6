/* What the processor can do at most: the ceilings that benchmarks are held against. */
#pragma once

#include <stdint.h>

struct ProbeKernels {
  /* Runs `rounds` rounds of independent fused multiply-adds on registers, returns how many
   * floating-point operations that was, and leaves their sum in *sink. */
  int64_t (*fma_chain_f32)(int64_t rounds, float* sink);
};
