// One register of numbers, the same interface on every instruction set.
//
// Vec<float> and Vec<double> have
//   kLanes, Scalar, Mask, Int (the bits of a lane as a signed integer)
//   load(p)  load_first(p, n)  store(p)  store_first(p, n)  broadcast(x)  zero()
//     load_first and store_first touch n < kLanes elements only; the other lanes are zero
//   a + b  a - b  a * b  a / b  -a  fma(a, b, c)  sqrt(a)  floor(a)  ceil(a)  round_even(a)
//     fma(a, b, c) = a * b + c, rounded once except on the scalar target
//   a < b  a <= b  a > b  a >= b  a == b  a != b  ->  Mask;  m & n  m | n  !m  any(m)  all(m)
//   select(m, a, b)  larger(a, b) = a > b ? a : b  smaller(a, b) = a < b ? a : b
//   first_lane(a) -> Scalar;  lanes_from<k>(a): lanes k to 2k - 1 in the places of the first k
//   bits(a) -> Int  from_bits<T>(i);  i + j  i - j  i & j  i | j  i ^ j  shift_left<n>(i)
//   shift_right<n>(i) (logical)  lookup(table, i): of 8 floats, aligned to 32 bytes, the one that
//     the last three bits of each lane name
// and from here abs, copy_sign, maximum, minimum, is_nan, exact_fma, load_some, store_some.
//
// Everything lies in an anonymous namespace: each object keeps its own copy, so code for an
// instruction set that the processor lacks can never be picked by the linker.
#pragma once

#include <stdint.h>
#include <string.h>

#define FASTNN_INLINE inline __attribute__((always_inline))

#if defined(FASTNN_TARGET_avx512) && !defined(FASTNN_EMULATE_AVX512)
#include "simd/vec_avx512.h"
#elif defined(FASTNN_TARGET_avx512) || defined(FASTNN_TARGET_avx2)
#include "simd/vec_avx2.h"
#elif defined(FASTNN_TARGET_neon)
#include "simd/vec_neon.h"
#else
#include "simd/vec_scalar.h"
#endif

#if defined(FASTNN_TARGET_avx512) && (defined(FASTNN_WIDE) || defined(FASTNN_EMULATE_AVX512)) || \
    defined(FASTNN_TARGET_avx2) && defined(FASTNN_WIDE)
#define FASTNN_VEC_PAIR
#include "simd/vec_pair.h"
#endif

namespace fastnn {
namespace {

#if defined(FASTNN_VEC_PAIR)
using namespace pair;
#elif defined(FASTNN_TARGET_avx512) || defined(FASTNN_TARGET_avx2)
using namespace single;
#endif

// The same value, kept in a register: a compiler may load a value that is used several times anew
// with each use, as an operand in memory, until the loads take longer than the arithmetic.
template <class T>
FASTNN_INLINE Vec<T> in_register(Vec<T> x) {
#if (defined(FASTNN_TARGET_avx512) || defined(FASTNN_TARGET_avx2)) && !defined(FASTNN_VEC_PAIR)
  asm("" : "+v"(x.v));
#endif
  return x;
}

// The layout of IEEE 754 numbers.
template <class T>
struct Format;
template <>
struct Format<float> {
  using Int = int32_t;
  static constexpr int kMantissaBits = 23;
  static constexpr Int kSign = INT32_MIN, kOne = 0x3f800000, kInfinity = 0x7f800000;
};
template <>
struct Format<double> {
  using Int = int64_t;
  static constexpr int kMantissaBits = 52;
  static constexpr Int kSign = INT64_MIN, kOne = 0x3ff0000000000000, kInfinity = 0x7ff0000000000000;
};

template <class T>
FASTNN_INLINE typename Vec<T>::Int integers(typename Format<T>::Int i) {
  return Vec<T>::Int::broadcast(i);
}

template <class T>
FASTNN_INLINE Vec<T> abs(Vec<T> a) {
  return from_bits<T>(bits(a) & integers<T>(~Format<T>::kSign));
}

// The magnitude of a with the sign of b.
template <class T>
FASTNN_INLINE Vec<T> copy_sign(Vec<T> a, Vec<T> b) {
  return from_bits<T>((bits(a) & integers<T>(~Format<T>::kSign)) |
                      (bits(b) & integers<T>(Format<T>::kSign)));
}

template <class T>
FASTNN_INLINE typename Vec<T>::Mask is_nan(Vec<T> a) {
  return a != a;
}

// NaN if either is NaN; of two zeros the second.
template <class T>
FASTNN_INLINE Vec<T> maximum(Vec<T> a, Vec<T> b) {
  return select(is_nan(a), a, larger(a, b));
}
template <class T>
FASTNN_INLINE Vec<T> minimum(Vec<T> a, Vec<T> b) {
  return select(is_nan(a), a, smaller(a, b));
}

// a * b + c rounded once on every target. The scalar one pays for it.
template <class T>
FASTNN_INLINE Vec<T> exact_fma(Vec<T> a, Vec<T> b, Vec<T> c) {
#ifdef FASTNN_SCALAR_VEC
  return scalar_fma(a, b, c);
#else
  return fma(a, b, c);
#endif
}

// The last step of a loop: up to kLanes elements.
template <class T>
FASTNN_INLINE Vec<T> load_some(const T* p, int64_t n) {
  return n >= Vec<T>::kLanes ? Vec<T>::load(p) : Vec<T>::load_first(p, n);
}
template <class T>
FASTNN_INLINE void store_some(Vec<T> a, T* p, int64_t n) {
  if (n >= Vec<T>::kLanes)
    a.store(p);
  else
    a.store_first(p, n);
}

// step(index, left) for every register of [0, n); all but the last have left = kLanes.
template <class T, class Step>
FASTNN_INLINE void for_registers(int64_t n, Step step) {
  constexpr int kLanes = Vec<T>::kLanes;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) step(i, int64_t{kLanes});
  if (i < n) step(i, n - i);
}

}  // namespace
}  // namespace fastnn
