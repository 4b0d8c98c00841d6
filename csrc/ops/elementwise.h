// The attributes of the element-wise primitives, for callers in C++.
#pragma once

#include <cstdint>

namespace fastnn {

struct UnaryAttributes {
  int64_t op;  // UnaryOp
  double a, b;
};

struct BinaryAttributes {
  int64_t op;  // BinaryOp
};

}  // namespace fastnn
