// Layer, RMS and group normalization (Ba et al., 2016; Zhang and Sennrich, 2019; Wu and He, 2018).
//
// A row is read from memory once: its mean, its variance and the result follow from the nearest
// cache. The variance is the mean square of what the mean leaves, never a difference of squares.
// Groups are sums of columns, so that they may be as narrow as they like. Sums go by
// core/summation_order.h.
#include "kernels/norm.h"

#include <string.h>

#include "kernels/fill.h"
#include "simd/fold.h"

namespace fastnn {
namespace {

template <class T>
struct View {  // of NormForward
  const T *x, *gamma, *beta;
  T *y, *mean, *rstd;
  explicit View(const NormForward& f)
      : x(static_cast<const T*>(f.x)),
        gamma(static_cast<const T*>(f.gamma)),
        beta(static_cast<const T*>(f.beta)),
        y(static_cast<T*>(f.y)),
        mean(static_cast<T*>(f.mean)),
        rstd(static_cast<T*>(f.rstd)) {}
};

template <class T>
struct BackwardView {  // of NormBackward
  const T *dy, *x, *mean, *rstd, *gamma;
  T *dx, *dgamma, *dbeta;
  explicit BackwardView(const NormBackward& b)
      : dy(static_cast<const T*>(b.dy)),
        x(static_cast<const T*>(b.x)),
        mean(static_cast<const T*>(b.mean)),
        rstd(static_cast<const T*>(b.rstd)),
        gamma(static_cast<const T*>(b.gamma)),
        dx(static_cast<T*>(b.dx)),
        dgamma(static_cast<T*>(b.dgamma)),
        dbeta(static_cast<T*>(b.dbeta)) {}
};

// Two sums in one go, of numbers or of registers.
template <class V>
struct TwoSums {
  V first, second;
  friend FASTNN_INLINE TwoSums operator+(TwoSums a, TwoSums b) {
    return {a.first + b.first, a.second + b.second};
  }
};

// The sums of the registers that value(index, left) gives; lanes beyond `left` must be zero.
template <class T, class Value>
FASTNN_INLINE TwoSums<T> two_sums(int64_t n, Value value) {
  return fold_blocks<kFoldSum, TwoSums<T>>(n, kDotBlock, [&](int64_t start, int64_t count) {
    constexpr int kRegisters = kVirtualLanes<T> / Vec<T>::kLanes;
    Vec<T> first[kRegisters], second[kRegisters];
    for (int k = 0; k < kRegisters; ++k) first[k] = second[k] = Vec<T>::zero();
    for_lanes<T>(count, [&](int k, int64_t i, int64_t left) {
      const TwoSums<Vec<T>> x = value(start + i, left);
      first[k] = first[k] + x.first;
      second[k] = second[k] + x.second;
    });
    return TwoSums<T>{fold_lanes<kFoldSum>(first), fold_lanes<kFoldSum>(second)};
  });
}

// 1 / sqrt(x), each rounded.
template <class T>
FASTNN_INLINE T reciprocal_root(T x) {
  return first_lane(Vec<T>::broadcast(1) / sqrt(Vec<T>::broadcast(x)));
}

template <class T>
FASTNN_INLINE Vec<T> load_or(const T* p, int64_t i, int64_t left, Vec<T> absent) {
  return p ? load_some(p + i, left) : absent;
}

// ---- rows ---------------------------------------------------------------------------------------

template <class T>
void norm_rows(const NormForward* f, int64_t rows, int64_t n) {
  using V = Vec<T>;
  View<T> v(*f);
  const T count = static_cast<T>(n), epsilon = static_cast<T>(f->epsilon);
  for (int64_t r = 0; r < rows; ++r, v.x += n, v.y += n) {
    const T centre = v.mean ? fold_row<T, kFoldSum>(v.x, n) / count : 0;
    const V m = V::broadcast(centre);
    const T squares = fold_values<T, kFoldSum>(n, [&](int64_t i, int64_t left) {
      const V d = load_padded(v.x + i, left, m) - m;
      return d * d;
    });
    const T scale = reciprocal_root(squares / count + epsilon);
    if (v.mean) v.mean[r] = centre;
    v.rstd[r] = scale;
    const V s = V::broadcast(scale);
    for_registers<T>(n, [&](int64_t i, int64_t left) {
      const V xh = (load_some(v.x + i, left) - m) * s;
      const V gamma = load_or(v.gamma, i, left, V::broadcast(1));
      store_some(fma(xh, gamma, load_or(v.beta, i, left, V::zero())), v.y + i, left);
    });
  }
}

// What the gradients of a row have in common.
template <class T>
struct RowGradient {
  Vec<T> mean, scale, first, second;
};

template <class T>
FASTNN_INLINE RowGradient<T> row_gradient(const BackwardView<T>& v, int64_t r, int64_t n) {
  using V = Vec<T>;
  const T *x = v.x + r * n, *dy = v.dy + r * n;
  const V m = V::broadcast(v.mean ? v.mean[r] : 0), scale = V::broadcast(v.rstd[r]);
  const TwoSums<T> sums = two_sums<T>(n, [&](int64_t i, int64_t left) {
    const V xh = (load_padded(x + i, left, m) - m) * scale;
    const V g = load_some(dy + i, left) * load_or(v.gamma, i, left, V::broadcast(1));
    return TwoSums<V>{g, g * xh};
  });
  const T count = static_cast<T>(n);
  return {m, scale, V::broadcast(v.mean ? sums.first / count : 0),
          V::broadcast(sums.second / count)};
}

// Some rows together, so that the sums over rows are read and written once for all of them.
template <class T, int Rows>
FASTNN_INLINE void together_backward(const BackwardView<T>& v, int64_t r0, int64_t n) {
  using V = Vec<T>;
  RowGradient<T> row[Rows];
  for (int r = 0; r < Rows; ++r) row[r] = row_gradient(v, r0 + r, n);
  for_registers<T>(n, [&](int64_t i, int64_t left) {
    const V gamma = load_or(v.gamma, i, left, V::broadcast(1));
    V dgamma = load_some(v.dgamma + i, left), dbeta = load_some(v.dbeta + i, left);
    for (int r = 0; r < Rows; ++r) {
      const int64_t at = (r0 + r) * n + i;
      const V xh = (load_some(v.x + at, left) - row[r].mean) * row[r].scale;
      const V dy = load_some(v.dy + at, left);
      dgamma = dgamma + dy * xh;
      dbeta = dbeta + dy;
      const V dx = row[r].scale * fma(-xh, row[r].second, dy * gamma - row[r].first);
      if (v.dx) store_some(dx, v.dx + at, left);
    }
    store_some(dgamma, v.dgamma + i, left);
    store_some(dbeta, v.dbeta + i, left);
  });
}

template <class T>
void norm_rows_backward(const NormBackward* b, int64_t rows, int64_t n) {
  constexpr int kTogether = 2;
  const BackwardView<T> v(*b);
  const size_t bytes = static_cast<size_t>(n) * sizeof(T);
  memset(v.dgamma, 0, bytes);
  memset(v.dbeta, 0, bytes);
  int64_t r = 0;
  for (; r + kTogether <= rows; r += kTogether) together_backward<T, kTogether>(v, r, n);
  for (; r < rows; ++r) together_backward<T, 1>(v, r, n);
}

// ---- groups of columns --------------------------------------------------------------------------

// sums[c] = the sum over rows of value(row, first column, left).
template <class T, class Value>
FASTNN_INLINE void sum_columns(int64_t rows, int64_t columns, T* sums, Value value) {
  for_registers<T>(columns, [&](int64_t c, int64_t left) {
    const auto of_row = [&](int64_t r) { return value(r, c, left); };
    store_some(fold_down<T, kFoldSum>(rows, of_row), sums + c, left);
  });
}

template <class T>
FASTNN_INLINE void spread(T* row, int64_t width, T value) {
  for (int64_t i = 0; i < width; ++i) row[i] = value;
}

template <class T>
void norm_groups(const NormForward* f, const NormColumns* of, void* scratch) {
  using V = Vec<T>;
  const View<T> v(*f);
  const int64_t rows = of->rows, stride = of->stride, groups = of->groups, width = of->width;
  const int64_t columns = groups * width;
  T *centre = static_cast<T*>(scratch), *factor = centre + columns;
  const T count = static_cast<T>(rows * width), epsilon = static_cast<T>(f->epsilon);
  const auto x = [&](int64_t r, int64_t c, int64_t left) {
    return load_some(v.x + r * stride + c, left);
  };
  if (v.mean) sum_columns(rows, columns, centre, x);
  for (int64_t g = 0; g < groups; ++g) {
    T* own = centre + g * width;
    const T m = v.mean ? fold_row<T, kFoldSum>(own, width) / count : 0;
    if (v.mean) v.mean[g] = m;
    spread(own, width, m);
  }
  sum_columns(rows, columns, factor, [&](int64_t r, int64_t c, int64_t left) {
    const V d = x(r, c, left) - load_some(centre + c, left);
    return d * d;
  });
  for (int64_t g = 0; g < groups; ++g) {
    T* own = factor + g * width;
    v.rstd[g] = reciprocal_root(fold_row<T, kFoldSum>(own, width) / count + epsilon);
    for (int64_t i = 0; i < width; ++i)
      own[i] = v.gamma ? v.rstd[g] * v.gamma[g * width + i] : v.rstd[g];
  }
  for (int64_t r = 0; r < rows; ++r)
    for_registers<T>(columns, [&](int64_t c, int64_t left) {
      const V d = x(r, c, left) - load_some(centre + c, left);
      const V shift = load_or(v.beta, c, left, V::zero());
      store_some(fma(d, load_some(factor + c, left), shift), v.y + r * stride + c, left);
    });
}

// dx = dy p + (x - mean) q + s, with a p, q and s for every column.
template <class T>
void norm_groups_backward(const NormBackward* b, const NormColumns* of, void* scratch) {
  using V = Vec<T>;
  const BackwardView<T> v(*b);
  const int64_t rows = of->rows, stride = of->stride, groups = of->groups, width = of->width;
  const int64_t columns = groups * width;
  T *centre = static_cast<T*>(scratch), *p = centre + columns, *q = p + columns, *s = q + columns;
  for (int64_t g = 0; g < groups; ++g) {
    spread(centre + g * width, width, v.mean ? v.mean[g] : 0);
    spread(p + g * width, width, v.rstd[g]);
  }
  const auto at = [&](const T* array, int64_t r, int64_t c, int64_t left) {
    return load_some(array + r * stride + c, left);
  };
  for_registers<T>(columns, [&](int64_t c, int64_t left) {
    const V m = load_some(centre + c, left), scale = load_some(p + c, left);
    const auto sums =
        fold_blocks<kFoldSum, TwoSums<V>>(rows, kRowBlock, [&](int64_t start, int64_t count) {
          TwoSums<V> sum = {V::zero(), V::zero()};
          for (int64_t r = start; r < start + count; ++r) {
            const V dy = at(v.dy, r, c, left);
            sum = sum + TwoSums<V>{dy, dy * ((at(v.x, r, c, left) - m) * scale)};
          }
          return sum;
        });
    store_some(sums.first, v.dbeta + c, left);
    store_some(sums.second, v.dgamma + c, left);
  });
  if (!v.dx) return;
  const T count = static_cast<T>(rows * width);
  for (int64_t g = 0; g < groups; ++g) {
    const int64_t first = g * width;
    const T scale = v.rstd[g];
    const TwoSums<T> sums = two_sums<T>(width, [&](int64_t i, int64_t left) {
      const V gamma = load_or(v.gamma, first + i, left, V::broadcast(1));
      return TwoSums<V>{gamma * load_some(v.dbeta + first + i, left),
                        gamma * load_some(v.dgamma + first + i, left)};
    });
    spread(q + first, width, -scale * (scale * (sums.second / count)));
    spread(s + first, width, v.mean ? -scale * (sums.first / count) : 0);
    if (v.gamma)
      for (int64_t i = first; i < first + width; ++i) p[i] *= v.gamma[i];
  }
  for (int64_t r = 0; r < rows; ++r)
    for_registers<T>(columns, [&](int64_t c, int64_t left) {
      const V d = at(v.x, r, c, left) - load_some(centre + c, left);
      const V rest = fma(d, load_some(q + c, left), load_some(s + c, left));
      store_some(fma(at(v.dy, r, c, left), load_some(p + c, left), rest), v.dx + r * stride + c,
                 left);
    });
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(norm, NormKernels) {
  using namespace fastnn;
  *table = NormKernels{{norm_rows<float>, norm_rows<double>},
                       {norm_rows_backward<float>, norm_rows_backward<double>},
                       {norm_groups<float>, norm_groups<double>},
                       {norm_groups_backward<float>, norm_groups_backward<double>}};
}
