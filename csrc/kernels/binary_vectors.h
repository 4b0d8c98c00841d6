// Functions of two floats that a compiler makes no vectors of: remainders, powers, the arc tangent
// of a quotient. Their semantics are those of C's fmod, pow and atan2, and Python's // and %.
#pragma once

#include <math.h>

#include "simd/vec.h"
#include "simd/vec_math.h"
#include "simd/vec_trig.h"

namespace fastnn {
namespace {

inline float c_fmod(float a, float b) { return fmodf(a, b); }
inline double c_fmod(double a, double b) { return ::fmod(a, b); }

// f of two registers, lane by lane.
template <class T, class F>
inline Vec<T> lanewise(Vec<T> a, Vec<T> b, F f) {
  constexpr int kLanes = Vec<T>::kLanes;
  T x[kLanes], y[kLanes];
  a.store(x);
  b.store(y);
  for (int i = 0; i < kLanes; ++i) x[i] = f(x[i], y[i]);
  return Vec<T>::load(x);
}

// What a leaves behind when b is taken from it as often as it goes in; the sign is that of a. While
// T holds the whole quotient, it holds the remainder. The quotient may have been rounded up to it.
template <class T>
FASTNN_INLINE Vec<T> remainder_of(Vec<T> a, Vec<T> b) {
  using V = Vec<T>;
  const V quotient = a / b, size = abs(quotient);
  const V most = V::broadcast(static_cast<T>(int64_t{1} << Format<T>::kMantissaBits));
  const auto plain = (size < most) & (abs(b) < V::broadcast(static_cast<T>(INFINITY)));
  if (any(!plain)) return lanewise(a, b, [](T x, T y) { return c_fmod(x, y); });
  const V r = exact_fma(-copy_sign(floor(size), quotient), b, a);
  const auto beyond = ((r < V::zero()) & (a > V::zero())) | ((r > V::zero()) & (a < V::zero()));
  return select(beyond, r + copy_sign(b, a), r);
}

// Whether what is left over has another sign than the divisor.
template <class T>
FASTNN_INLINE typename Vec<T>::Mask differs(Vec<T> r, Vec<T> b) {
  const Vec<T> zero = Vec<T>::zero();
  return ((r < zero) & (b >= zero)) | ((r > zero) & (b < zero));
}

// With the sign of the divisor.
template <class T>
FASTNN_INLINE Vec<T> mod(Vec<T> a, Vec<T> b) {
  const Vec<T> r = remainder_of(a, b);
  return select(r == Vec<T>::zero(), copy_sign(r, b), select(differs(r, b), r + b, r));
}

template <class T>
FASTNN_INLINE Vec<T> floor_quotient(Vec<T> a, Vec<T> b) {
  using V = Vec<T>;
  const V one = V::broadcast(1), r = remainder_of(a, b), exact = (a - r) / b;
  const V q = select(differs(r, b), exact - one, exact), whole = floor(q);
  const V rounded = select(q - whole > V::broadcast(T{0.5}), whole + one, whole);
  const V nearest = select(q == V::zero(), copy_sign(q, a / b), rounded);
  return select(b == V::zero(), a / b, nearest);
}

template <class T>
FASTNN_INLINE Vec<T> atan2(Vec<T> y, Vec<T> x) {
  using V = Vec<T>;
  using G = Trigonometry<T>;
  const V zero = V::zero(), a = abs(y), b = abs(x),
          infinity = V::broadcast(static_cast<T>(INFINITY));
  const auto steep = a > b;
  const V small = select(steep, b, a), large = select(steep, a, b);
  V t = small / large;
  t = select(large == zero, small, select(small == infinity, V::broadcast(1), t));
  const V high = V::broadcast(static_cast<T>(G::kHalfPi[0])),
          low = V::broadcast(static_cast<T>(G::kHalfPi[1])), angle = atan(t);
  const V from_x = select(steep, high - (angle - low), angle);
  const auto backwards = copy_sign(V::broadcast(1), x) < zero;
  const V all = select(backwards, high + high - (from_x - (low + low)), from_x);
  return copy_sign(select(is_nan(x), x, all), y);
}

// In double precision, whose logarithm and exponential leave nothing of an error behind in float.
FASTNN_INLINE Vec<double> wide_pow(Vec<double> a, Vec<double> b) {
  using V = Vec<double>;
  const V zero = V::zero(), one = constant<double>(1), infinity = constant<double>(INFINITY);
  const V size = exp(b * log(abs(a))), half = b * constant<double>(0.5);
  const auto whole = floor(b) == b, odd = whole & (floor(half) != half) & (abs(b) < infinity);
  const auto negative = copy_sign(one, a) < zero;
  const V y = select(negative & odd, -size, size);
  const auto none = (a < zero) & (a > -infinity) & !whole & !is_nan(b);
  const auto always_one = (b == zero) | (a == one) | ((abs(a) == one) & (abs(b) == infinity));
  return select(always_one, one, select(none, constant<double>(NAN), y));
}

FASTNN_INLINE Vec<float> pow(Vec<float> a, Vec<float> b) {
  constexpr int kLanes = Vec<float>::kLanes, kWide = Vec<double>::kLanes;
  float x[kLanes], y[kLanes];
  double base[kLanes], exponent[kLanes];
  a.store(x);
  b.store(y);
  for (int i = 0; i < kLanes; ++i) {
    base[i] = static_cast<double>(x[i]);
    exponent[i] = static_cast<double>(y[i]);
  }
  for (int i = 0; i < kLanes; i += kWide)
    wide_pow(Vec<double>::load(base + i), Vec<double>::load(exponent + i)).store(base + i);
  for (int i = 0; i < kLanes; ++i) x[i] = static_cast<float>(base[i]);
  return Vec<float>::load(x);
}
FASTNN_INLINE Vec<double> pow(Vec<double> a, Vec<double> b) {
  return lanewise(a, b, [](double x, double y) { return ::pow(x, y); });
}

}  // namespace
}  // namespace fastnn
