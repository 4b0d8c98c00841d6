/* Micro-kernels: a tile of Rows x (Vecs vectors) stays in registers over one block of k; for every
 * k a row of B is loaded once and each element of A is broadcast to it.
 *
 * Method: K. Goto, R. van de Geijn (2008); register tiles as in BLIS. Sizes: Rows * Vecs
 * accumulators, Vecs vectors of B and a broadcast must fit the registers (16 on AVX2, 32 on AVX-512
 * and NEON), and there must be enough of them to hide the latency of a fused multiply-add. */
#include "kernels/gemm.h"

#include "core/summation_order.h"
#include "kernels/fill.h"
#include "simd/vec.h"

namespace fastnn {
namespace {

#if defined(FASTNN_TARGET_avx512)
constexpr int kRows = 14;
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

template <class T, int Rows, int Vecs, bool Tail>
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

  static inline void finish(const GemmTile* t, V (&sum)[Rows][Vecs], int columns) {
    const GemmEpilogue* e = t->last;
    if (e->alpha != 1) {
      const V alpha = V::broadcast(static_cast<T>(e->alpha));
      each([&](int r, int v) { sum[r][v] = alpha * sum[r][v]; });
    }
    if (e->c0) {
      const V beta = V::broadcast(static_cast<T>(e->beta));
      const T* c0 = static_cast<const T*>(e->c0) + t->row * e->c0_row + t->column;
      each([&](int r, int v) {
        sum[r][v] = chain<T>(beta, load(c0 + r * e->c0_row, v, columns), sum[r][v]);
      });
    }
    if (e->bias) add_rows(sum, static_cast<const T*>(e->bias) + t->column, 0, columns);
    if (e->residual) {
      const T* residual = static_cast<const T*>(e->residual);
      add_rows(sum, residual + t->row * e->residual_row + t->column, e->residual_row, columns);
    }
    if (e->relu) each([&](int r, int v) { sum[r][v] = maximum(sum[r][v], V::zero()); });
  }

  static void run(const GemmTile* t) {
    const T* b = static_cast<const T*>(t->b);
    const int64_t a_row = t->a_row, b_k = t->b_k;
    const int columns = t->columns;
    /* One pointer for three rows, so that strides can be part of the addresses. */
    const T* a[(Rows + 2) / 3];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; r += 3) a[r / 3] = static_cast<const T*>(t->a) + r * a_row;
    V sum[Rows][Vecs];
    each([&](int r, int v) { sum[r][v] = V::zero(); });
#pragma GCC unroll 4
    for (int64_t p = 0; p < t->depth; ++p) {
      V row[Vecs];
#pragma GCC unroll 8
      for (int v = 0; v < Vecs; ++v) row[v] = load(b, v, columns);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        const V x = V::broadcast(a[r / 3][r % 3 * a_row + p]);
#pragma GCC unroll 8
        for (int v = 0; v < Vecs; ++v) sum[r][v] = chain<T>(x, row[v], sum[r][v]);
      }
      b += b_k;
    }
    T* c = static_cast<T*>(t->c);
    const int64_t c_row = t->c_row;
    if (t->accumulate) add_rows(sum, c, c_row, columns);
    if (t->last) finish(t, sum, columns);
    each([&](int r, int v) {
      T* p = c + r * c_row + v * L;
      if (Tail && v == Vecs - 1)
        sum[r][v].store_first(p, columns);
      else
        sum[r][v].store(p);
    });
  }
};

template <class T, int Rows, int Width>
inline void fill_width(GemmTiles* tiles) {
  constexpr int vecs = 1 << Width;
  if constexpr (vecs <= widest(Rows)) {
    tiles->tile[Rows][Width][0] = Tile<T, Rows, vecs, false>::run;
    tiles->tile[Rows][Width][1] =
        Vec<T>::kLanes == 1 ? nullptr : Tile<T, Rows, vecs, Vec<T>::kLanes != 1>::run;
  } else {
    tiles->tile[Rows][Width][0] = tiles->tile[Rows][Width][1] = nullptr;
  }
}

template <class T, int Rows>
inline void fill_rows(GemmTiles* tiles) {
  tiles->widest[Rows] = widest(Rows);
  fill_width<T, Rows, 0>(tiles);
  fill_width<T, Rows, 1>(tiles);
  fill_width<T, Rows, 2>(tiles);
  fill_width<T, Rows, 3>(tiles);
  if constexpr (Rows > 1) fill_rows<T, Rows - 1>(tiles);
}

template <class T>
inline void fill_tiles(GemmTiles* tiles) {
  tiles->rows = kRows;
  tiles->lanes = Vec<T>::kLanes;
  fill_rows<T, kRows>(tiles);
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
