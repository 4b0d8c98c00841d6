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

/* Writes a result's sum at `to`, with what comes after it; n of its channels, from c on. */
template <class T, class Task>
FASTNN_INLINE void finish(const Task& t, Vec<T> sum, int64_t c, int64_t to, int64_t n) {
  if (t.bias) sum = sum + load_some(static_cast<const T*>(t.bias) + c, n);
  if (t.residual) sum = sum + load_some(static_cast<const T*>(t.residual) + to, n);
  if (t.relu) sum = maximum(sum, Vec<T>::zero());
  store_some(sum, static_cast<T*>(t.y) + to, n);
}

}  // namespace
}  // namespace fastnn
