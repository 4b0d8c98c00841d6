/* What the processor can do at most: the ceilings that benchmarks are held against. */
#pragma once

#include <stdint.h>

/* Arrays of n floats each: those that are read, those that are read and written, those that are
 * written. */
struct Streams {
  const float* const* read;
  float* const* updated;
  float* const* written;
  int reads, updates, writes;
};

struct ProbeKernels {
  /* Runs `rounds` rounds of independent fused multiply-adds on registers, returns how many
   * floating-point operations that was, and leaves their sum in *sink. */
  int64_t (*fma_chain_f32)(int64_t rounds, float* sink);
  /* Touches elements [begin, end) of all streams, with hardly any arithmetic. */
  void (*stream_f32)(const struct Streams* streams, int64_t begin, int64_t end);
};
