// Vec in plain C, one lane: every processor, and the pattern for the other targets.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

namespace fastnn {
namespace {

template <class T>
struct Vec;

struct OneMask {
  bool m;
};
FASTNN_INLINE OneMask operator&(OneMask a, OneMask b) { return {a.m && b.m}; }
FASTNN_INLINE OneMask operator|(OneMask a, OneMask b) { return {a.m || b.m}; }
FASTNN_INLINE OneMask operator!(OneMask a) { return {!a.m}; }
FASTNN_INLINE bool any(OneMask a) { return a.m; }
FASTNN_INLINE bool all(OneMask a) { return a.m; }

// An unsigned integer inside: sums wrap and shifts are logical.
template <class I, class U>
struct OneInt {
  U v;
  static FASTNN_INLINE OneInt broadcast(I x) { return {static_cast<U>(x)}; }
  friend FASTNN_INLINE OneInt operator+(OneInt a, OneInt b) { return {a.v + b.v}; }
  friend FASTNN_INLINE OneInt operator-(OneInt a, OneInt b) { return {a.v - b.v}; }
  friend FASTNN_INLINE OneInt operator&(OneInt a, OneInt b) { return {a.v & b.v}; }
  friend FASTNN_INLINE OneInt operator|(OneInt a, OneInt b) { return {a.v | b.v}; }
  friend FASTNN_INLINE OneInt operator^(OneInt a, OneInt b) { return {a.v ^ b.v}; }
};
template <int n, class I, class U>
FASTNN_INLINE OneInt<I, U> shift_left(OneInt<I, U> a) {
  return {a.v << n};
}
template <int n, class I, class U>
FASTNN_INLINE OneInt<I, U> shift_right(OneInt<I, U> a) {
  return {a.v >> n};
}

#define FASTNN_ONE_LANE(T, I, U, suffix)                                               \
  template <>                                                                          \
  struct Vec<T> {                                                                      \
    using Scalar = T;                                                                  \
    using Mask = OneMask;                                                              \
    using Int = OneInt<I, U>;                                                          \
    static constexpr int kLanes = 1;                                                   \
    T v;                                                                               \
    static FASTNN_INLINE Vec load(const T* p) { return {*p}; }                         \
    static FASTNN_INLINE Vec load_first(const T*, int64_t) { return {0}; }             \
    static FASTNN_INLINE Vec broadcast(T x) { return {x}; }                            \
    static FASTNN_INLINE Vec zero() { return {0}; }                                    \
    FASTNN_INLINE void store(T* p) const { *p = v; }                                   \
    FASTNN_INLINE void store_first(T*, int64_t) const {}                               \
  };                                                                                   \
  FASTNN_INLINE Vec<T> operator+(Vec<T> a, Vec<T> b) { return {a.v + b.v}; }           \
  FASTNN_INLINE Vec<T> operator-(Vec<T> a, Vec<T> b) { return {a.v - b.v}; }           \
  FASTNN_INLINE Vec<T> operator*(Vec<T> a, Vec<T> b) { return {a.v * b.v}; }           \
  FASTNN_INLINE Vec<T> operator/(Vec<T> a, Vec<T> b) { return {a.v / b.v}; }           \
  FASTNN_INLINE Vec<T> operator-(Vec<T> a) { return {-a.v}; }                          \
  FASTNN_INLINE Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) { return {a.v * b.v + c.v}; } \
  FASTNN_INLINE Vec<T> sqrt(Vec<T> a) { return {::sqrt##suffix(a.v)}; }                \
  FASTNN_INLINE Vec<T> floor(Vec<T> a) { return {::floor##suffix(a.v)}; }              \
  FASTNN_INLINE Vec<T> ceil(Vec<T> a) { return {::ceil##suffix(a.v)}; }                \
  FASTNN_INLINE Vec<T> round_even(Vec<T> a) { return {::nearbyint##suffix(a.v)}; }     \
  FASTNN_INLINE OneMask operator<(Vec<T> a, Vec<T> b) { return {a.v < b.v}; }          \
  FASTNN_INLINE OneMask operator<=(Vec<T> a, Vec<T> b) { return {a.v <= b.v}; }        \
  FASTNN_INLINE OneMask operator>(Vec<T> a, Vec<T> b) { return {a.v > b.v}; }          \
  FASTNN_INLINE OneMask operator>=(Vec<T> a, Vec<T> b) { return {a.v >= b.v}; }        \
  FASTNN_INLINE OneMask operator==(Vec<T> a, Vec<T> b) { return {a.v == b.v}; }        \
  FASTNN_INLINE OneMask operator!=(Vec<T> a, Vec<T> b) { return {a.v != b.v}; }        \
  FASTNN_INLINE Vec<T> select(OneMask m, Vec<T> a, Vec<T> b) { return m.m ? a : b; }   \
  FASTNN_INLINE Vec<T> larger(Vec<T> a, Vec<T> b) { return a.v > b.v ? a : b; }        \
  FASTNN_INLINE Vec<T> smaller(Vec<T> a, Vec<T> b) { return a.v < b.v ? a : b; }       \
  FASTNN_INLINE T first_lane(Vec<T> a) { return a.v; }                                 \
  FASTNN_INLINE OneInt<I, U> bits(Vec<T> a) {                                          \
    OneInt<I, U> i;                                                                    \
    memcpy(&i.v, &a.v, sizeof(T));                                                     \
    return i;                                                                          \
  }                                                                                    \
  FASTNN_INLINE void bits_to(OneInt<I, U> i, Vec<T>& a) { memcpy(&a.v, &i.v, sizeof(T)); }
FASTNN_ONE_LANE(float, int32_t, uint32_t, f)
FASTNN_ONE_LANE(double, int64_t, uint64_t, )
#undef FASTNN_ONE_LANE

FASTNN_INLINE Vec<float> lookup(const float* table, Vec<float>::Int i) { return {table[i.v & 7]}; }

template <int k, class T>
FASTNN_INLINE Vec<T> lanes_from(Vec<T> a);  // of one lane there is nothing to take

template <class T>
FASTNN_INLINE Vec<T> from_bits(typename Vec<T>::Int i) {
  Vec<T> a;
  bits_to(i, a);
  return a;
}

#define FASTNN_SCALAR_VEC
FASTNN_INLINE Vec<float> scalar_fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {static_cast<float>(static_cast<double>(a.v) * b.v + c.v)};
}
FASTNN_INLINE Vec<double> scalar_fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {::fma(a.v, b.v, c.v)};
}

}  // namespace
}  // namespace fastnn
