// Optimizers: the walks over memory, and what surrounds a rule. The rules are in three headers, by
// what they need.
#include "kernels/optimizer.h"

#include <type_traits>

#include "kernels/fill.h"
#include "kernels/optimizer_rules.h"
#include "kernels/optimizer_scaled.h"
#include "kernels/optimizer_tuned.h"
#include "simd/fold.h"
#include "simd/vec.h"

namespace fastnn {
namespace {

// What comes before a rule.
template <class T>
struct Before {
  using V = Vec<T>;
  bool given, decays;
  V lost, scale, limit;

  explicit FASTNN_INLINE Before(const OptimizerPrelude* prelude)
      : given(prelude),
        decays(given && prelude->decay != 0),
        lost(V::broadcast(given ? static_cast<T>(-prelude->decay) : 0)),
        scale(V::broadcast(given ? static_cast<T>(prelude->scale) : 1)),
        limit(V::broadcast(given ? static_cast<T>(prelude->limit) : 0)) {}
  FASTNN_INLINE V kept(V value) const { return decays ? fma(value, lost, value) : value; }
  FASTNN_INLINE V cut(V slope) const {  // NaN stays
    return given ? smaller(limit, larger(-limit, slope * scale)) : slope;
  }
};

// A rule that is told where to take its root.
template <class T, class Rule>
constexpr bool kTakesRoot = std::is_invocable_v<Rule, Vec<T>, Vec<T>*, Vec<T>, RootBy>;

// One pass over a parameter, its slots and its gradient. The first so many slots are written. In
// pairs: every second register has its root by products.
template <class T, class Rule, int kWritten, bool in_pairs>
void pass(const OptimizerConstants* constants, const OptimizerPrelude* prelude, int64_t n,
          void* parameter, void* const* slots, const void* gradient) {
  using V = Vec<T>;
  constexpr int kSlots = Rule::kSlots;
  constexpr int64_t L = V::kLanes;
  const Rule rule(Constants<T>{*constants});
  const Before<T> before(prelude);
  T* w = static_cast<T*>(parameter);
  const T* g = static_cast<const T*>(gradient);
  T* slot[kMostSlots];
  for (int k = 0; k < kSlots; ++k) slot[k] = static_cast<T*>(slots[k]);
  const auto move = [&](int64_t i, int64_t left, RootBy by) __attribute__((always_inline)) {
    V s[kMostSlots];
    for (int k = 0; k < kSlots; ++k) s[k] = load_some(slot[k] + i, left);
    const V value = before.kept(load_some(w + i, left)), slope = before.cut(load_some(g + i, left));
    if constexpr (kTakesRoot<T, Rule>)
      store_some(rule(value, s, slope, by), w + i, left);
    else
      store_some(rule(value, s, slope), w + i, left);
    for (int k = 0; k < kWritten; ++k) store_some(s[k], slot[k] + i, left);
  };
  int64_t i = 0;
  if constexpr (in_pairs)
    for (; i + 2 * L <= n; i += 2 * L) {
      move(i, L, RootBy::divider);
      move(i + L, L, RootBy::products);
    }
  for (; i + L <= n; i += L) move(i, L, RootBy::divider);
  if (i < n) move(i, n - i, RootBy::divider);
}

template <class T, class Rule, int kWritten = Rule::kSlots>
void step(const OptimizerConstants* constants, const OptimizerPrelude* prelude, int64_t n,
          void* parameter, void* const* slots, const void* gradient) {
  constexpr bool in_pairs = kRootsByProducts<T> && kTakesRoot<T, Rule>;
  constexpr int64_t kLong = 512;  // what shorter ones wait for is not the divider
  const auto walk = n < kLong ? pass<T, Rule, kWritten, false> : pass<T, Rule, kWritten, in_pairs>;
  walk(constants, prelude, n, parameter, slots, gradient);
}

template <class T>
void ftrl(const OptimizerConstants* constants, const OptimizerPrelude* prelude, int64_t n,
          void* parameter, void* const* slots, const void* gradient) {
  const auto rule = constants->values[1] == 0.5 ? step<T, Ftrl<T, true>> : step<T, Ftrl<T, false>>;
  rule(constants, prelude, n, parameter, slots, gradient);
}

// Where a parameter is to go; with `moves` its slots are moved first.
template <class T, class Rule>
void direct(const OptimizerConstants* constants, const OptimizerPrelude* prelude, int64_t n,
            void* parameter, void* const* slots, const void* gradient, int moves, void* direction,
            OptimizerSquares* squares) {
  using V = Vec<T>;
  constexpr int kSlots = Rule::kSlots, kRegisters = kVirtualLanes<T> / V::kLanes;
  const Rule rule(Constants<T>{*constants});
  const Before<T> before(prelude);
  T *w = static_cast<T*>(parameter), *to = static_cast<T*>(direction);
  const T* g = static_cast<const T*>(gradient);
  T* slot[kSlots];
  for (int k = 0; k < kSlots; ++k) slot[k] = static_cast<T*>(slots[k]);
  V of_parameter[kRegisters], of_direction[kRegisters];
  for (int k = 0; k < kRegisters; ++k) of_parameter[k] = of_direction[k] = V::zero();
  for_lanes<T>(n, [&](int k, int64_t i, int64_t left) {
    const V value = before.kept(load_some(w + i, left)), slope = before.cut(load_some(g + i, left));
    if (before.decays) store_some(value, w + i, left);
    V s[kSlots];
    for (int j = 0; j < kSlots; ++j) s[j] = load_some(slot[j] + i, left);
    if (moves) {
      rule.move(s, slope);
      for (int j = 0; j < kSlots; ++j) store_some(s[j], slot[j] + i, left);
    }
    const V there = pad(rule.direction(s, slope), left, V::zero());
    store_some(there, to + i, left);
    of_parameter[k] = fma(value, value, of_parameter[k]);
    of_direction[k] = fma(there, there, of_direction[k]);
  });
  *squares = {static_cast<double>(fold_lanes<kFoldSum>(of_parameter)),
              static_cast<double>(fold_lanes<kFoldSum>(of_direction))};
}

// What comes before and after a rule, one block of elements at a time.

// Calls body(first element, count) for whole vectors of n elements, then for what is left.
template <class T, class Body>
FASTNN_INLINE void for_vectors(int64_t n, Body&& body) {
  constexpr int64_t kLanes = Vec<T>::kLanes;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, kLanes);
  if (i < n) body(i, n - i);
}

template <class T>
void scale(void* x, double factor, int64_t n) {
  const Vec<T> v = Vec<T>::broadcast(static_cast<T>(factor));
  T* p = static_cast<T*>(x);
  for_vectors<T>(
      n, [&](int64_t i, int64_t count) { store_some(load_some(p + i, count) * v, p + i, count); });
}

template <class T>
void clip(const void* g, double factor, double limit, int64_t n, void* y) {
  using V = Vec<T>;
  const V by = V::broadcast(static_cast<T>(factor)), most = V::broadcast(static_cast<T>(limit));
  const T* from = static_cast<const T*>(g);
  T* to = static_cast<T*>(y);
  for_vectors<T>(n, [&](int64_t i, int64_t count) {
    const V scaled = load_some(from + i, count) * by;
    store_some(minimum(maximum(scaled, -most), most), to + i, count);
  });
}

template <class T>
void accumulate(void* total, const void* g, int64_t n) {
  T* to = static_cast<T*>(total);
  const T* from = static_cast<const T*>(g);
  for_vectors<T>(n, [&](int64_t i, int64_t count) {
    store_some(load_some(to + i, count) + load_some(from + i, count), to + i, count);
  });
}

template <class T>
void average(void* mean, void* w, double momentum, int overwrite, int64_t n) {
  using V = Vec<T>;
  const V kept = V::broadcast(static_cast<T>(momentum));
  const V rest = V::broadcast(static_cast<T>(1 - momentum));
  T *means = static_cast<T*>(mean), *values = static_cast<T*>(w);
  for (int64_t i = 0; i < n; i += V::kLanes) {
    const V y = fma(kept, load_some(means + i, n - i), rest * load_some(values + i, n - i));
    store_some(y, means + i, n - i);
    if (overwrite) store_some(y, values + i, n - i);
  }
}

template <class T>
void fill(OptimizerKernels* table, int dtype) {
  auto* rules = table->step[dtype];
  rules[kRule_sgd] = step<T, Sgd<T>>;
  rules[kRule_momentum] = step<T, Momentum<T, false>>;
  rules[kRule_nesterov] = step<T, Momentum<T, true>>;
  rules[kRule_adagrad] = step<T, Adagrad<T>>;
  rules[kRule_adadelta] = step<T, Adadelta<T>>;
  rules[kRule_rmsprop] = step<T, Rmsprop<T, false, false>>;
  rules[kRule_rmsprop_momentum] = step<T, Rmsprop<T, true, false>>;
  rules[kRule_rmsprop_centered] = step<T, Rmsprop<T, false, true>>;
  rules[kRule_rmsprop_centered_momentum] = step<T, Rmsprop<T, true, true>>;
  rules[kRule_adam] = step<T, Adam<T, false>>;
  rules[kRule_amsgrad] = step<T, Adam<T, true>>;
  rules[kRule_adamax] = step<T, Adamax<T>>;
  rules[kRule_nadam] = step<T, Nadam<T>>;
  rules[kRule_ftrl] = ftrl<T>;
  rules[kRule_lion] = step<T, Lion<T>>;
  rules[kRule_schedule_free] = step<T, ScheduleFree<T>>;
  rules[kRule_vsgd] = step<T, Vsgd<T>, 5>;
  rules[kRule_adasecant] = step<T, Adasecant<T>>;
  table->direct[dtype][kRule_lamb] = direct<T, Lamb<T>>;
  table->direct[dtype][kRule_adafactor] = direct<T, Adafactor<T>>;
  table->scale[dtype] = scale<T>;
  table->clip[dtype] = clip<T>;
  table->accumulate[dtype] = accumulate<T>;
  table->average[dtype] = average<T>;
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(optimizer, OptimizerKernels) {
  fastnn::fill<float>(table, 0);
  fastnn::fill<double>(table, 1);
}
