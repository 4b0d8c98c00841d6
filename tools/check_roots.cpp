// Whether csrc/simd/root_step.h gives the rounded root from whatever a processor estimates: for
// every float of [1, 4), which stand for all by powers of 4, and every estimate of 16 bits within
// 2^-13.9 of x^(-1/2); AVX-512 promises 2^-14.
//
//   c++ -std=c++17 -O3 -mfma -ffp-contract=off -I csrc tools/check_roots.cpp -o check_roots
//
// Prints how many pairs it tried and how many were wrong: 203435881 and 0.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "simd/root_step.h"

namespace {

struct Number {
  float value;
};
Number operator*(Number a, Number b) { return {a.value * b.value}; }
Number operator-(Number a) { return {-a.value}; }
Number fma(Number a, Number b, Number c) { return {std::fma(a.value, b.value, c.value)}; }

float root(float x, float estimate) {
  return fastnn::root_from(Number{x}, Number{estimate}, Number{0.5f}).value;
}

}  // namespace

int main() {
  const double most = std::exp2(-13.9), unit = std::exp2(-17);  // estimates lie from 1/2 to 1
  int64_t tried = 0, wrong = 0;
  for (uint32_t bits = 0x3f800000; bits < 0x40800000; ++bits) {
    float x;
    std::memcpy(&x, &bits, sizeof(x));
    const double inverse = 1 / std::sqrt(static_cast<double>(x));
    const double first = std::ceil(inverse * (1 - most) / unit) * unit;
    for (double estimate = first; estimate <= inverse * (1 + most); estimate += unit, ++tried)
      wrong += root(x, static_cast<float>(estimate)) != std::sqrt(x);
  }
  std::printf("%lld pairs, %lld wrong\n", static_cast<long long>(tried),
              static_cast<long long>(wrong));
  return wrong != 0;
}
