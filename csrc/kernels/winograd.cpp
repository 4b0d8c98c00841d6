#include "kernels/winograd.h"

#include <type_traits>

#include "kernels/fill.h"
#include "kernels/winograd_points.h"
#include "simd/vec.h"

namespace fastnn {
namespace {

constexpr int64_t L = V::kLanes;

/* The columns of a tile, load(row, column), through a transform. */
template <class Transform, int From, int To, class Load>
FASTNN_INLINE void transform_columns(V (&all)[To][From], Load load) {
#pragma GCC unroll 8
  for (int j = 0; j < From; ++j) {
    V d[From], u[To];
#pragma GCC unroll 8
    for (int i = 0; i < From; ++i) d[i] = load(i, j);
    Transform::apply(d, u);
#pragma GCC unroll 8
    for (int i = 0; i < To; ++i) all[i][j] = u[i];
  }
}

FASTNN_INLINE bool holds(const WinogradTile& t, int row, int column) {
  return row >= t.top && row < t.bottom && column >= t.left && column < t.right;
}

/* Calls body(channel, count, is_whole) for vectors of channels; tiles of `side` x `side`. */
template <class Body>
FASTNN_INLINE void for_vectors(const WinogradTile& t, int side, Body body) {
  const bool whole = t.top == 0 && t.left == 0 && t.bottom == side && t.right == side;
  int64_t c = 0;
  if (whole)
    for (; c + L <= t.channels; c += L) body(c, L, std::true_type());
  for (; c < t.channels; c += L)
    body(c, t.channels - c < L ? t.channels - c : L, std::false_type());
}

/* From x From tiles to To x To frequencies. */
template <class Transform, int From, int To, bool Whole>
FASTNN_INLINE void input_vector(const WinogradInput& t, int64_t c, int64_t n) {
  const float* from = static_cast<const float*>(t.from) + c;
  float* to = static_cast<float*>(t.to) + c;
  V all[To][From];
  transform_columns<Transform>(all, [&](int i, int j) __attribute__((always_inline)) {
    const bool inside = Whole || holds(t.tile, i, j);
    return inside ? load_some(from + i * t.tile.row + j * t.tile.pixel, n) : V::zero();
  });
#pragma GCC unroll 8
  for (int i = 0; i < To; ++i) {
    V u[To];
    Transform::apply(all[i], u);
#pragma GCC unroll 8
    for (int j = 0; j < To; ++j) store_some(u[j], to + (i * To + j) * t.frequency, n);
  }
}

template <class Transform, int From, int To>
void input(const WinogradInput* t) {
  for_vectors(t->tile, From, [&](int64_t c, int64_t n, auto whole) {
    input_vector<Transform, From, To, decltype(whole)::value>(*t, c, n);
  });
}

template <int Size, int Taps>
void kernel(const WinogradKernel* t) {
  constexpr int N = Size + Taps - 1;
  for (int64_t c = 0; c < t->channels; ++c)
    for (int64_t k = 0; k < t->padded; k += L) {
      const float* from = static_cast<const float*>(t->from) + c * t->from_row + k;
      float* to = static_cast<float*>(t->to) + c * t->padded + k;
      const int64_t n = t->columns - k;
      V all[N][Taps];
#pragma GCC unroll 8
      for (int j = 0; j < Taps; ++j) {
        V g[Taps], u[N];
#pragma GCC unroll 8
        for (int i = 0; i < Taps; ++i)
          g[i] = n > 0 ? load_some(from + (i * Taps + j) * t->tap, n) : V::zero();
        Points<Size, Taps>::kernel(g, u);
#pragma GCC unroll 8
        for (int i = 0; i < N; ++i) all[i][j] = u[i];
      }
#pragma GCC unroll 8
      for (int i = 0; i < N; ++i) {
        V u[N];
        Points<Size, Taps>::kernel(all[i], u);
#pragma GCC unroll 8
        for (int j = 0; j < N; ++j) u[j].store(to + (i * N + j) * t->frequency);
      }
    }
}

/* From x From frequencies to To x To results. */
template <class Transform, int From, int To>
FASTNN_INLINE void output_vector(const WinogradOutput& t, int64_t k, int64_t n) {
  const float* from = static_cast<const float*>(t.from) + k;
  V all[To][From];
  transform_columns<Transform>(all, [&](int i, int j) __attribute__((always_inline)) {
    return load_some(from + (i * From + j) * t.frequency, n);
  });
  const V bias = t.bias ? load_some(static_cast<const float*>(t.bias) + k, n) : V::zero();
#pragma GCC unroll 8
  for (int i = 0; i < To; ++i) {
    if (i >= t.rows) break;
    V y[To];
    Transform::apply(all[i], y);
#pragma GCC unroll 8
    for (int j = 0; j < To; ++j) {
      if (j >= t.columns) break;
      const int64_t at = i * t.row + j * t.pixel + k;
      V sum = y[j];
      if (t.bias) sum = sum + bias;
      if (t.residual) sum = sum + load_some(static_cast<const float*>(t.residual) + at, n);
      if (t.relu) sum = maximum(sum, V::zero());
      store_some(sum, static_cast<float*>(t.to) + at, n);
    }
  }
}

template <class Transform, int From, int To>
void output(const WinogradOutput* t) {
  int64_t k = 0;
  for (; k + L <= t->filters; k += L) output_vector<Transform, From, To>(*t, k, L);
  if (k < t->filters) output_vector<Transform, From, To>(*t, k, t->filters - k);
}

/* Side x Side frequencies to what they add to Side x Side elements of the image. */
template <class Transform, int Side, bool Whole>
FASTNN_INLINE void overlap_vector(const WinogradOverlap& t, int64_t c, int64_t n) {
  const float* from = static_cast<const float*>(t.from) + c;
  V all[Side][Side];
  transform_columns<Transform>(all, [&](int i, int j) __attribute__((always_inline)) {
    return load_some(from + (i * Side + j) * t.frequency, n);
  });
#pragma GCC unroll 8
  for (int i = 0; i < Side; ++i) {
    V x[Side];
    Transform::apply(all[i], x);
#pragma GCC unroll 8
    for (int j = 0; j < Side; ++j) {
      if (!Whole && !holds(t.tile, i, j)) continue;
      float* to = static_cast<float*>(t.to) + i * t.tile.row + j * t.tile.pixel + c;
      store_some(load_some(to, n) + x[j], to, n);
    }
  }
}

template <class Transform, int Side>
void overlap(const WinogradOverlap* t) {
  for_vectors(t->tile, Side, [&](int64_t c, int64_t n, auto whole) {
    overlap_vector<Transform, Side, decltype(whole)::value>(*t, c, n);
  });
}

template <int Size, int Taps>
void fill(WinogradTransforms* transforms) {
  constexpr int N = Size + Taps - 1;
  transforms->input = input<Image<Size, Taps>, N, N>;
  transforms->kernel = kernel<Size, Taps>;
  transforms->output = output<Result<Size, Taps>, N, Size>;
}

template <int Size, int Taps>
void fill(WinogradAdjoint* adjoint) {
  constexpr int N = Size + Taps - 1;
  adjoint->signal = input<Signal<Size, Taps>, Size, N>;
  adjoint->taps = output<Sums<Size, Taps>, N, Taps>;
  if constexpr (Taps == 3)
    adjoint->overlap = overlap<Overlapping<Size, Taps>, N>;
  else
    adjoint->overlap = nullptr;
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(winograd, WinogradKernels) {
  fastnn::fill<2, 3>(&table->two);
  fastnn::fill<4, 3>(&table->four);
  fastnn::fill<2, 5>(&table->five);
  fastnn::fill<2, 7>(&table->seven);
  fastnn::fill<4, 3>(&table->by_three);
  fastnn::fill<2, 5>(&table->by_five);
  fastnn::fill<2, 7>(&table->by_seven);
}
