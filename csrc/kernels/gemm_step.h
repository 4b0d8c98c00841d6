// One step of k of a tile of sums in registers.
#pragma once

#include "simd/vec.h"

namespace fastnn {
namespace {

/* The scalar target multiplies, then adds: a fused step in software would take its time tenfold,
 * and its bits are its own anyway (another order of magnitude slower is not worth equal ones). */
template <class T>
inline Vec<T> chain(Vec<T> a, Vec<T> b, Vec<T> sum) {
#if defined(FASTNN_TARGET_scalar)
  return a * b + sum;
#else
  return fma(a, b, sum);
#endif
}

/* sum[r][v] += column(r) * row(v): of the shorter side of the tile all registers are held, of the
 * longer one each for as long as it takes. */
template <class T, int Rows, int Vecs, class Row, class Column>
FASTNN_INLINE void step(Vec<T> (&sum)[Rows][Vecs], Row row, Column column) {
  using V = Vec<T>;
  if constexpr (Vecs <= Rows) {
    V b[Vecs];
#pragma GCC unroll 8
    for (int v = 0; v < Vecs; ++v) b[v] = in_register(row(v));
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const V x = column(r);
#pragma GCC unroll 8
      for (int v = 0; v < Vecs; ++v) sum[r][v] = chain<T>(x, b[v], sum[r][v]);
    }
  } else {
    V x[Rows];
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) x[r] = in_register(column(r));
#pragma GCC unroll 8
    for (int v = 0; v < Vecs; ++v) {
      const V b = in_register(row(v));
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) sum[r][v] = chain<T>(x[r], b, sum[r][v]);
    }
  }
}

}  // namespace
}  // namespace fastnn
