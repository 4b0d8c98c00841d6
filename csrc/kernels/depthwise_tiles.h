/* Filters of 3x3 one pixel apart: tiles of results over two rows, all of which have what is read of
 * x in a register at the same time. So a pixel is read for six results, and a cache line from the
 * second cache for two. */
#pragma once

#include "kernels/depthwise_chain.h"

namespace fastnn {
namespace {

constexpr int kTaps = 3;
/* Results of a tile in a row: their sums and the taps, or some of them, are in registers. */
#if defined(FASTNN_TARGET_avx512) || defined(FASTNN_TARGET_neon)
constexpr int kTileColumns = 8;
#else
constexpr int kTileColumns = 4;
#endif

/* The results at `column` and beside it, one register of channels, of which n count. Inside: all
 * columns that they meet are pixels. */
template <class T, int Rows, int Columns, bool Inside>
FASTNN_INLINE void tile(const DepthwiseTiles& t, int64_t column, int64_t c, int64_t n) {
  using V = Vec<T>;
  constexpr int kHigh = Rows + kTaps - 1, kWide = Columns + kTaps - 1;
  const int64_t step = t.channels, left = t.left + column;
  const T* w = static_cast<const T*>(t.w) + c;
  V taps[kTaps][kTaps], sum[Rows][Columns];
#pragma GCC unroll 4
  for (int a = 0; a < kTaps; ++a)
#pragma GCC unroll 4
    for (int b = 0; b < kTaps; ++b) taps[a][b] = load_some(w + a * t.w_row + b * t.w_column, n);
#pragma GCC unroll 2
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int o = 0; o < Columns; ++o) sum[r][o] = V::zero();
  if (t.fetch) {
    const T* below = static_cast<const T*>(t.x) + (t.top + kHigh) * t.x_row + (left + 1) * step + c;
    for (int r = 0; r < Rows; ++r, below += t.x_row)
#pragma GCC unroll 8
      for (int o = 0; o < Columns; ++o) __builtin_prefetch(below + o * step, 0, 2);
    const T* y = static_cast<const T*>(t.y) + column * t.y_column + c;
    for (int r = 0; r < Rows; ++r, y += t.y_row)
#pragma GCC unroll 8
      for (int o = 0; o < Columns; ++o) __builtin_prefetch(y + o * t.y_column, 1);
  }
#pragma GCC unroll 4
  for (int i = 0; i < kHigh; ++i) {
    if (static_cast<uint64_t>(t.top + i) >= static_cast<uint64_t>(t.height)) continue;
    /* One pointer for three, so that the steps can be part of the addresses. */
    const T* at[(kWide + 2) / 3];
#pragma GCC unroll 4
    for (int j = 0; j < kWide; j += 3)
      at[j / 3] = static_cast<const T*>(t.x) + (t.top + i) * t.x_row + (left + j) * step + c;
#pragma GCC unroll 16
    for (int j = 0; j < kWide; ++j) {
      if (!Inside && static_cast<uint64_t>(left + j) >= static_cast<uint64_t>(t.width)) continue;
      const V near = load_some(at[j / 3] + j % 3 * step, n);
#pragma GCC unroll 2
      for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
        for (int b = 0; b < kTaps; ++b) {
          const int a = i - r, o = j - b;
          if (a >= 0 && a < kTaps && o >= 0 && o < Columns)
            sum[r][o] = chain<T>(near, taps[a][b], sum[r][o]);
        }
    }
  }
#pragma GCC unroll 2
  for (int r = 0; r < Rows; ++r)
    finish<T>(t, sum[r], c, r * t.y_row + column * t.y_column + c, t.y_column, n);
}

template <class T, int Rows, int Columns, bool Inside>
void all_channels_of_tile(const DepthwiseTiles& t, int64_t column) {
  constexpr int64_t L = Vec<T>::kLanes;
  int64_t c = 0;
  for (; c + L <= t.channels; c += L) tile<T, Rows, Columns, Inside>(t, column, c, L);
  if (c < t.channels) tile<T, Rows, Columns, Inside>(t, column, c, t.channels - c);
}

template <class T, int Rows, int Columns>
void tiles_across(const DepthwiseTiles& t, int64_t* column) {
  for (; *column + Columns <= t.columns; *column += Columns) {
    const int64_t left = t.left + *column;
    if (left >= 0 && left + Columns + kTaps - 1 <= t.width)
      all_channels_of_tile<T, Rows, Columns, true>(t, *column);
    else
      all_channels_of_tile<T, Rows, Columns, false>(t, *column);
  }
}

template <class T, int Rows>
void rows_of_tiles(const DepthwiseTiles& t) {
  int64_t column = 0;
  tiles_across<T, Rows, kTileColumns>(t, &column);
  if (kTileColumns > 4) tiles_across<T, Rows, 4>(t, &column);
  tiles_across<T, Rows, 2>(t, &column);
  tiles_across<T, Rows, 1>(t, &column);
}

template <class T>
void tiles(const DepthwiseTiles* t) {
  t->rows == 2 ? rows_of_tiles<T, 2>(*t) : rows_of_tiles<T, 1>(*t);
}

}  // namespace
}  // namespace fastnn
