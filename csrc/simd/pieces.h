// Functions of float32 as polynomials on eight pieces. Each lane looks its piece's coefficients up
// in registers, so that a function which no single short polynomial follows needs no exponential
// and no division. The methods are those of P. Tang (Table-driven implementation of ..., 1989 to
// 1992).
#pragma once

#include "simd/vec.h"

namespace fastnn {
namespace {

// c[0] + c[1] u + ... + c[n - 1] u^(n - 1), u = x - centre, all by piece.
template <int n>
struct Pieces {
  float centre[8], c[n][8];
};

}  // namespace
}  // namespace fastnn

#include "simd/pieces_tables.h"

namespace fastnn {
namespace {

// x - centre, exact, and c[1] + c[2] u + ...: what is left is c[0] + u slope.
struct Line {
  Vec<float> u, slope;
};

template <int n>
FASTNN_INLINE Line line_of(const Pieces<n>& pieces, Vec<float> x, Vec<float>::Int index) {
  const Vec<float> u = x - lookup(pieces.centre, index);
  Vec<float> slope = lookup(pieces.c[n - 1], index);
#pragma GCC unroll 16
  for (int k = n - 2; k > 0; --k) slope = exact_fma(slope, u, lookup(pieces.c[k], index));
  return {u, slope};
}

template <int n>
FASTNN_INLINE Vec<float> value_of(const Pieces<n>& pieces, Vec<float> x, Vec<float>::Int index) {
  const Line line = line_of(pieces, x, index);
  return exact_fma(line.u, line.slope, lookup(pieces.c[0], index));
}

}  // namespace
}  // namespace fastnn
