// The quantile of the standard normal distribution on Vec.
//
// normal_quantile(r, q) is the z > 0 beyond which the probability is r, for 0 < r < 1/2. The caller
// gives q = 1/2 - r too, with the relative accuracy that z is to have where q is small.
#pragma once

#include "simd/vec_math.h"

namespace fastnn {
namespace {

// float: z / q is smooth in w = -log(4 r (1 - r)), or in sqrt(w) where r is small.
// Chebyshev interpolation, relative error below 1e-8; the form is that of M. Giles, "Approximating
// the erfinv function" (2011), the coefficients are our own, down to r = 2^-26.
static const float kCentreF32[] = {
    4.246626959f,     0.6976040846f,    -0.01181544251f, -0.003543307602f, 6.175783361e-4f,
    -1.402827303e-5f, -9.795850521e-6f, 1.316431246e-6f, 6.586231423e-8f,  -2.471997499e-8f};
static const float kTailF32[] = {
    8.418596788f,    2.839649702f,    0.01914819393f,   -0.01424015339f,  0.0100620146f,
    -0.00676003723f, 0.003608895594f, -9.337032576e-4f, -4.477007693e-4f, 3.356420894e-4f};

FASTNN_INLINE Vec<float> normal_quantile(Vec<float> r, Vec<float> q) {
  using V = Vec<float>;
  const V w = -log(V::broadcast(4) * r * (V::broadcast(1) - r));
  V ratio = polynomial(w - V::broadcast(2.5f), kCentreF32);
  const auto tail = w > V::broadcast(5);
  if (any(tail))
    ratio = select(tail, polynomial(sqrt(w) - V::broadcast(3.14303398875f), kTailF32), ratio);
  return q * ratio;
}

// double: M. Wichura, "Algorithm AS 241: the percentage points of the normal distribution" (1988),
// routine PPND16; relative accuracy about 1e-16.
static const double kCentreTop[] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                                    1.9715909503065514427e3, 1.3731693765509461125e4,
                                    4.5921953931549871457e4, 6.7265770927008700853e4,
                                    3.3430575583588128105e4, 2.5090809287301226727e3};
static const double kCentreBottom[] = {1.0,
                                       4.2313330701600911252e1,
                                       6.8718700749205790830e2,
                                       5.3941960214247511077e3,
                                       2.1213794301586595867e4,
                                       3.9307895800092710610e4,
                                       2.8729085735721942674e4,
                                       5.2264952788528545610e3};
static const double kMiddleTop[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                    5.76949722146069140550e0,  3.64784832476320460504e0,
                                    1.27045825245236838258e0,  2.41780725177450611770e-1,
                                    2.27238449892691845833e-2, 7.74545014278341407640e-4};
static const double kMiddleBottom[] = {1.0,
                                       2.05319162663775882187e0,
                                       1.67638483018380384940e0,
                                       6.89767334985100004550e-1,
                                       1.48103976427480074590e-1,
                                       1.51986665636164571966e-2,
                                       5.47593808499534494600e-4,
                                       1.05075007164441684324e-9};
static const double kTailTop[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                  1.78482653991729133580e0,  2.96560571828504891230e-1,
                                  2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                  2.71155556874348757815e-5, 2.01033439929228813265e-7};
static const double kTailBottom[] = {1.0,
                                     5.99832206555887937690e-1,
                                     1.36929880922735805310e-1,
                                     1.48753612908506148525e-2,
                                     7.86869131145613259100e-4,
                                     1.84631831751005468180e-5,
                                     1.42151175831644588870e-7,
                                     2.04426310338993978564e-15};

FASTNN_INLINE Vec<double> normal_quantile(Vec<double> r, Vec<double> q) {
  using V = Vec<double>;
  const V t = fma(-q, q, V::broadcast(0.180625));
  V z = q * polynomial(t, kCentreTop) / polynomial(t, kCentreBottom);
  const auto outside = q > V::broadcast(0.425);
  if (any(outside)) {
    const V s = sqrt(-log(r)), middle = s - V::broadcast(1.6);
    V far = polynomial(middle, kMiddleTop) / polynomial(middle, kMiddleBottom);
    const auto tail = s > V::broadcast(5);
    if (any(tail)) {
      const V beyond = s - V::broadcast(5);
      far = select(tail, polynomial(beyond, kTailTop) / polynomial(beyond, kTailBottom), far);
    }
    z = select(outside, far, z);
  }
  return z;
}

}  // namespace
}  // namespace fastnn
