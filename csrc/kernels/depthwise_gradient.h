/* The gradient by a filter of 3x3 one pixel apart: its nine sums stay in registers over all
 * results, and what is read of x meets those of three results beside each other. */
#pragma once

#include "kernels/depthwise_chain.h"

namespace fastnn {
namespace {

/* Results of a row that go together. */
#if defined(FASTNN_TARGET_avx512) || defined(FASTNN_TARGET_neon)
constexpr int kSignals = 8;
#else
constexpr int kSignals = 4;
#endif

/* Results [o, end) of a row; rows [first, last) of their taps lie in the image. */
template <class T>
struct DepthwiseLine {
  const T* x; /* at the first tap of result 0, whose column in the image is `left` */
  const T* dy;
  int64_t left, o, end;
  int first, last;
};

/* Adds what the next results of a line meet, as long as there are so many. */
template <class T, int Results>
FASTNN_INLINE void add_results(const DepthwisePixels& t, DepthwiseLine<T>& line, int64_t n,
                               Vec<T> (&sum)[3][3]) {
  using V = Vec<T>;
  const int64_t step = t.channels;
  for (; line.o + Results <= line.end; line.o += Results) {
    const T *x = line.x + line.o * step, *dy = line.dy + line.o * step;
    V signal[Results];
#pragma GCC unroll 8
    for (int o = 0; o < Results; ++o) signal[o] = load_some(dy + o * step, n);
#pragma GCC unroll 16
    for (int j = 0; j < Results + 2; ++j) {
      const int64_t column = line.left + line.o + j;
      if (static_cast<uint64_t>(column) >= static_cast<uint64_t>(t.width)) continue;
#pragma GCC unroll 4
      for (int i = 0; i < 3; ++i) {
        if (i < line.first || i >= line.last) continue;
        const V near = load_some(x + i * t.x_row + j * step, n);
#pragma GCC unroll 4
        for (int b = 0; b < 3; ++b)
          if (j >= b && j - b < Results) sum[i][b] = chain<T>(near, signal[j - b], sum[i][b]);
      }
    }
  }
}

/* One register of channels, from c on, of which n count. */
template <class T>
FASTNN_INLINE void add_pixels(const DepthwisePixels& t, int64_t c, int64_t n) {
  T* to = static_cast<T*>(t.sum) + c;
  Vec<T> sum[3][3];
#pragma GCC unroll 16
  for (int k = 0; k < 9; ++k) sum[k / 3][k % 3] = load_some(to + k * t.channels, n);
  int64_t left = t.count, o = t.column;
  for (int64_t row = t.row; left > 0; ++row, o = 0) {
    const int64_t end = o + left < t.columns ? o + left : t.columns, top = t.top + row;
    DepthwiseLine<T> line;
    line.x = static_cast<const T*>(t.x) + top * t.x_row + t.left * t.channels + c;
    line.dy = static_cast<const T*>(t.dy) + row * t.columns * t.channels + c;
    line.left = t.left;
    line.o = o;
    line.end = end;
    line.first = top < 0 ? static_cast<int>(-top) : 0;
    line.last = t.height - top < 3 ? static_cast<int>(t.height - top) : 3;
    left -= end - o;
    add_results<T, kSignals>(t, line, n, sum);
    if (kSignals > 4) add_results<T, 4>(t, line, n, sum);
    add_results<T, 1>(t, line, n, sum);
  }
#pragma GCC unroll 16
  for (int k = 0; k < 9; ++k) store_some(sum[k / 3][k % 3], to + k * t.channels, n);
}

template <class T>
void pixels(const DepthwisePixels* t) {
  constexpr int64_t L = Vec<T>::kLanes;
  int64_t c = 0;
  for (; c + L <= t->channels; c += L) add_pixels<T>(*t, c, L);
  if (c < t->channels) add_pixels<T>(*t, c, t->channels - c);
}

}  // namespace
}  // namespace fastnn
