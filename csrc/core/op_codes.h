// The op codes of the element-wise and reducing primitives: one list, shared by all backends.
//
// A code is an index into these lists. What a code means is one line of NumPy in
// fastnn/backends/reference; what it may be applied to stands here.
#pragma once

#include <cstdint>

namespace fastnn {

// X(name, operand that the derivative reads, dtypes)
//   reads: x or y (the output), n: the derivative needs neither, z: it is zero everywhere
//   dtypes: F floating point, N numbers (floating point and integers), A all with booleans;
//   FB floating point in, boolean out; AB all in, boolean out
#define FASTNN_UNARY_OPS(X) \
  X(linear, n, A)           \
  X(neg, n, N)              \
  X(abs, x, N)              \
  X(sign, z, N)             \
  X(square, x, N)           \
  X(sqrt, y, F)             \
  X(rsqrt, y, F)            \
  X(reciprocal, y, F)       \
  X(exp, y, F)              \
  X(expm1, y, F)            \
  X(log, x, F)              \
  X(log2, x, F)             \
  X(log10, x, F)            \
  X(log1p, x, F)            \
  X(sin, x, F)              \
  X(cos, x, F)              \
  X(tan, y, F)              \
  X(asin, x, F)             \
  X(acos, x, F)             \
  X(atan, x, F)             \
  X(sinh, x, F)             \
  X(cosh, x, F)             \
  X(tanh, y, F)             \
  X(sigmoid, y, F)          \
  X(log_sigmoid, x, F)      \
  X(softplus, x, F)         \
  X(softsign, x, F)         \
  X(relu, y, N)             \
  X(leaky_relu, x, F)       \
  X(elu, y, F)              \
  X(selu, y, F)             \
  X(gelu, x, F)             \
  X(gelu_tanh, x, F)        \
  X(silu, x, F)             \
  X(mish, x, F)             \
  X(hard_sigmoid, x, F)     \
  X(hard_tanh, x, F)        \
  X(hard_silu, x, F)        \
  X(erf, x, F)              \
  X(erfinv, y, F)           \
  X(floor, z, N)            \
  X(ceil, z, N)             \
  X(round, z, N)            \
  X(logical_not, z, AB)     \
  X(isfinite, z, FB)        \
  X(isnan, z, FB)

// X(name, dtypes, result): dtypes as above (I: integers and booleans); result s: as the operands,
// b: boolean
#define FASTNN_BINARY_OPS(X) \
  X(add, N, s)               \
  X(sub, N, s)               \
  X(mul, N, s)               \
  X(div, F, s)               \
  X(floordiv, N, s)          \
  X(mod, N, s)               \
  X(pow, N, s)               \
  X(maximum, A, s)           \
  X(minimum, A, s)           \
  X(atan2, F, s)             \
  X(equal, A, b)             \
  X(not_equal, A, b)         \
  X(less, A, b)              \
  X(less_equal, A, b)        \
  X(logical_and, A, b)       \
  X(logical_or, A, b)        \
  X(logical_xor, A, b)       \
  X(bitwise_and, I, s)       \
  X(bitwise_or, I, s)        \
  X(bitwise_xor, I, s)       \
  X(left_shift, I, s)        \
  X(right_shift, I, s)

// X(name, dtypes, result): result s: as the operand, b: boolean
#define FASTNN_REDUCE_OPS(X) \
  X(sum, N, s)               \
  X(mean, F, s)              \
  X(max, A, s)               \
  X(min, A, s)               \
  X(prod, N, s)              \
  X(any, A, b)               \
  X(all, A, b)               \
  X(sum_squares, N, s)       \
  X(abs_sum, N, s)           \
  X(logsumexp, F, s)

#define FASTNN_ENUMERATE(name, ...) name,
enum class UnaryOp : int32_t { FASTNN_UNARY_OPS(FASTNN_ENUMERATE) count };
enum class BinaryOp : int32_t { FASTNN_BINARY_OPS(FASTNN_ENUMERATE) count };
enum class ReduceOp : int32_t { FASTNN_REDUCE_OPS(FASTNN_ENUMERATE) count };
#undef FASTNN_ENUMERATE

// By what the kernels fold elements: what the reducing operations are made of.
enum FoldOp {
  kFoldSum,
  kFoldProd,
  kFoldMax,  // NaN propagates
  kFoldMin,
  kFoldSquares,     // sum of squares
  kFoldMagnitudes,  // sum of absolute values
  kFoldFinite       // 0 if all are finite, else NaN; floating point only
};

// The names of a list of codes, for error messages and for backends written in Python.
struct CodeList {
  const char* const* names;
  int count;
};

#define FASTNN_NAME(name, ...) #name,
inline CodeList unary_codes() {
  static constexpr const char* names[] = {FASTNN_UNARY_OPS(FASTNN_NAME)};
  return {names, static_cast<int>(UnaryOp::count)};
}
inline CodeList binary_codes() {
  static constexpr const char* names[] = {FASTNN_BINARY_OPS(FASTNN_NAME)};
  return {names, static_cast<int>(BinaryOp::count)};
}
inline CodeList reduce_codes() {
  static constexpr const char* names[] = {FASTNN_REDUCE_OPS(FASTNN_NAME)};
  return {names, static_cast<int>(ReduceOp::count)};
}
#undef FASTNN_NAME

// What users call a binary op code: fastnn.ops has the arithmetic under longer names.
inline const char* operation_name(BinaryOp op) {
  switch (op) {
    case BinaryOp::sub:
      return "subtract";
    case BinaryOp::mul:
      return "multiply";
    case BinaryOp::div:
      return "divide";
    case BinaryOp::floordiv:
      return "floor_divide";
    case BinaryOp::pow:
      return "power";
    case BinaryOp::atan2:
      return "arctan2";
    default:
      return binary_codes().names[static_cast<int>(op)];
  }
}

}  // namespace fastnn
