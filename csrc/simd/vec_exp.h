// The exponential function and its kin on Vec; and what all elementary functions are made of.
#pragma once

#include <math.h>

#include "simd/pieces.h"
#include "simd/vec.h"

namespace fastnn {
namespace {

// Integers so large that the last bit of a sum with them is a unit: adding one rounds.
template <class T>
struct Reduction;
template <>
struct Reduction<float> {
  static constexpr float kRound = 12582912.0f;  // 1.5 * 2^23
  static constexpr float kUnit = 8388608.0f;    // 2^23: its last bits are an integer from 0
  static constexpr float kLog2e = 1.44269504f;
  static constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;  // n * high is exact
  static constexpr float kExpLow = -104.0f, kExpHigh = 89.0f;    // results 0 and infinity
  static constexpr float kExpm1Low = -25.0f;                     // result -1
  static constexpr float kGateLow = -130.0f, kGateHigh = 20.0f;  // x sigmoid(x) is -0 and x
  static constexpr int32_t kSqrtHalf = 0x3f3504f3;
  static constexpr float kLeastNormal = 1.17549435e-38f, kLift = 16777216.0f;  // 2^24
  static constexpr float kLiftBits = 24;
};
template <>
struct Reduction<double> {
  static constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double kUnit = 4503599627370496.0;   // 2^52
  static constexpr double kLog2e = 1.4426950408889634;
  static constexpr double kLn2High = 6.93147180369123816490e-01;
  static constexpr double kLn2Low = 1.90821492927058770002e-10;
  static constexpr double kExpLow = -746.0, kExpHigh = 710.0;
  static constexpr double kExpm1Low = -50.0;
  static constexpr double kGateLow = -770.0, kGateHigh = 40.0;
  static constexpr int64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
  static constexpr double kLeastNormal = 2.2250738585072014e-308;
  static constexpr double kLift = 18014398509481984.0;  // 2^54
  static constexpr double kLiftBits = 54;
};

// kExp, kExpm1: (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2, fitted for e^r and for e^r - 1.
// kTanh: (tanh(x) / x - 1) / x^2 in x^2, |x| <= 0.55.
// kLog: (2 atanh(s) / s - 2) / s^2 as a polynomial in s^2, |s| <= 0.172.
template <class T>
struct Coefficients;
template <>
struct Coefficients<float> {
  static constexpr float kExp[] = {0.49999994f, 0.166665167f, 0.0416681021f, 0.00836916454f,
                                   0.00138379866f};
  static constexpr float kExpm1[] = {0.5f,          0.166666672f,   0.0416664928f,
                                     0.0083332248f, 0.00139324099f, 0.000199266709f};
  static constexpr float kLog[] = {0.666666627f, 0.400009722f, 0.284987926f, 0.242788151f};
};
template <>
struct Coefficients<double> {
  static constexpr double kExp[] = {0.5,
                                    0.16666666666666682,
                                    0.041666666666666539,
                                    0.0083333333333180312,
                                    0.0013888888888978549,
                                    0.00019841269893884064,
                                    2.4801587109197537e-05,
                                    2.7557237243003619e-06,
                                    2.755747037318788e-07,
                                    2.5111268398471319e-08,
                                    2.0852464943592008e-09};
  static constexpr double kExpm1[] = {0.5,
                                      0.16666666666666677,
                                      0.041666666666666671,
                                      0.0083333333333213862,
                                      0.0013888888888886014,
                                      0.00019841269886818164,
                                      2.4801587317940496e-05,
                                      2.7557243449289732e-06,
                                      2.7557283052363812e-07,
                                      2.5109321877744631e-08,
                                      2.0910650814296757e-09};
  static constexpr double kTanh[] = {
      -0.33333333333333298,   0.13333333333326619,    -0.053968253963760482,
      0.021869488385745837,   -0.0088632325974970453, 0.0035920919694507093,
      -0.0014555423271359852, 0.00058844187937812282, -0.00023337383244126326,
      8.3303915096252435e-05, -1.9486123126989933e-05};
  static constexpr double kLog[] = {0.66666666666667351, 0.39999999999408758, 0.28571428743908034,
                                    0.22222198399159376, 0.18183574210407544, 0.15313777897575462,
                                    0.14798862589960515};
};

template <class T>
FASTNN_INLINE Vec<T> constant(double x) {
  return Vec<T>::broadcast(static_cast<T>(x));
}

// c[0] + c[1] x + c[2] x^2 + ... by Horner's rule.
template <class T, int n>
FASTNN_INLINE Vec<T> polynomial(Vec<T> x, const T (&c)[n]) {
  Vec<T> sum = Vec<T>::broadcast(c[n - 1]);
#pragma GCC unroll 16
  for (int i = n - 2; i >= 0; --i) sum = fma(sum, x, Vec<T>::broadcast(c[i]));
  return sum;
}

// x between low and high; NaN stays.
template <class T>
FASTNN_INLINE Vec<T> clamp(Vec<T> x, double low, double high) {
  return smaller(constant<T>(high), larger(constant<T>(low), x));
}

// f on every lane, in double precision through the C library: for what is rare.
template <class T, class F>
FASTNN_INLINE Vec<T> lanewise(Vec<T> x, F f) {
  T lanes[Vec<T>::kLanes];
  x.store(lanes);
  for (int i = 0; i < Vec<T>::kLanes; ++i)
    lanes[i] = static_cast<T>(f(static_cast<double>(lanes[i])));
  return Vec<T>::load(lanes);
}

// ---- exp and its kin ----------------------------------------------------------------------------

// x = n ln(2) + r, |r| <= ln(2) / 2. `biased` is n + kRound: n stands in its last bits.
template <class T>
struct Exponent {
  Vec<T> biased, n, r;
};

template <class T>
FASTNN_INLINE Exponent<T> split_exponent(Vec<T> x) {
  using R = Reduction<T>;
  const Vec<T> biased = fma(x, constant<T>(R::kLog2e), constant<T>(R::kRound));
  const Vec<T> n = biased - constant<T>(R::kRound);
  return {biased, n, fma(n, constant<T>(-R::kLn2Low), fma(n, constant<T>(-R::kLn2High), x))};
}

// -x^2 / divisor, divisor 1 or 2, with the rounding error of the square made good.
template <class T>
FASTNN_INLINE Exponent<T> split_minus_square(Vec<T> x, double divisor) {
  using R = Reduction<T>;
  const Vec<T> bounded = clamp(x, -40, 40), factor = constant<T>(-1 / divisor);
  const Vec<T> square = bounded * bounded;
  const Vec<T> rest = exact_fma(bounded, bounded, -square) * factor;
  const Vec<T> high = larger(constant<T>(R::kGateLow), square * factor);
  Exponent<T> e = split_exponent(high);
  e.r = fma(e.n, constant<T>(-R::kLn2High), high) + fma(e.n, constant<T>(-R::kLn2Low), rest);
  return e;
}

// 2^k, for k and `biased` = k + kRound, k in the range of normal numbers.
template <class T>
FASTNN_INLINE Vec<T> power_of_two(Vec<T> biased) {
  using F = Format<T>;
  return from_bits<T>(shift_left<F::kMantissaBits>(bits(biased)) + integers<T>(F::kOne));
}

#if defined(FASTNN_TARGET_avx512) && !defined(FASTNN_EMULATE_AVX512)
constexpr bool kScales = true;
#else
constexpr bool kScales = false;
template <class T>
Vec<T> scale(Vec<T> a, Vec<T> n);  // only there is an instruction for it
#endif

// a * 2^n with one rounding, whether or not the result is normal.
template <class T>
FASTNN_INLINE Vec<T> scaled(Vec<T> a, const Exponent<T>& e) {
  if constexpr (kScales) return scale(a, e.n);
  // Two steps, 2^(n / 2) twice: neither factor leaves the normal range. What else stands in the
  // bits of `biased` is shifted out.
  using F = Format<T>;
  const auto n = bits(e.biased), half = shift_right<1>(n), one = integers<T>(F::kOne);
  return a * from_bits<T>(shift_left<F::kMantissaBits>(half) + one) *
         from_bits<T>(shift_left<F::kMantissaBits>(n - half) + one);
}

// e^r - 1 of a reduced argument, to be added to 1.
template <class T>
FASTNN_INLINE Vec<T> exp_reduced(Vec<T> r) {
  return fma(r * r, polynomial(r, Coefficients<T>::kExp), r);
}

// float32: x = n ln(2) / 8 + r, so that r is short, and so is the polynomial; n = 8 k + j.
// kEighths: 2^(j / 8). kEighthsLess: with j 2^20 taken from its bits; adding n 2^20 gives
// 2^k 2^(j / 8). kEighthsRest: what their rounding took, relative.
alignas(32) constexpr float kEighths[8] = {1.0f,        1.09050775f, 1.18920708f, 1.29683959f,
                                           1.41421354f, 1.54221082f, 1.68179286f, 1.83400810f};
alignas(32) constexpr float kEighthsLess[8] = {1.0f,         0.982753873f, 0.969603539f,
                                               0.960919797f, 0.957106769f, 0.958605409f,
                                               0.965896428f, 0.979504049f};
alignas(32) constexpr float kEighthsRest[8] = {0.0f,
                                               -1.19921575e-08f,
                                               3.19341815e-08f,
                                               -3.09907193e-08f,
                                               1.71142709e-08f,
                                               5.23333421e-09f,
                                               -1.47196051e-08f,
                                               -6.12825968e-09f};
constexpr float kExpEighth[] = {0.5f, 0.166680232f, 0.0416671559f};

// `biased` holds n, p = e^r - 1 and what is missing in the power of two.
struct Eighths {
  Vec<float> biased, n, p;
};

// Of x + low, low far below x; adding -0 is no work.
FASTNN_INLINE Eighths split_eighths(Vec<float> x, Vec<float> low) {
  using R = Reduction<float>;
  const Vec<float> round = constant<float>(R::kRound);
  const Vec<float> biased = fma(x, constant<float>(8 * R::kLog2e), round), n = biased - round;
  Vec<float> r = fma(n, constant<float>(-R::kLn2High / 8), x);
  r = fma(n, constant<float>(-R::kLn2Low / 8), r) + low;
  const Vec<float> rest = lookup(kEighthsRest, bits(biased));
  return {biased, n, fma(r * r, polynomial(r, kExpEighth), r + rest)};
}

// e^(x + low) where that is normal.
FASTNN_INLINE Vec<float> exp_of_usual(Vec<float> x, Vec<float> low = constant<float>(-0.0)) {
  const Eighths e = split_eighths(x, low);
  const auto n = bits(e.biased);
  const Vec<float> power = from_bits<float>(bits(lookup(kEighthsLess, n)) + shift_left<20>(n));
  return fma(power, e.p, power);
}

// For x that is NaN or within [kExpLow, kExpHigh]; of usual x the same bits.
FASTNN_INLINE Vec<float> exp_of_any(Vec<float> x) {
  const Eighths e = split_eighths(x, constant<float>(-0.0));
  const auto n = bits(e.biased);
  const Vec<float> step = lookup(kEighths, n), k = from_bits<float>(shift_right<3>(n));
  return scaled(fma(step, e.p, step), {k, e.n * constant<float>(0.125), e.n});
}

// Where scaled() is one instruction, the way for any x is the shorter one.
FASTNN_INLINE bool all_usual(Vec<float> x) { return !kScales && all(abs(x) < constant<float>(87)); }

// For x that is NaN or within [kExpLow, kExpHigh].
FASTNN_INLINE Vec<float> bounded_exp(Vec<float> x) {
  return all_usual(x) ? exp_of_usual(x) : exp_of_any(x);
}
FASTNN_INLINE Vec<double> bounded_exp(Vec<double> x) {
  const Exponent<double> e = split_exponent(x);
  return scaled(exp_reduced(e.r) + constant<double>(1), e);
}

FASTNN_INLINE Vec<float> exp(Vec<float> x) {
  using R = Reduction<float>;
  return all_usual(x) ? exp_of_usual(x) : exp_of_any(clamp(x, R::kExpLow, R::kExpHigh));
}
FASTNN_INLINE Vec<double> exp(Vec<double> x) {
  using R = Reduction<double>;
  return bounded_exp(clamp(x, R::kExpLow, R::kExpHigh));
}

template <class T>
FASTNN_INLINE Vec<T> exp_minus_square(Vec<T> x) {
  const Exponent<T> e = split_minus_square(x, 1);
  return scaled(exp_reduced(e.r) + constant<T>(1), e);
}

// e^x - 1 = 2^n ((1 - 2^-n) + (e^r - 1)), e^r - 1 = r + r^2 E(r), r with what its rounding took.
template <class T>
FASTNN_INLINE Vec<T> expm1(Vec<T> x) {
  using R = Reduction<T>;
  const Vec<T> bounded = clamp(x, R::kExpm1Low, R::kExpHigh);
  const Exponent<T> e = split_exponent(bounded);
  const Vec<T> high = fma(e.n, constant<T>(-R::kLn2High), bounded);
  const Vec<T> rest = fma(e.n, constant<T>(-R::kLn2Low), high - e.r);
  // 2^-n is lost against 1 long before it leaves the normal range.
  const Vec<T> down = smaller(e.n, constant<T>(100));
  const Vec<T> whole = constant<T>(1) - power_of_two(constant<T>(R::kRound) - down);
  const Vec<T> sum = whole + e.r, sum_rest = e.r - (sum - whole);
  const Vec<T> y = sum + fma(e.r * e.r, polynomial(e.r, Coefficients<T>::kExpm1), sum_rest + rest);
  return copy_sign(scaled(y, e), x);
}

// The pieces end at 1 + |x| / 0.61 = 1, 1.5, 2, 3, 4 ...: the exponent and a bit of that tell
// which.
FASTNN_INLINE Vec<float> tanh(Vec<float> x) {
  const Vec<float> a = smaller(constant<float>(9.1), abs(x));
  const auto piece = shift_right<22>(bits(fma(a, constant<float>(1 / 0.61), constant<float>(1))));
  return copy_sign(value_of(kTanhPieces, a, piece), x);
}
// Inside |x| < 0.55 a polynomial, outside 1 - 2 / (e^(2 |x|) + 1).
FASTNN_INLINE Vec<double> tanh(Vec<double> x) {
  using V = Vec<double>;
  const V a = abs(x), one = constant<double>(1), two = constant<double>(2), z = x * x;
  const V inner = fma(a * z, polynomial(z, Coefficients<double>::kTanh), a);
  const Exponent<double> e = split_exponent(smaller(constant<double>(40), a + a));
  const V power = power_of_two(e.biased) * (exp_reduced(e.r) + one);
  const V outer = one - two / (power + one);
  return copy_sign(select(a < constant<double>(0.55), inner, outer), x);
}

// (a + a_rest) / (b + b_rest), the rests below half a unit in the last place, b > 0: rounded about
// once.
template <class T>
FASTNN_INLINE Vec<T> quotient(Vec<T> a, Vec<T> a_rest, Vec<T> b, Vec<T> b_rest) {
  const Vec<T> inverse = constant<T>(1) / b, y = a * inverse;
  return copy_sign(fma(inverse, exact_fma(-y, b, a) + fma(-y, b_rest, a_rest), y), a);
}

// What a power of e leaves to be multiplied by 2^n: mantissa + rest.
template <class T>
struct Mantissa {
  Vec<T> value, rest;
};

template <class T>
FASTNN_INLINE Mantissa<T> mantissa_of(const Exponent<T>& e) {
  const Vec<T> p = exp_reduced(e.r), value = constant<T>(1) + p;
  return {value, p - (value - constant<T>(1))};
}

template <class T>
FASTNN_INLINE Vec<T> sigmoid(Vec<T> x) {
  const auto negative = x < Vec<T>::zero();
  const Vec<T> one = constant<T>(1);
  const Vec<T> e = bounded_exp(larger(constant<T>(Reduction<T>::kExpLow), -abs(x)));
  const Vec<T> sum = one + e, rest = e - (sum - one), y = select(negative, e, one) / sum;
  return fma(-y, rest, y);
}

// x sigmoid(u + low), low far below u, for x in [-1000, kGateHigh] of the sign of u. The power of
// two comes last, so that what is subnormal is rounded once.
template <class T>
FASTNN_INLINE Vec<T> gate_of_any(Vec<T> x, Vec<T> u, Vec<T> low) {
  const auto negative = u < Vec<T>::zero();
  const Vec<T> one = constant<T>(1), zero = Vec<T>::zero();
  Exponent<T> e = split_exponent(larger(constant<T>(Reduction<T>::kGateLow), -abs(u)));
  e.r = e.r + select(negative, low, -low);
  const Mantissa<T> m = mantissa_of(e);
  const Vec<T> power = scaled(m.value, e), sum = one + power, rest = power - (sum - one);
  const Vec<T> a = x * m.value, a_rest = fma(x, m.rest, exact_fma(x, m.value, -a));
  const Vec<T> y = quotient(select(negative, a, x), select(negative, a_rest, zero), sum, rest);
  return select(negative, scaled(y, e), y);
}
FASTNN_INLINE Vec<double> sigmoid_gate(Vec<double> x, Vec<double> u, Vec<double> low) {
  return gate_of_any(x, u, low);
}
// x / (1 + E), E = e^-(u + low), where E is normal.
FASTNN_INLINE Vec<float> sigmoid_gate(Vec<float> x, Vec<float> u, Vec<float> low) {
  const Vec<float> one = constant<float>(1);
  const Vec<float> e = exp_of_usual(-smaller(constant<float>(60), u), -low), sum = one + e;
  const Vec<float> rest = smaller(one, e) - (sum - larger(one, e));
  const Vec<float> y = quotient(x, Vec<float>::zero(), sum, rest);
  const auto usual = u > constant<float>(-87);
  return all(usual) ? y : select(usual, y, gate_of_any(x, u, low));
}

}  // namespace
}  // namespace fastnn
