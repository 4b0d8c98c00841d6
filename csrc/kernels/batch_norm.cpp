// Batch normalization (Ioffe and Szegedy, 2015), channels last.
#include "kernels/batch_norm.h"

#include "kernels/fill.h"
#include "simd/columns.h"

namespace fastnn {
namespace {

template <class T>
void sums(const void* dy_, const void* x_, const void* mean, int64_t rows, int64_t channels,
          void* sum_, void* product_) {
  using V = Vec<T>;
  const T *dy = static_cast<const T*>(dy_), *x = static_cast<const T*>(x_);
  for_columns<T>(channels, [&](const auto& columns) __attribute__((always_inline)) {
    constexpr int R = columns.kCount;
    V sum[R], product[R], centre[R];
    for (int r = 0; r < R; ++r) {
      sum[r] = product[r] = V::zero();
      centre[r] = columns.load(static_cast<const T*>(mean), r);
    }
    for (int64_t i = 0; i < rows; ++i)
      for (int r = 0; r < R; ++r) {
        const V g = columns.load(dy + i * channels, r);
        sum[r] = sum[r] + g;
        product[r] = fma(g, columns.load(x + i * channels, r) - centre[r], product[r]);
      }
    for (int r = 0; r < R; ++r) {
      columns.store(sum[r], static_cast<T*>(sum_), r);
      columns.store(product[r], static_cast<T*>(product_), r);
    }
  });
}

template <class T>
void apply(const void* x_, int64_t n, int64_t period, const void* mean_, const void* factor_,
           const void* shift_, void* y_) {
  const T *mean = static_cast<const T*>(mean_), *factor = static_cast<const T*>(factor_);
  const T* shift = static_cast<const T*>(shift_);
  for (int64_t start = 0; start < n; start += period) {
    const T* x = static_cast<const T*>(x_) + start;
    T* y = static_cast<T*>(y_) + start;
    for_registers<T>(n - start < period ? n - start : period, [&](int64_t i, int64_t left) {
      const Vec<T> d = load_some(x + i, left) - load_some(mean + i, left);
      store_some(fma(d, load_some(factor + i, left), load_some(shift + i, left)), y + i, left);
    });
  }
}

template <class T>
void gradient(const void* dy_, const void* x_, int64_t n, int64_t period, const void* mean_,
              const void* factor_, const void* slope_, const void* shift_, void* dx_) {
  const T *mean = static_cast<const T*>(mean_), *factor = static_cast<const T*>(factor_);
  const T *slope = static_cast<const T*>(slope_), *shift = static_cast<const T*>(shift_);
  for (int64_t start = 0; start < n; start += period) {
    const T *dy = static_cast<const T*>(dy_) + start, *x = static_cast<const T*>(x_) + start;
    T* dx = static_cast<T*>(dx_) + start;
    for_registers<T>(n - start < period ? n - start : period, [&](int64_t i, int64_t left) {
      const Vec<T> d = load_some(x + i, left) - load_some(mean + i, left);
      const Vec<T> rest = fma(d, load_some(slope + i, left), load_some(shift + i, left));
      store_some(fma(load_some(dy + i, left), load_some(factor + i, left), rest), dx + i, left);
    });
  }
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(batch_norm, BatchNormKernels) {
  using namespace fastnn;
  *table = BatchNormKernels{{sums<float>, sums<double>},
                            {apply<float>, apply<double>},
                            {gradient<float>, gradient<double>}};
}
