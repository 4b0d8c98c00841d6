// Optimizer rules: one pass over the parameter, its slots and its gradient.
//
// A rule reads and writes registers; `step` walks over memory for all of them.
#include "kernels/optimizer.h"

#include "kernels/fill.h"
#include "simd/vec.h"

namespace fastnn {
namespace {

template <class T>
struct Sgd {
  static constexpr int kSlots = 0;
  using V = Vec<T>;
  V rate;
  explicit FASTNN_INLINE Sgd(const OptimizerConstants& c)
      : rate(V::broadcast(static_cast<T>(c.values[0]))) {}
  FASTNN_INLINE V operator()(V w, V*, V g) const { return fma(-rate, g, w); }
};

// I. Sutskever et al., "On the importance of initialization and momentum" (2013).
template <class T, bool nesterov>
struct Momentum {
  static constexpr int kSlots = 1;
  using V = Vec<T>;
  V rate, momentum;
  explicit FASTNN_INLINE Momentum(const OptimizerConstants& c)
      : rate(V::broadcast(static_cast<T>(c.values[0]))),
        momentum(V::broadcast(static_cast<T>(c.values[1]))) {}
  FASTNN_INLINE V operator()(V w, V* slots, V g) const {
    const V change = rate * g;
    slots[0] = fma(momentum, slots[0], -change);
    return w + (nesterov ? fma(momentum, slots[0], -change) : slots[0]);
  }
};

// D. Kingma, J. Ba, "Adam: a method for stochastic optimization" (2015), with the epsilon beside
// the uncorrected root.
template <class T, bool amsgrad>
struct Adam {
  static constexpr int kSlots = amsgrad ? 3 : 2;
  using V = Vec<T>;
  V rate, beta_1, beta_2, epsilon;  // of the betas, the complements
  explicit FASTNN_INLINE Adam(const OptimizerConstants& c)
      : rate(V::broadcast(static_cast<T>(c.values[0]))),
        beta_1(V::broadcast(static_cast<T>(c.values[1]))),
        beta_2(V::broadcast(static_cast<T>(c.values[2]))),
        epsilon(V::broadcast(static_cast<T>(c.values[3]))) {}
  FASTNN_INLINE V operator()(V w, V* slots, V g) const {
    slots[0] = fma(g - slots[0], beta_1, slots[0]);
    slots[1] = fma(g * g - slots[1], beta_2, slots[1]);
    V v = slots[1];
    if (amsgrad) v = slots[2] = maximum(slots[2], v);
    return w - rate * slots[0] / (sqrt(v) + epsilon);
  }
};

template <class T, class Rule>
void step(const OptimizerConstants* constants, int64_t n, void* parameter, void* const* slots,
          const void* gradient) {
  using V = Vec<T>;
  constexpr int kSlots = Rule::kSlots;
  const Rule rule(*constants);
  T* w = static_cast<T*>(parameter);
  const T* g = static_cast<const T*>(gradient);
  T* slot[kMostSlots];
  for (int k = 0; k < kSlots; ++k) slot[k] = static_cast<T*>(slots[k]);
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) {
    V s[kMostSlots];
    for (int k = 0; k < kSlots; ++k) s[k] = V::load(slot[k] + i);
    rule(V::load(w + i), s, V::load(g + i)).store(w + i);
    for (int k = 0; k < kSlots; ++k) s[k].store(slot[k] + i);
  }
  if (i < n) {
    V s[kMostSlots];
    for (int k = 0; k < kSlots; ++k) s[k] = V::load_first(slot[k] + i, n - i);
    rule(V::load_first(w + i, n - i), s, V::load_first(g + i, n - i)).store_first(w + i, n - i);
    for (int k = 0; k < kSlots; ++k) s[k].store_first(slot[k] + i, n - i);
  }
}

template <class T, template <class, bool> class Rule>
void step_by_flag(const OptimizerConstants* constants, int64_t n, void* w, void* const* slots,
                  const void* g) {
  constants->flag ? step<T, Rule<T, true>>(constants, n, w, slots, g)
                  : step<T, Rule<T, false>>(constants, n, w, slots, g);
}

template <class T>
void scale_in_place(void* x, double scale, int64_t n) {
  const Vec<T> factor = Vec<T>::broadcast(static_cast<T>(scale));
  T* p = static_cast<T*>(x);
  for (int64_t i = 0; i < n; i += Vec<T>::kLanes)
    store_some(load_some(p + i, n - i) * factor, p + i, n - i);
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(optimizer, OptimizerKernels) {
  using namespace fastnn;
  *table = OptimizerKernels{
      {{step<float, Sgd<float>>, step_by_flag<float, Momentum>, step_by_flag<float, Adam>},
       {step<double, Sgd<double>>, step_by_flag<double, Momentum>, step_by_flag<double, Adam>}},
      {scale_in_place<float>, scale_in_place<double>}};
}
