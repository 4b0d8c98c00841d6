#include "kernels/direct.h"

#include "kernels/fill.h"
#include "kernels/gemm_step.h"
#include "simd/columns.h"

namespace fastnn {
namespace {

/* Results of a tile: as many as the registers hold, beside a step's operands. */
#if defined(FASTNN_TARGET_avx512) || defined(FASTNN_TARGET_neon)
constexpr int most_results(int vectors) { return vectors == 4 ? 6 : vectors == 3 ? 8 : 14; }
#else
constexpr int most_results(int vectors) { return vectors == 4 ? 3 : vectors == 3 ? 4 : 6; }
#endif

template <class T, int Results, int Vecs>
FASTNN_INLINE void tile(const DirectRow& t, const Columns<T, Vecs>& columns, int64_t first) {
  using V = Vec<T>;
  const int64_t pixel = t.pixel, w_k = t.w_k, y_pixel = t.y_pixel;
  const T* x = static_cast<const T*>(t.x) + first * pixel;
  V sum[Results][Vecs];
  const auto for_all = [&](auto body) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int r = 0; r < Results; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < Vecs; ++v) body(r, v);
  };
  for_all([&](int r, int v) { sum[r][v] = V::zero(); });
  for (const GemmRun *run = t.runs, *end = run + t.run_count; run < end; ++run) {
    const T* b = static_cast<const T*>(t.w) + run->b;
    /* One pointer for three results, so that strides can be part of the addresses. */
    const T* a[(Results + 2) / 3];
#pragma GCC unroll 8
    for (int r = 0; r < Results; r += 3) a[r / 3] = x + run->a + r * pixel;
    for (int64_t p = 0, depth = run->depth; p < depth; ++p, b += w_k)
      step<T>(
          sum, [&](int v) { return V::load(b + v * V::kLanes); },
          [&](int r) { return V::broadcast(a[r / 3][r % 3 * pixel + p]); });
  }
  if (const T* bias = static_cast<const T*>(t.bias))
    for_all([&](int r, int v) { sum[r][v] = columns.load(bias, v) + sum[r][v]; });
  if (t.relu) for_all([&](int r, int v) { sum[r][v] = maximum(sum[r][v], V::zero()); });
  T* y = static_cast<T*>(t.y) + first * y_pixel;
  for_all([&](int r, int v) { columns.store(sum[r][v], y + r * y_pixel, v); });
}

template <class T, int Vecs>
void row(const DirectRow* t) {
  constexpr int kMost = most_results(Vecs), kHalf = kMost / 2;
  const Columns<T, Vecs> columns(0, t->columns);
  const int64_t count = t->results;
  int64_t i = 0;
  for (; i + kMost <= count; i += kMost) tile<T, kMost, Vecs>(*t, columns, i);
  /* Tiles that end where the row does may compute some results before them once more. */
  if (i + kHalf < count && count >= kMost) {
    tile<T, kMost, Vecs>(*t, columns, count - kMost);
  } else if (i < count && count >= kHalf) {
    if (i + kHalf < count) tile<T, kHalf, Vecs>(*t, columns, i);
    tile<T, kHalf, Vecs>(*t, columns, count - kHalf);
  } else {
    for (; i < count; ++i) tile<T, 1, Vecs>(*t, columns, i);
  }
}

template <class T>
void fill(DirectKernel* kernels, int32_t* lanes) {
  *lanes = Vec<T>::kLanes;
  kernels[0] = nullptr;
  kernels[1] = row<T, 1>;
  kernels[2] = row<T, 2>;
  kernels[3] = row<T, 3>;
  kernels[4] = row<T, 4>;
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(direct, DirectKernels) {
  fastnn::fill<float>(table->f32, &table->lanes_f32);
  fastnn::fill<double>(table->f64, &table->lanes_f64);
}
