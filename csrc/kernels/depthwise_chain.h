/* What the kernels of depthwise convolution do to a sum. */
#pragma once

#include "kernels/depthwise.h"
#include "simd/vec.h"

namespace fastnn {
namespace {

template <class T>
FASTNN_INLINE Vec<T> chain(Vec<T> a, Vec<T> b, Vec<T> sum) {
#if defined(FASTNN_TARGET_scalar)
  return a * b + sum; /* as in products of matrices */
#else
  return fma(a, b, sum);
#endif
}

/* Writes the sums of results `step` apart, from `to` on, with what comes after them; n of their
 * channels, from c on. */
template <class T, int Results, class Task>
FASTNN_INLINE void finish(const Task& t, Vec<T> (&sum)[Results], int64_t c, int64_t to,
                          int64_t step, int64_t n) {
  using V = Vec<T>;
  if (t.bias) {
    const V bias = load_some(static_cast<const T*>(t.bias) + c, n);
#pragma GCC unroll 8
    for (int i = 0; i < Results; ++i) sum[i] = sum[i] + bias;
  }
  if (t.residual) {
    const T* residual = static_cast<const T*>(t.residual) + to;
#pragma GCC unroll 8
    for (int i = 0; i < Results; ++i) sum[i] = sum[i] + load_some(residual + i * step, n);
  }
  if (t.relu) {
#pragma GCC unroll 8
    for (int i = 0; i < Results; ++i) sum[i] = maximum(sum[i], V::zero());
  }
  T* y = static_cast<T*>(t.y) + to;
#pragma GCC unroll 8
  for (int i = 0; i < Results; ++i) store_some(sum[i], y + i * step, n);
}

}  // namespace
}  // namespace fastnn
