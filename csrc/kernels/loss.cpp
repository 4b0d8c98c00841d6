// Cross-entropies from logits, loss and gradient together.
//
// With m the largest logit of a row, z = x - m, s = sum exp(z), t the smoothed targets, S their
// sum: loss = sum t (log s - z), dx = S exp(z) / s - t. No large number is subtracted from another.
#include "kernels/loss.h"

#include <string.h>

#include "kernels/fill.h"
#include "simd/exp_row.h"

namespace fastnn {
namespace {

template <class T>
FASTNN_INLINE T label_row(const T* x, int64_t label, T weight, T smoothing, int64_t n, T* dx) {
  if (label == FASTNN_NO_LABEL) {
    memset(dx, 0, static_cast<size_t>(n) * sizeof(T));
    return 0;
  }
  const T hit = 1 - smoothing, spread = smoothing / static_cast<T>(n);
  const T m = fold_row<T, kFoldMax>(x, n), sum = exp_row(x, m, n, dx);
  const Vec<T> scale = Vec<T>::broadcast(weight / sum);
  const Vec<T> shift = Vec<T>::broadcast(-weight * spread);
  for (int64_t i = 0; i < n; i += Vec<T>::kLanes)
    store_some(fma(load_some(dx + i, n - i), scale, shift), dx + i, n - i);
  dx[label] -= weight * hit;
  T mean = hit * (x[label] - m);
  if (spread != 0) {
    const Vec<T> largest = Vec<T>::broadcast(m);
    mean += spread * fold_values<T, kFoldSum>(n, [&](int64_t i, int64_t left) {
              return load_padded(x + i, left, largest) - largest;
            });
  }
  return weight * (log_of(sum) - mean);
}

template <class T>
FASTNN_INLINE T dense_row(const T* x, const T* t, T weight, T smoothing, int64_t n, T* dx) {
  const T hit = 1 - smoothing;
  const Vec<T> hits = Vec<T>::broadcast(hit), zero = Vec<T>::zero();
  const Vec<T> spread = Vec<T>::broadcast(smoothing / static_cast<T>(n));
  const T largest = fold_row<T, kFoldMax>(x, n), sum = exp_row(x, largest, n, dx);
  const Vec<T> m = Vec<T>::broadcast(largest), log_sum = Vec<T>::broadcast(log_of(sum));
  const T total = hit * fold_row<T, kFoldSum>(t, n) + smoothing;
  // A class that cannot be the target costs nothing, be its logit minus infinity.
  const T loss = fold_values<T, kFoldSum>(n, [&](int64_t i, int64_t left) {
    const Vec<T> target = pad(fma(load_some(t + i, left), hits, spread), left, zero);
    const Vec<T> cost = target * (log_sum - (load_some(x + i, left) - m));
    return select(target == zero, zero, cost);
  });
  const Vec<T> scale = Vec<T>::broadcast(weight * (total / sum));
  const Vec<T> weights = Vec<T>::broadcast(weight);
  for (int64_t i = 0; i < n; i += Vec<T>::kLanes) {
    const Vec<T> target = fma(load_some(t + i, n - i), hits, spread);
    store_some(fma(load_some(dx + i, n - i), scale, -(weights * target)), dx + i, n - i);
  }
  return weight * loss;
}

template <class T>
void cross_entropy_rows(const void* x, const int64_t* labels, const void* dense,
                        const void* weight, double smoothing, int64_t rows, int64_t n, void* loss,
                        void* dx) {
  const T *logits = static_cast<const T*>(x), *targets = static_cast<const T*>(dense);
  const T* weights = static_cast<const T*>(weight);
  const T s = static_cast<T>(smoothing);
  for (int64_t r = 0; r < rows; ++r) {
    const T w = weights ? weights[r] : 1;
    T* gradient = static_cast<T*>(dx) + r * n;
    static_cast<T*>(loss)[r] = labels
                                   ? label_row(logits + r * n, labels[r], w, s, n, gradient)
                                   : dense_row(logits + r * n, targets + r * n, w, s, n, gradient);
  }
}

template <class T>
void binary_cross_entropy(const void* x, const void* t, const void* weight, double smoothing,
                          int64_t n, void* loss, void* dx) {
  const T *logits = static_cast<const T*>(x), *targets = static_cast<const T*>(t);
  const T* weights = static_cast<const T*>(weight);
  T *losses = static_cast<T*>(loss), *gradients = static_cast<T*>(dx);
  const Vec<T> zero = Vec<T>::zero(), one = Vec<T>::broadcast(1);
  const Vec<T> hit = Vec<T>::broadcast(static_cast<T>(1 - smoothing));
  const Vec<T> spread = Vec<T>::broadcast(static_cast<T>(smoothing / 2));
  for (int64_t i = 0; i < n; i += Vec<T>::kLanes) {
    const int64_t left = n - i;
    const Vec<T> z = load_some(logits + i, left);
    const Vec<T> target = fma(load_some(targets + i, left), hit, spread);
    const Vec<T> w = weights ? load_some(weights + i, left) : one;
    const Vec<T> e = exp(-abs(z));  // at most 1
    const Vec<T> sigmoid = select(z < zero, e, one) / (one + e);
    store_some(w * (larger(z, zero) - z * target + log1p(e)), losses + i, left);
    store_some(w * (sigmoid - target), gradients + i, left);
  }
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(loss, LossKernels) {
  using namespace fastnn;
  *table = LossKernels{{cross_entropy_rows<float>, cross_entropy_rows<double>},
                       {binary_cross_entropy<float>, binary_cross_entropy<double>}};
}
