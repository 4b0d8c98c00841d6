// Vec on AArch64 NEON: 4 float or 2 double lanes.
#pragma once

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

namespace fastnn {
namespace {

template <class T>
struct Vec;

struct Mask32 {
  uint32x4_t m;
};
FASTNN_INLINE Mask32 operator&(Mask32 a, Mask32 b) { return {vandq_u32(a.m, b.m)}; }
FASTNN_INLINE Mask32 operator|(Mask32 a, Mask32 b) { return {vorrq_u32(a.m, b.m)}; }
FASTNN_INLINE Mask32 operator!(Mask32 a) { return {vmvnq_u32(a.m)}; }
FASTNN_INLINE bool any(Mask32 a) { return vmaxvq_u32(a.m) != 0; }
FASTNN_INLINE bool all(Mask32 a) { return vminvq_u32(a.m) != 0; }

struct Int32 {
  uint32x4_t v;
  static FASTNN_INLINE Int32 broadcast(int32_t x) {
    return {vdupq_n_u32(static_cast<uint32_t>(x))};
  }
};
FASTNN_INLINE Int32 operator+(Int32 a, Int32 b) { return {vaddq_u32(a.v, b.v)}; }
FASTNN_INLINE Int32 operator-(Int32 a, Int32 b) { return {vsubq_u32(a.v, b.v)}; }
FASTNN_INLINE Int32 operator&(Int32 a, Int32 b) { return {vandq_u32(a.v, b.v)}; }
FASTNN_INLINE Int32 operator|(Int32 a, Int32 b) { return {vorrq_u32(a.v, b.v)}; }
FASTNN_INLINE Int32 operator^(Int32 a, Int32 b) { return {veorq_u32(a.v, b.v)}; }
template <int n>
FASTNN_INLINE Int32 shift_left(Int32 a) {
  return {vshlq_n_u32(a.v, n)};
}
template <int n>
FASTNN_INLINE Int32 shift_right(Int32 a) {
  return {vshrq_n_u32(a.v, n)};
}

template <>
struct Vec<float> {
  using Scalar = float;
  using Mask = Mask32;
  using Int = Int32;
  static constexpr int kLanes = 4;
  float32x4_t v;
  static FASTNN_INLINE Vec load(const float* p) { return {vld1q_f32(p)}; }
  static FASTNN_INLINE Vec load_first(const float* p, int64_t n) {
    float lanes[4] = {};
    memcpy(lanes, p, static_cast<size_t>(n) * sizeof(float));
    return load(lanes);
  }
  static FASTNN_INLINE Vec broadcast(float x) { return {vdupq_n_f32(x)}; }
  static FASTNN_INLINE Vec zero() { return broadcast(0); }
  FASTNN_INLINE void store(float* p) const { vst1q_f32(p, v); }
  FASTNN_INLINE void store_first(float* p, int64_t n) const {
    float lanes[4];
    store(lanes);
    memcpy(p, lanes, static_cast<size_t>(n) * sizeof(float));
  }
};
FASTNN_INLINE Vec<float> operator+(Vec<float> a, Vec<float> b) { return {vaddq_f32(a.v, b.v)}; }
FASTNN_INLINE Vec<float> operator-(Vec<float> a, Vec<float> b) { return {vsubq_f32(a.v, b.v)}; }
FASTNN_INLINE Vec<float> operator*(Vec<float> a, Vec<float> b) { return {vmulq_f32(a.v, b.v)}; }
FASTNN_INLINE Vec<float> operator/(Vec<float> a, Vec<float> b) { return {vdivq_f32(a.v, b.v)}; }
FASTNN_INLINE Vec<float> operator-(Vec<float> a) { return {vnegq_f32(a.v)}; }
FASTNN_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {vfmaq_f32(c.v, a.v, b.v)};
}
FASTNN_INLINE Vec<float> sqrt(Vec<float> a) { return {vsqrtq_f32(a.v)}; }
FASTNN_INLINE Vec<float> floor(Vec<float> a) { return {vrndmq_f32(a.v)}; }
FASTNN_INLINE Vec<float> ceil(Vec<float> a) { return {vrndpq_f32(a.v)}; }
FASTNN_INLINE Vec<float> round_even(Vec<float> a) { return {vrndnq_f32(a.v)}; }
FASTNN_INLINE Mask32 operator<(Vec<float> a, Vec<float> b) { return {vcltq_f32(a.v, b.v)}; }
FASTNN_INLINE Mask32 operator<=(Vec<float> a, Vec<float> b) { return {vcleq_f32(a.v, b.v)}; }
FASTNN_INLINE Mask32 operator>(Vec<float> a, Vec<float> b) { return {vcgtq_f32(a.v, b.v)}; }
FASTNN_INLINE Mask32 operator>=(Vec<float> a, Vec<float> b) { return {vcgeq_f32(a.v, b.v)}; }
FASTNN_INLINE Mask32 operator==(Vec<float> a, Vec<float> b) { return {vceqq_f32(a.v, b.v)}; }
FASTNN_INLINE Mask32 operator!=(Vec<float> a, Vec<float> b) { return !(a == b); }
FASTNN_INLINE Vec<float> select(Mask32 m, Vec<float> a, Vec<float> b) {
  return {vbslq_f32(m.m, a.v, b.v)};
}
FASTNN_INLINE Vec<float> larger(Vec<float> a, Vec<float> b) { return select(a > b, a, b); }
FASTNN_INLINE Vec<float> smaller(Vec<float> a, Vec<float> b) { return select(a < b, a, b); }
FASTNN_INLINE Int32 bits(Vec<float> a) { return {vreinterpretq_u32_f32(a.v)}; }

struct Mask64 {
  uint64x2_t m;
};
FASTNN_INLINE Mask64 operator&(Mask64 a, Mask64 b) { return {vandq_u64(a.m, b.m)}; }
FASTNN_INLINE Mask64 operator|(Mask64 a, Mask64 b) { return {vorrq_u64(a.m, b.m)}; }
FASTNN_INLINE Mask64 operator!(Mask64 a) {
  return {vreinterpretq_u64_u32(vmvnq_u32(vreinterpretq_u32_u64(a.m)))};
}
FASTNN_INLINE bool any(Mask64 a) { return vmaxvq_u32(vreinterpretq_u32_u64(a.m)) != 0; }
FASTNN_INLINE bool all(Mask64 a) { return vminvq_u32(vreinterpretq_u32_u64(a.m)) != 0; }

struct Int64 {
  uint64x2_t v;
  static FASTNN_INLINE Int64 broadcast(int64_t x) {
    return {vdupq_n_u64(static_cast<uint64_t>(x))};
  }
};
FASTNN_INLINE Int64 operator+(Int64 a, Int64 b) { return {vaddq_u64(a.v, b.v)}; }
FASTNN_INLINE Int64 operator-(Int64 a, Int64 b) { return {vsubq_u64(a.v, b.v)}; }
FASTNN_INLINE Int64 operator&(Int64 a, Int64 b) { return {vandq_u64(a.v, b.v)}; }
FASTNN_INLINE Int64 operator|(Int64 a, Int64 b) { return {vorrq_u64(a.v, b.v)}; }
FASTNN_INLINE Int64 operator^(Int64 a, Int64 b) { return {veorq_u64(a.v, b.v)}; }
template <int n>
FASTNN_INLINE Int64 shift_left(Int64 a) {
  return {vshlq_n_u64(a.v, n)};
}
template <int n>
FASTNN_INLINE Int64 shift_right(Int64 a) {
  return {vshrq_n_u64(a.v, n)};
}

template <>
struct Vec<double> {
  using Scalar = double;
  using Mask = Mask64;
  using Int = Int64;
  static constexpr int kLanes = 2;
  float64x2_t v;
  static FASTNN_INLINE Vec load(const double* p) { return {vld1q_f64(p)}; }
  static FASTNN_INLINE Vec load_first(const double* p, int64_t n) {
    double lanes[2] = {};
    memcpy(lanes, p, static_cast<size_t>(n) * sizeof(double));
    return load(lanes);
  }
  static FASTNN_INLINE Vec broadcast(double x) { return {vdupq_n_f64(x)}; }
  static FASTNN_INLINE Vec zero() { return broadcast(0); }
  FASTNN_INLINE void store(double* p) const { vst1q_f64(p, v); }
  FASTNN_INLINE void store_first(double* p, int64_t n) const {
    double lanes[2];
    store(lanes);
    memcpy(p, lanes, static_cast<size_t>(n) * sizeof(double));
  }
};
FASTNN_INLINE Vec<double> operator+(Vec<double> a, Vec<double> b) { return {vaddq_f64(a.v, b.v)}; }
FASTNN_INLINE Vec<double> operator-(Vec<double> a, Vec<double> b) { return {vsubq_f64(a.v, b.v)}; }
FASTNN_INLINE Vec<double> operator*(Vec<double> a, Vec<double> b) { return {vmulq_f64(a.v, b.v)}; }
FASTNN_INLINE Vec<double> operator/(Vec<double> a, Vec<double> b) { return {vdivq_f64(a.v, b.v)}; }
FASTNN_INLINE Vec<double> operator-(Vec<double> a) { return {vnegq_f64(a.v)}; }
FASTNN_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {vfmaq_f64(c.v, a.v, b.v)};
}
FASTNN_INLINE Vec<double> sqrt(Vec<double> a) { return {vsqrtq_f64(a.v)}; }
FASTNN_INLINE Vec<double> floor(Vec<double> a) { return {vrndmq_f64(a.v)}; }
FASTNN_INLINE Vec<double> ceil(Vec<double> a) { return {vrndpq_f64(a.v)}; }
FASTNN_INLINE Vec<double> round_even(Vec<double> a) { return {vrndnq_f64(a.v)}; }
FASTNN_INLINE Mask64 operator<(Vec<double> a, Vec<double> b) { return {vcltq_f64(a.v, b.v)}; }
FASTNN_INLINE Mask64 operator<=(Vec<double> a, Vec<double> b) { return {vcleq_f64(a.v, b.v)}; }
FASTNN_INLINE Mask64 operator>(Vec<double> a, Vec<double> b) { return {vcgtq_f64(a.v, b.v)}; }
FASTNN_INLINE Mask64 operator>=(Vec<double> a, Vec<double> b) { return {vcgeq_f64(a.v, b.v)}; }
FASTNN_INLINE Mask64 operator==(Vec<double> a, Vec<double> b) { return {vceqq_f64(a.v, b.v)}; }
FASTNN_INLINE Mask64 operator!=(Vec<double> a, Vec<double> b) { return !(a == b); }
FASTNN_INLINE Vec<double> select(Mask64 m, Vec<double> a, Vec<double> b) {
  return {vbslq_f64(m.m, a.v, b.v)};
}
FASTNN_INLINE Vec<double> larger(Vec<double> a, Vec<double> b) { return select(a > b, a, b); }
FASTNN_INLINE Vec<double> smaller(Vec<double> a, Vec<double> b) { return select(a < b, a, b); }
FASTNN_INLINE Int64 bits(Vec<double> a) { return {vreinterpretq_u64_f64(a.v)}; }

FASTNN_INLINE float first_lane(Vec<float> a) { return vgetq_lane_f32(a.v, 0); }
FASTNN_INLINE double first_lane(Vec<double> a) { return vgetq_lane_f64(a.v, 0); }
template <int k>
FASTNN_INLINE Vec<float> lanes_from(Vec<float> a) {
  return {vextq_f32(a.v, a.v, k)};
}
template <int k>
FASTNN_INLINE Vec<double> lanes_from(Vec<double> a) {
  return {vextq_f64(a.v, a.v, k)};
}

template <class T>
Vec<T> from_bits(typename Vec<T>::Int i);
template <>
FASTNN_INLINE Vec<float> from_bits<float>(Int32 i) {
  return {vreinterpretq_f32_u32(i.v)};
}
template <>
FASTNN_INLINE Vec<double> from_bits<double>(Int64 i) {
  return {vreinterpretq_f64_u64(i.v)};
}

FASTNN_INLINE Vec<float> lookup(const float* table, Int32 i) {
  // A byte's place: four times its float's, and which of the four bytes it is.
  const uint32x4_t first = vmulq_n_u32(vandq_u32(i.v, vdupq_n_u32(7)), 0x04040404);
  const uint8x16_t place = vreinterpretq_u8_u32(vaddq_u32(first, vdupq_n_u32(0x03020100)));
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(table);
  const uint8x16x2_t all = {{vld1q_u8(bytes), vld1q_u8(bytes + 16)}};
  return {vreinterpretq_f32_u8(vqtbl2q_u8(all, place))};
}

}  // namespace
}  // namespace fastnn
