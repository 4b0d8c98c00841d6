// The ceiling of arithmetic: chains of fused multiply-adds that touch no memory; and that of
// memory: streams that are read and written with hardly any arithmetic.
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

// What is written is the sum of what was read, or the old value if that is larger: a compiler
// cannot know that with zeros nothing changes.
void stream_f32(const Streams* s, int64_t begin, int64_t end) {
  typedef Vec<float> V;
  constexpr int kUnroll = 4;
  constexpr int64_t kStep = kUnroll * V::kLanes;
  for (int64_t i = begin; i + kStep <= end; i += kStep) {
    V sum[kUnroll];
    for (int u = 0; u < kUnroll; ++u) sum[u] = V::zero();
    for (int k = 0; k < s->reads; ++k)
      for (int u = 0; u < kUnroll; ++u) sum[u] = sum[u] + V::load(s->read[k] + i + u * V::kLanes);
    for (int k = 0; k < s->updates; ++k)
      for (int u = 0; u < kUnroll; ++u) {
        float* p = s->updated[k] + i + u * V::kLanes;
        larger(V::load(p), sum[u]).store(p);
      }
    for (int k = 0; k < s->writes; ++k)
      for (int u = 0; u < kUnroll; ++u) sum[u].store(s->written[k] + i + u * V::kLanes);
  }
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(probe, ProbeKernels) {
  table->fma_chain_f32 = fastnn::fma_chain_f32;
  table->stream_f32 = fastnn::stream_f32;
}
