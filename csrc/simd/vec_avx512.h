// Vec on AVX-512 (F, BW, DQ, VL): 16 float or 8 double lanes.
//
// In a namespace of its own: vec_pair.h makes a wider vector of two.
#pragma once

// GCC 12 takes the "undefined" operand of its own intrinsics for a mistake (its bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#include <stdint.h>

namespace fastnn {
namespace {
namespace single {

template <class T>
struct Vec;

struct Mask32 {
  __mmask16 m;
};
FASTNN_INLINE Mask32 operator&(Mask32 a, Mask32 b) { return {static_cast<__mmask16>(a.m & b.m)}; }
FASTNN_INLINE Mask32 operator|(Mask32 a, Mask32 b) { return {static_cast<__mmask16>(a.m | b.m)}; }
FASTNN_INLINE Mask32 operator!(Mask32 a) { return {static_cast<__mmask16>(~a.m)}; }
FASTNN_INLINE bool any(Mask32 a) { return a.m != 0; }
FASTNN_INLINE bool all(Mask32 a) { return a.m == 0xffff; }

struct Int32 {
  __m512i v;
  static FASTNN_INLINE Int32 broadcast(int32_t x) { return {_mm512_set1_epi32(x)}; }
};
FASTNN_INLINE Int32 operator+(Int32 a, Int32 b) { return {_mm512_add_epi32(a.v, b.v)}; }
FASTNN_INLINE Int32 operator-(Int32 a, Int32 b) { return {_mm512_sub_epi32(a.v, b.v)}; }
FASTNN_INLINE Int32 operator&(Int32 a, Int32 b) { return {_mm512_and_epi32(a.v, b.v)}; }
FASTNN_INLINE Int32 operator|(Int32 a, Int32 b) { return {_mm512_or_epi32(a.v, b.v)}; }
FASTNN_INLINE Int32 operator^(Int32 a, Int32 b) { return {_mm512_xor_epi32(a.v, b.v)}; }
template <int n>
FASTNN_INLINE Int32 shift_left(Int32 a) {
  return {_mm512_slli_epi32(a.v, n)};
}
template <int n>
FASTNN_INLINE Int32 shift_right(Int32 a) {
  return {_mm512_srli_epi32(a.v, n)};
}

template <>
struct Vec<float> {
  using Scalar = float;
  using Mask = Mask32;
  using Int = Int32;
  static constexpr int kLanes = 16;
  __m512 v;
  static FASTNN_INLINE __mmask16 first(int64_t n) { return static_cast<__mmask16>((1u << n) - 1); }
  static FASTNN_INLINE Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static FASTNN_INLINE Vec load_first(const float* p, int64_t n) {
    return {_mm512_maskz_loadu_ps(first(n), p)};
  }
  static FASTNN_INLINE Vec broadcast(float x) { return {_mm512_set1_ps(x)}; }
  static FASTNN_INLINE Vec zero() { return {_mm512_setzero_ps()}; }
  FASTNN_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }
  FASTNN_INLINE void store_first(float* p, int64_t n) const {
    _mm512_mask_storeu_ps(p, first(n), v);
  }
};
FASTNN_INLINE Vec<float> operator+(Vec<float> a, Vec<float> b) { return {_mm512_add_ps(a.v, b.v)}; }
FASTNN_INLINE Vec<float> operator-(Vec<float> a, Vec<float> b) { return {_mm512_sub_ps(a.v, b.v)}; }
FASTNN_INLINE Vec<float> operator*(Vec<float> a, Vec<float> b) { return {_mm512_mul_ps(a.v, b.v)}; }
FASTNN_INLINE Vec<float> operator/(Vec<float> a, Vec<float> b) { return {_mm512_div_ps(a.v, b.v)}; }
// The language's own sign, which compilers make part of a multiply-add.
FASTNN_INLINE Vec<float> operator-(Vec<float> a) { return {-a.v}; }
FASTNN_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
FASTNN_INLINE Vec<float> sqrt(Vec<float> a) { return {_mm512_sqrt_ps(a.v)}; }
FASTNN_INLINE Vec<float> floor(Vec<float> a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Vec<float> ceil(Vec<float> a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Vec<float> round_even(Vec<float> a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Mask32 operator<(Vec<float> a, Vec<float> b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)};
}
FASTNN_INLINE Mask32 operator<=(Vec<float> a, Vec<float> b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)};
}
FASTNN_INLINE Mask32 operator>(Vec<float> a, Vec<float> b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)};
}
FASTNN_INLINE Mask32 operator>=(Vec<float> a, Vec<float> b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)};
}
FASTNN_INLINE Mask32 operator==(Vec<float> a, Vec<float> b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)};
}
FASTNN_INLINE Mask32 operator!=(Vec<float> a, Vec<float> b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_NEQ_UQ)};
}
FASTNN_INLINE Vec<float> select(Mask32 m, Vec<float> a, Vec<float> b) {
  return {_mm512_mask_blend_ps(m.m, b.v, a.v)};
}
FASTNN_INLINE Vec<float> larger(Vec<float> a, Vec<float> b) { return {_mm512_max_ps(a.v, b.v)}; }
FASTNN_INLINE Vec<float> smaller(Vec<float> a, Vec<float> b) { return {_mm512_min_ps(a.v, b.v)}; }
FASTNN_INLINE Vec<float> scale(Vec<float> a, Vec<float> n) {  // a * 2^n
  return {_mm512_scalef_ps(a.v, n.v)};
}
FASTNN_INLINE Int32 bits(Vec<float> a) { return {_mm512_castps_si512(a.v)}; }
FASTNN_INLINE Vec<float> lookup(const float* table, Int32 i) {
  return {_mm512_permutexvar_ps(i.v, _mm512_broadcast_f32x8(_mm256_load_ps(table)))};
}

struct Mask64 {
  __mmask8 m;
};
FASTNN_INLINE Mask64 operator&(Mask64 a, Mask64 b) { return {static_cast<__mmask8>(a.m & b.m)}; }
FASTNN_INLINE Mask64 operator|(Mask64 a, Mask64 b) { return {static_cast<__mmask8>(a.m | b.m)}; }
FASTNN_INLINE Mask64 operator!(Mask64 a) { return {static_cast<__mmask8>(~a.m)}; }
FASTNN_INLINE bool any(Mask64 a) { return a.m != 0; }
FASTNN_INLINE bool all(Mask64 a) { return a.m == 0xff; }

struct Int64 {
  __m512i v;
  static FASTNN_INLINE Int64 broadcast(int64_t x) { return {_mm512_set1_epi64(x)}; }
};
FASTNN_INLINE Int64 operator+(Int64 a, Int64 b) { return {_mm512_add_epi64(a.v, b.v)}; }
FASTNN_INLINE Int64 operator-(Int64 a, Int64 b) { return {_mm512_sub_epi64(a.v, b.v)}; }
FASTNN_INLINE Int64 operator&(Int64 a, Int64 b) { return {_mm512_and_epi64(a.v, b.v)}; }
FASTNN_INLINE Int64 operator|(Int64 a, Int64 b) { return {_mm512_or_epi64(a.v, b.v)}; }
FASTNN_INLINE Int64 operator^(Int64 a, Int64 b) { return {_mm512_xor_epi64(a.v, b.v)}; }
template <int n>
FASTNN_INLINE Int64 shift_left(Int64 a) {
  return {_mm512_slli_epi64(a.v, n)};
}
template <int n>
FASTNN_INLINE Int64 shift_right(Int64 a) {
  return {_mm512_srli_epi64(a.v, n)};
}

template <>
struct Vec<double> {
  using Scalar = double;
  using Mask = Mask64;
  using Int = Int64;
  static constexpr int kLanes = 8;
  __m512d v;
  static FASTNN_INLINE __mmask8 first(int64_t n) { return static_cast<__mmask8>((1u << n) - 1); }
  static FASTNN_INLINE Vec load(const double* p) { return {_mm512_loadu_pd(p)}; }
  static FASTNN_INLINE Vec load_first(const double* p, int64_t n) {
    return {_mm512_maskz_loadu_pd(first(n), p)};
  }
  static FASTNN_INLINE Vec broadcast(double x) { return {_mm512_set1_pd(x)}; }
  static FASTNN_INLINE Vec zero() { return {_mm512_setzero_pd()}; }
  FASTNN_INLINE void store(double* p) const { _mm512_storeu_pd(p, v); }
  FASTNN_INLINE void store_first(double* p, int64_t n) const {
    _mm512_mask_storeu_pd(p, first(n), v);
  }
};
FASTNN_INLINE Vec<double> operator+(Vec<double> a, Vec<double> b) {
  return {_mm512_add_pd(a.v, b.v)};
}
FASTNN_INLINE Vec<double> operator-(Vec<double> a, Vec<double> b) {
  return {_mm512_sub_pd(a.v, b.v)};
}
FASTNN_INLINE Vec<double> operator*(Vec<double> a, Vec<double> b) {
  return {_mm512_mul_pd(a.v, b.v)};
}
FASTNN_INLINE Vec<double> operator/(Vec<double> a, Vec<double> b) {
  return {_mm512_div_pd(a.v, b.v)};
}
FASTNN_INLINE Vec<double> operator-(Vec<double> a) { return {-a.v}; }
FASTNN_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {_mm512_fmadd_pd(a.v, b.v, c.v)};
}
FASTNN_INLINE Vec<double> sqrt(Vec<double> a) { return {_mm512_sqrt_pd(a.v)}; }
FASTNN_INLINE Vec<double> floor(Vec<double> a) {
  return {_mm512_roundscale_pd(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Vec<double> ceil(Vec<double> a) {
  return {_mm512_roundscale_pd(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Vec<double> round_even(Vec<double> a) {
  return {_mm512_roundscale_pd(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Mask64 operator<(Vec<double> a, Vec<double> b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)};
}
FASTNN_INLINE Mask64 operator<=(Vec<double> a, Vec<double> b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LE_OQ)};
}
FASTNN_INLINE Mask64 operator>(Vec<double> a, Vec<double> b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_GT_OQ)};
}
FASTNN_INLINE Mask64 operator>=(Vec<double> a, Vec<double> b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_GE_OQ)};
}
FASTNN_INLINE Mask64 operator==(Vec<double> a, Vec<double> b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ)};
}
FASTNN_INLINE Mask64 operator!=(Vec<double> a, Vec<double> b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_NEQ_UQ)};
}
FASTNN_INLINE Vec<double> select(Mask64 m, Vec<double> a, Vec<double> b) {
  return {_mm512_mask_blend_pd(m.m, b.v, a.v)};
}
FASTNN_INLINE Vec<double> larger(Vec<double> a, Vec<double> b) { return {_mm512_max_pd(a.v, b.v)}; }
FASTNN_INLINE Vec<double> smaller(Vec<double> a, Vec<double> b) {
  return {_mm512_min_pd(a.v, b.v)};
}
FASTNN_INLINE Vec<double> scale(Vec<double> a, Vec<double> n) {
  return {_mm512_scalef_pd(a.v, n.v)};
}
FASTNN_INLINE Int64 bits(Vec<double> a) { return {_mm512_castpd_si512(a.v)}; }

FASTNN_INLINE float first_lane(Vec<float> a) { return _mm512_cvtss_f32(a.v); }
FASTNN_INLINE double first_lane(Vec<double> a) { return _mm512_cvtsd_f64(a.v); }
template <int k>
FASTNN_INLINE Vec<float> lanes_from(Vec<float> a) {
  if constexpr (k == 8) return {_mm512_shuffle_f32x4(a.v, a.v, 0xee)};
  if constexpr (k == 4) return {_mm512_shuffle_f32x4(a.v, a.v, 0x55)};
  return {_mm512_permute_ps(a.v, k == 2 ? 0xee : 0x55)};
}
template <int k>
FASTNN_INLINE Vec<double> lanes_from(Vec<double> a) {
  if constexpr (k == 1) return {_mm512_permute_pd(a.v, 0x55)};
  return {_mm512_shuffle_f64x2(a.v, a.v, k == 4 ? 0xee : 0x55)};
}

template <class T>
Vec<T> from_bits(typename Vec<T>::Int i);
template <>
FASTNN_INLINE Vec<float> from_bits<float>(Int32 i) {
  return {_mm512_castsi512_ps(i.v)};
}
template <>
FASTNN_INLINE Vec<double> from_bits<double>(Int64 i) {
  return {_mm512_castsi512_pd(i.v)};
}

}  // namespace single
}  // namespace
}  // namespace fastnn
