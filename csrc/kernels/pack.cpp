/* Packing: whole rows when the columns lie side by side, squares transposed in registers when the
 * rows do, one element at a time otherwise. */
#include "kernels/pack.h"

#include "kernels/fill.h"
#include "simd/vec.h"

#if defined(FASTNN_TARGET_avx2) || defined(FASTNN_TARGET_avx512)
#define FASTNN_TRANSPOSE_AVX 1
#include <immintrin.h>
#endif

namespace fastnn {
namespace {

/* A square of Square<T>::kSide elements: row i of `to` is column i of `from`. */
template <class T>
struct Square {
  static constexpr int64_t kSide = 4;
  static inline void transpose(const T* from, int64_t from_row, T* to, int64_t to_row) {
    for (int64_t i = 0; i < kSide; ++i)
      for (int64_t j = 0; j < kSide; ++j) to[i * to_row + j] = from[j * from_row + i];
  }
};

#ifdef FASTNN_TRANSPOSE_AVX
template <>
struct Square<float> {
  static constexpr int64_t kSide = 8;
  static inline void transpose(const float* from, int64_t from_row, float* to, int64_t to_row) {
    __m256 a[8], b[8];
    /* Halves of two rows side by side, so that what follows stays within 128 bits. */
    for (int i = 0; i < 4; ++i) {
      const float *low = from + i * from_row, *high = from + (i + 4) * from_row;
      a[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
      a[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low + 4)),
                                      _mm_loadu_ps(high + 4), 1);
    }
    for (int half = 0; half < 8; half += 4) {
      b[half] = _mm256_unpacklo_ps(a[half], a[half + 1]);
      b[half + 1] = _mm256_unpackhi_ps(a[half], a[half + 1]);
      b[half + 2] = _mm256_unpacklo_ps(a[half + 2], a[half + 3]);
      b[half + 3] = _mm256_unpackhi_ps(a[half + 2], a[half + 3]);
      float* row = to + half * to_row;
      _mm256_storeu_ps(row, _mm256_shuffle_ps(b[half], b[half + 2], 0x44));
      _mm256_storeu_ps(row + to_row, _mm256_shuffle_ps(b[half], b[half + 2], 0xee));
      _mm256_storeu_ps(row + 2 * to_row, _mm256_shuffle_ps(b[half + 1], b[half + 3], 0x44));
      _mm256_storeu_ps(row + 3 * to_row, _mm256_shuffle_ps(b[half + 1], b[half + 3], 0xee));
    }
  }
};

template <>
struct Square<double> {
  static constexpr int64_t kSide = 4;
  static inline void transpose(const double* from, int64_t from_row, double* to, int64_t to_row) {
    __m256d a[4];
    for (int i = 0; i < 2; ++i) {
      const double *low = from + i * from_row, *high = from + (i + 2) * from_row;
      a[i] = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(low)), _mm_loadu_pd(high), 1);
      a[i + 2] = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(low + 2)),
                                      _mm_loadu_pd(high + 2), 1);
    }
    for (int half = 0; half < 4; half += 2) {
      _mm256_storeu_pd(to + half * to_row, _mm256_unpacklo_pd(a[half], a[half + 1]));
      _mm256_storeu_pd(to + (half + 1) * to_row, _mm256_unpackhi_pd(a[half], a[half + 1]));
    }
  }
};
#endif

/* One vector of `rows` rows; its last lanes are zeros in `to` if there is room for them. */
template <class T>
void copy_vectors(const Packing& p, int64_t i, int64_t rows, int64_t j) {
  constexpr int64_t L = Vec<T>::kLanes;
  const int64_t n = p.columns - j, from_row = p.from_row, to_row = p.to_row;
  const bool whole = j + L <= p.padded;
  const T* from = static_cast<const T*>(p.from) + i * from_row + j;
  T* to = static_cast<T*>(p.to) + i * to_row + j;
  for (; rows > 0; --rows, from += from_row, to += to_row)
    if (n >= L)
      Vec<T>::load(from).store(to);
    else if (whole)
      Vec<T>::load_first(from, n).store(to);
    else
      Vec<T>::load_first(from, n).store_first(to, n);
}

/* Whole rows. Several vectors are read before the first of them is written, so that their misses
 * overlap, and the row after the next is fetched. */
template <class T>
void copy_long_rows(const Packing& p) {
  constexpr int64_t L = Vec<T>::kLanes, kTogether = 8, kLine = 64 / sizeof(T);
  const int64_t from_row = p.from_row, to_row = p.to_row, columns = p.columns;
  const T* from = static_cast<const T*>(p.from);
  T* to = static_cast<T*>(p.to);
  for (int64_t i = 0; i < p.rows; ++i, from += from_row, to += to_row) {
    const T* later = i + 2 < p.rows ? from + 2 * from_row : from;
    int64_t j = 0;
    for (; j + kTogether * L <= columns; j += kTogether * L) {
      Vec<T> x[kTogether];
#pragma GCC unroll 8
      for (int64_t l = 0; l < kTogether * L; l += kLine) __builtin_prefetch(later + j + l);
#pragma GCC unroll 8
      for (int64_t v = 0; v < kTogether; ++v) x[v] = Vec<T>::load(from + j + v * L);
#pragma GCC unroll 8
      for (int64_t v = 0; v < kTogether; ++v) x[v].store(to + j + v * L);
    }
    for (; j < columns; j += L) copy_vectors<T>(p, i, 1, j);
  }
}

/* Narrow matrices down their columns of vectors. */
template <class T>
void copy_rows(const Packing& p) {
  constexpr int64_t L = Vec<T>::kLanes;
  if (p.columns > 8 * L) return copy_long_rows<T>(p);
  for (int64_t j = 0; j < p.columns; j += L) copy_vectors<T>(p, 0, p.rows, j);
}

template <class T>
void copy_elements(const Packing& p, int64_t i0, int64_t i1, int64_t j0, int64_t j1) {
  const T* from = static_cast<const T*>(p.from);
  T* to = static_cast<T*>(p.to);
  for (int64_t i = i0; i < i1; ++i)
    for (int64_t j = j0; j < j1; ++j)
      to[i * p.to_row + j] = from[i * p.from_row + j * p.from_column];
}

template <class T>
void transpose(const Packing& p) {
  constexpr int64_t S = Square<T>::kSide;
  const T* from = static_cast<const T*>(p.from);
  T* to = static_cast<T*>(p.to);
  const int64_t rows = p.rows / S * S, columns = p.columns / S * S;
  for (int64_t i = 0; i < rows; i += S)
    for (int64_t j = 0; j < columns; j += S)
      Square<T>::transpose(from + j * p.from_column + i, p.from_column, to + i * p.to_row + j,
                           p.to_row);
  copy_elements<T>(p, 0, rows, columns, p.columns);
  copy_elements<T>(p, rows, p.rows, 0, p.columns);
}

template <class T>
void pack(const Packing* packing) {
  const Packing& p = *packing;
  if (p.from_column == 1) return copy_rows<T>(p);
  if (p.from_row == 1)
    transpose<T>(p);
  else
    copy_elements<T>(p, 0, p.rows, 0, p.columns);
  for (int64_t i = 0; i < p.rows; ++i)
    for (int64_t j = p.columns; j < p.padded; ++j) static_cast<T*>(p.to)[i * p.to_row + j] = 0;
}

/* Rows of one slice, of which `left` elements may be read. */
template <class T, bool OneVector>
void slice_rows(const T* from, int64_t from_row, T* to, int64_t width, int64_t rows, int64_t left) {
  constexpr int64_t L = Vec<T>::kLanes;
  if (OneVector && left >= L) {
    for (; rows > 0; --rows, from += from_row, to += width) Vec<T>::load(from).store(to);
    return;
  }
  for (; rows > 0; --rows, from += from_row, to += width)
    for (int64_t j = 0; j < width && j < left; j += L) load_some(from + j, left - j).store(to + j);
}

/* Few rows at a time, so that their lines are in the cache for all slices, while those behind them
 * are fetched: they may be a page of memory apart. What a register writes beyond a row is written
 * again with the next one. */
template <class T>
void slice(const Slicing* slicing) {
  constexpr int64_t L = Vec<T>::kLanes, kTogether = 8, kLine = 64 / sizeof(T);
  const Slicing& s = *slicing;
  const int64_t from_row = s.from_row, width = s.width, columns = s.starts[s.slices];
  for (int64_t i0 = 0; i0 < s.rows; i0 += kTogether) {
    const int64_t rows = s.rows - i0 < kTogether ? s.rows - i0 : kTogether;
    const T* from = static_cast<const T*>(s.from) + i0 * from_row;
    T* to = static_cast<T*>(s.to) + i0 * width;
    for (int64_t i = rows; i < 2 * rows && i0 + i < s.rows; ++i)
      for (int64_t j = s.starts[0]; j < columns; j += kLine)
        __builtin_prefetch(from + i * from_row + j);
    for (int64_t k = 0; k < s.slices; ++k) {
      const int64_t start = s.starts[k], left = columns - start;
      const auto copy = width <= L ? slice_rows<T, true> : slice_rows<T, false>;
      copy(from + start, from_row, to + k * s.slice, width, rows, left);
    }
  }
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(pack, PackKernels) {
  table->f32 = fastnn::pack<float>;
  table->f64 = fastnn::pack<double>;
  table->slice_f32 = fastnn::slice<float>;
  table->slice_f64 = fastnn::slice<double>;
}
