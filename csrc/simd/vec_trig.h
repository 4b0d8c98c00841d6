// Trigonometric and hyperbolic functions and their inverses on Vec, by the classical reductions of
// Cody and Waite (Software manual for the elementary functions, 1980). Without FMA they would not
// be within 2 ULP: there the C library computes them.
#pragma once

#include "simd/vec_math.h"

namespace fastnn {
namespace {

// Polynomials in z = t^2: kSin .. kSinh (f(t) / t - 1) / z, kCos (cos(t) - 1 + z / 2) / z^2; for
// |t| <= pi / 4, kAtan and kSinh |t| <= 1, kAsin |t| <= 1/2. kHalfPi in three parts.
template <class T>
struct Trigonometry;
template <>
struct Trigonometry<float> {
  static constexpr float kHalfPi[] = {1.57079637f, -4.37113883e-8f, -1.71512451e-15f};
  static constexpr float kSin[] = {-0.166666672f, 0.00833338033f, -0.000198534835f,
                                   2.83695067e-06f};
  static constexpr float kCos[] = {0.0416666679f, -0.00138889812f, 2.48224515e-05f,
                                   -2.89188591e-07f};
  static constexpr float kTan[] = {0.333333492f,  0.133326739f,    0.0540591665f, 0.0212846361f,
                                   0.0108319884f, 9.20377424e-05f, 0.00437593553f};
  static constexpr float kAsin[] = {0.166666597f,  0.0750052184f, 0.0445133522f,
                                    0.0318395235f, 0.0143121732f, 0.0377021208f};
  static constexpr float kAtan[] = {-0.333332986f,  0.19998531f,    -0.142640427f,
                                    0.109510638f,   -0.0839993954f, 0.0578935593f,
                                    -0.0311101675f, 0.0108762113f,  -0.00178458169f};
  static constexpr float kSinh[] = {0.166666672f, 0.00833331048f, 0.000198428956f, 2.78221319e-06f};
};
template <>
struct Trigonometry<double> {
  static constexpr double kHalfPi[] = {1.5707963267948966, 6.123233995736766e-17,
                                       -1.4973849048591833e-33};
  static constexpr double kSin[] = {-0.16666666666666666,    0.0083333333333333228,
                                    -0.00019841269841254725, 2.7557319214025077e-06,
                                    -2.5052104871330903e-08, 1.6058361804214892e-10,
                                    -7.5784718460150525e-13};
  static constexpr double kCos[] = {0.041666666666666595,   -0.0013888888888872975,
                                    2.4801587288800086e-05, -2.7557314163990812e-07,
                                    2.087569871012841e-09,  -1.1358423585591786e-11};
  static constexpr double kTan[] = {
      0.33333333333333381,    0.13333333333325692,     0.053968253972711808,
      0.021869488404597178,   0.0088632378362172182,   0.0035921017887016872,
      0.0014560390478843132,  0.00058889720633554848,  0.00024363438558984494,
      8.3858111877003534e-05, 6.6675995857237949e-05,  -2.4941967176026734e-05,
      4.8057307989116812e-05, -2.3986802670691958e-05, 9.7350373591075313e-06};
  static constexpr double kAsin[] = {
      0.1666666666666676,   0.074999999999707981,  0.0446428571746132,   0.030381942707729225,
      0.022372214988943991, 0.017351611994042556,  0.013980820746398247, 0.011398910806170717,
      0.010780260029286757, 0.0037063828257433941, 0.021707508379689336, -0.020999148135715608,
      0.032628677103297754};
  static constexpr double kAtan[] = {
      -0.33333333333333287,    0.19999999999990445,    -0.1428571428503651,
      0.11111111086443837,     -0.090909085471912635,  0.076922997109905064,
      -0.066665837159438607,   0.058817161100647698,   -0.052594335762353443,
      0.047449253285340783,    -0.042863886401179156,  0.038210012160011936,
      -0.032785335930047552,   0.026151536510305027,   -0.018614057090998653,
      0.011317531775643347,    -0.0056123122480790906, 0.0021515532711238045,
      -0.00059288212491528556, 0.00010386969645052276, -8.6540037003237308e-06};
  static constexpr double kSinh[] = {0.16666666666666669,    0.0083333333333331476,
                                     0.00019841269841431873, 2.7557319157071848e-06,
                                     2.5052123136729631e-08, 1.6057259768107054e-10,
                                     7.7587488218267158e-13};
};

// x = n pi / 2 + r, |r| <= pi / 4; r is `first` less n times the smaller parts of pi / 2. With FMA
// the products are exact, and so is `first`, while n is small. `biased` holds n in its last bits.
template <class T>
struct Turns {
  Vec<T> biased, n, first;
};

template <class T>
FASTNN_INLINE Turns<T> split_turns(Vec<T> x) {
  const Vec<T> round = constant<T>(Reduction<T>::kRound);
  const Vec<T> biased = fma(x, constant<T>(0.63661977236758134308), round), n = biased - round;
  return {biased, n, fma(n, constant<T>(-Trigonometry<T>::kHalfPi[0]), x)};
}

// f(x) for |x| < 30000. Larger arguments go through the C library, which reduces them in full; a
// lane does not see whether its neighbours do.
template <class T, class F, class G>
FASTNN_INLINE Vec<T> periodic(Vec<T> x, F f, G library) {
  if (Vec<T>::kLanes == 1) return lanewise(x, library);
  const auto small = abs(x) < constant<T>(30000);
  const Vec<T> y = f(split_turns(x));
  return all(small) ? y : select(small, y, lanewise(x, library));
}

// The sine of the turns and quarter_turns more. Where n is 0, r is x but for the sign of a zero.
template <class T>
FASTNN_INLINE Vec<T> sine(Vec<T> x, const Turns<T>& at, int quarter_turns) {
  using G = Trigonometry<T>;
  constexpr int kLast = sizeof(T) * 8 - 1;
  const Vec<T> one = constant<T>(1), smaller_part = constant<T>(-G::kHalfPi[1]);
  const Vec<T> r = fma(at.n, constant<T>(-G::kHalfPi[2]), fma(at.n, smaller_part, at.first)),
               z = r * r;
  const Vec<T> signed_r = select(at.n == Vec<T>::zero(), x, r);
  const Vec<T> sin = copy_sign(fma(r * z, polynomial(z, G::kSin), r), signed_r);
  const Vec<T> cos = fma(z * z, polynomial(z, G::kCos), fma(z, constant<T>(-0.5), one));
  const auto quadrant = bits(at.biased) + integers<T>(quarter_turns);
  const auto odd = from_bits<T>(shift_left<kLast>(quadrant) | bits(one)) < Vec<T>::zero();
  const auto sign = shift_left<kLast - 1>(quadrant) & integers<T>(Format<T>::kSign);
  return from_bits<T>(bits(select(odd, cos, sin)) ^ sign);
}

template <class T>
FASTNN_INLINE Vec<T> sin(Vec<T> x) {
  return periodic(
      x, [=](const Turns<T>& at) { return sine(x, at, 0); }, [](double v) { return ::sin(v); });
}

template <class T>
FASTNN_INLINE Vec<T> cos(Vec<T> x) {
  return periodic(
      x, [=](const Turns<T>& at) { return sine(x, at, 1); }, [](double v) { return ::cos(v); });
}

// t = tan(r + rest) in two parts; -1 / t in the odd quadrants.
template <class T>
FASTNN_INLINE Vec<T> tan(Vec<T> x) {
  const auto tangent = [=](const Turns<T>& at) {
    using G = Trigonometry<T>;
    constexpr int kLast = sizeof(T) * 8 - 1;
    const Vec<T> one = constant<T>(1), part = constant<T>(G::kHalfPi[1]);
    const Vec<T> p = at.n * part, r = at.first - p, z = r * r;
    const Vec<T> p_rest = fma(at.n, constant<T>(G::kHalfPi[2]), fma(at.n, part, -p));
    const Vec<T> rest = ((at.first - r) - p) - p_rest;
    const Vec<T> small = fma(r * z, polynomial(z, G::kTan), fma(z, rest, rest));
    const Vec<T> t = r + small, t_rest = small - (t - r), y = -one / t;
    const Vec<T> inverse = fma(y, fma(y, t_rest, fma(y, t, one)), y);
    const auto odd = from_bits<T>(shift_left<kLast>(bits(at.biased)) | bits(one)) < Vec<T>::zero();
    return select(odd, inverse, select(x == Vec<T>::zero(), x, t));
  };
  return periodic(x, tangent, [](double v) { return ::tan(v); });
}

// pi / 2 - atan(1 / x) where x > 1.
template <class T>
FASTNN_INLINE Vec<T> atan(Vec<T> x) {
  if (Vec<T>::kLanes == 1) return lanewise(x, [](double v) { return ::atan(v); });
  using G = Trigonometry<T>;
  const Vec<T> one = constant<T>(1), a = abs(x);
  const Vec<T> t = smaller(one, a) / larger(one, a), z = t * t;
  const Vec<T> y = fma(t * z, polynomial(z, G::kAtan), t);
  const Vec<T> beyond = constant<T>(G::kHalfPi[0]) - (y - constant<T>(G::kHalfPi[1]));
  return copy_sign(select(a > one, beyond, y), x);
}

// asin(a) = asin_inner where a <= 1/2; beyond, pi / 2 - 2 asin(s), s^2 = (1 - a) / 2. Both as
// root + root z P(z).
template <class T>
struct Arcsine {
  Vec<T> root, small;
};

template <class T>
FASTNN_INLINE Arcsine<T> split_arcsine(Vec<T> a, typename Vec<T>::Mask inner) {
  const Vec<T> half = constant<T>(0.5), z = select(inner, a * a, fma(-half, a, half));
  const Vec<T> root = select(inner, a, sqrt(z));
  return {root, root * z * polynomial(z, Trigonometry<T>::kAsin)};
}

// turns pi / 2 - scale (root + small), with one rounding to speak of
template <class T>
FASTNN_INLINE Vec<T> less_arcsine(double turns, double scale, const Arcsine<T>& s) {
  using G = Trigonometry<T>;
  const Vec<T> by = constant<T>(scale);
  const Vec<T> rest = fma(by, s.small, constant<T>(-turns * G::kHalfPi[1]));
  const Vec<T> whole = constant<T>(turns * G::kHalfPi[0]), first = fma(-by, s.root, whole);
  return first - (rest + fma(by, s.root, first - whole));
}

template <class T>
FASTNN_INLINE Vec<T> asin(Vec<T> x) {
  if (Vec<T>::kLanes == 1) return lanewise(x, [](double v) { return ::asin(v); });
  const Vec<T> a = abs(x);
  const auto inner = a <= constant<T>(0.5);
  const Arcsine<T> s = split_arcsine(a, inner);
  return copy_sign(select(inner, s.root + s.small, less_arcsine(1, 2, s)), x);
}

template <class T>
FASTNN_INLINE Vec<T> acos(Vec<T> x) {
  if (Vec<T>::kLanes == 1) return lanewise(x, [](double v) { return ::acos(v); });
  const Vec<T> a = abs(x);
  const auto inner = a <= constant<T>(0.5), negative = x < Vec<T>::zero();
  const Arcsine<T> s = split_arcsine(a, inner);
  const Arcsine<T> same = {copy_sign(s.root, x), copy_sign(s.small, x)};
  const Vec<T> near_one = (s.root + s.small) + (s.root + s.small);
  const Vec<T> outer = select(negative, less_arcsine(2, 2, s), near_one);
  return select(inner, less_arcsine(1, 1, same), outer);
}

// e^a / 2 for a >= 0, which overflows no sooner than sinh(a) does.
template <class T>
FASTNN_INLINE Vec<T> half_exp(Vec<T> a) {
  const Vec<T> one = constant<T>(1);
  const Exponent<T> e = split_exponent(smaller(constant<T>(Reduction<T>::kExpHigh + 1), a));
  return scaled(exp_reduced(e.r) + one, {e.biased - one, e.n - one, e.r});
}

template <class T>
FASTNN_INLINE Vec<T> sinh(Vec<T> x) {
  if (Vec<T>::kLanes == 1) return lanewise(x, [](double v) { return ::sinh(v); });
  const Vec<T> a = abs(x), h = half_exp(a), z = x * x;
  const Vec<T> inner = fma(a * z, polynomial(z, Trigonometry<T>::kSinh), a);
  return copy_sign(select(a < constant<T>(1), inner, h - constant<T>(0.25) / h), x);
}

template <class T>
FASTNN_INLINE Vec<T> cosh(Vec<T> x) {
  if (Vec<T>::kLanes == 1) return lanewise(x, [](double v) { return ::cosh(v); });
  const Vec<T> h = half_exp(abs(x));
  return h + constant<T>(0.25) / h;
}

}  // namespace
}  // namespace fastnn
