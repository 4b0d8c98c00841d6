// Small integers kept as bytes: lanes of a register to bytes and back.
#pragma once

#include "simd/vec.h"

namespace fastnn {
namespace {

#if defined(FASTNN_TARGET_avx512) && !defined(FASTNN_EMULATE_AVX512)
FASTNN_INLINE void store_bytes(Vec<float> numbers, uint8_t* p, int64_t n) {
  const __m512i lanes = _mm512_cvtps_epi32(numbers.v);
  _mm512_mask_cvtepi32_storeu_epi8(p, n < 16 ? Vec<float>::first(n) : __mmask16{0xffff}, lanes);
}
FASTNN_INLINE void store_bytes(Vec<double> numbers, uint8_t* p, int64_t n) {
  const __m512i lanes = _mm512_cvtpd_epi64(numbers.v);
  _mm512_mask_cvtepi64_storeu_epi8(p, n < 8 ? Vec<double>::first(n) : __mmask8{0xff}, lanes);
}
template <class T>
FASTNN_INLINE Vec<T> load_bytes(const uint8_t* p, int64_t n);
template <>
FASTNN_INLINE Vec<float> load_bytes<float>(const uint8_t* p, int64_t n) {
  const __m128i bytes = n < 16 ? _mm_maskz_loadu_epi8(Vec<float>::first(n), p)
                               : _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))};
}
template <>
FASTNN_INLINE Vec<double> load_bytes<double>(const uint8_t* p, int64_t n) {
  const __m128i bytes = n < 8 ? _mm_maskz_loadu_epi8(Vec<double>::first(n), p)
                              : _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return {_mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(bytes))};
}

#elif defined(FASTNN_TARGET_avx2)
FASTNN_INLINE void store_packed(__m128i low, __m128i high, uint8_t* p, int64_t n) {
  const __m128i shorts = _mm_packs_epi32(low, high);
  const int64_t bytes = _mm_cvtsi128_si64(_mm_packus_epi16(shorts, shorts));
  memcpy(p, &bytes, static_cast<size_t>(n));
}
FASTNN_INLINE void store_bytes(Vec<float> numbers, uint8_t* p, int64_t n) {
  const __m256i lanes = _mm256_cvtps_epi32(numbers.v);
  const __m128i low = _mm256_castsi256_si128(lanes), high = _mm256_extracti128_si256(lanes, 1);
  if (n >= 8)
    store_packed(low, high, p, 8);
  else
    store_packed(low, high, p, n);
}
FASTNN_INLINE void store_bytes(Vec<double> numbers, uint8_t* p, int64_t n) {
  const __m128i lanes = _mm256_cvtpd_epi32(numbers.v);
  if (n >= 4)
    store_packed(lanes, lanes, p, 4);
  else
    store_packed(lanes, lanes, p, n);
}
FASTNN_INLINE __m128i bytes_from(const uint8_t* p, int64_t n) {
  int64_t bytes = 0;
  memcpy(&bytes, p, static_cast<size_t>(n));
  return _mm_cvtsi64_si128(bytes);
}
template <class T>
FASTNN_INLINE Vec<T> load_bytes(const uint8_t* p, int64_t n);
template <>
FASTNN_INLINE Vec<float> load_bytes<float>(const uint8_t* p, int64_t n) {
  const __m128i bytes = n >= 8 ? bytes_from(p, 8) : bytes_from(p, n);
  return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes))};
}
template <>
FASTNN_INLINE Vec<double> load_bytes<double>(const uint8_t* p, int64_t n) {
  const __m128i bytes = n >= 4 ? bytes_from(p, 4) : bytes_from(p, n);
  return {_mm256_cvtepi32_pd(_mm_cvtepu8_epi32(bytes))};
}

#else
template <class T>
FASTNN_INLINE void store_bytes(Vec<T> numbers, uint8_t* p, int64_t n) {
  T lanes[Vec<T>::kLanes];
  numbers.store(lanes);
  for (int64_t i = 0; i < n && i < Vec<T>::kLanes; ++i) p[i] = static_cast<uint8_t>(lanes[i]);
}
template <class T>
FASTNN_INLINE Vec<T> load_bytes(const uint8_t* p, int64_t n) {
  T lanes[Vec<T>::kLanes] = {};
  for (int64_t i = 0; i < n && i < Vec<T>::kLanes; ++i) lanes[i] = static_cast<T>(p[i]);
  return Vec<T>::load(lanes);
}
#endif

}  // namespace
}  // namespace fastnn
