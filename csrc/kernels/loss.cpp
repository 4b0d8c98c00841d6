// Cross-entropies from logits, loss and gradient together.
//
// With m the largest logit of a row, z = x - m, s = sum exp(z), t the smoothed targets, S their
// sum: loss = sum t (log s - z), dx = S exp(z) / s - t. No large number is subtracted from another.
#include "kernels/loss.h"

#include <string.h>

#include "kernels/fill.h"
#include "simd/exp_row.h"
#include "simd/short_rows.h"

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

// The same for rows short enough to go several at a time. One number a row, a row a lane.
template <class T>
struct RowNumbers {
  T lane[Vec<T>::kLanes];
  FASTNN_INLINE Vec<T> load() const { return Vec<T>::load(lane); }
};

template <class T>
FASTNN_INLINE void load_weights(const T* weights, int64_t rows, RowNumbers<T>& w) {
  for (int r = 0; r < Vec<T>::kLanes; ++r) w.lane[r] = weights && r < rows ? weights[r] : 1;
}

template <class T>
FASTNN_INLINE void short_label_rows(const T* x, const int64_t* labels, const T* weights,
                                    T smoothing, int64_t rows, int64_t n, T* loss, T* dx) {
  using V = Vec<T>;
  const T hit = 1 - smoothing, spread = smoothing / static_cast<T>(n);
  ShortRows<T> block;
  block.load(x, rows, n);
  const V m = block.template fold<kFoldMax>();
  block.apply([=](int, V value) { return value - m; });
  RowNumbers<T> w, chosen;
  load_weights(weights, rows, w);
  for (int r = 0; r < V::kLanes; ++r) {
    const bool counts = r < rows && labels[r] != FASTNN_NO_LABEL;
    chosen.lane[r] = block.element[counts ? labels[r] : 0][r];
  }
  V mean = V::broadcast(hit) * chosen.load();
  if (spread != 0) mean = mean + V::broadcast(spread) * block.template fold<kFoldSum>();
  block.apply([](int, V z) { return exp(z); });
  const V sum = block.template fold<kFoldSum>(), weight = w.load();
  const V scale = weight / sum, shift = -weight * V::broadcast(spread);
  block.apply([=](int, V e) { return fma(e, scale, shift); });
  block.store(dx, rows);
  store_some(weight * (log(sum) - mean), loss, rows);
  for (int64_t r = 0; r < rows; ++r)
    if (labels[r] == FASTNN_NO_LABEL) {
      loss[r] = 0;
      memset(dx + r * n, 0, static_cast<size_t>(n) * sizeof(T));
    } else {
      dx[r * n + labels[r]] -= w.lane[r] * hit;
    }
}

template <class T>
FASTNN_INLINE void short_dense_rows(const T* x, const T* t, const T* weights, T smoothing,
                                    int64_t rows, int64_t n, T* loss, T* dx) {
  using V = Vec<T>;
  const V hit = V::broadcast(1 - smoothing), zero = V::zero();
  const V spread = V::broadcast(smoothing / static_cast<T>(n));
  ShortRows<T> block, targets;
  block.load(x, rows, n);
  targets.load(t, rows, n);
  RowNumbers<T> w;
  load_weights(weights, rows, w);
  const V m = block.template fold<kFoldMax>();
  block.apply([=](int, V value) { return value - m; });
  const V sum = block.template fold<kFoldSum>([](int, V z) { return exp(z); });
  const V log_sum = log(sum), weight = w.load();
  const V total = hit * targets.template fold<kFoldSum>() + V::broadcast(smoothing);
  targets.apply([=](int, V target) { return fma(target, hit, spread); });
  const V cost = block.template fold<kFoldSum>([&](int j, V z) {
    const V target = targets.column(j);
    return select(target == zero, zero, target * (log_sum - z));
  });
  const V scale = weight * (total / sum);
  block.apply([&](int j, V z) { return fma(exp(z), scale, -(weight * targets.column(j))); });
  block.store(dx, rows);
  store_some(weight * cost, loss, rows);
}

template <class T>
void cross_entropy_rows(const void* x, const int64_t* labels, const void* dense, const void* weight,
                        double smoothing, int64_t rows, int64_t n, void* loss, void* dx) {
  const T *logits = static_cast<const T*>(x), *targets = static_cast<const T*>(dense);
  const T *weights = static_cast<const T*>(weight), s = static_cast<T>(smoothing);
  T *losses = static_cast<T*>(loss), *gradients = static_cast<T*>(dx);
  const int64_t many = n <= ShortRows<T>::kMost ? Vec<T>::kLanes : 1;
  for (int64_t r = 0; r < rows; r += many, logits += many * n, gradients += many * n) {
    const int64_t count = rows - r < many ? rows - r : many;
    const T* w = weights ? weights + r : nullptr;
    const T one = w ? *w : 1;
    if (n > ShortRows<T>::kMost)
      losses[r] = labels ? label_row(logits, labels[r], one, s, n, gradients)
                         : dense_row(logits, targets + r * n, one, s, n, gradients);
    else if (labels)
      short_label_rows(logits, labels + r, w, s, count, n, losses + r, gradients);
    else
      short_dense_rows(logits, targets + r * n, w, s, count, n, losses + r, gradients);
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
    // 1 + e and its reciprocal serve the logarithm, with the rounding error of the sum, and the
    // sigmoid.
    const Vec<T> e = exp(-abs(z)), sum = one + e, inverse = one / sum;
    const Vec<T> log1p = log_of_normal(sum, zero, (e - (sum - one)) * inverse);
    const Vec<T> sigmoid = select(z < zero, e, one) * inverse;
    store_some(w * (larger(z, zero) - z * target + log1p), losses + i, left);
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
