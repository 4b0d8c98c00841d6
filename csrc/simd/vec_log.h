// The logarithm and its kin on Vec.
#pragma once

#include "simd/vec_exp.h"

namespace fastnn {
namespace {

// x = 2^e (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), for positive normal x (times 2^-lifted_bits);
// log(1 + f) = f - (half - curve), half = f^2 / 2, curve = s (half + s^2 R(s^2)), s = f / (2 + f).
template <class T>
struct Logarithm {
  Vec<T> e, f, half, s, r;  // curve = s r
};

template <class T>
FASTNN_INLINE Logarithm<T> split_log(Vec<T> x, Vec<T> lifted_bits) {
  using R = Reduction<T>;
  using F = Format<T>;
  const auto i = bits(x);
  const auto k = shift_right<F::kMantissaBits>(i + integers<T>(F::kOne - R::kSqrtHalf));
  const Vec<T> m = from_bits<T>(i - shift_left<F::kMantissaBits>(k) + integers<T>(F::kOne));
  constexpr double kBias = sizeof(T) == 4 ? 127 : 1023;
  const Vec<T> e =
      from_bits<T>(k | bits(constant<T>(R::kUnit))) - constant<T>(R::kUnit + kBias) - lifted_bits;
  const Vec<T> f = m - constant<T>(1), s = f / (constant<T>(2) + f), z = s * s;
  const Vec<T> half = constant<T>(0.5) * f * f;
  return {e, f, half, s, fma(z, polynomial(z, Coefficients<T>::kLog), half)};
}

// log(x) + low for positive normal x, low far below it.
template <class T>
FASTNN_INLINE Vec<T> log_of_normal(Vec<T> x, Vec<T> lifted_bits, Vec<T> low) {
  using R = Reduction<T>;
  const Logarithm<T> l = split_log(x, lifted_bits);
  const Vec<T> correction = fma(l.e, constant<T>(R::kLn2Low), low);
  return fma(l.e, constant<T>(R::kLn2High), l.f - (l.half - fma(l.s, l.r, correction)));
}

// log_of(x, exponent to be subtracted) for normal x, and what the other x have.
template <class T, class F>
FASTNN_INLINE Vec<T> log_of_any(Vec<T> x, F log_of) {
  using R = Reduction<T>;
  const Vec<T> zero = Vec<T>::zero(), infinity = constant<T>(HUGE_VAL);
  const auto tiny = x < constant<T>(R::kLeastNormal);
  const Vec<T> y = log_of(select(tiny, x * constant<T>(R::kLift), x),
                          select(tiny, constant<T>(R::kLiftBits), zero));
  const Vec<T> special = select(x == zero, -infinity, select(x > zero, x, constant<T>(NAN)));
  return select((x > zero) & (x < infinity), y, special);
}

template <class T>
FASTNN_INLINE Vec<T> log(Vec<T> x) {
  return log_of_any(
      x, [](Vec<T> v, Vec<T> lifted) { return log_of_normal(v, lifted, Vec<T>::zero()); });
}

// Numbers with what rounding to double takes from them: log2(e), log10(e), log10(2).
struct LongNumber {
  double value, rest;
};
constexpr LongNumber kLog2e = {1.4426950408889634, 2.0355273740931033e-17};
constexpr LongNumber kLog10e = {0.4342944819032518, 1.098319650216765e-17};
constexpr LongNumber kLog10Of2 = {0.3010299956639812, -2.8037281277851704e-18};

// What rounding to T takes.
template <class T>
FASTNN_INLINE Vec<T> low_part(LongNumber x) {
  return constant<T>(x.value - static_cast<double>(static_cast<T>(x.value)) + x.rest);
}

// log(x) in another base, as e step + log(1 + f) unit, both in two parts.
template <class T>
FASTNN_INLINE Vec<T> log_in_base(Vec<T> x, LongNumber unit, LongNumber step) {
  return log_of_any(x, [=](Vec<T> v, Vec<T> lifted) {
    const Logarithm<T> l = split_log(v, lifted);
    const Vec<T> high = l.f - l.half, low = fma(l.s, l.r, (l.f - high) - l.half);
    const Vec<T> c = constant<T>(unit.value), product = high * c;
    const Vec<T> rest = fma(high, low_part<T>(unit), exact_fma(high, c, -product));
    const Vec<T> small = fma(low, c, fma(l.e, low_part<T>(step), rest));
    return fma(l.e, constant<T>(step.value), product + small);
  });
}

template <class T>
FASTNN_INLINE Vec<T> log2(Vec<T> x) {
  return log_in_base(x, kLog2e, {1, 0});
}

template <class T>
FASTNN_INLINE Vec<T> log10(Vec<T> x) {
  return log_in_base(x, kLog10e, kLog10Of2);
}

// log(1 + x) = log(u) + (x - (u - 1)) / u, u = 1 + x rounded.
template <class T>
FASTNN_INLINE Vec<T> log1p(Vec<T> x) {
  const Vec<T> one = constant<T>(1), infinity = constant<T>(HUGE_VAL), u = one + x;
  const Vec<T> rest = select(x > one, one - (u - x), x - (u - one));
  const Vec<T> y = copy_sign(log_of_normal(u, Vec<T>::zero(), rest / u), x);
  const Vec<T> special = select(x == -one, -infinity, select(x > -one, x, constant<T>(NAN)));
  return select((x > -one) & (x < infinity), y, special);
}

// log(1 + e^x)
template <class T>
FASTNN_INLINE Vec<T> softplus(Vec<T> x) {
  const Vec<T> low = constant<T>(Reduction<T>::kExpLow), one = constant<T>(1);
  const Vec<T> e = bounded_exp(larger(low, -abs(x))), u = one + e;
  return larger(Vec<T>::zero(), x) + log_of_normal(u, Vec<T>::zero(), (e - (u - one)) / u);
}

}  // namespace
}  // namespace fastnn
