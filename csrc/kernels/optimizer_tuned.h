// Rules that find the rate of every element, from running means that look as far back as values
// scatter: T. Schaul, S. Zhang, Y. LeCun, "No more pesky learning rates" (2013), section 4.2.
#pragma once

#include "kernels/optimizer_rules.h"

namespace fastnn {
namespace {

// What the means of one element share; of NaN, `larger` and `smaller` keep the second. Where both
// are 0, kTiny keeps a quotient of squares finite.
template <class T>
struct Means {
  using V = Vec<T>;
  static FASTNN_INLINE V one() { return V::broadcast(1); }
  static FASTNN_INLINE V tiny() { return V::broadcast(static_cast<T>(1e-30)); }
  // With a share of 1 a mean becomes the value, without rounding.
  static FASTNN_INLINE void move(V& mean, V value, V share) {
    mean = fma(share, value, (one() - share) * mean);
  }
  // So many variances from the mean, by the square of the distance.
  static FASTNN_INLINE typename V::Mask outlier(V value, V mean, V square, V variances) {
    const V variance = larger(V::zero(), fma(-mean, mean, square)), distance = value - mean;
    return distance * distance > variances * variance;
  }
  // How far two means agree, from 0 to 1; and the memory after a step that moved them.
  static FASTNN_INLINE V agreement(V mean, V square) { return mean * mean / (square + tiny()); }
  static FASTNN_INLINE V next_memory(V memory, V agreement) {
    return fma(one() - agreement, memory, one());
  }
};

// T. Schaul, Y. LeCun, "Adaptive learning rates and parallelization" (2013).
template <class T>
struct Vsgd : Means<T> {
  // Means of gradient, its square, curvature, its square; memory; the curvature of this step.
  static constexpr int kSlots = 6;
  using V = Vec<T>;
  using M = Means<T>;
  V rate, factor, variances;  // factor: of the squares
  explicit FASTNN_INLINE Vsgd(Constants<T> c) : rate(c[0]), factor(c[1]), variances(c[2]) {}
  FASTNN_INLINE V operator()(V w, V* slots, V g) const {
    V &g1 = slots[0], &g2 = slots[1], &h1 = slots[2], &h2 = slots[3], &memory = slots[4];
    const V h = slots[5];
    const auto strange = M::outlier(g, g1, g2, variances) | M::outlier(h, h1, h2, variances);
    const V span = select(strange, memory + M::one(), memory), share = M::one() / span;
    M::move(g1, g, share);
    M::move(g2, factor * (g * g), share);
    M::move(h1, h, share);
    M::move(h2, factor * (h * h), share);
    const V agreement = M::agreement(g1, g2);
    memory = M::next_memory(span, agreement);
    return w - rate * (h1 / (h2 + M::tiny()) * agreement) * g;
  }
};

// C. Gulcehre, M. Moczulski, Y. Bengio, "ADASECANT" (2014).
template <class T>
struct Adasecant : Means<T> {
  static constexpr int kSlots = 13;
  static constexpr T kStrangeMemory = static_cast<T>(2.2), kRounding = static_cast<T>(1e-12);
  using V = Vec<T>;
  using M = Means<T>;
  V rate, first_step, most;
  bool first, early;
  explicit FASTNN_INLINE Adasecant(Constants<T> c)
      : rate(c[0]),
        first_step(c[1]),
        most(c[2]),
        first(c.c.values[3] == 1),
        early(c.c.values[3] <= 2) {}
  FASTNN_INLINE V operator()(V w, V* slots, V g) const {
    V &g1 = slots[0], &g2 = slots[1], &spread = slots[2], &likeness = slots[3];
    V &s1 = slots[4], &s2 = slots[5], &a1 = slots[6], &a2 = slots[7], &product = slots[8];
    V &last_g = slots[9], &last_direction = slots[10], &last_step = slots[11], &memory = slots[12];
    const V two = V::broadcast(2), four = V::broadcast(4), tiny = M::tiny();
    V share = M::one() / memory;
    M::move(g1, g, share);
    M::move(g2, g * g, share);
    M::move(spread, (g - last_g) * (g - g1), share);
    M::move(likeness, (g - g1) * (last_g - g1), share);
    const V c = smaller(most, abs(spread) / (abs(likeness) + tiny));
    const V direction = fma(c, g1, g) / (M::one() + c);

    // Gradients have means from the first step on, steps and changes from the second.
    const V change = direction - last_direction;
    const auto strange = M::outlier(g, g1, g2, four) | M::outlier(change, a1, a2, four);
    V span = select(strange, V::broadcast(kStrangeMemory), memory);
    share = select(strange, V::broadcast(1 / kStrangeMemory), share);
    if (early) span = share = M::one();
    M::move(s1, last_step, share);
    M::move(s2, last_step * last_step, share);
    M::move(a1, change, share);
    M::move(a2, change * change, share);
    M::move(product, change * last_step, share);
    const V covariance = fma(-a1, s1, product), squares = a2 + tiny;
    const V secant = fma(sqrt(s2), sqrt(squares), -covariance) / squares;
    V step = -rate * larger(V::zero(), secant) * direction;
    // Changes that are the rounding of gradients tell of no curvature: as far as before.
    step = select(V::broadcast(kRounding) * g2 >= a2, copy_sign(last_step, -direction), step);
    memory = larger(V::broadcast(static_cast<T>(1.5)), M::next_memory(span, M::agreement(s1, s2)));
    if (first) {
      step = select(g == V::zero(), g, copy_sign(first_step, -g));
      step = select(is_nan(g), g, step);
      memory = two;
    }
    last_g = g;
    last_direction = direction;
    last_step = step;
    return w + step;
  }
};

}  // namespace
}  // namespace fastnn
