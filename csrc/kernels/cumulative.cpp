// Running sums and products: plain loops, each result the one before it and one element more.
//
// What limits a chain is the time that an addition takes, so several chains run at once: rows four
// by four, columns as wide as registers are. Whole numbers wrap around.
#include "kernels/cumulative.h"

#include "kernels/fill.h"

namespace fastnn {
namespace {

// Four chains read and write eight streams, which fit side by side in the cache even where they
// lie a power of two apart.
constexpr int kChains = 4;

struct Sum {
  template <class T>
  static inline T join(T a, T b) {
    return static_cast<T>(a + b);
  }
};
struct Product {
  template <class T>
  static inline T join(T a, T b) {
    return static_cast<T>(a * b);
  }
};

template <class T, class Op, int chains>
inline void run_chains(const T* x, int64_t n, int64_t step, T* y) {
  T last[chains];
  for (int c = 0; c < chains; ++c) y[c * n * step] = last[c] = x[c * n * step];
  for (int64_t i = 1; i < n; ++i)
    for (int c = 0; c < chains; ++c)
      y[(c * n + i) * step] = last[c] = Op::join(last[c], x[(c * n + i) * step]);
}

template <class T, class Op, int step>
void run_rows(const T* x, int64_t chains, int64_t n, T* y) {
  int64_t c = 0;
  for (; c + kChains <= chains; c += kChains)
    run_chains<T, Op, kChains>(x + c * n * step, n, step, y + c * n * step);
  for (; c < chains; ++c) run_chains<T, Op, 1>(x + c * n * step, n, step, y + c * n * step);
}

template <class T, class Op>
void run_columns(const T* x, int64_t n, int64_t step, int64_t width, T* y) {
  for (int64_t j = 0; j < width; ++j) y[j] = x[j];
  for (int64_t i = 1; i < n; ++i) {
    const T *before = y, *from = x += step;
    T* to = y += step;
    for (int64_t j = 0; j < width; ++j) to[j] = Op::join(before[j], from[j]);
  }
}

template <class T>
void rows(int product, const void* x_, int64_t chains, int64_t n, int64_t step, void* y_) {
  const T* x = static_cast<const T*>(x_);
  T* y = static_cast<T*>(y_);
  if (n == 0) return;
  if (product)
    step > 0 ? run_rows<T, Product, 1>(x, chains, n, y) : run_rows<T, Product, -1>(x, chains, n, y);
  else
    step > 0 ? run_rows<T, Sum, 1>(x, chains, n, y) : run_rows<T, Sum, -1>(x, chains, n, y);
}

template <class T>
void columns(int product, const void* x_, int64_t n, int64_t step, int64_t width, void* y_) {
  const T* x = static_cast<const T*>(x_);
  T* y = static_cast<T*>(y_);
  if (n == 0) return;
  if (product)
    run_columns<T, Product>(x, n, step, width, y);
  else
    run_columns<T, Sum>(x, n, step, width, y);
}

template <class T>
void shift(const void* start_, void* y_, int64_t n) {
  const T start = *static_cast<const T*>(start_);
  T* y = static_cast<T*>(y_);
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(start + y[i]);
}

template <class T>
void products_backward(const void* dy_, const void* x_, const void* y_, int64_t n, int64_t step,
                       int64_t width, void* dx_) {
  const T *dy = static_cast<const T*>(dy_), *x = static_cast<const T*>(x_);
  const T* y = static_cast<const T*>(y_);
  T* dx = static_cast<T*>(dx_);
  T sum[kRunWidth];
  for (int64_t i = n - 1; i >= 0; --i) {
    const int64_t at = i * step;
    for (int64_t j = 0; j < width; ++j) {
      const T more = i + 1 < n ? x[at + step + j] * sum[j] : 0;
      sum[j] = dy[at + j] + more;
    }
    if (i > 0)
      for (int64_t j = 0; j < width; ++j) dx[at + j] = y[at - step + j] * sum[j];
    else
      for (int64_t j = 0; j < width; ++j) dx[at + j] = sum[j];
  }
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(cumulative, CumulativeKernels) {
  using namespace fastnn;
  // Signed integers as unsigned ones, which may wrap around.
  *table = CumulativeKernels{
      {rows<float>, rows<double>, rows<uint32_t>, rows<uint64_t>, rows<uint8_t>},
      {columns<float>, columns<double>, columns<uint32_t>, columns<uint64_t>, columns<uint8_t>},
      {shift<float>, shift<double>, shift<uint32_t>, shift<uint64_t>, shift<uint8_t>},
      {products_backward<float>, products_backward<double>}};
}
