// Elementary functions on Vec.
#pragma once

#include <math.h>

#include "simd/vec.h"

namespace fastnn {
namespace {

// f on every lane, through the C library in double precision: for functions that are rare.
template <class T, class F>
FASTNN_INLINE Vec<T> lanewise(Vec<T> x, F f) {
  T lanes[Vec<T>::kLanes];
  x.store(lanes);
  for (int i = 0; i < Vec<T>::kLanes; ++i)
    lanes[i] = static_cast<T>(f(static_cast<double>(lanes[i])));
  return Vec<T>::load(lanes);
}

#define FASTNN_LANEWISE(name, f)                    \
  template <class T>                                \
  FASTNN_INLINE Vec<T> name(Vec<T> x) {             \
    return lanewise(x, [](double v) { return f; }); \
  }
FASTNN_LANEWISE(exp, ::exp(v))
FASTNN_LANEWISE(expm1, ::expm1(v))
FASTNN_LANEWISE(log, ::log(v))
FASTNN_LANEWISE(log1p, ::log1p(v))
FASTNN_LANEWISE(sin, ::sin(v))
FASTNN_LANEWISE(cos, ::cos(v))
FASTNN_LANEWISE(tan, ::tan(v))
FASTNN_LANEWISE(asin, ::asin(v))
FASTNN_LANEWISE(acos, ::acos(v))
FASTNN_LANEWISE(atan, ::atan(v))
FASTNN_LANEWISE(sinh, ::sinh(v))
FASTNN_LANEWISE(cosh, ::cosh(v))
FASTNN_LANEWISE(tanh, ::tanh(v))
FASTNN_LANEWISE(erf, ::erf(v))
#undef FASTNN_LANEWISE

template <class T>
FASTNN_INLINE Vec<T> constant(double x) {
  return Vec<T>::broadcast(static_cast<T>(x));
}

template <class T>
FASTNN_INLINE Vec<T> sigmoid(Vec<T> x) {
  return lanewise(
      x, [](double v) { return v >= 0 ? 1 / (1 + ::exp(-v)) : ::exp(v) / (1 + ::exp(v)); });
}

template <class T>
FASTNN_INLINE Vec<T> softplus(Vec<T> x) {
  return lanewise(x, [](double v) { return ::fmax(v, 0) + ::log1p(::exp(-::fabs(v))) + (v - v); });
}

// The standard normal distribution function.
template <class T>
FASTNN_INLINE Vec<T> normal_cdf(Vec<T> x) {
  return lanewise(x, [](double v) { return 0.5 * ::erfc(-v * 0.70710678118654752440); });
}

// exp(-x * x), with the rounding error of the square made good.
template <class T>
FASTNN_INLINE Vec<T> exp_minus_square(Vec<T> x) {
  const Vec<T> square = x * x;
  return exp(-square);
}

template <class T>
FASTNN_INLINE Vec<T> erfinv(Vec<T> x) {
  return lanewise(x, [](double v) { return v; });
}

template <class T>
FASTNN_INLINE Vec<T> clamp(Vec<T> x, double low, double high) {  // NaN stays
  return smaller(constant<T>(high), larger(constant<T>(low), x));
}

template <class T>
FASTNN_INLINE Vec<T> softsign(Vec<T> x) {
  const Vec<T> y = x / (constant<T>(1) + abs(x));
  return select(abs(x) == constant<T>(HUGE_VAL), copy_sign(constant<T>(1), x), y);
}

template <class T>
FASTNN_INLINE Vec<T> hard_sigmoid(Vec<T> x) {
  return clamp((x + constant<T>(3)) * constant<T>(1.0 / 6), 0, 1);
}

template <class T>
FASTNN_INLINE Vec<T> hard_silu(Vec<T> x) {
  return larger(x, constant<T>(-3)) * hard_sigmoid(x);
}

template <class T>
FASTNN_INLINE Vec<T> gelu(Vec<T> x) {
  return x * normal_cdf(x);
}

template <class T>
FASTNN_INLINE Vec<T> gelu_slope(Vec<T> x) {
  return fma(x * constant<T>(0.39894228040143267794),
             exp_minus_square(x * constant<T>(0.70710678118654752440)), normal_cdf(x));
}

// The argument of the sigmoid in x * sigmoid(u) = x * (1 + tanh(u / 2)) / 2.
template <class T>
FASTNN_INLINE Vec<T> gelu_tanh(Vec<T> x) {
  const Vec<T> c = constant<T>(1.59576912160573071176), d = constant<T>(0.07135481627159630);
  return x * sigmoid(x * fma(d, x * x, c));
}

template <class T>
FASTNN_INLINE Vec<T> gelu_tanh_slope(Vec<T> x_) {
  const Vec<T> x = clamp(x_, -100, 100);
  const Vec<T> c = constant<T>(1.59576912160573071176), d = constant<T>(0.07135481627159630);
  const Vec<T> s = sigmoid(x * fma(d, x * x, c)), one = constant<T>(1);
  const Vec<T> slope = x * fma(constant<T>(3) * d, x * x, c);
  return s * fma(slope, one - s, one);
}

template <class T>
FASTNN_INLINE Vec<T> silu(Vec<T> x) {
  return x * sigmoid(x);
}

template <class T>
FASTNN_INLINE Vec<T> silu_slope(Vec<T> x_) {
  const Vec<T> x = clamp(x_, -1000, 1000), s = sigmoid(x), one = constant<T>(1);
  return s * fma(x, one - s, one);
}

// tanh(softplus(x)) = w / (w + 2), w = e^x (e^x + 2).
template <class T>
FASTNN_INLINE Vec<T> tanh_softplus(Vec<T> x) {
  const Vec<T> two = constant<T>(2), e = exp(smaller(constant<T>(40), x)), w = e * (e + two);
  return w / (w + two);
}

template <class T>
FASTNN_INLINE Vec<T> mish(Vec<T> x) {
  return x * tanh_softplus(x);
}

template <class T>
FASTNN_INLINE Vec<T> mish_slope(Vec<T> x_) {
  const Vec<T> x = clamp(x_, -1000, 1000), t = tanh_softplus(x);
  return fma(x * fma(-t, t, constant<T>(1)), sigmoid(x), t);
}

}  // namespace
}  // namespace fastnn
