#include "kernels/depthwise.h"

#include "kernels/depthwise_chain.h"
#include "kernels/depthwise_gradient.h"
#include "kernels/depthwise_tiles.h"
#include "kernels/fill.h"
#include "simd/vec.h"

namespace fastnn {
namespace {

/* How many results share what they read of x: those, the sums and the weights are in registers. */
#if defined(FASTNN_TARGET_avx512) || defined(FASTNN_TARGET_neon)
constexpr int kNear = 8;
#else
constexpr int kNear = 4;
#endif
/* Rows of three taps whose sums are in registers for two registers of channels. */
constexpr int kTallest = kNear == 8 ? 3 : 2;

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
  finish<T>(t, sum, c, o * t.y_step + c, t.y_step, n);
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

/* Some taps of so many registers of channels: their sums stay in registers, enough of them to hide
 * the latency of their chains. `n`: the channels of a register that count. */
template <class T, int Rows, int Columns, int Wide>
void some_taps(const DepthwiseTaps& t, int64_t row, int64_t column, int64_t c, int64_t n) {
  using V = Vec<T>;
  constexpr int kAll = Rows * Columns * Wide, L = V::kLanes;
  const T* x = static_cast<const T*>(t.x) + row * t.x_row + column * t.x_column + c;
  const T* dy = static_cast<const T*>(t.dy) + c;
  T* to = static_cast<T*>(t.sum) + row * t.sum_row + column * t.sum_column + c;
  const auto at = [](int k, int64_t row_step, int64_t column_step) {
    return k / Wide / Columns * row_step + k / Wide % Columns * column_step + k % Wide * L;
  };
  V sum[kAll];
#pragma GCC unroll 32
  for (int k = 0; k < kAll; ++k) sum[k] = load_some(to + at(k, t.sum_row, t.sum_column), n);
  for (int64_t o = 0; o < t.count; ++o, x += t.x_step, dy += t.dy_step) {
    V signal[Wide];
#pragma GCC unroll 2
    for (int v = 0; v < Wide; ++v) signal[v] = load_some(dy + v * L, n);
#pragma GCC unroll 32
    for (int k = 0; k < kAll; ++k)
      sum[k] = chain<T>(load_some(x + at(k, t.x_row, t.x_column), n), signal[k % Wide], sum[k]);
  }
#pragma GCC unroll 32
  for (int k = 0; k < kAll; ++k) store_some(sum[k], to + at(k, t.sum_row, t.sum_column), n);
}

template <class T, int Rows, int Wide>
void some_rows(const DepthwiseTaps& t, int64_t row, int64_t c, int64_t n) {
  int64_t i = 0;
  for (; i + 3 <= t.columns; i += 3) some_taps<T, Rows, 3, Wide>(t, row, i, c, n);
  for (; i + 2 <= t.columns; i += 2) some_taps<T, Rows, 2, Wide>(t, row, i, c, n);
  for (; i < t.columns; ++i) some_taps<T, Rows, 1, Wide>(t, row, i, c, n);
}

template <class T, int Wide>
void all_taps(const DepthwiseTaps& t, int64_t c, int64_t n) {
  constexpr int kMost = Wide == 1 ? 3 : kTallest;
  int64_t row = 0;
  for (; row + kMost <= t.rows; row += kMost) some_rows<T, kMost, Wide>(t, row, c, n);
  if (kMost > 2 && row + 2 <= t.rows) some_rows<T, 2, Wide>(t, row, c, n), row += 2;
  if (row < t.rows) some_rows<T, 1, Wide>(t, row, c, n);
}

template <class T>
void taps(const DepthwiseTaps* t) {
  constexpr int64_t L = Vec<T>::kLanes;
  /* The lines that come are read whole. */
  const bool far = t->x_step * static_cast<int64_t>(sizeof(T)) >= kFarBytes;
  int64_t c = 0;
  if (far)
    for (; c + 2 * L <= t->channels; c += 2 * L) all_taps<T, 2>(*t, c, L);
  for (; c + L <= t->channels; c += L) all_taps<T, 1>(*t, c, L);
  if (c < t->channels) all_taps<T, 1>(*t, c, t->channels - c);
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(depthwise, DepthwiseKernels) {
  using namespace fastnn;
  *table = {{row<float>, row<double>},
            {tiles<float>, tiles<double>},
            {taps<float>, taps<double>},
            {pixels<float>, pixels<double>}};
}
