// Folds of float and double.
//
// rows:    index i goes to lane i mod 32 (16 for double), lanes are folded in halves; blocks of
//          4,096 are folded in pairs. Four AVX2 registers, two of AVX-512 or eight of NEON.
// columns: rows are added in order, in blocks of 256 that are folded in pairs; several rows a pass,
//          so that the partial results are loaded and stored once for all of them.
#include "kernels/reduce.h"

#include <string.h>

#include "core/summation_order.h"
#include "kernels/fill.h"
#include "simd/fold.h"
#include "simd/vec.h"

namespace fastnn {
namespace {

constexpr int kRowsPerPass = 8;    // columns: rows added between a load and a store
constexpr int kStripBytes = 1024;  // columns: partial results of one level

template <class T, int op>
void fold_rows(const T* x, int64_t rows, int64_t n, T* y) {
  for (int64_t i = 0; i < rows; ++i) y[i] = fold_row<T, op>(x + i * n, n);
}

// y[j] = fold(y[j], `count` rows at x), for j < width.
template <class T, int op, int count>
FASTNN_INLINE void add_rows(const T* x, int64_t stride, int64_t width, T* y) {
  using V = Vec<T>;
  for (int64_t j = 0; j < width; j += V::kLanes) {
    V sum = load_some(y + j, width - j);
    for (int r = 0; r < count; ++r)
      sum = step_propagating<op>(sum, load_some(x + r * stride + j, width - j));
    store_some(sum, y + j, width - j);
  }
}

template <class T, int op>
void fold_column_block(const T* x, int64_t rows, int64_t stride, int64_t width, T* y) {
  for (int64_t j = 0; j < width; ++j) y[j] = Fold<op>::template identity<T>();
  int64_t r = 0;
  for (; r + kRowsPerPass <= rows; r += kRowsPerPass)
    add_rows<T, op, kRowsPerPass>(x + r * stride, stride, width, y);
  for (; r < rows; ++r) add_rows<T, op, 1>(x + r * stride, stride, width, y);
}

template <class T, int op>
void merge(T* a, const T* b, int64_t n) {
  using V = Vec<T>;
  for (int64_t j = 0; j < n; j += V::kLanes)
    store_some(Fold<op>::merge(load_some(a + j, n - j), load_some(b + j, n - j)), a + j, n - j);
}

template <class T, int op>
void fold_columns(const T* x, int64_t rows, int64_t stride, int64_t width, T* y) {
  constexpr int64_t kStrip = kStripBytes / sizeof(T);
  if (rows <= kRowBlock) return fold_column_block<T, op>(x, rows, stride, width, y);
  T partial[kFoldLevels][kStrip];
  for (int64_t j = 0; j < width; j += kStrip) {
    const int64_t n = width - j < kStrip ? width - j : kStrip;
    int depth = 0;
    for (int64_t block = 0; block * kRowBlock < rows; ++block) {
      const int64_t r = block * kRowBlock, left = rows - r;
      fold_column_block<T, op>(x + r * stride + j, left < kRowBlock ? left : kRowBlock, stride, n,
                               partial[depth++]);
      for (int64_t bits = block; bits & 1; bits >>= 1, --depth)
        merge<T, op>(partial[depth - 2], partial[depth - 1], n);
    }
    for (; depth > 1; --depth) merge<T, op>(partial[depth - 2], partial[depth - 1], n);
    memcpy(y + j, partial[0], static_cast<size_t>(n) * sizeof(T));
  }
}

#define FASTNN_EACH_FOLD(f, ...)                 \
  switch (op) {                                  \
    case kFoldSum:                               \
      return f<T, kFoldSum>(__VA_ARGS__);        \
    case kFoldProd:                              \
      return f<T, kFoldProd>(__VA_ARGS__);       \
    case kFoldMax:                               \
      return f<T, kFoldMax>(__VA_ARGS__);        \
    case kFoldMin:                               \
      return f<T, kFoldMin>(__VA_ARGS__);        \
    case kFoldSquares:                           \
      return f<T, kFoldSquares>(__VA_ARGS__);    \
    case kFoldMagnitudes:                        \
      return f<T, kFoldMagnitudes>(__VA_ARGS__); \
    case kFoldFinite:                            \
      return f<T, kFoldFinite>(__VA_ARGS__);     \
  }

template <class T>
void rows(int op, const void* x, int64_t rows, int64_t n, void* y) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  FASTNN_EACH_FOLD(fold_rows, from, rows, n, to)
}

template <class T>
void columns(int op, const void* x, int64_t rows, int64_t stride, int64_t width, void* y) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  FASTNN_EACH_FOLD(fold_columns, from, rows, stride, width, to)
}

template <class T>
void merge_results(int op, void* a, const void* b, int64_t n) {
  T* to = static_cast<T*>(a);
  const T* from = static_cast<const T*>(b);
  FASTNN_EACH_FOLD(merge, to, from, n)
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(reduce, ReduceKernels) {
  using namespace fastnn;
  *table = ReduceKernels{{rows<float>, rows<double>},
                         {columns<float>, columns<double>},
                         {merge_results<float>, merge_results<double>}};
}
