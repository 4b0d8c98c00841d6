// Numbers of any magnitude on Vec: a mantissa and a power of two, each a lane of its own.
//
// Products of thousands of probabilities neither under- nor overflow, keep the relative precision
// of the type, and cost no exp and no log. The exponent is a whole number in a floating-point lane:
// exact to 2^24 (float) or 2^53 (double), beyond that rounded.
#pragma once

#include "simd/vec_math.h"

namespace fastnn {
namespace {

// kNothing: the exponent of zero, below all others and far from infinity even if added up.
// kLeast: 2^kLeast is the least normal number.
template <class T>
struct ScaledRange;
template <>
struct ScaledRange<float> {
  static constexpr float kNothing = -1e37f;
  static constexpr double kLeast = -126, kBias = 127;
};
template <>
struct ScaledRange<double> {
  static constexpr double kNothing = -1e300;
  static constexpr double kLeast = -1022, kBias = 1023;
};

// mantissa 2^exponent. Normalized, the mantissa lies in [1, 2), or is 0 with exponent kNothing, or
// NaN. The exponent is never NaN.
template <class T>
struct Scaled {
  Vec<T> mantissa, exponent;

  static FASTNN_INLINE Scaled zero() {
    return {Vec<T>::zero(), Vec<T>::broadcast(ScaledRange<T>::kNothing)};
  }
};

// 2^d for d <= 2; of a d below all normal numbers the least of them.
template <class T>
FASTNN_INLINE Vec<T> power_of_difference(Vec<T> d) {
  const Vec<T> bounded = clamp(d, ScaledRange<T>::kLeast, 2);
  return power_of_two(bounded + constant<T>(Reduction<T>::kRound));
}

template <class T>
FASTNN_INLINE Scaled<T> select(typename Vec<T>::Mask m, Scaled<T> a, Scaled<T> b) {
  return {select(m, a.mantissa, b.mantissa), select(m, a.exponent, b.exponent)};
}

// Sums of normalized numbers; the result is not normalized: its mantissa is below 2 a term.
template <class T>
FASTNN_INLINE Scaled<T> operator+(Scaled<T> a, Scaled<T> b) {
  const Vec<T> e = larger(a.exponent, b.exponent);
  return {fma(a.mantissa, power_of_difference(a.exponent - e),
              b.mantissa * power_of_difference(b.exponent - e)),
          e};
}
template <class T>
FASTNN_INLINE Scaled<T> sum(Scaled<T> a, Scaled<T> b, Scaled<T> c) {
  const Vec<T> e = larger(larger(a.exponent, b.exponent), c.exponent);
  const Vec<T> first = fma(a.mantissa, power_of_difference(a.exponent - e),
                           b.mantissa * power_of_difference(b.exponent - e));
  return {fma(c.mantissa, power_of_difference(c.exponent - e), first), e};
}

// The product, normalized, of numbers whose mantissas are below 8. That of zero is zero: what is
// added to kNothing is lost in it.
template <class T>
FASTNN_INLINE Scaled<T> operator*(Scaled<T> a, Scaled<T> b) {
  using R = Reduction<T>;
  const Vec<T> product = a.mantissa * b.mantissa;
  const auto biased = shift_right<Format<T>::kMantissaBits>(bits(product));
  const Vec<T> k = from_bits<T>(biased | bits(constant<T>(R::kUnit))) -
                   constant<T>(R::kUnit + ScaledRange<T>::kBias);
  // By a product, not in the bits: so a NaN stays one.
  return {product * power_of_two(constant<T>(R::kRound) - k),
          larger(a.exponent + b.exponent + k, Vec<T>::broadcast(ScaledRange<T>::kNothing))};
}

// e^x for x <= 0, of any size. Not normalized: the mantissa lies about 1.
template <class T>
FASTNN_INLINE Scaled<T> exp_scaled(Vec<T> x) {
  using R = Reduction<T>;
  const Vec<T> nothing = Vec<T>::broadcast(ScaledRange<T>::kNothing);
  const Vec<T> bounded = larger(nothing * constant<T>(0.5), x);  // keeps NaN
  const Vec<T> n = round_even(bounded * constant<T>(R::kLog2e));
  const Vec<T> r = fma(n, constant<T>(-R::kLn2Low), fma(n, constant<T>(-R::kLn2High), bounded));
  // Where x has no binary places left, r is what n could not say: less than x is precise to.
  const Vec<T> mantissa = exp_reduced(clamp(r, -0.5, 0.5)) + constant<T>(1);
  const auto vanishes = x < bounded;
  return {select(vanishes, Vec<T>::zero(), mantissa),
          select(vanishes, nothing, larger(n, nothing))};
}

}  // namespace
}  // namespace fastnn
