// Mean and sum of squared deviations of a block while it is in the cache: first its mean, then what
// is left of each number, squared.
//
// Blocks are joined by the formula of T. Chan, G. Golub and R. LeVeque, "Updating formulae and a
// pairwise algorithm for computing sample variances" (1979).
#include "kernels/moments.h"

#include "kernels/fill.h"
#include "simd/columns.h"
#include "simd/fold.h"

namespace fastnn {
namespace {

template <class T>
void of_rows(const void* x_, int64_t rows, int64_t n, void* mean_, void* squares_) {
  using V = Vec<T>;
  T *mean = static_cast<T*>(mean_), *squares = static_cast<T*>(squares_);
  for (int64_t i = 0; i < rows; ++i) {
    const T* x = static_cast<const T*>(x_) + i * n;
    mean[i] = fold_row<T, kFoldSum>(x, n) / static_cast<T>(n);
    const V centre = V::broadcast(mean[i]);
    squares[i] = fold_values<T, kFoldSquares>(
        n, [&](int64_t j, int64_t left) { return load_padded(x + j, left, centre) - centre; });
  }
}

template <class T>
void of_columns(const void* x_, int64_t rows, int64_t stride, int64_t width, void* mean,
                void* squares) {
  using V = Vec<T>;
  const T* x = static_cast<const T*>(x_);
  const V count = V::broadcast(static_cast<T>(rows));
  for_columns<T>(width, [&](const auto& some) __attribute__((always_inline)) {
    constexpr int R = some.kCount;
    V centre[R], sum[R];
    for (int r = 0; r < R; ++r) centre[r] = sum[r] = V::zero();
    for (int64_t i = 0; i < rows; ++i)
      for (int r = 0; r < R; ++r) centre[r] = centre[r] + some.load(x + i * stride, r);
    for (int r = 0; r < R; ++r) centre[r] = centre[r] / count;
    for (int64_t i = 0; i < rows; ++i)
      for (int r = 0; r < R; ++r) {
        const V d = some.load(x + i * stride, r) - centre[r];
        sum[r] = fma(d, d, sum[r]);
      }
    for (int r = 0; r < R; ++r) {
      some.store(centre[r], static_cast<T*>(mean), r);
      some.store(sum[r], static_cast<T*>(squares), r);
    }
  });
}

template <class T>
void join(int64_t rows, int64_t more, int64_t width, void* mean_, void* squares_,
          const void* more_mean, const void* more_squares) {
  using V = Vec<T>;
  T *mean = static_cast<T*>(mean_), *squares = static_cast<T*>(squares_);
  const double share = static_cast<double>(more) / static_cast<double>(rows + more);
  const V w = V::broadcast(static_cast<T>(share));
  const V both = V::broadcast(static_cast<T>(static_cast<double>(rows) * share));
  for_registers<T>(width, [&](int64_t c, int64_t left) {
    const V m = load_some(mean + c, left),
            other = load_some(static_cast<const T*>(more_mean) + c, left);
    const V d = other - m;
    const V s =
        load_some(squares + c, left) + load_some(static_cast<const T*>(more_squares) + c, left);
    // An infinite mean stays one, and an infinite distance has no share.
    store_some(select(d - d == V::zero(), fma(d, w, m), m + other), mean + c, left);
    store_some(fma(d * d, both, s), squares + c, left);
  });
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(moments, MomentsKernels) {
  using namespace fastnn;
  *table = MomentsKernels{{of_rows<float>, of_rows<double>},
                          {of_columns<float>, of_columns<double>},
                          {join<float>, join<double>}};
}
