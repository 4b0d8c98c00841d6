// The ceiling of arithmetic: chains of fused multiply-adds that touch no memory.
#include "kernels/probe.h"

#include "kernels/fill.h"
#include "simd/vec.h"

namespace fastnn {
namespace {

// Enough independent chains to hide the latency of two units (4 cycles each) and their moves.
constexpr int kChains = 12;

int64_t fma_chain_f32(int64_t rounds, float* sink) {
  typedef Vec<float> V;
  V sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = V::broadcast(1.0f + i);
  const V factor = V::broadcast(0.9999f), term = V::broadcast(1e-4f);
  for (int64_t round = 0; round < rounds; ++round)
    for (int i = 0; i < kChains; ++i) sums[i] = fma(sums[i], factor, term);
  V sum = V::zero();
  for (int i = 0; i < kChains; ++i) sum = sum + sums[i];
  float lanes[V::kLanes];
  sum.store(lanes);
  *sink = lanes[0];
  return rounds * kChains * V::kLanes * 2;
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(probe, ProbeKernels) { table->fma_chain_f32 = fastnn::fma_chain_f32; }
