// Square roots without the processor's divider, which works on one vector at a time, for longer on
// a root than on a quotient, while the multipliers wait.
#pragma once

#include "simd/root_step.h"
#include "simd/vec.h"

namespace fastnn {
namespace {

// A loop that takes every second one by products keeps both units busy.
enum class RootBy { divider, products };

// Whether there is a choice.
template <class T>
constexpr bool kRootsByProducts = false;

template <class T>
FASTNN_INLINE Vec<T> root(Vec<T> x, RootBy) {
  return sqrt(x);
}

#if defined(FASTNN_TARGET_avx512) && !defined(FASTNN_VEC_PAIR)
// (AVX2's estimate has 12 bits: another iteration takes as long as is won.)
template <>
constexpr bool kRootsByProducts<float> = true;

// By products, of lanes from 2^-78 to 2^78: no remainder is subnormal.
FASTNN_INLINE Vec<float> root(Vec<float> x, RootBy by) {
  const auto is_usual =
      (x >= Vec<float>::broadcast(0x1p-78f)) & (x <= Vec<float>::broadcast(0x1p78f));
  if (by == RootBy::divider || !all(is_usual)) return sqrt(x);
  return root_from(x, Vec<float>{_mm512_rsqrt14_ps(x.v)}, Vec<float>::broadcast(0.5f));
}
#endif

}  // namespace
}  // namespace fastnn
