// Error function, normal distribution and activations on Vec.
#pragma once

#include "simd/vec_normal.h"

namespace fastnn {
namespace {

// ---- The error function and the normal distribution (float64: vec_normal.h) ---------------------

FASTNN_INLINE Vec<float> erf(Vec<float> x) {
  const Vec<float> a = smaller(constant<float>(3.93), abs(x));
  const Vec<float> round = constant<float>(Reduction<float>::kRound);
  const Vec<float> biased = fma(a, constant<float>(1.9), round);
  const Line line = line_of(kErfPieces, a, bits(biased));
  const Vec<float> first = select(biased == round, a, lookup(kErfPieces.c[0], bits(biased)));
  return copy_sign(exact_fma(line.u, line.slope, first), x);
}

// The inverse of erf: a start by Winitzki (A handy approximation for the error function and its
// inverse, 2008), within 0.2 %, then Halley's method, on erfc where erf is close to 1.
inline double inverse_erf(double y) {
  const double p = y < 0 ? -y : y;
  if (!(p < 1)) return p == 1 ? y * HUGE_VAL : static_cast<double>(NAN);
  const double l = ::log1p(-p * p), a = 0.147, b = 0.63661977236758134308 / a + 0.5 * l;
  double x = ::sqrt(::sqrt(b * b - l / a) - b);
  for (int step = 0; step < 3; ++step) {
    const double error = p < 0.5 ? ::erf(x) - p : (1 - p) - ::erfc(x);
    const double newton = error / (1.12837916709551257390 * ::exp(-x * x));
    x -= newton / (1 + x * newton);
  }
  return ::copysign(x, y);
}

template <class T>
FASTNN_INLINE Vec<T> erfinv(Vec<T> x) {
  return lanewise(x, [](double v) { return inverse_erf(v); });
}

// The normal distribution function P. With q = (a - 4) / (a + 4), a P(-a) = e^(-a^2 / 2) B(q).
constexpr float kNormalTailFirst = 0.377642572f;
constexpr float kNormalTail[] = {0.0736942366f, -0.110380128f,  0.100307778f,     -0.0630568638f,
                                 0.0264310464f, -0.0055242544f, -0.000947001157f, 0.000849509728f};

// a P(-a)
FASTNN_INLINE Vec<float> normal_tail(Vec<float> a) {
  // q = 1 - 8 / (a + 4), with the rounding errors of the sum and the quotient made good.
  const Vec<float> four = constant<float>(4), eight = constant<float>(8);
  const Vec<float> bounded = smaller(constant<float>(15), a), sum = bounded + four;
  const Vec<float> rest = bounded - (sum - four), v = eight / sum;
  const Vec<float> residual = fma(-v, rest, exact_fma(-v, sum, eight));
  const Vec<float> q = fma(residual * constant<float>(-0.125f), v, constant<float>(1) - v);
  // B as b + b_rest: its rounding would be one too many for 2 ULP.
  const Vec<float> first = constant<float>(kNormalTailFirst), p = polynomial(q, kNormalTail);
  const Vec<float> b = fma(q, p, first), b_rest = fma(q, p, first - b);
  const Exponent<float> e = split_minus_square(bounded, 2);
  return scaled(b + fma(b, exp_reduced(e.r), b_rest), e);
}

constexpr float kTailEnd = 5.5f;

FASTNN_INLINE Vec<float>::Int tail_piece(Vec<float> a) {
  const Vec<float> slope = fma(a, constant<float>(0.15), constant<float>(0.537));
  return bits(fma(a, slope, constant<float>(Reduction<float>::kRound)));
}

FASTNN_INLINE Vec<float> gelu(Vec<float> x) {
  const Vec<float> end = constant<float>(kTailEnd), a = smaller(end, abs(x));
  const Vec<float> positive = larger(-Vec<float>::zero(), x);  // of two zeros the second: of -0, -0
  const Vec<float> y = positive - value_of(kTailPieces, a, tail_piece(a));
  const auto beyond = x < -end;
  return any(beyond) ? select(beyond, -normal_tail(-x), y) : y;
}

// P(x) + x P'(x)
FASTNN_INLINE Vec<float> gelu_slope(Vec<float> x) {
  const Vec<float> end = constant<float>(kTailEnd), size = abs(x), a = smaller(end, size);
  Vec<float> tail = value_of(kTailSlopePieces, a, tail_piece(a));
  const auto beyond = size > end;
  if (any(beyond)) {
    const Vec<float> far = smaller(constant<float>(15), size);
    const Exponent<float> e = split_minus_square(far, 2);
    const Vec<float> density = scaled(exp_reduced(e.r) + constant<float>(1), e);
    const Vec<float> height = far * constant<float>(-0.39894228040143267794);
    tail = select(beyond, fma(height, density, normal_tail(far) / far), tail);
  }
  return select(x < Vec<float>::zero(), tail, constant<float>(1) - tail);
}

// ---- Activations --------------------------------------------------------------------------------

template <class T>
FASTNN_INLINE Vec<T> softsign(Vec<T> x) {
  const Vec<T> one = constant<T>(1), a = abs(x);
  return select(a == constant<T>(HUGE_VAL), copy_sign(one, x), x / (one + a));
}

// x / 6 + 1/2; near -3, where that vanishes, (x + 3) / 6, whose sum is exact there.
template <class T>
FASTNN_INLINE Vec<T> hard_sigmoid(Vec<T> x) {
  const Vec<T> sixth = constant<T>(1.0 / 6);
  const Vec<T> low = (x + constant<T>(3)) * sixth, high = fma(x, sixth, constant<T>(0.5));
  return clamp(select(x < constant<T>(-1.5), low, high), 0, 1);
}

template <class T>
FASTNN_INLINE Vec<T> hard_silu(Vec<T> x) {
  return larger(x, constant<T>(-3)) * hard_sigmoid(x);
}

template <class T>
FASTNN_INLINE Vec<T> silu(Vec<T> x) {
  using R = Reduction<T>;
  const Vec<T> bounded = clamp(x, R::kGateLow, R::kGateHigh);
  return select(x < constant<T>(R::kGateHigh), sigmoid_gate(bounded, bounded, Vec<T>::zero()), x);
}

template <class T>
FASTNN_INLINE Vec<T> silu_slope(Vec<T> x_) {
  const Vec<T> x = clamp(x_, -1000, 1000), s = sigmoid(x), one = constant<T>(1);
  return s * fma(x, one - s, one);
}

// x (1 + tanh(u / 2)) / 2 = x sigmoid(u), u = x (c + d x^2). A relative error of u would be one of
// |u| times the size in the result, so u is kept in two parts, and so are c and d.
constexpr LongNumber kGeluTanhC = {1.5957691216057308, -9.96930880911092e-17};
constexpr LongNumber kGeluTanhD = {0.07135481627260025, -6.175149918155315e-19};

template <class T>
struct GeluTanhArgument {
  Vec<T> u, rest;
};

// For |x| <= 100.
template <class T>
FASTNN_INLINE GeluTanhArgument<T> gelu_tanh_argument(Vec<T> x) {
  const Vec<T> c = constant<T>(kGeluTanhC.value), d = constant<T>(kGeluTanhD.value);
  const Vec<T> z = x * x, t = d * z, w = t + c, u = x * w, back = w - t;
  const Vec<T> sum_rest = (t - (w - back)) + (c - back);
  const Vec<T> t_rest = fma(d, exact_fma(x, x, -z), exact_fma(d, z, -t));
  const Vec<T> constants = fma(low_part<T>(kGeluTanhD), z, low_part<T>(kGeluTanhC));
  const Vec<T> w_rest = sum_rest + (t_rest + constants);
  return {u, fma(x, w_rest, exact_fma(x, w, -u))};
}

template <class T>
FASTNN_INLINE Vec<T> gelu_tanh(Vec<T> x) {
  constexpr double kHigh = Reduction<T>::kGateHigh;
  const Vec<T> bounded = clamp(x, -100, kHigh);
  const GeluTanhArgument<T> at = gelu_tanh_argument(bounded);
  return select(x < constant<T>(kHigh), sigmoid_gate(bounded, at.u, at.rest), x);
}

template <class T>
FASTNN_INLINE Vec<T> gelu_tanh_slope(Vec<T> x_) {
  const Vec<T> x = clamp(x_, -100, 100), one = constant<T>(1);
  const Vec<T> s = sigmoid(gelu_tanh_argument(x).u);
  const Vec<T> slope =
      x * fma(constant<T>(3 * kGeluTanhD.value), x * x, constant<T>(kGeluTanhC.value));
  return s * fma(slope, one - s, one);
}

// tanh(log(1 + e^x)) = w / (w + 2), w = e^x (e^x + 2); 1 where w is large.
template <class T>
FASTNN_INLINE Vec<T> tanh_softplus(Vec<T> x) {
  const Vec<T> two = constant<T>(2), e = exp(smaller(constant<T>(40), x)), w = e * (e + two);
  return w / (w + two);
}

// x tanh(log(1 + e^x)) = x N / (N + 2 t^2), N = 1 + 2 t, t = e^-x; x t N / (t N + 2), N = 2 + t,
// t = e^x, where x is negative. Sums and products keep what rounding takes; 2^n comes last.
template <class T>
FASTNN_INLINE Vec<T> mish(Vec<T> x_) {
  using R = Reduction<T>;
  const Vec<T> x = clamp(x_, R::kGateLow, R::kGateHigh), one = constant<T>(1);
  const Vec<T> two = constant<T>(2), zero = Vec<T>::zero();
  const auto negative = x < zero;
  const Exponent<T> e = split_exponent(larger(constant<T>(R::kGateLow), -abs(x)));
  const Mantissa<T> m = mantissa_of(e);
  const Vec<T> t = scaled(m.value, e), t_rest = scaled(m.rest, e);
  const Vec<T> whole = select(negative, two, one), part = select(negative, t, t + t);
  const Vec<T> part_rest = select(negative, t_rest, t_rest + t_rest);
  // whole >= part but for x in (-0, log 2), where both are of one size.
  const Vec<T> n = whole + part, back = n - part;
  const Vec<T> n_rest = (part - (n - back)) + (whole - back) + part_rest;
  // The sum below: q + 2, q = t N, or q + N, q = 2 t^2.
  const Vec<T> factor = select(negative, n, t + t), q = t * factor;
  const Vec<T> q_rest =
      exact_fma(t, factor, -q) + select(negative, fma(t, n_rest, t_rest * n), two * part_rest * t);
  const Vec<T> term = select(negative, two, n), d = term + q, d_back = d - q;
  const Vec<T> d_rest =
      (q - (d - d_back)) + (term - d_back) + q_rest + select(negative, zero, n_rest);
  const Vec<T> g = select(negative, m.value, one), g_rest = select(negative, m.rest, zero);
  const Vec<T> a = x * g, a_rest = fma(x, g_rest, exact_fma(x, g, -a));
  const Vec<T> b = a * n, b_rest = fma(a, n_rest, fma(a_rest, n, exact_fma(a, n, -b)));
  const Vec<T> y = quotient(b, b_rest, d, d_rest);
  return select(x_ < constant<T>(R::kGateHigh), select(negative, scaled(y, e), y), x_);
}

template <class T>
FASTNN_INLINE Vec<T> mish_slope(Vec<T> x_) {
  const Vec<T> x = clamp(x_, -1000, 1000), t = tanh_softplus(x);
  return fma(x * fma(-t, t, constant<T>(1)), sigmoid(x), t);
}

}  // namespace
}  // namespace fastnn
