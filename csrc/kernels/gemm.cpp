/* Micro-kernels: a tile of Rows x (Vecs vectors) stays in registers over one block of k; for every
 * k a row of B is loaded once and each element of A is broadcast to it.
 *
 * Method: K. Goto, R. van de Geijn (2008); register tiles as in BLIS. Sizes: Rows * Vecs
 * accumulators, Vecs vectors of B and a broadcast must fit the registers (16 on AVX2, 32 on AVX-512
 * and NEON), and there must be enough of them to hide the latency of a fused multiply-add. */
#include "kernels/gemm.h"

#include "core/summation_order.h"
#include "kernels/fill.h"
#include "kernels/gemm_step.h"
#include "simd/vec.h"

namespace fastnn {
namespace {

#if defined(FASTNN_TARGET_avx512)
constexpr int kRows = 12;
constexpr int widest(int rows) { return rows <= 3 ? 8 : rows <= 6 ? 4 : 2; }
#elif defined(FASTNN_TARGET_neon)
constexpr int kRows = 12;
constexpr int widest(int rows) { return rows <= 3 ? 8 : rows <= 6 ? 4 : 2; }
#elif defined(FASTNN_TARGET_avx2)
constexpr int kRows = 6;
constexpr int widest(int rows) { return rows <= 1 ? 8 : rows <= 3 ? 4 : 2; }
#else
constexpr int kRows = 4;
constexpr int widest(int) { return 4; }
#endif

/* What most epilogues are: a bias and perhaps relu. */
template <class T, bool Relu>
void add_bias(const T* bias, T* c, int64_t c_row, int64_t rows, int64_t columns) {
  using V = Vec<T>;
  constexpr int64_t L = V::kLanes;
  const auto finished = [](V sum, V b) {
    sum = b + sum;
    return Relu ? maximum(sum, V::zero()) : sum;
  };
  int64_t j = 0;
  for (; j + L <= columns; j += L) {
    const V b = V::load(bias + j);
    for (int64_t r = 0; r < rows; ++r) {
      T* p = c + r * c_row + j;
      finished(V::load(p), b).store(p);
    }
  }
  if (j == columns) return;
  const int64_t n = columns - j;
  const V b = V::load_first(bias + j, n);
  for (int64_t r = 0; r < rows; ++r) {
    T* p = c + r * c_row + j;
    finished(V::load_first(p, n), b).store_first(p, n);
  }
}

/* The epilogue, on sums that were just written. */
template <class T>
void finish(const GemmTile* t, int64_t rows, int64_t columns) {
  using V = Vec<T>;
  constexpr int L = V::kLanes;
  const GemmEpilogue* e = t->last;
  if (e->bias && !e->c0 && !e->residual && e->alpha == 1)
    return (e->relu ? add_bias<T, true>
                    : add_bias<T, false>)(static_cast<const T*>(e->bias) + t->column,
                                          static_cast<T*>(t->c), t->c_row, rows, columns);
  const V alpha = V::broadcast(static_cast<T>(e->alpha)),
          beta = V::broadcast(static_cast<T>(e->beta));
  const auto at = [&](const void* base, int64_t stride, int64_t r) {
    return base ? static_cast<const T*>(base) + (t->row + r) * stride + t->column : nullptr;
  };
  for (int64_t r = 0; r < rows; ++r) {
    T* c = static_cast<T*>(t->c) + r * t->c_row;
    const T *c0 = at(e->c0, e->c0_row, r), *bias = at(e->bias, 0, r),
            *residual = at(e->residual, e->residual_row, r);
    for (int64_t j = 0; j < columns; j += L) {
      const int64_t n = columns - j < L ? columns - j : L;
      const auto load = [&](const T* p) {
        return n < L ? V::load_first(p + j, n) : V::load(p + j);
      };
      V sum = load(c);
      if (e->alpha != 1) sum = alpha * sum;
      if (c0) sum = chain<T>(beta, load(c0), sum);
      if (bias) sum = load(bias) + sum;
      if (residual) sum = load(residual) + sum;
      if (e->relu) sum = maximum(sum, V::zero());
      if (n < L)
        sum.store_first(c + j, n);
      else
        sum.store(c + j);
    }
  }
}

/* AlongK: rows of A have unit stride; else its columns have. Packs: what is read of B is written,
 * too. */
template <class T, int Rows, int Vecs, bool Tail, bool AlongK, bool Packs = false>
struct Tile {
  using V = Vec<T>;
  static constexpr int L = V::kLanes;

  template <class F>
  static inline void each(F f) {
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < Vecs; ++v) f(r, v);
  }

  static inline V load(const T* p, int v, int columns) {
    return Tail && v == Vecs - 1 ? V::load_first(p + v * L, columns) : V::load(p + v * L);
  }

  static inline void add_rows(V (&sum)[Rows][Vecs], const T* p, int64_t stride, int columns) {
    each([&](int r, int v) { sum[r][v] = load(p + r * stride, v, columns) + sum[r][v]; });
  }

  /* The lines of C that will be read or written at the end. */
  static inline void fetch_rows(const T* c, int64_t c_row) {
    constexpr int kLine = 64 / sizeof(T);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
      for (int j = 0; j < Vecs * L; j += kLine) __builtin_prefetch(c + r * c_row + j);
      __builtin_prefetch(c + r * c_row + Vecs * L - 1);
    }
  }

  static void run(const GemmTile* t) {
    const int64_t a_step = t->a_step, b_k = t->b_k;
    const int columns = t->columns;
    T* c = static_cast<T*>(t->c);
    const int64_t c_row = t->c_row;
    fetch_rows(c, c_row);
    T* packed = static_cast<T*>(t->packed);
    V sum[Rows][Vecs];
    each([&](int r, int v) { sum[r][v] = V::zero(); });
    for (const GemmRun *run = t->runs, *end = run + t->run_count; run < end; ++run) {
      const T* b = static_cast<const T*>(t->b) + run->b;
      const char* ahead = reinterpret_cast<const char*>(static_cast<const T*>(t->ahead) + run->a);
      /* One pointer for three rows, so that strides can be part of the addresses. */
      const T* a[AlongK ? (Rows + 2) / 3 : 1];
      a[0] = static_cast<const T*>(t->a) + run->a;
      if constexpr (AlongK) {
#pragma GCC unroll 8
        for (int r = 3; r < Rows; r += 3) a[r / 3] = a[0] + r * a_step;
      }
      const int64_t depth = run->depth;
      for (int64_t p = 0; p < depth; ahead += t->ahead_step) {
        const int64_t stop = p + t->ahead_lines < depth ? p + t->ahead_lines : depth;
        const char* line = ahead;
        for (; p < stop; ++p, line += 64) {
          __builtin_prefetch(line, 0, 2);
          step<T>(
              sum,
              [&](int v) {
                const V row = load(b, v, columns);
                if (Packs) row.store(packed + v * L);
                return row;
              },
              [&](int r) { return V::broadcast(AlongK ? a[r / 3][r % 3 * a_step + p] : a[0][r]); });
          if (Packs) packed += Vecs * L;
          if (!AlongK) a[0] += a_step;
          b += b_k;
        }
      }
    }
    if (t->accumulate) add_rows(sum, c, c_row, columns);
    each([&](int r, int v) {
      T* p = c + r * c_row + v * L;
      if (Tail && v == Vecs - 1)
        sum[r][v].store_first(p, columns);
      else
        sum[r][v].store(p);
    });
    if (t->last) finish<T>(t, Rows, Tail ? (Vecs - 1) * L + columns : Vecs * L);
  }
};

template <class T, int Rows, int Width, bool AlongK>
inline void fill_width(GemmTiles* tiles) {
  constexpr int vecs = 1 << Width;
  constexpr bool one_lane = Vec<T>::kLanes == 1;
  GemmTileKernel* tile = tiles->tile[AlongK][Rows][Width];
  if constexpr (vecs <= widest(Rows)) {
    tile[0] = Tile<T, Rows, vecs, false, AlongK>::run;
    tile[1] = one_lane ? nullptr : Tile<T, Rows, vecs, !one_lane, AlongK>::run;
  } else {
    tile[0] = tile[1] = nullptr;
  }
}

template <class T, int Rows, bool AlongK>
inline void fill_rows(GemmTiles* tiles) {
  tiles->widest[Rows] = widest(Rows);
  fill_width<T, Rows, 0, AlongK>(tiles);
  fill_width<T, Rows, 1, AlongK>(tiles);
  fill_width<T, Rows, 2, AlongK>(tiles);
  fill_width<T, Rows, 3, AlongK>(tiles);
  if constexpr (2 * Rows >= kRows)
    tiles->packing_tile[AlongK][Rows] = Tile<T, Rows, widest(kRows), false, AlongK, true>::run;
  else
    tiles->packing_tile[AlongK][Rows] = nullptr;
  if constexpr (Rows > 1) fill_rows<T, Rows - 1, AlongK>(tiles);
}

template <class T>
inline void fill_tiles(GemmTiles* tiles) {
  tiles->finish = finish<T>;
  tiles->rows = kRows;
  tiles->lanes = Vec<T>::kLanes;
  fill_rows<T, kRows, false>(tiles);
  fill_rows<T, kRows, true>(tiles);
}

/* One dot product, in the order of core/summation_order.h. */
template <class T, int64_t Lanes>
T dot(const T* a, const T* b, int64_t depth) {
  using V = Vec<T>;
  constexpr int64_t L = V::kLanes;
  PairwiseSum<T> blocks;
  blocks.clear();
  for (int64_t start = 0; start < depth; start += kDotBlock) {
    const int64_t end = depth - start < kDotBlock ? depth : start + kDotBlock;
    V sum[Lanes / L];
    for (int64_t v = 0; v < Lanes / L; ++v) sum[v] = V::zero();
    int64_t p = start;
    for (; p + Lanes <= end; p += Lanes)
#pragma GCC unroll 8
      for (int64_t v = 0; v < Lanes / L; ++v)
        sum[v] = chain<T>(V::load(a + p + v * L), V::load(b + p + v * L), sum[v]);
    T lane[Lanes];
    for (int64_t v = 0; v < Lanes / L; ++v) sum[v].store(lane + v * L);
    for (int64_t i = 0; p + i < end; ++i) {
      Vec<T> x;
      x = chain<T>(V::broadcast(a[p + i]), V::broadcast(b[p + i]), V::broadcast(lane[i]));
      T all[L];
      x.store(all);
      lane[i] = all[0];
    }
    for (int64_t half = Lanes / 2; half > 0; half /= 2)
      for (int64_t i = 0; i < half; ++i) lane[i] += lane[i + half];
    blocks.add(lane[0]);
  }
  return blocks.total();
}

template <class T, int64_t Lanes>
void dots(const void* a, const void* b, int64_t b_row, int64_t depth, int64_t count, void* y) {
  for (int64_t j = 0; j < count; ++j)
    static_cast<T*>(y)[j] =
        dot<T, Lanes>(static_cast<const T*>(a), static_cast<const T*>(b) + j * b_row, depth);
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(gemm, GemmKernels) {
  fastnn::fill_tiles<float>(&table->f32);
  fastnn::fill_tiles<double>(&table->f64);
  table->dot_f32 = fastnn::dots<float, fastnn::kDotLanesF32>;
  table->dot_f64 = fastnn::dots<double, fastnn::kDotLanesF64>;
}
