// The rate of a dropout, which arrives as an array so that it may change between replays.
#pragma once

#include <cmath>

#include "ops/checks.h"

namespace fastnn {

inline void check_rate(const Call& call, int x, int rate) {
  check_same_dtype(call, x, rate);
  check_rank(call, rate, 0);
}

struct DropoutRate {
  double rate;
  double scale;  // 1 / (1 - rate) in the dtype; what multiplies at rate 1 is never kept

  explicit DropoutRate(const Array& scalar) {
    if (scalar.dtype == DType::float64) {
      rate = *scalar.as<double>();
      scale = 1 / (1 - rate);
    } else {
      const float narrow = *scalar.as<float>();
      rate = narrow;
      scale = 1 / (1 - narrow);
    }
  }

  // What random words of 24 bits must reach to be kept.
  uint32_t threshold() const {
    return static_cast<uint32_t>(std::ceil((rate < 1 ? rate : 1) * (1 << 24)));
  }

  // Whether it is a rate at all; see describe_rate.
  Status status() const {
    if (rate >= 0) return {};
    Status status{1, 0, 0};
    std::memcpy(&status.value, &rate, sizeof rate);
    return status;
  }
};

inline Error describe_rate(const Call& call, const Status& status) {
  double rate;
  std::memcpy(&rate, &status.value, sizeof rate);
  return Error(ErrorKind::value, std::string(call.primitive->name) + ": rate is " +
                                     std::to_string(rate) + ", expected at least 0");
}

}  // namespace fastnn
