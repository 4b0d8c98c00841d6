/* Random numbers from Philox 4x32-10. A draw names its key and the counter of its first block of
 * four 32-bit words; element i takes word i, or words 2 i (low half) and 2 i + 1 where an element
 * takes 64 bits. Indexed by DType: float, double. */
#pragma once

#include <stdint.h>

struct PhiloxState {
  uint64_t key, counter;
};

/* the 4 * blocks words from `state` on */
typedef void (*RandomWords)(struct PhiloxState state, int64_t blocks, uint32_t* words);
/* low + u (high - low), below high, for u = n / 2^24 (float) or n / 2^53 (double) */
typedef void (*RandomUniform)(struct PhiloxState state, double low, double high, int64_t n,
                              void* y);
/* mean + std q(u) for the normal quantile q and u = (n + 1/2) / 2^24 or 2^53; truncated: between
 * -2 and 2 standard deviations */
typedef void (*RandomNormal)(struct PhiloxState state, double mean, double std, int truncated,
                             int64_t n, void* y);
/* mask = 1 where u >= rate, u = n / 2^24, given as threshold = rate 2^24 rounded up */
typedef void (*DropoutMask)(struct PhiloxState state, uint32_t threshold, int64_t n, uint8_t* mask);
/* y = x * scale where the mask is set, else 0 */
typedef void (*DropoutApply)(const void* x, const uint8_t* mask, double scale, int64_t n, void* y);

struct RandomKernels {
  RandomWords words;
  RandomUniform uniform[2];
  RandomNormal normal[2];
  DropoutMask dropout_mask;
  DropoutApply dropout_apply[2];
};
