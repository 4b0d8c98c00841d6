// The error function, gelu and its slope on Vec<double>.
//
// All come from the tail of the normal distribution function P,
//   P(-a) = e^(-a^2 / 2) F(q) / (a + 5/4), q = (a - k) / (a + k), for a >= 0:
// F stays between 0.39 and 0.64, and is smooth in q from -1 to 1 (after M. Shepherd and
// J. Laframboise, Chebyshev approximation of (1 + 2x) exp(x^2) erfc(x), 1981).
#pragma once

#include "simd/vec_math.h"

namespace fastnn {
namespace {

// F(q) = kNormalFirst + q (kNormal[0] + kNormal[1] q + ...), for a <= kNormalEnd, interpolated at
// Chebyshev's points in 60 digits. k is such that F(0) is next to a double.
constexpr double kNormalWidth = 1.25, kNormalCentre = 5.4765625;
constexpr double kNormalEnd = 38.75;  // a P(-a) is 0 there
constexpr double kNormalFirst = 0.47507290055209667;
constexpr double kNormal[] = {
    -0.12176972500398899,    0.063787931590427366,    -0.017956314507674504,
    -0.0084167201481420914,  0.016977729182788309,    -0.014662947938379006,
    0.0087572591761420418,   -0.0037693289956643736,  0.0010457671978948058,
    -7.2319967137364887e-05, -8.4284020141282205e-05, 3.567411535119352e-05,
    -5.961366799966801e-08,  -4.4565646164320632e-06, 9.3606697661234667e-07,
    4.4786168898181058e-07,  -1.9676969531613518e-07, -4.5755214194758448e-08,
    3.2263952222394729e-08,  6.5693527722307808e-09,  -3.7872081717496583e-09,
    -1.1343857826311044e-09};
// erf(x) / x - 1 in x^2, |x| <= 0.9.
constexpr double kErf[] = {0.1283791670955126,      -0.3761263890318373,    0.11283791670953794,
                           -0.02686617064482373,    0.0052239776217703725,  -0.0008548326764466543,
                           0.00012055321382482122,  -1.492530753550859e-05, 1.6455328747938096e-06,
                           -1.6276526722586205e-07, 1.4051482766989913e-08, -8.493998797080943e-10};
constexpr LongNumber kDensity = {0.3989422804014327, -2.49232720227773e-17};  // 1 / sqrt(2 pi)

// F as value + rest; its divisor a + 5/4, rounded, and about the inverse of that.
struct NormalTail {
  Vec<double> value, rest, width, inverse;
};

FASTNN_INLINE NormalTail normal_tail_of(Vec<double> a) {
  const Vec<double> one = constant<double>(1), first = constant<double>(kNormalFirst);
  const Vec<double> width = a + constant<double>(kNormalWidth);
  const Vec<double> centre = constant<double>(kNormalCentre), sum = a + centre;
  // One division for both inverses; that of a + k, part, then with what rounding took.
  const Vec<double> both = one / (width * sum), about = both * width;
  const Vec<double> off = fma(-about, a - (sum - centre), exact_fma(-about, sum, one));
  const Vec<double> part = fma(about, off, about);
  const Vec<double> q = fma(part, constant<double>(-2 * kNormalCentre), one);
  const Vec<double> p = polynomial(q, kNormal), value = fma(q, p, first);
  return {value, fma(q, p, first - value), width, both * sum};
}

// factor P(-a) e^(a^2 / 2) as value + rest, whose rest is a few roundings of the value.
struct NormalRatio {
  Vec<double> value, rest;
};

FASTNN_INLINE NormalRatio normal_ratio(Vec<double> factor, Vec<double> a) {
  const NormalTail t = normal_tail_of(a);
  const Vec<double> back = t.width - a;
  const Vec<double> width_rest = (a - (t.width - back)) + (constant<double>(kNormalWidth) - back);
  const Vec<double> n = factor * t.value, value = n * t.inverse;
  const Vec<double> n_rest = fma(factor, t.rest, exact_fma(factor, t.value, -n));
  const Vec<double> left = exact_fma(-value, t.width, n) + n_rest;
  return {value, fma(-value, width_rest, left) * t.inverse};
}

// Inside |x| < 0.9 a polynomial, outside 1 - 2 P(-sqrt(2) |x|).
FASTNN_INLINE Vec<double> erf(Vec<double> x) {
  if (Vec<double>::kLanes == 1) return lanewise(x, [](double v) { return ::erf(v); });
  const Vec<double> one = constant<double>(1), a = smaller(constant<double>(6), abs(x));
  const Vec<double> inner = fma(a, polynomial(a * a, kErf), a);
  const NormalTail t = normal_tail_of(a * constant<double>(1.4142135623730951));
  const Exponent<double> e = split_exponent(-(a * a));
  const Vec<double> power = power_of_two(e.biased) * (exp_reduced(e.r) + one);
  const Vec<double> outer = fma(t.value * t.inverse * constant<double>(-2), power, one);
  return copy_sign(select(a < constant<double>(0.9), inner, outer), x);
}

// x P(x) = max(x, 0) - a P(-a), a = |x|.
FASTNN_INLINE Vec<double> gelu(Vec<double> x) {
  const Vec<double> a = smaller(constant<double>(kNormalEnd), abs(x));
  const Exponent<double> e = split_minus_square(a, 2);
  const NormalRatio ratio = normal_ratio(a, a);
  // Times e^r = 1 + r + curve, the largest term last; 2^n, which may make it subnormal, after that.
  const Vec<double> curve = e.r * e.r * polynomial(e.r, Coefficients<double>::kExp);
  const Vec<double> rest = fma(ratio.value, curve, fma(ratio.rest, e.r, ratio.rest));
  const Vec<double> tail = scaled(ratio.value + fma(ratio.value, e.r, rest), e);
  return larger(-Vec<double>::zero(), x) - tail;  // of two zeros the second: of -0, -0
}

// P(x) + x P'(x), at -a: e^(-a^2 / 2) (P(-a) e^(a^2 / 2) - a / sqrt(2 pi)).
FASTNN_INLINE Vec<double> gelu_slope(Vec<double> x) {
  const Vec<double> one = constant<double>(1), a = smaller(constant<double>(kNormalEnd), abs(x));
  const Exponent<double> e = split_minus_square(a, 2);
  const NormalRatio ratio = normal_ratio(one, a);
  const Vec<double> rest = fma(a, constant<double>(-kDensity.rest), ratio.value + ratio.rest);
  const Vec<double> height = exact_fma(a, constant<double>(-kDensity.value), rest);
  const Vec<double> tail = scaled(fma(height, exp_reduced(e.r), height), e);
  return select(x < Vec<double>::zero(), tail, one - tail);
}

}  // namespace
}  // namespace fastnn
