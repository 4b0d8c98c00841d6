// Connectionist temporal classification: loss and gradient of one example.
//
// Shapes: logits x [time, classes], labels l [count]. The loss is -log of the probability that
// softmax(x) spells l: the sum over all paths (one class a frame) that give l once repeats are
// merged and blanks dropped. Forward variables a_t, over count + 1 blanks and count labels:
//   blank_j: y_t(blank) (blank_j + label_{j-1})
//   label_j: y_t(l_j) (label_j + blank_j + [l_j != l_{j-1}] label_{j-1})
// and backward variables b_t the same way from the end, without the factor of their own frame. Then
// a_t b_t / (their sum) is the probability of being in that state at t, and
//   dx_t(k) = y_t(k) - (sum of that over the states that are k).
// Method: A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber, "Connectionist temporal
// classification", ICML 2006, sections 4.1 and 4.2.
//
// Instead of log space, every variable is a mantissa and a power of two (simd/scaled.h). In place
// of y stands exp(x - max): its divisors, the sums of exponentials, enter the loss alone.
#include "kernels/ctc.h"

#include <string.h>

#include "kernels/fill.h"
#include "simd/exp_row.h"
#include "simd/scaled.h"

namespace fastnn {
namespace {

// An array of scaled numbers: mantissas, then exponents `row` elements behind.
template <class T>
struct ScaledArray {
  T* mantissa;
  int64_t row;

  FASTNN_INLINE Scaled<T> load(int64_t i) const {
    return {Vec<T>::load(mantissa + i), Vec<T>::load(mantissa + row + i)};
  }
  FASTNN_INLINE Scaled<T> all(int64_t i) const {  // number i in every lane
    return {Vec<T>::broadcast(mantissa[i]), Vec<T>::broadcast(mantissa[row + i])};
  }
  FASTNN_INLINE void store(int64_t i, Scaled<T> value) const {
    value.mantissa.store(mantissa + i);
    value.exponent.store(mantissa + row + i);
  }
  FASTNN_INLINE void set(int64_t i, T value, T exponent) const {
    mantissa[i] = value;
    mantissa[row + i] = exponent;
  }
};

// The variables of one frame.
template <class T>
struct States {
  ScaledArray<T> blank, label;
};

// The scratch memory of an example.
template <class T>
struct Lattice {
  int64_t width, row, time;
  T *alphas, *weights, *betas, *skip, *z, *label_share, *blank_share, *blank_weights, *sums;

  FASTNN_INLINE Lattice(T* scratch, int64_t time, int64_t count)
      : width(ctc_width(count)), row(ctc_row(count)), time(time) {
    const auto take = [&](int64_t size) {
      T* piece = scratch;
      scratch += size;
      return piece;
    };
    alphas = take(4 * row * (time + 1)) + FASTNN_CTC_MARGIN;
    weights = take(2 * row * time) + FASTNN_CTC_MARGIN;
    betas = take(8 * row) + FASTNN_CTC_MARGIN;
    skip = take(row) + FASTNN_CTC_MARGIN;
    z = take(row) + FASTNN_CTC_MARGIN;
    label_share = take(row) + FASTNN_CTC_MARGIN;
    blank_share = take(row) + FASTNN_CTC_MARGIN;
    blank_weights = take(2 * time);
    sums = take(time);
  }

  FASTNN_INLINE States<T> states(T* at) const { return {{at, row}, {at + 2 * row, row}}; }
  // Before frame t: 0 is the start.
  FASTNN_INLINE States<T> alpha(int64_t t) const { return states(alphas + 4 * row * t); }
  FASTNN_INLINE States<T> beta(int64_t t) const { return states(betas + 4 * row * (t & 1)); }
  // exp(x - max) of frame t.
  FASTNN_INLINE ScaledArray<T> label_weights(int64_t t) const {
    return {weights + 2 * row * t, row};
  }
  FASTNN_INLINE ScaledArray<T> blank_weight() const { return {blank_weights, time}; }

  FASTNN_INLINE void clear(States<T> s) const {
    for (int64_t i = -FASTNN_CTC_MARGIN; i < row - FASTNN_CTC_MARGIN; ++i) {
      s.blank.set(i, 0, ScaledRange<T>::kNothing);
      s.label.set(i, 0, ScaledRange<T>::kNothing);
    }
  }
};

// sink(i, blanks, labels) for every register of states: what reaches them from the frame before
// (kForward) or the frame behind. Not normalized. Lanes beyond the states get nothing.
template <bool kForward, class T, class Sink>
FASTNN_INLINE void for_states(const Lattice<T>& lattice, States<T> from, Sink sink) {
  for (int64_t i = 0; i < lattice.width; i += Vec<T>::kLanes) {
    const int64_t other = kForward ? i - 1 : i + 1;
    const Scaled<T> blank = from.blank.load(i), label = from.label.load(i);
    const Scaled<T> neighbour = from.label.load(other);
    const auto skips = Vec<T>::load(lattice.skip + (kForward ? i : other)) > Vec<T>::zero();
    const Scaled<T> skipping = select(skips, neighbour, Scaled<T>::zero());
    if constexpr (kForward)
      sink(i, blank + neighbour, sum(label, blank, skipping));
    else
      sink(i, blank + label, sum(label, from.blank.load(other), skipping));
  }
}

// Weights, their sums and forward variables, frame by frame; exp(x - max) goes to dx.
template <class T>
FASTNN_INLINE void run_forward(const CtcExample& e, const Lattice<T>& lattice) {
  const T* x = static_cast<const T*>(e.logits);
  T* dx = static_cast<T*>(e.dx);
  for (int64_t i = 0; i < lattice.width; ++i) lattice.z[i] = -static_cast<T>(INFINITY);
  for (int64_t i = -FASTNN_CTC_MARGIN; i < lattice.row - FASTNN_CTC_MARGIN; ++i)
    lattice.skip[i] = i > 0 && i < e.count && e.labels[i] != e.labels[i - 1] ? 1 : 0;
  lattice.clear(lattice.alpha(0));
  lattice.alpha(0).blank.set(0, 1, 0);
  for (int64_t t = 0; t < e.time; ++t, x += e.classes, dx += e.classes) {
    const T largest = fold_row<T, kFoldMax>(x, e.classes);
    lattice.sums[t] = exp_row(x, largest, e.classes, dx);
    const Scaled<T> blank_weight = exp_scaled(Vec<T>::broadcast(x[e.blank] - largest));
    lattice.blank_weight().set(t, first_lane(blank_weight.mantissa),
                               first_lane(blank_weight.exponent));
    for (int64_t j = 0; j < e.count; ++j) lattice.z[j] = x[e.labels[j]] - largest;
    const ScaledArray<T> label_weights = lattice.label_weights(t);
    const States<T> to = lattice.alpha(t + 1);
    to.label.set(-1, 0, ScaledRange<T>::kNothing);
    for_states<true>(lattice, lattice.alpha(t), [&](int64_t i, Scaled<T> blanks, Scaled<T> labels) {
      const Scaled<T> weights = exp_scaled(Vec<T>::load(lattice.z + i));
      label_weights.store(i, weights);
      to.blank.store(i, blanks * blank_weight);
      to.label.store(i, labels * weights);
    });
  }
}

// -log of what the forward variables end with, and the end itself.
template <class T>
FASTNN_INLINE double loss_of(const CtcExample& e, const Lattice<T>& lattice, Scaled<T>& end) {
  const States<T> last = lattice.alpha(e.time);
  end = last.blank.all(e.count) + last.label.all(e.count - 1);
  double log_sums = 0, product = 1;  // of several sums at a time
  for (int64_t t = 0; t < e.time; ++t) {
    product *= static_cast<double>(lattice.sums[t]);
    if (product < 1e200 && t + 1 < e.time) continue;
    log_sums += log_of(product);
    product = 1;
  }
  const double mantissa = first_lane(end.mantissa), exponent = first_lane(end.exponent);
  return mantissa == 0 ? INFINITY : log_sums - log_of(mantissa) - exponent * 0.6931471805599453;
}

// dx from exp(x - max), the forward variables and, made on the way, the backward variables.
template <class T>
FASTNN_INLINE void run_backward(const CtcExample& e, const Lattice<T>& lattice, Scaled<T> end) {
  lattice.clear(lattice.beta(0));
  lattice.clear(lattice.beta(1));
  lattice.beta(e.time).blank.set(e.count, 1, 0);
  for (int64_t t = e.time - 1; t >= 0; --t) {
    const States<T> alpha = lattice.alpha(t + 1), to = lattice.beta(t);
    const ScaledArray<T> label_weights = lattice.label_weights(t);
    const Scaled<T> blank_weight = lattice.blank_weight().all(t);
    // Zero, not subnormal, where a state is next to impossible.
    const auto share = [&](Scaled<T> a, Scaled<T> b) {
      const Vec<T> d = a.exponent + b.exponent - end.exponent;
      const Vec<T> value = a.mantissa * b.mantissa * power_of_difference(d);
      return select(d < constant<T>(ScaledRange<T>::kLeast), Vec<T>::zero(), value);
    };
    for_states<false>(lattice, lattice.beta(t + 1),
                      [&](int64_t i, Scaled<T> blanks, Scaled<T> labels) {
                        share(alpha.blank.load(i), blanks).store(lattice.blank_share + i);
                        share(alpha.label.load(i), labels).store(lattice.label_share + i);
                        to.blank.store(i, blanks * blank_weight);
                        to.label.store(i, labels * label_weights.load(i));
                      });
    // Divided by their own sum: rounding errors that all states have in common cancel.
    const T blank_share = fold_row<T, kFoldSum>(lattice.blank_share, lattice.width);
    const T part = 1 / (blank_share + fold_row<T, kFoldSum>(lattice.label_share, lattice.width));
    T* dx = static_cast<T*>(e.dx) + t * e.classes;
    const Vec<T> scale = Vec<T>::broadcast(1 / lattice.sums[t]);
    for_registers<T>(e.classes, [&](int64_t i, int64_t left) {
      store_some(load_some(dx + i, left) * scale, dx + i, left);
    });
    dx[e.blank] -= blank_share * part;
    for (int64_t j = 0; j < e.count; ++j) dx[e.labels[j]] -= lattice.label_share[j] * part;
  }
}

template <class T>
void ctc_loss(const CtcExample* example) {
  const CtcExample& e = *example;
  T *loss = static_cast<T*>(e.loss), *dx = static_cast<T*>(e.dx);
  const int64_t used = e.time * e.classes;
  memset(dx + used, 0, static_cast<size_t>(e.frames * e.classes - used) * sizeof(T));
  const Lattice<T> lattice(static_cast<T*>(e.scratch), e.time, e.count);
  run_forward(e, lattice);
  Scaled<T> end;
  const double value = loss_of(e, lattice, end);
  const bool zero = e.zero_infinity && value == INFINITY;
  *loss = zero ? 0 : static_cast<T>(value);
  if (value < INFINITY) return run_backward(e, lattice, end);
  // No path, or NaN: there is no gradient.
  for (int64_t i = 0; i < used; ++i) dx[i] = zero ? 0 : static_cast<T>(NAN);
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(ctc, CtcKernels) {
  using namespace fastnn;
  *table = CtcKernels{{ctc_loss<float>, ctc_loss<double>}};
}
