// Vec on AVX2 and FMA: 8 float or 4 double lanes.
//
// In a namespace of its own: vec_pair.h makes a wider vector of two.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace fastnn {
namespace {
namespace single {

template <class T>
struct Vec;

// Loaded at [count - n]: the first n lanes are set.
constexpr int32_t kFirst32[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
constexpr int64_t kFirst64[8] = {-1, -1, -1, -1, 0, 0, 0, 0};
FASTNN_INLINE __m256i first_lanes_32(int64_t n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirst32 + 8 - n));
}
FASTNN_INLINE __m256i first_lanes_64(int64_t n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirst64 + 4 - n));
}

struct Mask32 {
  __m256 m;
};
FASTNN_INLINE Mask32 operator&(Mask32 a, Mask32 b) { return {_mm256_and_ps(a.m, b.m)}; }
FASTNN_INLINE Mask32 operator|(Mask32 a, Mask32 b) { return {_mm256_or_ps(a.m, b.m)}; }
FASTNN_INLINE Mask32 operator!(Mask32 a) {
  return {_mm256_xor_ps(a.m, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))};
}
FASTNN_INLINE bool any(Mask32 a) { return _mm256_movemask_ps(a.m) != 0; }
FASTNN_INLINE bool all(Mask32 a) { return _mm256_movemask_ps(a.m) == 255; }

struct Int32 {
  __m256i v;
  static FASTNN_INLINE Int32 broadcast(int32_t x) { return {_mm256_set1_epi32(x)}; }
};
FASTNN_INLINE Int32 operator+(Int32 a, Int32 b) { return {_mm256_add_epi32(a.v, b.v)}; }
FASTNN_INLINE Int32 operator-(Int32 a, Int32 b) { return {_mm256_sub_epi32(a.v, b.v)}; }
FASTNN_INLINE Int32 operator&(Int32 a, Int32 b) { return {_mm256_and_si256(a.v, b.v)}; }
FASTNN_INLINE Int32 operator|(Int32 a, Int32 b) { return {_mm256_or_si256(a.v, b.v)}; }
FASTNN_INLINE Int32 operator^(Int32 a, Int32 b) { return {_mm256_xor_si256(a.v, b.v)}; }
template <int n>
FASTNN_INLINE Int32 shift_left(Int32 a) {
  return {_mm256_slli_epi32(a.v, n)};
}
template <int n>
FASTNN_INLINE Int32 shift_right(Int32 a) {
  return {_mm256_srli_epi32(a.v, n)};
}

template <>
struct Vec<float> {
  using Scalar = float;
  using Mask = Mask32;
  using Int = Int32;
  static constexpr int kLanes = 8;
  __m256 v;
  static FASTNN_INLINE Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static FASTNN_INLINE Vec load_first(const float* p, int64_t n) {
    return {_mm256_maskload_ps(p, first_lanes_32(n))};
  }
  static FASTNN_INLINE Vec broadcast(float x) { return {_mm256_set1_ps(x)}; }
  static FASTNN_INLINE Vec zero() { return {_mm256_setzero_ps()}; }
  FASTNN_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }
  /* In pieces: Zen takes a masked store apart, at the cost of a dozen plain ones. */
  FASTNN_INLINE void store_first(float* p, int64_t n) const {
    __m128 part = _mm256_castps256_ps128(v);
    if (n & 4) {
      _mm_storeu_ps(p, part);
      part = _mm256_extractf128_ps(v, 1);
      p += 4;
    }
    if (n & 2) {
      _mm_storel_pi(reinterpret_cast<__m64*>(p), part);
      part = _mm_movehl_ps(part, part);
      p += 2;
    }
    if (n & 1) _mm_store_ss(p, part);
  }
};
FASTNN_INLINE Vec<float> operator+(Vec<float> a, Vec<float> b) { return {_mm256_add_ps(a.v, b.v)}; }
FASTNN_INLINE Vec<float> operator-(Vec<float> a, Vec<float> b) { return {_mm256_sub_ps(a.v, b.v)}; }
FASTNN_INLINE Vec<float> operator*(Vec<float> a, Vec<float> b) { return {_mm256_mul_ps(a.v, b.v)}; }
FASTNN_INLINE Vec<float> operator/(Vec<float> a, Vec<float> b) { return {_mm256_div_ps(a.v, b.v)}; }
// The language's own sign, which compilers make part of a multiply-add.
FASTNN_INLINE Vec<float> operator-(Vec<float> a) { return {-a.v}; }
FASTNN_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
FASTNN_INLINE Vec<float> sqrt(Vec<float> a) { return {_mm256_sqrt_ps(a.v)}; }
FASTNN_INLINE Vec<float> floor(Vec<float> a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Vec<float> ceil(Vec<float> a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Vec<float> round_even(Vec<float> a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Mask32 operator<(Vec<float> a, Vec<float> b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)};
}
FASTNN_INLINE Mask32 operator<=(Vec<float> a, Vec<float> b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)};
}
FASTNN_INLINE Mask32 operator>(Vec<float> a, Vec<float> b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)};
}
FASTNN_INLINE Mask32 operator>=(Vec<float> a, Vec<float> b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ)};
}
FASTNN_INLINE Mask32 operator==(Vec<float> a, Vec<float> b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)};
}
FASTNN_INLINE Mask32 operator!=(Vec<float> a, Vec<float> b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_NEQ_UQ)};
}
FASTNN_INLINE Vec<float> select(Mask32 m, Vec<float> a, Vec<float> b) {
  return {_mm256_blendv_ps(b.v, a.v, m.m)};
}
FASTNN_INLINE Vec<float> larger(Vec<float> a, Vec<float> b) { return {_mm256_max_ps(a.v, b.v)}; }
FASTNN_INLINE Vec<float> smaller(Vec<float> a, Vec<float> b) { return {_mm256_min_ps(a.v, b.v)}; }
FASTNN_INLINE Int32 bits(Vec<float> a) { return {_mm256_castps_si256(a.v)}; }
FASTNN_INLINE Vec<float> lookup(const float* table, Int32 i) {
  return {_mm256_permutevar8x32_ps(_mm256_load_ps(table), i.v)};
}

struct Mask64 {
  __m256d m;
};
FASTNN_INLINE Mask64 operator&(Mask64 a, Mask64 b) { return {_mm256_and_pd(a.m, b.m)}; }
FASTNN_INLINE Mask64 operator|(Mask64 a, Mask64 b) { return {_mm256_or_pd(a.m, b.m)}; }
FASTNN_INLINE Mask64 operator!(Mask64 a) {
  return {_mm256_xor_pd(a.m, _mm256_castsi256_pd(_mm256_set1_epi32(-1)))};
}
FASTNN_INLINE bool any(Mask64 a) { return _mm256_movemask_pd(a.m) != 0; }
FASTNN_INLINE bool all(Mask64 a) { return _mm256_movemask_pd(a.m) == 15; }

struct Int64 {
  __m256i v;
  static FASTNN_INLINE Int64 broadcast(int64_t x) { return {_mm256_set1_epi64x(x)}; }
};
FASTNN_INLINE Int64 operator+(Int64 a, Int64 b) { return {_mm256_add_epi64(a.v, b.v)}; }
FASTNN_INLINE Int64 operator-(Int64 a, Int64 b) { return {_mm256_sub_epi64(a.v, b.v)}; }
FASTNN_INLINE Int64 operator&(Int64 a, Int64 b) { return {_mm256_and_si256(a.v, b.v)}; }
FASTNN_INLINE Int64 operator|(Int64 a, Int64 b) { return {_mm256_or_si256(a.v, b.v)}; }
FASTNN_INLINE Int64 operator^(Int64 a, Int64 b) { return {_mm256_xor_si256(a.v, b.v)}; }
template <int n>
FASTNN_INLINE Int64 shift_left(Int64 a) {
  return {_mm256_slli_epi64(a.v, n)};
}
template <int n>
FASTNN_INLINE Int64 shift_right(Int64 a) {
  return {_mm256_srli_epi64(a.v, n)};
}

template <>
struct Vec<double> {
  using Scalar = double;
  using Mask = Mask64;
  using Int = Int64;
  static constexpr int kLanes = 4;
  __m256d v;
  static FASTNN_INLINE Vec load(const double* p) { return {_mm256_loadu_pd(p)}; }
  static FASTNN_INLINE Vec load_first(const double* p, int64_t n) {
    return {_mm256_maskload_pd(p, first_lanes_64(n))};
  }
  static FASTNN_INLINE Vec broadcast(double x) { return {_mm256_set1_pd(x)}; }
  static FASTNN_INLINE Vec zero() { return {_mm256_setzero_pd()}; }
  FASTNN_INLINE void store(double* p) const { _mm256_storeu_pd(p, v); }
  FASTNN_INLINE void store_first(double* p, int64_t n) const {
    __m128d part = _mm256_castpd256_pd128(v);
    if (n & 2) {
      _mm_storeu_pd(p, part);
      part = _mm256_extractf128_pd(v, 1);
      p += 2;
    }
    if (n & 1) _mm_store_sd(p, part);
  }
};
FASTNN_INLINE Vec<double> operator+(Vec<double> a, Vec<double> b) {
  return {_mm256_add_pd(a.v, b.v)};
}
FASTNN_INLINE Vec<double> operator-(Vec<double> a, Vec<double> b) {
  return {_mm256_sub_pd(a.v, b.v)};
}
FASTNN_INLINE Vec<double> operator*(Vec<double> a, Vec<double> b) {
  return {_mm256_mul_pd(a.v, b.v)};
}
FASTNN_INLINE Vec<double> operator/(Vec<double> a, Vec<double> b) {
  return {_mm256_div_pd(a.v, b.v)};
}
FASTNN_INLINE Vec<double> operator-(Vec<double> a) { return {-a.v}; }
FASTNN_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {_mm256_fmadd_pd(a.v, b.v, c.v)};
}
FASTNN_INLINE Vec<double> sqrt(Vec<double> a) { return {_mm256_sqrt_pd(a.v)}; }
FASTNN_INLINE Vec<double> floor(Vec<double> a) {
  return {_mm256_round_pd(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Vec<double> ceil(Vec<double> a) {
  return {_mm256_round_pd(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Vec<double> round_even(Vec<double> a) {
  return {_mm256_round_pd(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Mask64 operator<(Vec<double> a, Vec<double> b) {
  return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)};
}
FASTNN_INLINE Mask64 operator<=(Vec<double> a, Vec<double> b) {
  return {_mm256_cmp_pd(a.v, b.v, _CMP_LE_OQ)};
}
FASTNN_INLINE Mask64 operator>(Vec<double> a, Vec<double> b) {
  return {_mm256_cmp_pd(a.v, b.v, _CMP_GT_OQ)};
}
FASTNN_INLINE Mask64 operator>=(Vec<double> a, Vec<double> b) {
  return {_mm256_cmp_pd(a.v, b.v, _CMP_GE_OQ)};
}
FASTNN_INLINE Mask64 operator==(Vec<double> a, Vec<double> b) {
  return {_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ)};
}
FASTNN_INLINE Mask64 operator!=(Vec<double> a, Vec<double> b) {
  return {_mm256_cmp_pd(a.v, b.v, _CMP_NEQ_UQ)};
}
FASTNN_INLINE Vec<double> select(Mask64 m, Vec<double> a, Vec<double> b) {
  return {_mm256_blendv_pd(b.v, a.v, m.m)};
}
FASTNN_INLINE Vec<double> larger(Vec<double> a, Vec<double> b) { return {_mm256_max_pd(a.v, b.v)}; }
FASTNN_INLINE Vec<double> smaller(Vec<double> a, Vec<double> b) {
  return {_mm256_min_pd(a.v, b.v)};
}
FASTNN_INLINE Int64 bits(Vec<double> a) { return {_mm256_castpd_si256(a.v)}; }

FASTNN_INLINE float first_lane(Vec<float> a) { return _mm256_cvtss_f32(a.v); }
FASTNN_INLINE double first_lane(Vec<double> a) { return _mm256_cvtsd_f64(a.v); }
template <int k>
FASTNN_INLINE Vec<float> lanes_from(Vec<float> a) {
  if constexpr (k == 4) return {_mm256_permute2f128_ps(a.v, a.v, 0x11)};
  return {_mm256_permute_ps(a.v, k == 2 ? 0xee : 0x55)};
}
template <int k>
FASTNN_INLINE Vec<double> lanes_from(Vec<double> a) {
  if constexpr (k == 2) return {_mm256_permute2f128_pd(a.v, a.v, 0x11)};
  return {_mm256_permute_pd(a.v, 0x5)};
}

template <class T>
Vec<T> from_bits(typename Vec<T>::Int i);
template <>
FASTNN_INLINE Vec<float> from_bits<float>(Int32 i) {
  return {_mm256_castsi256_ps(i.v)};
}
template <>
FASTNN_INLINE Vec<double> from_bits<double>(Int64 i) {
  return {_mm256_castsi256_pd(i.v)};
}

}  // namespace single
}  // namespace
}  // namespace fastnn
