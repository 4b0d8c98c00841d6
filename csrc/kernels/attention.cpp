// Softmax over keys that arrive in blocks: the largest score so far and the sum of exponentials
// below it are corrected with each block.
//
// Method: M. Milakov, N. Gimelshein, "Online normalizer calculation for softmax" (2018); with the
// products around it, T. Dao et al., "FlashAttention" (2022).
#include "kernels/attention.h"

#include <float.h>

#include "kernels/fill.h"
#include "simd/bytes.h"
#include "simd/exp_row.h"

namespace fastnn {
namespace {

// Below every finite score, and exp(kBelow - score) is 0 for all but itself.
template <class T>
constexpr T kBelow = sizeof(T) == 4 ? -FLT_MAX : static_cast<T>(-DBL_MAX);

template <class T>
FASTNN_INLINE Vec<T> zero_unless(Vec<T> value, const uint8_t* kept, int64_t left) {
  return select(load_bytes<T>(kept, left) > Vec<T>::zero(), value, Vec<T>::zero());
}

// One query of a block.
template <class T>
struct Query {
  using V = Vec<T>;
  const AttentionBlock& b;
  int64_t row, seen;
  bool blind;
  T* scores;

  FASTNN_INLINE Query(const AttentionBlock& block, int64_t r)
      : b(block), row(r), seen(block.seen + r * block.more_seen) {
    blind = b.blind && b.blind[r];
    if (seen > b.keys || blind) seen = b.keys;
    if (seen < 0) seen = 0;
    scores = static_cast<T*>(b.scores) + r * b.scores_row;
  }

  // The scores from key i on; minus infinity for keys that are not seen.
  FASTNN_INLINE V at(int64_t i, int64_t left) const {
    const V score = load_some(scores + i, left) * V::broadcast(static_cast<T>(b.scale));
    if (!b.mask) return score;
    const V nothing = V::broadcast(-static_cast<T>(INFINITY));
    const uint8_t* mask = b.mask + row * b.mask_row;
    if (b.mask_key == 0) return *mask ? score : nothing;
    return select(load_bytes<T>(mask + i, left) > V::zero(), score, nothing);
  }

  FASTNN_INLINE V dropped(V value, int64_t i, int64_t left) const {
    if (!b.kept) return value;
    const V scaled = value * V::broadcast(static_cast<T>(b.kept_scale));
    return zero_unless(scaled, b.kept + row * b.scores_row + i, left);
  }

  FASTNN_INLINE void clear(T* values, int64_t from) const {
    for_registers<T>(b.keys - from, [&](int64_t i, int64_t left) {
      store_some(V::zero(), values + from + i, left);
    });
  }
};

template <class T>
FASTNN_INLINE T exp_of(T x) {
  return first_lane(exp(Vec<T>::broadcast(x)));
}

template <class T>
FASTNN_INLINE void scale_row(T* y, int64_t n, T factor) {
  const Vec<T> by = Vec<T>::broadcast(factor);
  for_registers<T>(
      n, [&](int64_t i, int64_t left) { store_some(load_some(y + i, left) * by, y + i, left); });
}

template <class T>
void forward(const AttentionForward* f) {
  using V = Vec<T>;
  T *largest = static_cast<T*>(f->largest), *sum = static_cast<T*>(f->sum);
  for (int64_t r = 0; r < f->block.rows; ++r) {
    const Query<T> query(f->block, r);
    const T before = f->y ? largest[r] : kBelow<T>;
    T top = 0;
    if (query.blind) {
      query.clear(query.scores, 0);
    } else {
      const V nothing = V::broadcast(-static_cast<T>(INFINITY));
      top = fold_values<T, kFoldMax>(query.seen, [&](int64_t i, int64_t left) {
        const V score = query.at(i, left);
        store_some(score, query.scores + i, left);
        return pad(score, left, nothing);
      });
      top = maximum(before, top);
    }
    const T here = exp_row(query.scores, top, query.seen, query.scores);
    query.clear(query.scores, query.seen);
    if (f->block.kept)
      for_registers<T>(query.seen, [&](int64_t i, int64_t left) {
        T* at = query.scores + i;
        store_some(query.dropped(load_some(at, left), i, left), at, left);
      });
    largest[r] = top;
    if (!f->y) {
      sum[r] = here;
      continue;
    }
    const T change = exp_of(before - top);
    sum[r] = sum[r] * change + here;
    if (change != 1) scale_row(static_cast<T*>(f->y) + r * f->y_row, f->y_columns, change);
  }
}

template <class T>
void finish(const AttentionFinish* f) {
  const T *largest = static_cast<const T*>(f->largest), *sum = static_cast<const T*>(f->sum);
  for (int64_t r = 0; r < f->rows; ++r) {
    scale_row(static_cast<T*>(f->y) + r * f->y_row, f->columns, 1 / sum[r]);
    static_cast<T*>(f->lse)[r] = largest[r] + log_of(sum[r]);
  }
}

template <class T>
void backward(const AttentionBackward* f) {
  using V = Vec<T>;
  const V scale = V::broadcast(static_cast<T>(f->block.scale));
  for (int64_t r = 0; r < f->block.rows; ++r) {
    const Query<T> query(f->block, r);
    T* gradients = static_cast<T*>(f->gradients) + r * f->block.scores_row;
    const V lse = V::broadcast(static_cast<const T*>(f->lse)[r]);
    const V delta = V::broadcast(static_cast<const T*>(f->delta)[r]);
    for_registers<T>(query.seen, [&](int64_t i, int64_t left) {
      const V score = query.blind ? V::zero() : query.at(i, left);
      const V weight = exp(score - lse);
      const V by_weight = query.dropped(load_some(gradients + i, left), i, left);
      const V by_score = weight * (by_weight - delta) * scale;
      store_some(query.dropped(weight, i, left), query.scores + i, left);
      store_some(query.blind ? V::zero() : by_score, gradients + i, left);
    });
    query.clear(query.scores, query.seen);
    query.clear(gradients, query.seen);
  }
}

template <class T>
void delta(const AttentionDelta* f) {
  for (int64_t r = 0; r < f->rows; ++r) {
    const T *dy = static_cast<const T*>(f->dy) + r * f->dy_row,
            *y = static_cast<const T*>(f->y) + r * f->y_row;
    static_cast<T*>(f->delta)[r] = fold_values<T, kFoldSum>(
        f->columns,
        [&](int64_t i, int64_t left) { return load_some(dy + i, left) * load_some(y + i, left); });
  }
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(attention, AttentionKernels) {
  using namespace fastnn;
  *table = AttentionKernels{{forward<float>, forward<double>},
                            {finish<float>, finish<double>},
                            {backward<float>, backward<double>},
                            {delta<float>, delta<double>}};
}
