// Rules whose step is a direction times one number, which depends on all of a parameter: `move`
// takes the slots to the next step, `direction` reads them.
#pragma once

#include <float.h>

#include "kernels/optimizer_rules.h"

namespace fastnn {
namespace {

// Y. You et al., "Large batch optimization for deep learning" (2020).
template <class T>
struct Lamb {
  static constexpr int kSlots = 2;
  using V = Vec<T>;
  V beta_1, beta_2, correction_1, correction_2, epsilon;  // of the betas, the complements
  explicit FASTNN_INLINE Lamb(Constants<T> c)
      : beta_1(c[0]), beta_2(c[1]), correction_1(c[2]), correction_2(c[3]), epsilon(c[4]) {}
  FASTNN_INLINE void move(V* slots, V g) const {
    slots[0] = fma(g - slots[0], beta_1, slots[0]);
    slots[1] = fma(g * g - slots[1], beta_2, slots[1]);
  }
  FASTNN_INLINE V direction(const V* slots, V) const {
    return slots[0] * correction_1 / (sqrt(slots[1] * correction_2) + epsilon);
  }
};

// N. Shazeer, M. Stern, "Adafactor" (2018). The mean square of a matrix comes from its rows and
// columns, before.
template <class T>
struct Adafactor {
  static constexpr int kSlots = 1;
  using V = Vec<T>;
  V kept, fresh, epsilon;
  explicit FASTNN_INLINE Adafactor(Constants<T> c) : kept(c[0]), fresh(c[1]), epsilon(c[2]) {}
  FASTNN_INLINE void move(V* slots, V g) const {
    slots[0] = fma(kept, slots[0], fresh * fma(g, g, epsilon));
  }
  // Where the gradient is 0 along a row and along a column the square may underflow.
  FASTNN_INLINE V direction(const V* slots, V g) const {
    constexpr T kLeast = sizeof(T) == 4 ? FLT_MIN : static_cast<T>(DBL_MIN);
    return g / sqrt(larger(V::broadcast(kLeast), slots[0]));
  }
};

}  // namespace
}  // namespace fastnn
