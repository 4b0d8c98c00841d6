// The arithmetic of a root by products, for registers and for tools/check_roots.cpp.
//
// Method: Newton's iteration for x^(-1/2), coupled (Goldschmidt), then one exact remainder; P.
// Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor" (1990).
#pragma once

namespace fastnn {
namespace {

// From an estimate of x^(-1/2) within 2^-13.9 the rounded root of x.
template <class V>
inline __attribute__((always_inline)) V root_from(V x, V estimate, V half) {
  V g = x * estimate, h = estimate * half;  // towards sqrt(x) and half its inverse
  const V e = fma(-g, h, half);
  g = fma(g, e, g);
  h = fma(h, e, h);
  return fma(fma(-g, g, x), h, g);
}

}  // namespace
}  // namespace fastnn
