// Softmax and its gradient, along rows and along columns.
//
// A long row: its largest element m, then exp(x - m) with its sum, then the scale; the row stays in
// the nearest cache in between. Short rows go several at a time. Sums go by core/summation_order.h.
#include "kernels/softmax.h"

#include "kernels/fill.h"
#include "simd/exp_row.h"
#include "simd/short_rows.h"

namespace fastnn {
namespace {

template <class T>
void logsumexp_rows(int, const void* x, int64_t rows, int64_t n, void* y) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  for (int64_t r = 0; r < rows; ++r, from += n) {
    const T m = fold_row<T, kFoldMax>(from, n);
    // Infinite or NaN: that is the result already.
    to[r] = m - m == 0 ? m + log_of(sum_exp_row(from, m, n)) : m;
  }
}

template <class T>
FASTNN_INLINE void softmax_row(const T* x, int64_t n, T* y) {
  const T sum = exp_row(x, fold_row<T, kFoldMax>(x, n), n, y);
  const Vec<T> scale = Vec<T>::broadcast(1 / sum);
  for_registers<T>(
      n, [&](int64_t i, int64_t left) { store_some(load_some(y + i, left) * scale, y + i, left); });
}

template <class T>
FASTNN_INLINE void log_softmax_row(const T* x, int64_t n, T* y) {
  const T largest = fold_row<T, kFoldMax>(x, n);
  const Vec<T> m = Vec<T>::broadcast(largest);
  const Vec<T> shift = Vec<T>::broadcast(log_of(sum_exp_row(x, largest, n)));
  for_registers<T>(n, [&](int64_t i, int64_t left) {
    store_some(load_some(x + i, left) - m - shift, y + i, left);
  });
}

template <class T>
FASTNN_INLINE void softmax_short_rows(bool log, const T* x, int64_t rows, int64_t n, T* y) {
  using V = Vec<T>;
  ShortRows<T> block;
  for (int64_t r = 0; r < rows; r += V::kLanes, x += V::kLanes * n, y += V::kLanes * n) {
    const int64_t count = rows - r < V::kLanes ? rows - r : V::kLanes;
    block.load(x, count, n);
    const V m = block.template fold<kFoldMax>();
    block.apply([=](int, V value) { return value - m; });
    if (log) {
      const V sum = block.template fold<kFoldSum>([](int, V z) { return exp(z); });
      const V shift = fastnn::log(sum);
      block.apply([=](int, V z) { return z - shift; });
    } else {
      block.apply([](int, V z) { return exp(z); });
      const V scale = V::broadcast(1) / block.template fold<kFoldSum>();
      block.apply([=](int, V e) { return e * scale; });
    }
    block.store(y, count);
  }
}

template <class T>
void softmax_rows(int log, const void* x, int64_t rows, int64_t n, void* y) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  if (n <= ShortRows<T>::kMost) return softmax_short_rows(log != 0, from, rows, n, to);
  for (int64_t r = 0; r < rows; ++r, from += n, to += n)
    log ? log_softmax_row(from, n, to) : softmax_row(from, n, to);
}

template <class T>
void softmax_backward_rows(int log, const void* dy, const void* y, int64_t rows, int64_t n,
                           void* dx) {
  const T *gradient = static_cast<const T*>(dy), *result = static_cast<const T*>(y);
  T* to = static_cast<T*>(dx);
  for (int64_t r = 0; r < rows; ++r, gradient += n, result += n, to += n) {
    const T sum = fold_values<T, kFoldSum>(n, [&](int64_t i, int64_t left) {
      const Vec<T> g = load_some(gradient + i, left);
      return log ? g : g * load_some(result + i, left);
    });
    const Vec<T> total = Vec<T>::broadcast(sum);
    for_registers<T>(n, [&](int64_t i, int64_t left) {
      const Vec<T> g = load_some(gradient + i, left), p = load_some(result + i, left);
      store_some(log ? fma(-exp(p), total, g) : p * (g - total), to + i, left);
    });
  }
}

template <class T>
void softmax_columns(int log, const void* x, int64_t rows, int64_t stride, int64_t width, void* y) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  for (int64_t j = 0; j < width; j += Vec<T>::kLanes) {
    const int64_t left = width - j;
    const auto element = [&](int64_t r) { return load_some(from + r * stride + j, left); };
    const Vec<T> m = fold_down<T, kFoldMax>(rows, element);
    const Vec<T> sum = fold_down<T, kFoldSum>(rows, [&](int64_t r) {
      const Vec<T> e = exp(element(r) - m);
      if (!log) store_some(e, to + r * stride + j, left);
      return e;
    });
    const Vec<T> last = log ? fastnn::log(sum) : Vec<T>::broadcast(1) / sum;
    for (int64_t r = 0; r < rows; ++r) {
      T* at = to + r * stride + j;
      store_some(log ? element(r) - m - last : load_some(at, left) * last, at, left);
    }
  }
}

template <class T>
void softmax_backward_columns(int log, const void* dy, const void* y, int64_t rows, int64_t stride,
                              int64_t width, void* dx) {
  const T *gradient = static_cast<const T*>(dy), *result = static_cast<const T*>(y);
  T* to = static_cast<T*>(dx);
  for (int64_t j = 0; j < width; j += Vec<T>::kLanes) {
    const int64_t left = width - j;
    const auto g = [&](int64_t r) { return load_some(gradient + r * stride + j, left); };
    const auto p = [&](int64_t r) { return load_some(result + r * stride + j, left); };
    const Vec<T> total =
        fold_down<T, kFoldSum>(rows, [&](int64_t r) { return log ? g(r) : g(r) * p(r); });
    for (int64_t r = 0; r < rows; ++r)
      store_some(log ? fma(-exp(p(r)), total, g(r)) : p(r) * (g(r) - total), to + r * stride + j,
                 left);
  }
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(softmax, SoftmaxKernels) {
  using namespace fastnn;
  *table = SoftmaxKernels{{logsumexp_rows<float>, logsumexp_rows<double>},
                          {softmax_rows<float>, softmax_rows<double>},
                          {softmax_columns<float>, softmax_columns<double>},
                          {softmax_backward_rows<float>, softmax_backward_rows<double>},
                          {softmax_backward_columns<float>, softmax_backward_columns<double>}};
}
