#include "kernels/depthwise.h"

#include "kernels/fill.h"
#include "simd/vec.h"

namespace fastnn {
namespace {

template <class T>
FASTNN_INLINE Vec<T> chain(Vec<T> a, Vec<T> b, Vec<T> sum) {
#if defined(FASTNN_TARGET_scalar)
  return a * b + sum; /* as in products of matrices */
#else
  return fma(a, b, sum);
#endif
}

/* How many results share what they read of x: those, the sums and the weights are in registers. */
#if defined(FASTNN_TARGET_avx512) || defined(FASTNN_TARGET_neon)
constexpr int kNear = 8;
#else
constexpr int kNear = 4;
#endif

/* `Results` results of one register of channels, of which n count. Columns: that many taps, a
 * result's input apart, so that neighbours read the same; 0: any. */
template <class T, int Results, int Columns = 0>
FASTNN_INLINE void results(const DepthwiseRow& t, int64_t o, int64_t c, int64_t n) {
  using V = Vec<T>;
  const T* x = static_cast<const T*>(t.x) + o * t.x_step + c;
  const T* w = static_cast<const T*>(t.w) + c;
  const int64_t step = t.x_step;
  V sum[Results];
#pragma GCC unroll 8
  for (int i = 0; i < Results; ++i) sum[i] = V::zero();
  for (int64_t row = 0; row < t.rows; ++row) {
    const T *from = x + row * t.x_row, *weight = w + row * t.w_row;
    if constexpr (Columns > 0) {
      constexpr int kRead = Results + Columns - 1;
      V near[kRead];
      /* One pointer for three, so that the steps can be part of the addresses. */
      const T* at[(kRead + 2) / 3];
#pragma GCC unroll 8
      for (int i = 0; i < kRead; i += 3) at[i / 3] = from + i * step;
#pragma GCC unroll 16
      for (int i = 0; i < kRead; ++i) near[i] = load_some(at[i / 3] + i % 3 * step, n);
#pragma GCC unroll 8
      for (int column = 0; column < Columns; ++column) {
        const V tap = load_some(weight + column * t.w_column, n);
#pragma GCC unroll 8
        for (int i = 0; i < Results; ++i) sum[i] = chain<T>(near[i + column], tap, sum[i]);
      }
      continue;
    }
    for (int64_t column = 0; column < t.columns; ++column) {
      const V tap = load_some(weight, n);
#pragma GCC unroll 8
      for (int i = 0; i < Results; ++i)
        sum[i] = chain<T>(load_some(from + i * t.x_step, n), tap, sum[i]);
      from += t.x_column;
      weight += t.w_column;
    }
  }
  const int64_t to = o * t.y_step + c;
  T* y = static_cast<T*>(t.y) + to;
  const V bias = t.bias ? load_some(static_cast<const T*>(t.bias) + c, n) : V::zero();
#pragma GCC unroll 8
  for (int i = 0; i < Results; ++i) {
    if (t.bias) sum[i] = sum[i] + bias;
    if (t.residual)
      sum[i] = sum[i] + load_some(static_cast<const T*>(t.residual) + to + i * t.y_step, n);
    if (t.relu) sum[i] = maximum(sum[i], V::zero());
    store_some(sum[i], y + i * t.y_step, n);
  }
}

/* All channels of `Results` results: what lies side by side is read so. */
template <class T, int Results, int Columns = 0>
void all_channels(const DepthwiseRow& t, int64_t o) {
  constexpr int64_t L = Vec<T>::kLanes;
  int64_t c = 0;
  for (; c + L <= t.channels; c += L) results<T, Results, Columns>(t, o, c, L);
  if (c < t.channels) results<T, Results, Columns>(t, o, c, t.channels - c);
}

template <class T>
void row(const DepthwiseRow* t) {
  int64_t o = 0;
  if (t->columns == 3 && t->x_column == t->x_step)
    for (; o + kNear <= t->count; o += kNear) all_channels<T, kNear, 3>(*t, o);
  for (; o + 8 <= t->count; o += 8) all_channels<T, 8>(*t, o);
  for (; o + 3 <= t->count; o += 3) all_channels<T, 3>(*t, o);
  for (; o < t->count; ++o) all_channels<T, 1>(*t, o);
}

template <class T, int Columns>
FASTNN_INLINE void columns(const DepthwiseTaps& t, int64_t first, int64_t c, int64_t n) {
  using V = Vec<T>;
  const T* x = static_cast<const T*>(t.x) + first * t.x_column + c;
  const T* dy = static_cast<const T*>(t.dy) + c;
  T* to = static_cast<T*>(t.sum) + first * t.sum_column + c;
  V sum[Columns];
#pragma GCC unroll 8
  for (int i = 0; i < Columns; ++i) sum[i] = load_some(to + i * t.sum_column, n);
  for (int64_t o = 0; o < t.count; ++o) {
    const V signal = load_some(dy, n);
#pragma GCC unroll 8
    for (int i = 0; i < Columns; ++i)
      sum[i] = chain<T>(load_some(x + i * t.x_column, n), signal, sum[i]);
    x += t.x_step;
    dy += t.dy_step;
  }
#pragma GCC unroll 8
  for (int i = 0; i < Columns; ++i) store_some(sum[i], to + i * t.sum_column, n);
}

template <class T>
FASTNN_INLINE void all_columns(const DepthwiseTaps& t, int64_t c, int64_t n) {
  int64_t first = 0;
  for (; first + 5 <= t.columns; first += 5) columns<T, 5>(t, first, c, n);
  for (; first + 3 <= t.columns; first += 3) columns<T, 3>(t, first, c, n);
  for (; first < t.columns; ++first) columns<T, 1>(t, first, c, n);
}

template <class T>
void taps(const DepthwiseTaps* t) {
  constexpr int64_t L = Vec<T>::kLanes;
  int64_t c = 0;
  for (; c + L <= t->channels; c += L) all_columns<T>(*t, c, L);
  if (c < t->channels) all_columns<T>(*t, c, t->channels - c);
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(depthwise, DepthwiseKernels) {
  *table = {{fastnn::row<float>, fastnn::row<double>}, {fastnn::taps<float>, fastnn::taps<double>}};
}
