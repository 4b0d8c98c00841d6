// multiply_low(a, b): the 64-bit products of the low halves of 64-bit lanes.
#pragma once

#include "simd/vec.h"

namespace fastnn {
namespace {

#if defined(FASTNN_TARGET_avx512) && defined(FASTNN_EMULATE_AVX512)
FASTNN_INLINE Vec<double>::Int multiply_low(Vec<double>::Int a, Vec<double>::Int b) {
  return {{_mm256_mul_epu32(a.low.v, b.low.v)}, {_mm256_mul_epu32(a.high.v, b.high.v)}};
}
#elif defined(FASTNN_TARGET_avx512)
FASTNN_INLINE Vec<double>::Int multiply_low(Vec<double>::Int a, Vec<double>::Int b) {
  return {_mm512_mul_epu32(a.v, b.v)};
}
#elif defined(FASTNN_TARGET_avx2)
FASTNN_INLINE Vec<double>::Int multiply_low(Vec<double>::Int a, Vec<double>::Int b) {
  return {_mm256_mul_epu32(a.v, b.v)};
}
#elif defined(FASTNN_TARGET_neon)
FASTNN_INLINE Vec<double>::Int multiply_low(Vec<double>::Int a, Vec<double>::Int b) {
  return {vmull_u32(vmovn_u64(a.v), vmovn_u64(b.v))};
}
#else
FASTNN_INLINE Vec<double>::Int multiply_low(Vec<double>::Int a, Vec<double>::Int b) {
  return {(a.v & UINT32_MAX) * (b.v & UINT32_MAX)};
}
#endif

}  // namespace
}  // namespace fastnn
