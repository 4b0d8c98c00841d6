// What `infer` functions check most often, and how it is worded:
// `operation: argument has ..., expected ...`.
#pragma once

#include <initializer_list>
#include <string>

#include "core/primitive.h"

namespace fastnn {

std::string shape_text(int rank, const int64_t* shape);
inline std::string shape_text(const Array& array) { return shape_text(array.rank, array.shape); }

[[noreturn]] void fail(ErrorKind kind, const Call& call, const std::string& message);

// The name that the record gives operand j.
std::string operand_name(const Call& call, int j);

void check_rank(const Call& call, int operand, int rank);
void check_float(const Call& call, int operand);
void check_same_dtype(const Call& call, int first, int second);
void check_same_shape(const Call& call, int first, int second);
void check_dtypes(const Call& call, int operand, std::initializer_list<DType> allowed);
void check_axis(const Call& call, const char* name, int64_t axis, int rank);

// The broadcast shape of two operands (NumPy's rule) into shape; returns its rank.
int broadcast_shapes(const Call& call, const Array& a, const Array& b, int64_t* shape);
inline int broadcast_shapes(const Call& call, int first, int second, int64_t* shape) {
  return broadcast_shapes(call, call.operand(first), call.operand(second), shape);
}

// Throws if the product of the extents does not fit 2^62 elements or one of them is negative.
void check_extents(const Call& call, int rank, const int64_t* shape);

}  // namespace fastnn
