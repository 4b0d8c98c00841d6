// Square roots without the processor's divider, which works on one vector at a time, for longer on
// a root than on a quotient, while the multipliers wait.
//
// Method: Newton's iteration for x^(-1/2), coupled (Goldschmidt), then one exact remainder; P.
// Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor" (1990).
// From any estimate within 2^-13.9 the result is the rounded root: tools/check_roots.cpp tries all
// of 16 bits, as the instruction gives them, for all floats of [1, 4).
#pragma once

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

// Of lanes from 2^-78 to 2^78: no remainder is subnormal.
FASTNN_INLINE Vec<float> root_by_products(Vec<float> x) {
  const Vec<float> half = Vec<float>::broadcast(0.5f), y = {_mm512_rsqrt14_ps(x.v)};
  Vec<float> g = x * y, h = y * half;  // towards sqrt(x) and half its inverse
  const Vec<float> e = fma(-g, h, half);
  g = fma(g, e, g);
  h = fma(h, e, h);
  return fma(fma(-g, g, x), h, g);
}

FASTNN_INLINE Vec<float> root(Vec<float> x, RootBy by) {
  const auto is_usual =
      (x >= Vec<float>::broadcast(0x1p-78f)) & (x <= Vec<float>::broadcast(0x1p78f));
  return by == RootBy::products && all(is_usual) ? root_by_products(x) : sqrt(x);
}
#endif

}  // namespace
}  // namespace fastnn
