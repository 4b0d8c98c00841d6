// Rules of one formula an element: a parameter from itself, its slots and its gradient, all in
// registers. Numerics are those of Keras 3: where it puts epsilon, which means are corrected. A
// rule that keeps the divider busy takes its root where it is told to.
#pragma once

#include <math.h>

#include "kernels/optimizer.h"
#include "simd/root.h"
#include "simd/vec.h"
#include "simd/vec_math.h"

namespace fastnn {
namespace {

template <class T>
struct Constants {
  const OptimizerConstants& c;
  FASTNN_INLINE Vec<T> operator[](int i) const {
    return Vec<T>::broadcast(static_cast<T>(c.values[i]));
  }
};

template <class T>
struct Sgd {
  static constexpr int kSlots = 0;
  using V = Vec<T>;
  V rate;
  explicit FASTNN_INLINE Sgd(Constants<T> c) : rate(c[0]) {}
  FASTNN_INLINE V operator()(V w, V*, V g) const { return fma(-rate, g, w); }
};

// I. Sutskever et al., "On the importance of initialization and momentum" (2013).
template <class T, bool nesterov>
struct Momentum {
  static constexpr int kSlots = 1;
  using V = Vec<T>;
  V rate, momentum;
  explicit FASTNN_INLINE Momentum(Constants<T> c) : rate(c[0]), momentum(c[1]) {}
  FASTNN_INLINE V operator()(V w, V* slots, V g) const {
    const V change = rate * g;
    slots[0] = fma(momentum, slots[0], -change);
    return w + (nesterov ? fma(momentum, slots[0], -change) : slots[0]);
  }
};

// J. Duchi et al., "Adaptive subgradient methods" (2011).
template <class T>
struct Adagrad {
  static constexpr int kSlots = 1;
  using V = Vec<T>;
  V rate, epsilon;
  explicit FASTNN_INLINE Adagrad(Constants<T> c) : rate(c[0]), epsilon(c[1]) {}
  FASTNN_INLINE V operator()(V w, V* slots, V g, RootBy by) const {
    slots[0] = fma(g, g, slots[0]);
    return w - rate * g / root(slots[0] + epsilon, by);
  }
};

// M. Zeiler, "ADADELTA: an adaptive learning rate method" (2012).
template <class T>
struct Adadelta {
  static constexpr int kSlots = 2;  // means of squares: of gradients, of changes
  using V = Vec<T>;
  V rate, rho, rest, epsilon;
  explicit FASTNN_INLINE Adadelta(Constants<T> c)
      : rate(c[0]), rho(c[1]), rest(c[2]), epsilon(c[3]) {}
  FASTNN_INLINE V operator()(V w, V* slots, V g) const {
    slots[0] = fma(rho, slots[0], rest * (g * g));
    const V change = g * sqrt((slots[1] + epsilon) / (slots[0] + epsilon));
    slots[1] = fma(rho, slots[1], rest * (change * change));
    return fma(-rate, change, w);
  }
};

// T. Tieleman, G. Hinton, "Lecture 6.5" (2012); centered: A. Graves, "Generating sequences with
// recurrent neural networks" (2013).
template <class T, bool with_momentum, bool centered>
struct Rmsprop {
  static constexpr int kSlots = 1 + with_momentum + centered;
  using V = Vec<T>;
  V rate, rho, rest, epsilon, momentum;
  explicit FASTNN_INLINE Rmsprop(Constants<T> c)
      : rate(c[0]), rho(c[1]), rest(c[2]), epsilon(c[3]), momentum(c[4]) {}
  FASTNN_INLINE V operator()(V w, V* slots, V g, RootBy by) const {
    slots[0] = fma(rho, slots[0], rest * (g * g));
    V spread = slots[0];
    if (centered) {
      V& mean = slots[1 + with_momentum];
      mean = fma(rho, mean, rest * g);
      spread = fma(-mean, mean, spread);
    }
    V change = rate * g / root(spread + epsilon, by);
    if (with_momentum) change = slots[1] = fma(momentum, slots[1], change);
    return w - change;
  }
};

// D. Kingma, J. Ba, "Adam: a method for stochastic optimization" (2015), with the epsilon beside
// the uncorrected root; AMSGrad: S. Reddi et al., "On the convergence of Adam and beyond" (2018).
template <class T, bool amsgrad>
struct Adam {
  static constexpr int kSlots = amsgrad ? 3 : 2;
  using V = Vec<T>;
  V rate, beta_1, beta_2, epsilon;  // of the betas, the complements
  explicit FASTNN_INLINE Adam(Constants<T> c)
      : rate(c[0]), beta_1(c[1]), beta_2(c[2]), epsilon(c[3]) {}
  FASTNN_INLINE V operator()(V w, V* slots, V g, RootBy by) const {
    slots[0] = fma(g - slots[0], beta_1, slots[0]);
    slots[1] = fma(g * g - slots[1], beta_2, slots[1]);
    V v = slots[1];
    if (amsgrad) v = slots[2] = maximum(slots[2], v);
    return w - rate * slots[0] / (root(v, by) + epsilon);
  }
};

// Kingma and Ba, section 7.1.
template <class T>
struct Adamax {
  static constexpr int kSlots = 2;
  using V = Vec<T>;
  V rate, beta_1, beta_2, epsilon;  // of beta_1, the complement
  explicit FASTNN_INLINE Adamax(Constants<T> c)
      : rate(c[0]), beta_1(c[1]), beta_2(c[2]), epsilon(c[3]) {}
  FASTNN_INLINE V operator()(V w, V* slots, V g) const {
    slots[0] = fma(g - slots[0], beta_1, slots[0]);
    slots[1] = maximum(beta_2 * slots[1], abs(g));
    return w - rate * slots[0] / (slots[1] + epsilon);
  }
};

// T. Dozat, "Incorporating Nesterov momentum into Adam" (2016).
template <class T>
struct Nadam {
  static constexpr int kSlots = 2;
  using V = Vec<T>;
  V past, present, beta_1, beta_2, correction, epsilon;  // of the betas, the complements
  explicit FASTNN_INLINE Nadam(Constants<T> c)
      : past(c[0]), present(c[1]), beta_1(c[2]), beta_2(c[3]), correction(c[4]), epsilon(c[5]) {}
  FASTNN_INLINE V operator()(V w, V* slots, V g, RootBy by) const {
    slots[0] = fma(g - slots[0], beta_1, slots[0]);
    slots[1] = fma(g * g - slots[1], beta_2, slots[1]);
    const V change = fma(past, slots[0], present * g);
    return w - change / (root(slots[1] * correction, by) + epsilon);
  }
};

// H. McMahan et al., "Ad click prediction: a view from the trenches" (2013). By root: the power is
// a half.
template <class T, bool by_root>
struct Ftrl {
  static constexpr int kSlots = 2;  // the sum of squares, the linear term
  using V = Vec<T>;
  double power;
  V inverse_rate, l1, l2, shrinkage;
  explicit FASTNN_INLINE Ftrl(Constants<T> c)
      : power(c.c.values[1]), inverse_rate(c[0]), l1(c[2]), l2(c[3]), shrinkage(c[4]) {}
  FASTNN_INLINE V raised(V x, RootBy by) const {
    if constexpr (by_root) return root(x, by);
    const double exponent = power;
    return lanewise(x, [=](double v) { return ::pow(v, exponent); });
  }
  FASTNN_INLINE V operator()(V w, V* slots, V g, RootBy by) const {
    const V before = raised(slots[0], by);
    slots[0] = fma(g, g, slots[0]);
    const V after = raised(slots[0], by);
    slots[1] = slots[1] + (fma(shrinkage, w, g) - (after - before) * inverse_rate * w);
    const V clipped = minimum(maximum(slots[1], -l1), l1);
    return (clipped - slots[1]) / fma(after, inverse_rate, l2);
  }
};

// X. Chen et al., "Symbolic discovery of optimization algorithms" (2023).
template <class T>
struct Lion {
  static constexpr int kSlots = 1;
  using V = Vec<T>;
  V rate, beta_1, beta_2;  // of the betas, the complements
  explicit FASTNN_INLINE Lion(Constants<T> c) : rate(c[0]), beta_1(c[1]), beta_2(c[2]) {}
  FASTNN_INLINE V operator()(V w, V* slots, V g) const {
    const V change = g - slots[0], between = fma(change, beta_1, slots[0]);
    slots[0] = fma(change, beta_2, slots[0]);
    const V step = select(is_nan(between), between, copy_sign(rate, between));
    return select(between == V::zero(), w, w - step);
  }
};

// A. Defazio et al., "The road less scheduled" (2024). The mean is not kept: it is what the
// parameter holds beside its share of z.
template <class T>
struct ScheduleFree {
  static constexpr int kSlots = 2;  // z, the mean square
  using V = Vec<T>;
  V rate, of_mean, of_z, beta_2, correction, fresh, epsilon;  // of beta_2, the complement
  explicit FASTNN_INLINE ScheduleFree(Constants<T> c)
      : rate(c[0]),
        of_mean(c[1]),
        of_z(c[2]),
        beta_2(c[3]),
        correction(c[4]),
        fresh(c[5]),
        epsilon(c[6]) {}
  FASTNN_INLINE V operator()(V w, V* slots, V g, RootBy by) const {
    const V mean = fma(-of_z, slots[0], w);  // times of_mean
    slots[1] = fma(g * g - slots[1], beta_2, slots[1]);
    slots[0] = slots[0] - rate * g / (root(slots[1] * correction, by) + epsilon);
    const V moved = fma(fresh, fma(of_mean, slots[0], -mean), mean);
    return fma(of_z, slots[0], moved);
  }
};

}  // namespace
}  // namespace fastnn
