// The products of Winograd's method: a block of transformed tiles times the transformed kernel,
// frequency by frequency.
#pragma once

#include "kernels/winograd.h"
#include "ops/gemm_cut.h"

namespace fastnn {

// A block of a thread's own, in units of so many tiles, which take so many bytes transformed: what
// its second cache holds at speed, but worth a pass over the weights; 0: that does not fit.
int64_t winograd_own_block(int64_t units, int64_t tiles, int64_t bytes);
// The least tiles of such a block, out of so many, that are worth a pass over weights of so many
// bytes; 0: these are too large to be read again and again, and threads should share a block.
int64_t winograd_least_block(int64_t tiles, int64_t weights);

struct WinogradProduct {
  static constexpr int64_t kItem = sizeof(float);

  int64_t frequencies;
  int64_t block;        // tiles
  GemmProblem product;  // of a block, for one frequency
  GemmCut cut;

  // Tiles of `depth` channels become tiles of `columns`.
  WinogradProduct(int64_t frequencies, int64_t block, int64_t depth, int64_t columns);
  WinogradProduct(const WinogradProduct&) = delete;

  // Elements from a frequency to the next.
  int64_t in_step() const;
  int64_t out_step() const;
  int64_t kernel_step() const;
  // Of a block before and after, and of the transformed kernel.
  int64_t block_bytes() const { return aligned(frequencies * (in_step() + out_step()) * kItem); }
  int64_t kernel_bytes() const { return aligned(frequencies * kernel_step() * kItem); }

  // The kernel [taps][depth][columns] of each frequency, packed as a product reads it:
  // [panels][depth][panel].
  void transform_kernel(void (*transform)(const WinogradKernel*), const float* w, float* to) const;
  // [taps][columns][depth] to [taps][depth][columns], with the taps in reverse if asked for.
  void turn_kernel(const float* w, int64_t taps, bool reverse, float* to) const;

  void multiply(int64_t count, int64_t frequency, const float* in, const float* kernel,
                float* out) const;
};

}  // namespace fastnn
